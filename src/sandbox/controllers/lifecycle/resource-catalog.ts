/** Which resources there are, built-in ones and those of CRDs: what garbage collection and namespace deletion walk over. */
import type { Cluster, ClusterChange } from '../../cluster/cluster-view.ts';
import type { GroupResource, KubeObject } from '../../objects/kube-object.ts';

export interface KnownResource {
  readonly resource: GroupResource;
  /** '' for the core group. */
  readonly group: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

type Row = readonly [group: string, resources: string, namespaced: boolean];

/** `plural:Kind` of the built-in resources that are stored. */
const BUILT_IN: readonly Row[] = [
  [
    '',
    'configmaps:ConfigMap endpoints:Endpoints events:Event limitranges:LimitRange persistentvolumeclaims:PersistentVolumeClaim pods:Pod ' +
      'podtemplates:PodTemplate replicationcontrollers:ReplicationController resourcequotas:ResourceQuota secrets:Secret ' +
      'serviceaccounts:ServiceAccount services:Service',
    true,
  ],
  ['', 'namespaces:Namespace nodes:Node persistentvolumes:PersistentVolume', false],
  [
    'apps',
    'controllerrevisions:ControllerRevision daemonsets:DaemonSet deployments:Deployment replicasets:ReplicaSet statefulsets:StatefulSet',
    true,
  ],
  ['autoscaling', 'horizontalpodautoscalers:HorizontalPodAutoscaler', true],
  ['batch', 'cronjobs:CronJob jobs:Job', true],
  ['coordination.k8s.io', 'leases:Lease', true],
  ['discovery.k8s.io', 'endpointslices:EndpointSlice', true],
  ['networking.k8s.io', 'ingresses:Ingress networkpolicies:NetworkPolicy', true],
  ['networking.k8s.io', 'ingressclasses:IngressClass', false],
  ['policy', 'poddisruptionbudgets:PodDisruptionBudget', true],
  ['rbac.authorization.k8s.io', 'rolebindings:RoleBinding roles:Role', true],
  ['rbac.authorization.k8s.io', 'clusterrolebindings:ClusterRoleBinding clusterroles:ClusterRole', false],
  [
    'admissionregistration.k8s.io',
    'mutatingwebhookconfigurations:MutatingWebhookConfiguration validatingwebhookconfigurations:ValidatingWebhookConfiguration ' +
      'validatingadmissionpolicies:ValidatingAdmissionPolicy validatingadmissionpolicybindings:ValidatingAdmissionPolicyBinding',
    false,
  ],
  ['apiextensions.k8s.io', 'customresourcedefinitions:CustomResourceDefinition', false],
  ['scheduling.k8s.io', 'priorityclasses:PriorityClass', false],
  ['storage.k8s.io', 'storageclasses:StorageClass', false],
];

const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';

interface Definition extends KubeObject {
  readonly spec: { readonly group: string; readonly scope: string; readonly names: { readonly plural: string; readonly kind: string } };
}

type Listener = (known: KnownResource, change: ClusterChange) => void;

export class ResourceCatalog {
  readonly #cluster: Cluster;
  readonly #known = new Map<GroupResource, KnownResource>();
  readonly #kinds = new Map<string, KnownResource>();
  readonly #subscriptions = new Map<GroupResource, () => void>();
  readonly #listeners = new Set<Listener>();
  #unsubscribe: (() => void) | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    for (const [group, resources, namespaced] of BUILT_IN) {
      for (const pair of resources.split(' ')) {
        const [plural = '', kind = ''] = pair.split(':');
        this.#learn({ resource: group === '' ? plural : `${plural}.${group}`, group, kind, namespaced });
      }
    }
  }

  start(): void {
    for (const object of this.#cluster.list(DEFINITIONS)) this.#learn(resourceOf(object as Definition));
    this.#unsubscribe = this.#cluster.onChange(DEFINITIONS, ({ type, object }) => {
      const known = resourceOf(object as Definition);
      if (type === 'DELETED') this.#forget(known);
      else if (!this.#known.has(known.resource)) this.#learn(known);
    });
  }

  stop(): void {
    this.#unsubscribe?.();
    for (const off of this.#subscriptions.values()) off();
    this.#subscriptions.clear();
    this.#listeners.clear();
  }

  /** In a fixed order: built-in ones first, then in the order in which they came. */
  list(): readonly KnownResource[] {
    return [...this.#known.values()];
  }

  get(resource: GroupResource): KnownResource | undefined {
    return this.#known.get(resource);
  }

  /** @param apiVersion of an owner reference; the version in it does not matter */
  find(apiVersion: string, kind: string): KnownResource | undefined {
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
    return this.#kinds.get(`${group}/${kind}`);
  }

  /** Tells of all that is there, as added, and then of every change. */
  subscribe(listener: Listener): () => void {
    for (const known of this.list()) this.#replay(known, listener);
    this.#listeners.add(listener);
    for (const known of this.list()) this.#watch(known);
    return () => void this.#listeners.delete(listener);
  }

  #learn(known: KnownResource): void {
    this.#known.set(known.resource, known);
    this.#kinds.set(`${known.group}/${known.kind}`, known);
    if (this.#listeners.size === 0) return;
    for (const listener of this.#listeners) this.#replay(known, listener);
    this.#watch(known);
  }

  #forget(known: KnownResource): void {
    this.#known.delete(known.resource);
    this.#kinds.delete(`${known.group}/${known.kind}`);
    this.#subscriptions.get(known.resource)?.();
    this.#subscriptions.delete(known.resource);
  }

  #replay(known: KnownResource, listener: Listener): void {
    for (const object of this.#cluster.list(known.resource)) listener(known, { type: 'ADDED', object });
  }

  #watch(known: KnownResource): void {
    if (this.#subscriptions.has(known.resource)) return;
    const off = this.#cluster.onChange(known.resource, (change) => {
      for (const listener of this.#listeners) listener(known, change);
    });
    this.#subscriptions.set(known.resource, off);
  }
}

function resourceOf({ spec }: Definition): KnownResource {
  const { group, names, scope } = spec;
  return { resource: `${names.plural}.${group}`, group, kind: names.kind, namespaced: scope === 'Namespaced' };
}
