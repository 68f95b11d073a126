/** Paths of resources, and the plural names of the kinds that Meshlift handles by name. */
import type { KubeClient, KubeRequest } from './kube-client.ts';
import { isNotFound, type RequestIntent } from './kube-errors.ts';

export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Kinds that are addressed without asking the server for its list of resources. */
const KNOWN: Readonly<Record<string, readonly [plural: string, namespaced: boolean]>> = {
  '/Namespace': ['namespaces', false],
  '/Node': ['nodes', false],
  '/Pod': ['pods', true],
  '/Service': ['services', true],
  '/ConfigMap': ['configmaps', true],
  '/Secret': ['secrets', true],
  '/ServiceAccount': ['serviceaccounts', true],
  '/PersistentVolumeClaim': ['persistentvolumeclaims', true],
  '/ResourceQuota': ['resourcequotas', true],
  'apps/Deployment': ['deployments', true],
  'apps/StatefulSet': ['statefulsets', true],
  'apps/DaemonSet': ['daemonsets', true],
  'apps/ReplicaSet': ['replicasets', true],
  'batch/Job': ['jobs', true],
  'batch/CronJob': ['cronjobs', true],
  'policy/PodDisruptionBudget': ['poddisruptionbudgets', true],
  'autoscaling/HorizontalPodAutoscaler': ['horizontalpodautoscalers', true],
  'discovery.k8s.io/EndpointSlice': ['endpointslices', true],
  'networking.k8s.io/NetworkPolicy': ['networkpolicies', true],
  'rbac.authorization.k8s.io/Role': ['roles', true],
  'rbac.authorization.k8s.io/RoleBinding': ['rolebindings', true],
  'rbac.authorization.k8s.io/ClusterRole': ['clusterroles', false],
  'rbac.authorization.k8s.io/ClusterRoleBinding': ['clusterrolebindings', false],
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': ['mutatingwebhookconfigurations', false],
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': ['validatingwebhookconfigurations', false],
  'apiextensions.k8s.io/CustomResourceDefinition': ['customresourcedefinitions', false],
  'coordination.k8s.io/Lease': ['leases', true],
  'argoproj.io/Rollout': ['rollouts', true],
  'meshlift.io/MeshUpgrade': ['meshupgrades', true],
};

function groupVersion(apiVersion: string): { group: string; version: string } {
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? { group: '', version: first } : { group: first, version: second };
}

/** The resource of a kind; undefined when the server does not serve it. */
export async function resourceOf(
  client: KubeClient,
  ref: { readonly apiVersion: string; readonly kind: string },
): Promise<Resource | undefined> {
  const { group, version } = groupVersion(ref.apiVersion);
  const known = KNOWN[`${group}/${ref.kind}`];
  if (known) return { group, version, plural: known[0], namespaced: known[1] };
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  try {
    const list = (await client.request({ method: 'GET', path, verb: 'get', group, resource: path })) as {
      resources?: { name: string; kind: string; namespaced: boolean }[];
    };
    const found = list.resources?.find((r) => r.kind === ref.kind && !r.name.includes('/'));
    return found && { group, version, plural: found.name, namespaced: found.namespaced };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export interface PathTarget {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string;
}

/** Path and intent of a request for a resource. */
export function resourceRequest(resource: Resource, verb: string, target: PathTarget = {}): Pick<KubeRequest, 'path'> & RequestIntent {
  const base = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const namespace = resource.namespaced ? target.namespace : undefined;
  const parts = [
    base,
    ...(namespace === undefined ? [] : ['namespaces', encodeURIComponent(namespace)]),
    resource.plural,
    ...(target.name === undefined ? [] : [encodeURIComponent(target.name)]),
    ...(target.subresource === undefined ? [] : [target.subresource]),
  ];
  return {
    path: parts.join('/'),
    verb,
    group: resource.group,
    resource: target.subresource === undefined ? resource.plural : `${resource.plural}/${target.subresource}`,
    namespace,
    name: target.name,
  };
}

export function known(apiVersion: string, kind: string): Resource {
  const { group, version } = groupVersion(apiVersion);
  const entry = KNOWN[`${group}/${kind}`];
  if (!entry) throw new Error(`unknown kind ${apiVersion} ${kind}`);
  return { group, version, plural: entry[0], namespaced: entry[1] };
}
