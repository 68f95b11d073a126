/** What Meshlift says against what kubectl and the real istioctls say, field by field. */
import { expect } from 'vitest';
import { run } from '../../kit/child-process.ts';
import { revisionOf, type PodJson } from '../../scenarios/cluster-under-test.ts';
import { kubectlJson, meshliftOk } from './cluster.ts';

interface StatusJson {
  readonly revisions: readonly {
    readonly name: string;
    readonly version: string;
    readonly pods: number;
    readonly proxies: number;
    readonly ready: number;
  }[];
  readonly pods: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly revision: string;
    readonly proxyVersion: string;
    readonly nativeSidecar: boolean;
    readonly ready: boolean;
  }[];
  readonly namespaces: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[];
}

interface ProxyJson {
  readonly proxy: string;
  readonly revision: string;
  readonly istiod: string;
  readonly version: string;
  readonly cluster: string;
  readonly types: Readonly<Record<string, string>>;
}

/** Pods, revisions, proxy versions, readiness and namespace labels as the objects themselves show them. */
export async function compareStatus(): Promise<void> {
  await settled(async () => {
    const status = JSON.parse(await meshliftOk('status', '-o', 'json')) as StatusJson;
    const { items } = await kubectlJson<{ items: PodJson[] }>('get', 'pods', '-A');
    const meshed = items.filter(
      (pod) => revisionOf(pod) !== undefined && pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed',
    );
    const expected = meshed.map((pod) => {
      const native = (pod.spec.initContainers ?? []).find((c) => c.name === 'istio-proxy');
      const proxy = native ?? pod.spec.containers.find((c) => c.name === 'istio-proxy');
      return {
        namespace: pod.metadata.namespace,
        name: pod.metadata.name,
        revision: revisionOf(pod),
        proxyVersion: proxy?.image.split(':').at(-1),
        nativeSidecar: native !== undefined,
        ready: (pod.status.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True'),
      };
    });
    const told = status.pods.map(({ namespace, name, revision, proxyVersion, nativeSidecar, ready }) => ({
      namespace,
      name,
      revision,
      proxyVersion,
      nativeSidecar,
      ready,
    }));
    expect(byName(told)).toEqual(byName(expected));
    const namespaces = await kubectlJson<{ items: { metadata: { name: string; labels: Record<string, string> } }[] }>('get', 'namespaces');
    for (const ns of status.namespaces) {
      const labels = namespaces.items.find((item) => item.metadata.name === ns.name)?.metadata.labels ?? {};
      expect(ns.labels).toEqual(
        Object.fromEntries(Object.entries(labels).filter(([key]) => key === 'istio-injection' || key === 'istio.io/rev')),
      );
    }
    for (const revision of status.revisions) {
      expect(revision.pods).toBe(
        meshed.filter((pod) => revisionOf(pod) === revision.name && pod.metadata.deletionTimestamp === undefined).length,
      );
    }
  });
}

function byName<T extends { readonly namespace?: string | undefined; readonly name: string }>(list: readonly T[]): T[] {
  return list.toSorted((a, b) => `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`));
}

/** The same proxies, istiods, versions, clusters and subscribed types as each istioctl prints for its revision. */
export async function compareProxies(sources: readonly { readonly istioctl: string; readonly revision: string }[]): Promise<void> {
  await settled(async () => {
    const { proxies } = JSON.parse(await meshliftOk('proxy-status', '-o', 'json')) as { proxies: ProxyJson[] };
    for (const { istioctl, revision } of sources) {
      const table = await run(istioctl, ['proxy-status', '--revision', revision]);
      const expected = table
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => {
          const [proxy, cluster, istiod, version] = line.trim().split(/\s+/);
          return { proxy, cluster, istiod, version, types: /\(([^)]*)\)/.exec(line)?.[1]?.split(',').toSorted() };
        });
      const told = proxies
        .filter((p) => p.revision === revision && p.istiod !== '')
        .map(({ proxy, cluster, istiod, version, types }) => ({ proxy, cluster, istiod, version, types: Object.keys(types).toSorted() }));
      const sorted = <T extends { proxy?: string | undefined }>(list: readonly T[]): T[] =>
        list.toSorted((a, b) => (a.proxy ?? '').localeCompare(b.proxy ?? ''));
      expect(sorted(told)).toEqual(sorted(expected));
    }
  });
}

/** Pods come and go between two looks, so both sides are read again for a while before a difference counts. */
async function settled(compare: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await compare();
      return;
    } catch (error) {
      if (attempt === 8) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}
