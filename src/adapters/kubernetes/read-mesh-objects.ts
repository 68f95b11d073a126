/** Reads everything that a look at the mesh needs, in parallel and paged; what may not be read is named. */
import type { KubeObject, Pod, PodController } from '../../core/mesh/kube-objects.ts';
import type { MeshObjects } from '../../core/mesh/mesh-objects.ts';
import type { LookOptions, MeshScope } from '../../ports/cluster.ts';
import type { KubeClient } from './kube-client.ts';
import { isNotFound } from './kube-errors.ts';
import { isForbidden, listOrNote, noteOrThrow, type ListOptions, type ReadNotes } from './list-or-note.ts';
import { readIstiods } from './read-istiods.ts';
import { readRevisionedObjects } from './read-revisioned-objects.ts';
import { known, resourceRequest, type Resource } from './resource-paths.ts';

/** Only names, labels and owners; for kinds whose specs nobody looks at. */
const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

const GATEWAY_API: Resource = { group: 'gateway.networking.k8s.io', version: 'v1', plural: 'gateways', namespaced: true };

export interface MeshSource {
  readonly client: KubeClient;
  readonly istioNamespace: string;
  readonly clusterName: string;
  readonly nowMs: () => number;
}

export async function readMeshObjects(source: MeshSource, scope: MeshScope, options: LookOptions = {}): Promise<MeshObjects> {
  const { client, istioNamespace } = source;
  const notes: ReadNotes = { unread: [], failuresToo: options.noteFailures === true };
  // All at once: whichever fails first is told.
  const [serverVersion, clusterUid, podsAndIstiods, workloads, surroundings, revisioned, aroundRestarts] = await Promise.all([
    readVersion(client),
    readUid(client),
    readPodsAndIstiods(client, notes, scope !== 'status'),
    readWorkloads(client, notes),
    readSurroundings(client, istioNamespace, notes),
    scope === 'status' ? NOT_REVISIONED : readRevisionedObjects(client, notes),
    scope === 'plan' ? readAroundRestarts(client, notes) : NOTHING_AROUND,
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
    ...revisioned,
    ...aroundRestarts,
    unread: notes.unread,
  };
}

type Part<K extends keyof MeshObjects> = Promise<Pick<MeshObjects, K>>;

async function readPodsAndIstiods(client: KubeClient, notes: ReadNotes, withClusters: boolean): Part<'pods' | 'istiods'> {
  const pods = await listOrNote<Pod>(client, known('v1', 'Pod'), {}, notes);
  return { pods, istiods: await readIstiods(client, pods.filter(isIstiodPod), { withVersion: true, withClusters }) };
}

async function readWorkloads(
  client: KubeClient,
  notes: ReadNotes,
): Part<'deployments' | 'statefulSets' | 'daemonSets' | 'replicaSets' | 'rollouts' | 'jobs' | 'cronJobs'> {
  const list = <T extends KubeObject>(apiVersion: string, kind: string, options: ListOptions = {}): Promise<T[]> =>
    listOrNote<T>(client, known(apiVersion, kind), options, notes);
  const [deployments, statefulSets, daemonSets, replicaSets, rollouts, jobs, cronJobs] = await Promise.all([
    list<PodController>('apps/v1', 'Deployment'),
    list<PodController>('apps/v1', 'StatefulSet'),
    list<PodController>('apps/v1', 'DaemonSet'),
    listReplicaSets(client, notes),
    list<PodController>('argoproj.io/v1alpha1', 'Rollout', { optional: true }),
    list('batch/v1', 'Job'),
    list('batch/v1', 'CronJob'),
  ]);
  return { deployments, statefulSets, daemonSets, replicaSets, rollouts, jobs, cronJobs };
}

async function readSurroundings(
  client: KubeClient,
  istioNamespace: string,
  notes: ReadNotes,
): Part<'namespaces' | 'services' | 'mutatingWebhooks' | 'validatingWebhooks' | 'configMaps' | 'gatewayApiGateways'> {
  const list = (resource: Resource, options: ListOptions = {}): Promise<KubeObject[]> => listOrNote(client, resource, options, notes);
  const admission = 'admissionregistration.k8s.io/v1';
  const [namespaces, services, mutatingWebhooks, validatingWebhooks, configMaps, gatewayApiGateways] = await Promise.all([
    list(known('v1', 'Namespace')),
    list(known('v1', 'Service')),
    list(known(admission, 'MutatingWebhookConfiguration')),
    list(known(admission, 'ValidatingWebhookConfiguration')),
    list(known('v1', 'ConfigMap'), { namespace: istioNamespace, labelSelector: 'istio.io/rev' }),
    readGateways(client, notes),
  ]);
  return { namespaces, services, mutatingWebhooks, validatingWebhooks, configMaps, gatewayApiGateways };
}

/** Before its release 1.0 the Gateway API had no v1. */
async function readGateways(client: KubeClient, notes: ReadNotes): Promise<KubeObject[]> {
  const found = await listOrNote(client, GATEWAY_API, { optional: true }, notes);
  const isNoted = notes.unread.some(({ what }) => what.startsWith(`${GATEWAY_API.plural}.${GATEWAY_API.group} `));
  return found.length > 0 || isNoted ? found : listOrNote(client, { ...GATEWAY_API, version: 'v1beta1' }, { optional: true }, notes);
}

/** What a look for `status` leaves out. */
const NOT_REVISIONED = {
  pinnedObjects: [],
  envoyFilters: [],
  istioGateways: [],
  virtualMachines: [],
  gatewayClasses: [],
  revisionedRoutes: [],
};

/** What a look that is not for a plan leaves out. */
const NOTHING_AROUND = { podDisruptionBudgets: [], autoscalers: [], volumeClaims: [], resourceQuotas: [], nodes: [] };

async function readAroundRestarts(client: KubeClient, notes: ReadNotes): Part<keyof typeof NOTHING_AROUND> {
  const list = (apiVersion: string, kind: string): Promise<KubeObject[]> => listOrNote(client, known(apiVersion, kind), {}, notes);
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

/** ReplicaSets as metadata, since old ones pile up; the few without an owner are read whole. */
async function listReplicaSets(client: KubeClient, notes: ReadNotes): Promise<PodController[]> {
  const resource = known('apps/v1', 'ReplicaSet');
  const all = await listOrNote<PodController>(client, resource, { accept: METADATA_ONLY }, notes);
  const read = await Promise.all(
    all.map(async (item): Promise<PodController> => {
      const named = { ...item, apiVersion: 'apps/v1', kind: 'ReplicaSet' };
      if (item.metadata.ownerReferences?.some((owner) => owner.controller === true)) return named;
      try {
        return (await client.request({ method: 'GET', ...resourceRequest(resource, 'get', item.metadata) })) as PodController;
      } catch (error) {
        if (!isNotFound(error)) noteOrThrow(error, `replicasets.apps/${item.metadata.name} in ${item.metadata.namespace ?? ''}`, notes);
        return named;
      }
    }),
  );
  return read;
}
