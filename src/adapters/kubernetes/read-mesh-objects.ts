/** Reads everything that a look at the mesh needs, in parallel and paged; what may not be read is named. */
import type { KubeObject, Pod, PodController } from '../../core/mesh/kube-objects.ts';
import type { MeshObjects, Unread } from '../../core/mesh/mesh-objects.ts';
import { Problem } from '../../core/problems/problem.ts';
import type { MeshScope } from '../../ports/cluster.ts';
import type { KubeClient } from './kube-client.ts';
import { isNotFound, KubeStatusError } from './kube-errors.ts';
import { readIstiods } from './read-istiods.ts';
import { known, resourceRequest, type Resource } from './resource-paths.ts';

/** Only names, labels and owners; for kinds whose specs nobody looks at. */
const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

const GATEWAY_API: Resource = { group: 'gateway.networking.k8s.io', version: 'v1', plural: 'gateways', namespaced: true };

/** API groups of Istio's objects. */
const ISTIO_GROUPS = ['networking.istio.io', 'security.istio.io', 'telemetry.istio.io', 'extensions.istio.io'];

export interface MeshSource {
  readonly client: KubeClient;
  readonly istioNamespace: string;
  readonly clusterName: string;
  readonly nowMs: () => number;
}

export async function readMeshObjects(source: MeshSource, scope: MeshScope): Promise<MeshObjects> {
  const { client, istioNamespace } = source;
  const unread: Unread[] = [];
  // All at once: whichever fails first is told.
  const [serverVersion, clusterUid, podsAndIstiods, workloads, surroundings, pinned, aroundRestarts] = await Promise.all([
    readVersion(client),
    readUid(client),
    readPodsAndIstiods(client, unread),
    readWorkloads(client, unread),
    readSurroundings(client, istioNamespace, unread),
    scope === 'status' ? NO_PINNED : readPinned(client, unread),
    scope === 'plan' ? readAroundRestarts(client, unread) : NOTHING_AROUND,
  ]);
  const { clusterName, nowMs } = source;
  return {
    readAtMs: nowMs(),
    clusterName,
    clusterUid,
    istioNamespace,
    serverVersion,
    ...podsAndIstiods,
    ...workloads,
    ...surroundings,
    ...pinned,
    ...aroundRestarts,
    unread,
  };
}

type Part<K extends keyof MeshObjects> = Promise<Pick<MeshObjects, K>>;

async function readPodsAndIstiods(client: KubeClient, unread: Unread[]): Part<'pods' | 'istiods'> {
  const pods = await listOrNote<Pod>(client, known('v1', 'Pod'), {}, unread);
  return { pods, istiods: await readIstiods(client, pods.filter(isIstiodPod), { withVersion: true }) };
}

async function readWorkloads(
  client: KubeClient,
  unread: Unread[],
): Part<'deployments' | 'statefulSets' | 'daemonSets' | 'replicaSets' | 'rollouts' | 'jobs' | 'cronJobs'> {
  const list = <T extends KubeObject>(apiVersion: string, kind: string, options: ListOptions = {}): Promise<T[]> =>
    listOrNote<T>(client, known(apiVersion, kind), options, unread);
  const [deployments, statefulSets, daemonSets, replicaSets, rollouts, jobs, cronJobs] = await Promise.all([
    list<PodController>('apps/v1', 'Deployment'),
    list<PodController>('apps/v1', 'StatefulSet'),
    list<PodController>('apps/v1', 'DaemonSet'),
    listReplicaSets(client, unread),
    list<PodController>('argoproj.io/v1alpha1', 'Rollout', { optional: true }),
    list('batch/v1', 'Job'),
    list('batch/v1', 'CronJob'),
  ]);
  return { deployments, statefulSets, daemonSets, replicaSets, rollouts, jobs, cronJobs };
}

async function readSurroundings(
  client: KubeClient,
  istioNamespace: string,
  unread: Unread[],
): Part<'namespaces' | 'services' | 'mutatingWebhooks' | 'validatingWebhooks' | 'configMaps' | 'gatewayApiGateways'> {
  const list = (resource: Resource, options: ListOptions = {}): Promise<KubeObject[]> => listOrNote(client, resource, options, unread);
  const admission = 'admissionregistration.k8s.io/v1';
  const [namespaces, services, mutatingWebhooks, validatingWebhooks, configMaps, gatewayApiGateways] = await Promise.all([
    list(known('v1', 'Namespace')),
    list(known('v1', 'Service')),
    list(known(admission, 'MutatingWebhookConfiguration')),
    list(known(admission, 'ValidatingWebhookConfiguration')),
    list(known('v1', 'ConfigMap'), { namespace: istioNamespace, labelSelector: 'istio.io/rev' }),
    list(GATEWAY_API, { optional: true }),
  ]);
  return { namespaces, services, mutatingWebhooks, validatingWebhooks, configMaps, gatewayApiGateways };
}

const NO_PINNED = { pinnedObjects: [], envoyFilters: [] };
const NOTHING_AROUND = { podDisruptionBudgets: [], autoscalers: [], volumeClaims: [], resourceQuotas: [], nodes: [] };

async function readAroundRestarts(client: KubeClient, unread: Unread[]): Part<keyof typeof NOTHING_AROUND> {
  const list = (apiVersion: string, kind: string): Promise<KubeObject[]> => listOrNote(client, known(apiVersion, kind), {}, unread);
  const [podDisruptionBudgets, autoscalers, volumeClaims, resourceQuotas, nodes] = await Promise.all([
    list('policy/v1', 'PodDisruptionBudget'),
    list('autoscaling/v2', 'HorizontalPodAutoscaler'),
    list('v1', 'PersistentVolumeClaim'),
    list('v1', 'ResourceQuota'),
    list('v1', 'Node'),
  ]);
  return { podDisruptionBudgets, autoscalers, volumeClaims, resourceQuotas, nodes };
}

export function isIstiodPod(pod: Pod): boolean {
  return pod.metadata.labels?.['app'] === 'istiod' && (pod.spec?.containers ?? []).some((c) => c.name === 'discovery');
}

async function readVersion(client: KubeClient): Promise<string> {
  const answer = (await client.request({ method: 'GET', path: '/version', verb: 'get', group: '', resource: '/version' })) as {
    gitVersion?: string;
  };
  return answer.gitVersion ?? 'unknown';
}

/** The uid of kube-system is the identity of the cluster; empty when it may not be read. */
async function readUid(client: KubeClient): Promise<string> {
  try {
    const namespace = (await client.request({
      method: 'GET',
      ...resourceRequest(known('v1', 'Namespace'), 'get', { name: 'kube-system' }),
    })) as KubeObject;
    return namespace.metadata.uid ?? '';
  } catch (error) {
    if (isForbidden(error) || isNotFound(error)) return '';
    throw error;
  }
}

interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly accept?: string;
  /** A kind that clusters need not serve. */
  readonly optional?: boolean;
}

async function listOrNote<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  options: ListOptions,
  unread: Unread[],
): Promise<T[]> {
  try {
    return await client.list<T>({
      ...resourceRequest(resource, 'list', options.namespace === undefined ? {} : { namespace: options.namespace }),
      query: { labelSelector: options.labelSelector },
      ...(options.accept === undefined ? {} : { accept: options.accept }),
    });
  } catch (error) {
    if (isNotFound(error)) {
      if (options.optional !== true) unread.push({ what: whatText(resource, options), why: 'the API server does not serve it' });
      return [];
    }
    if (isForbidden(error)) {
      unread.push({
        what: whatText(resource, options),
        why: 'no permission',
        missingRule: {
          verb: 'list',
          group: resource.group,
          resource: resource.plural,
          ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
        },
      });
      return [];
    }
    throw error;
  }
}

function whatText(resource: Resource, options: ListOptions): string {
  const name = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
  if (!resource.namespaced) return name;
  return `${name} ${options.namespace === undefined ? 'in all namespaces' : `in ${options.namespace}`}`;
}

function isForbidden(error: unknown): boolean {
  return (error instanceof Problem && error.code === 'KUBE-005') || (error instanceof KubeStatusError && error.status === 403);
}

/** ReplicaSets as metadata, since old ones pile up; the few without an owner are read whole. */
async function listReplicaSets(client: KubeClient, unread: Unread[]): Promise<PodController[]> {
  const resource = known('apps/v1', 'ReplicaSet');
  const all = await listOrNote<PodController>(client, resource, { accept: METADATA_ONLY }, unread);
  const read = await Promise.all(
    all.map(async (item): Promise<PodController> => {
      const named = { ...item, apiVersion: 'apps/v1', kind: 'ReplicaSet' };
      if (item.metadata.ownerReferences?.some((owner) => owner.controller === true)) return named;
      try {
        return (await client.request({ method: 'GET', ...resourceRequest(resource, 'get', item.metadata) })) as PodController;
      } catch (error) {
        if (isNotFound(error)) return named;
        throw error;
      }
    }),
  );
  return read;
}

/** Istio objects that carry the label `istio.io/rev`, of every kind that the cluster serves, and every EnvoyFilter. */
async function readPinned(client: KubeClient, unread: Unread[]): Part<'pinnedObjects' | 'envoyFilters'> {
  const kinds = (await Promise.all(ISTIO_GROUPS.map((group) => servedKinds(client, group)))).flat();
  const lists = await Promise.all(
    kinds.map(async ({ resource, kind }) => {
      // EnvoyFilters also choose proxies by their version, with or without the label.
      const selector = kind === 'EnvoyFilter' ? {} : { labelSelector: 'istio.io/rev' };
      const items = await listOrNote<KubeObject>(client, resource, { ...selector, optional: true }, unread);
      return items.map((item) => ({ ...item, apiVersion: `${resource.group}/${resource.version}`, kind }));
    }),
  );
  const found = lists.flat();
  return {
    pinnedObjects: found.filter((object) => object.metadata.labels?.['istio.io/rev'] !== undefined),
    envoyFilters: found.filter((object) => object.kind === 'EnvoyFilter'),
  };
}

/** Kinds of an API group, each in the first version that serves it; none when the cluster does not have the group. */
async function servedKinds(client: KubeClient, group: string): Promise<{ resource: Resource; kind: string }[]> {
  const get = (path: string): Promise<unknown> => client.request({ method: 'GET', path, verb: 'get', group: '', resource: path });
  try {
    const { versions } = (await get(`/apis/${group}`)) as { versions: { version: string }[] };
    const lists = await Promise.all(
      versions.map(({ version }) => get(`/apis/${group}/${version}`) as Promise<{ resources: { name: string; kind: string }[] }>),
    );
    const kinds = new Map<string, { resource: Resource; kind: string }>();
    for (const [index, list] of lists.entries()) {
      for (const { name, kind } of list.resources.filter((r) => !r.name.includes('/') && !kinds.has(r.kind))) {
        kinds.set(kind, { resource: { group, version: versions[index]?.version ?? '', plural: name, namespaced: true }, kind });
      }
    }
    return [...kinds.values()];
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
