/** What an istiod is told: by its container, and by the ConfigMaps of its revision. */
import type { Cluster } from '../../cluster/cluster-view.ts';
import type { ContainerSpec } from '../../cluster/pod-program.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { parseInjectorConfig, type InjectorConfig } from '../injection/injector-config.ts';
import { versionOfImage, type IstioVersion } from '../istio-version.ts';
import { parseMeshConfig, type MeshConfig } from '../mesh-config.ts';
import { environmentOf, type Container, type Pod } from '../pod-shape.ts';

export interface IstiodIdentity {
  readonly revision: string;
  readonly version: IstioVersion;
  readonly clusterId: string;
  readonly namespace: string;
  readonly pod: string;
  readonly serviceAccount: string;
  /** All variables of its container. */
  readonly env: ReadonlyMap<string, string>;
}

export function identityOf(pod: Pod, container: ContainerSpec): IstiodIdentity {
  const env = environmentOf(container as Container, pod);
  return {
    revision: env.get('REVISION') || 'default',
    version: versionOfImage(container.image),
    clusterId: env.get('CLUSTER_ID') || 'Kubernetes',
    namespace: env.get('POD_NAMESPACE') || pod.metadata.namespace || 'istio-system',
    pod: pod.metadata.name,
    serviceAccount: pod.spec?.serviceAccountName ?? 'istiod',
    env,
  };
}

/** `-<revision>` for names of what belongs to one; nothing for a control plane without a name. */
export function revisionSuffix(revision: string): string {
  return revision === 'default' ? '' : `-${revision}`;
}

export interface InjectorSettings {
  readonly config: InjectorConfig;
  readonly values: unknown;
}

export interface IstiodSettings {
  readonly mesh: () => MeshConfig;
  /** Undefined while there is no such ConfigMap, or it cannot be read: then nothing is injected. */
  readonly injector: () => InjectorSettings | undefined;
}

/** Reads each ConfigMap again when it has changed. */
export function createSettings(cluster: Cluster, identity: IstiodIdentity): IstiodSettings {
  const suffix = revisionSuffix(identity.revision);
  const read = (name: string): KubeObject | undefined => cluster.get('configmaps', name, identity.namespace);
  return {
    mesh: remembered(
      () => read(`istio${suffix}`),
      (map) => parseMeshConfig(dataOf(map, 'mesh') ?? '', identity.namespace),
    ),
    injector: remembered(
      () => read(`istio-sidecar-injector${suffix}`),
      (map) => readInjector(map),
    ),
  };
}

function readInjector(map: KubeObject | undefined): InjectorSettings | undefined {
  const config = dataOf(map, 'config');
  const values = dataOf(map, 'values');
  if (config === undefined || values === undefined) return undefined;
  try {
    return { config: parseInjectorConfig(config), values: JSON.parse(values) as unknown };
  } catch {
    return undefined;
  }
}

function dataOf(map: KubeObject | undefined, key: string): string | undefined {
  return (map?.['data'] as Readonly<Record<string, string>> | undefined)?.[key];
}

function remembered<Result>(get: () => KubeObject | undefined, read: (map: KubeObject | undefined) => Result): () => Result {
  let last: { readonly version: string | undefined; readonly result: Result } | undefined;
  return () => {
    const map = get();
    const version = map?.metadata.resourceVersion;
    if (last === undefined || last.version !== version || version === undefined) last = { version, result: read(map) };
    return last.result;
  };
}
