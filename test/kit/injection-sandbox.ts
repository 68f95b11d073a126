/** A sandbox with a control plane in it, ready for injection cases. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '../../src/sandbox/objects/kube-object.ts';
import { isControlPlaneReady } from '../../src/sandbox/scenarios/scenario-readiness.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/start-sandbox.ts';
import { playTarget } from './http-player.ts';
import { InjectionPlayer } from './injection-player.ts';

const WRITER = ['system:apiserver', 'meshlift-sandbox'] as const;
const LOOK_EVERY_MS = 50;
const LOOKS = 4000;

export interface InjectionSandbox {
  readonly sandbox: Sandbox;
  readonly player: InjectionPlayer;
  readonly kubeconfigPath: string;
  readonly stop: () => Promise<void>;
}

/** @param lost an istiod whose Deployment and Service go once all is ready */
export async function startInjectionSandbox(objects: readonly KubeObject[], lost?: string): Promise<InjectionSandbox> {
  const sandbox = await startSandbox({ time: { kind: 'real', factor: 20 } });
  const folder = mkdtempSync(join(tmpdir(), 'injection-'));
  const kubeconfigPath = join(folder, 'kubeconfig');
  writeFileSync(kubeconfigPath, sandbox.kubeconfig, { mode: 0o600 });
  const player = new InjectionPlayer(playTarget(kubeconfigPath));
  const stop = async (): Promise<void> => {
    player.close();
    rmSync(folder, { recursive: true });
    await sandbox.stop();
  };
  try {
    await Promise.all([installControlPlane(sandbox, objects, lost), player.openNamespaces()]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { sandbox, player, kubeconfigPath, stop };
}

async function installControlPlane({ api, cluster, clock }: Sandbox, objects: readonly KubeObject[], lost?: string): Promise<void> {
  const writer = cluster.as(...WRITER);
  await writer.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } });
  for (const object of objects) {
    const definition = api.registry.byKind(object.apiVersion, object.kind);
    if (definition === undefined) throw new Error(`the cluster does not know ${object.kind} of ${object.apiVersion}`);
    await writer.create(definition.storage, object);
  }
  await until(() => isControlPlaneReady(cluster));
  if (lost === undefined) return;
  await writer.delete('services', lost, 'istio-system');
  await writer.delete('deployments.apps', lost, 'istio-system');
  await until(() => !cluster.list('pods', { namespace: 'istio-system' }).some(({ metadata }) => metadata.name.startsWith(`${lost}-`)));

  async function until(isSo: () => boolean): Promise<void> {
    for (let look = 0; look < LOOKS; look += 1) {
      if (isSo()) return;
      await clock.sleep(LOOK_EVERY_MS);
    }
    throw new Error(`the control plane did not get there: ${isSo.toString()}`);
  }
}
