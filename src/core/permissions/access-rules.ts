/** The permissions that Meshlift needs, as data: one list for the check before a run and for the roles that `rbac` prints. */

export interface AccessRule {
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  /** Plural, with a subresource after a slash: `pods/portforward`. */
  readonly resource: string;
  /** `istio`: in the Istio namespace only; `mesh`: in every namespace; `cluster`: the resource has no namespace. */
  readonly where: 'istio' | 'mesh' | 'cluster';
  /** Only the object of this name; absent: every one. */
  readonly name?: string;
  /** What it is for, in a few words. */
  readonly why: string;
}

export interface AccessAnswer {
  readonly rule: AccessRule;
  readonly allowed: boolean;
  /** The server's reason, when it gave one. */
  readonly reason: string;
}

/** What a command does; each one includes the ones before it in this list, but for `helm` and `evict`, which only add to `install` and `move`. */
export type AccessNeed = 'look' | 'plan' | 'move' | 'install' | 'gateways' | 'helm' | 'evict';

type Purpose = Pick<AccessRule, 'where' | 'why' | 'name'>;

function rules(purpose: Purpose, group: string, resources: readonly string[], verbs: readonly string[]): AccessRule[] {
  return resources.flatMap((resource) => verbs.map((verb) => ({ ...purpose, verb, group, resource })));
}

const LOOK: readonly AccessRule[] = [
  ...rules({ where: 'mesh', why: 'see the mesh' }, '', ['pods', 'services'], ['list']),
  ...rules({ where: 'cluster', why: 'see the mesh' }, '', ['namespaces'], ['get', 'list']),
  ...rules({ where: 'mesh', why: 'see the mesh' }, 'apps', ['deployments', 'statefulsets', 'daemonsets', 'replicasets'], ['get', 'list']),
  ...rules({ where: 'mesh', why: 'see the mesh' }, 'batch', ['jobs', 'cronjobs'], ['list']),
  ...rules({ where: 'mesh', why: 'see gateways' }, 'gateway.networking.k8s.io', ['gateways'], ['list']),
  ...rules({ where: 'mesh', why: 'see Argo Rollouts' }, 'argoproj.io', ['rollouts'], ['list']),
  ...rules(
    { where: 'cluster', why: 'see who injects' },
    'admissionregistration.k8s.io',
    ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
    ['get', 'list'],
  ),
  // A port-forward over WebSocket is authorized as get up to Kubernetes 1.34 and as create from 1.35 on.
  ...rules({ where: 'istio', why: 'ask istiod which proxies are connected' }, '', ['pods/portforward'], ['get', 'create']),
  ...rules({ where: 'istio', why: 'see the mesh configuration' }, '', ['configmaps'], ['get', 'list']),
  ...rules({ where: 'istio', why: 'see runs' }, 'meshlift.io', ['meshupgrades'], ['get', 'list']),
  ...rules({ where: 'istio', why: 'see who drives a run' }, 'coordination.k8s.io', ['leases'], ['get']),
];

/** API groups of Istio's own objects. */
const ISTIO_GROUPS = ['networking.istio.io', 'security.istio.io', 'telemetry.istio.io', 'extensions.istio.io'];
const COPY_PINNED = 'copy and remove objects pinned to a revision';

const PLAN: readonly AccessRule[] = [
  ...rules({ where: 'mesh', why: 'see what a restart would hurt' }, 'policy', ['poddisruptionbudgets'], ['list']),
  ...rules({ where: 'mesh', why: 'see what a restart would hurt' }, 'autoscaling', ['horizontalpodautoscalers'], ['list']),
  ...rules({ where: 'mesh', why: 'see what a restart would hurt' }, '', ['persistentvolumeclaims', 'resourcequotas'], ['list']),
  ...rules({ where: 'cluster', why: 'see what a restart would hurt' }, '', ['nodes'], ['list']),
  ...rules({ where: 'cluster', why: 'compare CRDs' }, 'apiextensions.k8s.io', ['customresourcedefinitions'], ['get', 'list']),
  ...ISTIO_GROUPS.flatMap((group) => rules({ where: 'mesh', why: 'find objects pinned to a revision' }, group, ['*'], ['get', 'list'])),
  ...rules({ where: 'mesh', why: 'find objects pinned to a revision' }, 'gateway.networking.k8s.io', ['*'], ['list']),
  ...rules({ where: 'istio', why: 'list what belongs to a control plane' }, '', ['serviceaccounts'], ['get', 'list']),
  ...rules(
    { where: 'istio', why: 'list what belongs to a control plane' },
    'rbac.authorization.k8s.io',
    ['roles', 'rolebindings'],
    ['get', 'list'],
  ),
  ...rules(
    { where: 'cluster', why: 'list what belongs to a control plane' },
    'rbac.authorization.k8s.io',
    ['clusterroles', 'clusterrolebindings'],
    ['get', 'list'],
  ),
  ...rules({ where: 'istio', why: 'list what belongs to a control plane' }, 'autoscaling', ['horizontalpodautoscalers'], ['get', 'list']),
  ...rules({ where: 'istio', why: 'list what belongs to a control plane' }, 'networking.k8s.io', ['networkpolicies'], ['get', 'list']),
];

const MOVE: readonly AccessRule[] = [
  ...ISTIO_GROUPS.flatMap((group) => rules({ where: 'mesh', why: COPY_PINNED }, group, ['*'], ['create', 'update', 'delete'])),
  ...rules({ where: 'cluster', why: 'relabel namespaces' }, '', ['namespaces'], ['patch']),
  ...rules({ where: 'mesh', why: 'restart workloads' }, 'apps', ['deployments', 'statefulsets', 'daemonsets'], ['patch']),
  ...rules({ where: 'mesh', why: 'dry-run a pod to see who injects it' }, '', ['pods'], ['create']),
  // Creating cannot be limited to a name.
  ...rules({ where: 'cluster', why: 'the CRD of the run record' }, 'apiextensions.k8s.io', ['customresourcedefinitions'], ['create']),
  ...rules(
    { where: 'cluster', why: 'the CRD of the run record', name: 'meshupgrades.meshlift.io' },
    'apiextensions.k8s.io',
    ['customresourcedefinitions'],
    ['patch', 'delete'],
  ),
  ...rules(
    { where: 'istio', why: 'the run record' },
    'meshlift.io',
    ['meshupgrades', 'meshupgrades/status'],
    ['create', 'update', 'patch', 'delete'],
  ),
  ...rules({ where: 'istio', why: 'the run record' }, '', ['configmaps', 'secrets'], ['create', 'update', 'delete']),
  ...rules({ where: 'istio', why: 'the run record' }, '', ['secrets'], ['get', 'list']),
  ...rules({ where: 'istio', why: 'the lock' }, 'coordination.k8s.io', ['leases'], ['get', 'create', 'update', 'delete']),
];

const INSTALL_VERBS = ['create', 'patch', 'update', 'delete'];
const INSTALL: readonly AccessRule[] = [
  ...rules({ where: 'istio', why: 'install and remove control planes' }, 'apps', ['deployments'], INSTALL_VERBS),
  ...rules({ where: 'istio', why: 'install and remove control planes' }, '', ['services', 'configmaps', 'serviceaccounts'], INSTALL_VERBS),
  ...rules(
    { where: 'istio', why: 'install and remove control planes' },
    'rbac.authorization.k8s.io',
    ['roles', 'rolebindings'],
    INSTALL_VERBS,
  ),
  ...rules({ where: 'istio', why: 'install and remove control planes' }, 'autoscaling', ['horizontalpodautoscalers'], INSTALL_VERBS),
  ...rules({ where: 'istio', why: 'install and remove control planes' }, 'policy', ['poddisruptionbudgets'], INSTALL_VERBS),
  ...rules({ where: 'istio', why: 'install and remove control planes' }, 'networking.k8s.io', ['networkpolicies'], INSTALL_VERBS),
  ...rules(
    { where: 'cluster', why: 'install and remove control planes' },
    'rbac.authorization.k8s.io',
    ['clusterroles', 'clusterrolebindings'],
    INSTALL_VERBS,
  ),
  ...rules({ where: 'cluster', why: 'give istiod its own rights' }, 'rbac.authorization.k8s.io', ['clusterroles'], ['escalate', 'bind']),
  ...rules({ where: 'istio', why: 'give istiod its own rights' }, 'rbac.authorization.k8s.io', ['roles'], ['escalate', 'bind']),
  ...rules(
    { where: 'cluster', why: 'install, move and remove webhooks' },
    'admissionregistration.k8s.io',
    ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
    INSTALL_VERBS,
  ),
  ...rules({ where: 'cluster', why: 'update CRDs' }, 'apiextensions.k8s.io', ['customresourcedefinitions'], ['create', 'patch', 'update']),
];

/** Gateways are made anew beside the old ones, wherever they are. */
const GATEWAYS: readonly AccessRule[] = [
  ...rules({ where: 'mesh', why: 'make and remove gateways' }, 'apps', ['deployments'], ['create', 'update', 'delete']),
  ...rules(
    { where: 'mesh', why: 'make and remove gateways' },
    'autoscaling',
    ['horizontalpodautoscalers'],
    ['get', 'list', ...INSTALL_VERBS],
  ),
  ...rules({ where: 'mesh', why: 'see which pods a gateway has traffic on' }, 'discovery.k8s.io', ['endpointslices'], ['list']),
  ...rules({ where: 'mesh', why: 'try a new gateway before it has traffic' }, '', ['pods'], ['get', 'create', 'delete']),
  ...rules({ where: 'mesh', why: 'see whether a new gateway answers' }, '', ['pods/portforward'], ['get', 'create']),
  ...rules(
    { where: 'mesh', why: 'take what gateways share out of a Helm release' },
    '',
    ['services', 'serviceaccounts'],
    ['get', 'list', 'patch'],
  ),
  ...rules(
    { where: 'mesh', why: 'take what gateways share out of a Helm release' },
    'policy',
    ['poddisruptionbudgets'],
    ['get', 'list', 'patch', 'create', 'delete'],
  ),
  ...rules(
    { where: 'mesh', why: 'take what gateways share out of a Helm release' },
    'networking.k8s.io',
    ['networkpolicies'],
    ['get', 'list', 'patch', 'create', 'delete'],
  ),
  ...rules(
    { where: 'mesh', why: 'take what gateways share out of a Helm release' },
    'rbac.authorization.k8s.io',
    ['roles', 'rolebindings'],
    ['get', 'list', 'patch'],
  ),
];

const HELM_WAITS = 'helm reads what it installs, and waits for it';

/** helm reads every object before it writes it, and helm 4 watches them until they are ready. */
const HELM: readonly AccessRule[] = [
  ...rules({ where: 'istio', why: HELM_WAITS }, '', ['services', 'configmaps', 'serviceaccounts', 'pods'], ['get', 'list', 'watch']),
  ...rules({ where: 'istio', why: HELM_WAITS }, 'apps', ['deployments', 'replicasets'], ['get', 'list', 'watch']),
  ...rules({ where: 'istio', why: HELM_WAITS }, 'autoscaling', ['horizontalpodautoscalers'], ['get', 'list', 'watch']),
  ...rules({ where: 'istio', why: HELM_WAITS }, 'policy', ['poddisruptionbudgets'], ['get', 'list', 'watch']),
  ...rules({ where: 'istio', why: HELM_WAITS }, 'networking.k8s.io', ['networkpolicies'], ['get', 'list', 'watch']),
  ...rules({ where: 'istio', why: HELM_WAITS }, 'rbac.authorization.k8s.io', ['roles', 'rolebindings'], ['watch']),
  ...rules({ where: 'cluster', why: HELM_WAITS }, 'rbac.authorization.k8s.io', ['clusterroles', 'clusterrolebindings'], ['watch']),
  ...rules(
    { where: 'cluster', why: HELM_WAITS },
    'admissionregistration.k8s.io',
    ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
    ['watch'],
  ),
  ...rules({ where: 'cluster', why: HELM_WAITS }, 'apiextensions.k8s.io', ['customresourcedefinitions'], ['watch']),
];

const EVICT_NAMED = 'evict pods of workloads that the request names';

/** Only for workloads that somebody wants moved pod by pod. */
const EVICT: readonly AccessRule[] = [
  ...rules({ where: 'mesh', why: EVICT_NAMED }, '', ['pods/eviction'], ['create']),
  ...rules({ where: 'mesh', why: EVICT_NAMED }, 'apps', ['replicasets'], ['patch']),
];

const ORDER: readonly AccessNeed[] = ['look', 'plan', 'move', 'install', 'gateways'];
const OWN: Readonly<Record<AccessNeed, readonly AccessRule[]>> = {
  look: LOOK,
  plan: PLAN,
  move: MOVE,
  install: INSTALL,
  gateways: GATEWAYS,
  helm: HELM,
  evict: EVICT,
};

/** What only adds to another need. */
const ADDS_TO: Readonly<Partial<Record<AccessNeed, AccessNeed>>> = { helm: 'install', evict: 'move' };

/** What evicting pods needs beyond what any move does. */
export function evictionRules(): readonly AccessRule[] {
  return EVICT;
}

/** What an installation with helm needs beyond what any installation does. */
export function helmRules(): readonly AccessRule[] {
  return HELM;
}

/** What making gateways anew needs beyond everything else. */
export function gatewayRules(): readonly AccessRule[] {
  return GATEWAYS;
}

/**
 * All rules that a need asks for, without repetitions.
 * @param scope `nothingPinned`: without what only objects that are pinned to a revision make necessary
 */
export function accessRules(need: AccessNeed, scope: 'all' | 'nothingPinned' = 'all'): AccessRule[] {
  const base = ADDS_TO[need];
  const needs = [...ORDER.slice(0, ORDER.indexOf(base ?? need) + 1), ...(base === undefined ? [] : [need])];
  const wanted = needs.flatMap((name) => OWN[name]);
  const seen = new Map(
    wanted
      .filter((rule) => scope === 'all' || rule.why !== COPY_PINNED)
      .map((rule) => [`${rule.where} ${rule.group} ${rule.resource} ${rule.name ?? ''} ${rule.verb}`, rule]),
  );
  return [...seen.values()];
}

/** `patch deployments.apps in every namespace`, `delete customresourcedefinitions.apiextensions.k8s.io/NAME`, for messages. */
export function ruleText(rule: AccessRule, istioNamespace: string): string {
  const resource = rule.group === '' ? rule.resource : `${rule.resource}.${rule.group}`;
  const where = rule.where === 'istio' ? ` in ${istioNamespace}` : rule.where === 'mesh' ? ' in every namespace' : '';
  return `${rule.verb} ${resource}${rule.name === undefined ? '' : `/${rule.name}`}${where}`;
}
