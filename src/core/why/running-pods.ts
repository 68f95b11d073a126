/** What pods run on now, and in what the pod that replaces each would be another. */
import { runningPods, type MeshInventory, type MeshPod } from '../mesh/mesh-inventory.ts';
import { sameIstioVersion } from '../versions/istio-version.ts';
import type { NextPod, PodNow } from './why-answer.ts';

/** Those that run or start; finished and terminating ones are left out. */
export function podsNow(pods: readonly MeshPod[], next: NextPod, inventory: MeshInventory): PodNow[] {
  return runningPods({ pods }).map((pod) => podNow(pod, next, inventory));
}

export function podNow(pod: MeshPod, next: NextPod, inventory: MeshInventory): PodNow {
  const { proxy, revision } = pod;
  return {
    name: pod.name,
    ready: pod.ready,
    ...(revision === undefined ? {} : { revision }),
    ...(proxy === undefined ? {} : { version: proxy.version, image: proxy.image }),
    istiods: pod.connections.map((connection) => connection.istiodPod),
    connectedTo: [...new Set(pod.connections.map((connection) => connection.revision))],
    proxy: stateOf(pod, inventory),
    differs: whatDiffers(pod, next),
  };
}

function stateOf(pod: MeshPod, inventory: MeshInventory): PodNow['proxy'] {
  if (pod.proxy === undefined) return 'none';
  const worst = (['not-sent', 'stale', 'synced'] as const).find((state) => pod.connections.some(({ sync }) => sync === state));
  if (worst !== undefined) return worst;
  const isSilent = inventory.revisions.some((r) => r.istiods.some((report) => report.error !== undefined));
  return isSilent ? 'unknown' : 'not-connected';
}

function whatDiffers({ proxy, revision }: MeshPod, next: NextPod): string {
  switch (next.gets) {
    case 'refused':
    case 'in-template':
    case 'made-by-istiod':
      return '';
    case 'nothing':
      return proxy === undefined ? '' : 'the next one has no proxy';
    case 'injected':
      break;
  }
  if (proxy === undefined) return 'it has no proxy';
  if (revision !== next.revision) return `it is on ${revision ?? 'an unknown revision'}`;
  const versions = [proxy.version, next.version ?? 'unknown'] as const;
  if (next.imagePinnedBy !== undefined || versions.includes('unknown') || sameIstioVersion(...versions)) return '';
  return `its proxy is ${proxy.version}`;
}
