import { describe, expect, it } from 'vitest';
import { crd, tagObjects } from '../../../test/kit/istio-objects.ts';
import { MeshBuilder, type WorkloadOptions } from '../../../test/kit/mesh-builder.ts';
import { envoyFilter, pinnedOf } from '../../../test/kit/pinned-objects.ts';
import type { HelmView } from '../helm/helm-view.ts';
import type { HelmRelease } from '../helm/release.ts';
import type { KubeObject, PodDisruptionBudget, Service } from '../mesh/kube-objects.ts';
import { selectMoves } from '../moves/select-moves.ts';
import { accessRules } from '../permissions/access-rules.ts';
import { upgradeRequestSchema } from '../request/upgrade-request.ts';
import { gatherSurroundings } from '../restarts/surroundings.ts';
import { withRestarts } from '../restarts/with-restarts.ts';
import { allChecks } from './all-checks.ts';
import { isFinding, type CheckContext } from './check-context.ts';
import { findingCatalogue, type FindingCode } from './finding.ts';
import { refusing, runChecks } from './run-checks.ts';

const SERVING: WorkloadOptions = {
  on: 'default',
  replicas: 2,
  template: {
    spec: {
      containers: [{ name: 'app', image: 'app:1', readinessProbe: {}, lifecycle: { preStop: {} }, ports: [{ containerPort: 8080 }] }],
    },
  },
};

/** A mesh and a request in which nothing is wrong. */
function fine(): MeshBuilder {
  return new MeshBuilder()
    .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
    .defaultTo('default')
    .namespace('shop', { 'istio-injection': 'enabled' })
    .workload('shop', 'web', SERVING);
}

const ALL_AT_ONCE: WorkloadOptions = { replicas: 2, strategy: { rollingUpdate: { maxUnavailable: '100%', maxSurge: 0 } } };
const PINNED_REF = { apiVersion: 'x/v1', kind: 'EnvoyFilter', namespace: 'shop', name: 'f' };
const HELM = { 'meta.helm.sh/release-name': 'shop' };

function pinned(...objects: readonly KubeObject[]): Change {
  return { context: { pinned: pinnedOf(objects) } };
}

interface Change {
  readonly mesh?: (mesh: MeshBuilder) => MeshBuilder;
  readonly context?: Partial<CheckContext>;
  readonly objects?: Record<string, unknown>;
  readonly to?: string;
  readonly request?: Record<string, unknown>;
  readonly namespaces?: readonly string[];
}

function contextOf(change: Change = {}): CheckContext {
  const builder = change.mesh?.(fine()) ?? fine();
  const inventory = { ...builder.inventory(), ...change.objects };
  const to = { revision: 'canary', version: change.to ?? '1.29.1' };
  const request = upgradeRequestSchema.parse({ ...change.request });
  const moves = selectMoves(inventory, {
    from: 'default',
    to: { label: 'canary', ...to },
    namespaces: change.namespaces ?? [],
    skip: [],
    gateways: request.gateways.strategy,
    moveTags: request.finish.moveTags,
  });
  return {
    inventory,
    services: builder.objects().services,
    istioGateways: builder.objects().istioGateways,
    liveCrds: [crd('virtualservices.networking.istio.io', ['v1', 'v1beta1'])],
    request,
    from: { revision: 'default', version: '1.28.2' },
    to,
    moves: withRestarts(moves, gatherSurroundings(builder.objects(), undefined), request),
    access: accessRules('install').map((rule) => ({ rule, allowed: true, reason: '' })),
    today: '2026-03-01',
    ...change.context,
  };
}

function codes(change: Change = {}): FindingCode[] {
  const results = allChecks.flatMap((check) => check.look(contextOf(change)));
  return [...new Set(results.filter(isFinding).map((finding) => finding.code))].toSorted();
}

const workload = (options: WorkloadOptions): Change => ({ mesh: (m) => m.workload('shop', 'x', { ...SERVING, ...options }) });
const budget = (disruptionsAllowed: number): KubeObject =>
  ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'web' } } },
    status: { disruptionsAllowed },
  }) as PodDisruptionBudget;
const rendered = (more: Partial<NonNullable<CheckContext['rendered']>>): Change => ({
  context: { rendered: { crds: [], mustBeEqual: [], valuesUnknown: false, movesDefault: false, ...more } },
});
const managed = (manager: string): Change => ({
  mesh: (m) =>
    m.namespace(
      'gitops',
      { 'istio-injection': 'enabled' },
      { managedFields: [{ manager, fieldsV1: { 'f:metadata': { 'f:labels': { 'f:istio-injection': {} } } } }] },
    ),
});

const CANARY = { gateways: { strategy: 'canary' } };
interface EdgeOptions {
  readonly service?: Partial<Service['spec']>;
  readonly address?: string;
  readonly serviceMarks?: Record<string, string>;
  readonly serviceLabels?: Record<string, string>;
  readonly selector?: Record<string, string>;
  readonly marks?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly drain?: string;
  readonly strategy?: Record<string, unknown>;
  readonly grace?: number;
  readonly request?: Record<string, unknown>;
  readonly more?: (mesh: MeshBuilder) => MeshBuilder;
}

/** A gateway in a namespace without labels, with its Service. */
const edge = ({
  service,
  address = '10.0.0.1',
  serviceMarks = {},
  serviceLabels = {},
  selector,
  marks,
  labels,
  drain,
  grace,
  strategy,
  request,
  more = (m) => m,
}: EdgeOptions = {}): Change => ({
  ...(request === undefined ? {} : { request }),
  mesh: (m) => {
    const config = drain === undefined ? {} : { 'proxy.istio.io/config': `{terminationDrainDuration: ${drain}}` };
    const annotations = { 'inject.istio.io/templates': 'gateway', ...config };
    const template = {
      metadata: { labels: { app: 'edge', 'istio.io/rev': 'default', ...labels }, annotations },
      spec: {
        containers: [{ name: 'istio-proxy', image: 'auto' }],
        ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
      },
    };
    const built = m.namespace('edge').workload('edge', 'edge', {
      on: 'default',
      replicas: 2,
      template,
      ...(strategy === undefined ? {} : { strategy }),
      spec: { selector: { matchLabels: selector ?? { app: 'edge' } } },
    });
    const made = built.object({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'edge', namespace: 'edge', annotations: serviceMarks, labels: serviceLabels },
      spec: { type: 'LoadBalancer', selector: { app: 'edge' }, ports: [{ port: 80 }], ...service },
      status: { loadBalancer: { ingress: address === '' ? [] : [{ ip: address }] } },
    });
    return more(marks === undefined ? made : made.marked('Deployment', 'edge', marks));
  },
});

const BY_HELM = { 'app.kubernetes.io/managed-by': 'Helm' };
const ofRelease = (name: string): Record<string, string> => ({
  'meta.helm.sh/release-name': name,
  'meta.helm.sh/release-namespace': 'edge',
});

/** A Gateway of Istio in another namespace than the gateway that it may select. */
const listener = (selector: Record<string, string>): Change =>
  edge({
    more: (m) =>
      m.object({
        apiVersion: 'networking.istio.io/v1',
        kind: 'Gateway',
        metadata: { name: 'all', namespace: 'shop' },
        spec: { selector },
      }),
  });

/** A workload whose own label names the revision, behind a Service. */
const bare = (selector: Record<string, string>): Change => ({
  mesh: (m) =>
    m
      .namespace('bare')
      .workload('bare', 'lone', {
        ...SERVING,
        template: { ...SERVING.template, metadata: { labels: { app: 'lone', 'istio.io/rev': 'default' } } },
      })
      .object({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'lone', namespace: 'bare' }, spec: { selector } }),
});

const apiGateway = (labels: Record<string, string>, namespaces: readonly string[] = []): Change => ({
  mesh: (m) =>
    m
      .namespace('other')
      .object({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'edge', namespace: 'shop', labels } })
      .workload('shop', 'edge-istio', {
        on: 'default',
        template: {
          metadata: {
            labels: {
              'sidecar.istio.io/inject': 'false',
              'gateway.istio.io/managed': 'istio.io-gateway-controller',
              'gateway.networking.k8s.io/gateway-name': 'edge',
            },
          },
          spec: { containers: [{ name: 'istio-proxy', image: 'istio/proxyv2:1.28.2' }] },
        },
      }),
  namespaces,
});

/** For every code: what gives it, and what comes close and does not. */
/** A tag that points to the old revision, with marks of its owner. */
function tagOf(marks: Partial<KubeObject['metadata']>): Change {
  return {
    mesh: (m) => {
      const [tag] = tagObjects('prod', 'default') as [KubeObject];
      return m.object({ ...tag, metadata: { ...tag.metadata, ...marks, labels: { ...tag.metadata.labels, ...marks.labels } } });
    },
  };
}

const followingTag = (m: MeshBuilder): MeshBuilder =>
  m.tag('prod', 'default').namespace('desk', { 'istio.io/rev': 'prod' }).workload('desk', 'app', SERVING);

const HELMS = { annotations: { 'meta.helm.sh/release-name': 'istiod' }, labels: { 'operator.istio.io/component': 'Pilot' } };

/** A Gateway of the Gateway API with these labels, beside a tag that points to the old revision. */
function behindTag(labels: Readonly<Record<string, string>>): Change {
  const gateway = apiGateway(labels);
  return { ...gateway, mesh: (m) => (gateway.mesh?.(m) ?? m).tag('prod', 'default') };
}

const release = (more: Partial<HelmRelease> = {}): HelmRelease => ({
  name: 'istiod',
  namespace: 'istio-system',
  version: 1,
  status: 'deployed',
  chart: { name: 'istiod', version: '1.28.2' },
  values: {},
  ...more,
});
const BASE = release({ name: 'istio-base', chart: { name: 'base', version: '1.28.2' } });
const VIA_HELM = { install: { with: 'helm', charts: 'charts' } };
const OLD = { name: 'istiod', namespace: 'istio-system' };
const FRESH = { name: 'istiod-canary', namespace: 'istio-system' };
/** What was seen of Helm's releases. */
const helmed = (helm: HelmView, request: Record<string, unknown> = VIA_HELM): Change => ({ context: { helm }, request });

const CASES: Readonly<Record<FindingCode, { readonly gives: readonly Change[]; readonly not: readonly Change[] }>> = {
  'PLAT-001': {
    gives: [{ context: { access: accessRules('look').map((rule) => ({ rule, allowed: rule.verb !== 'list', reason: 'no' })) } }],
    not: [{}],
  },
  'PLAT-002': {
    gives: [{ objects: { serverVersion: 'v1.29.0' } }, { objects: { serverVersion: 'v1.36.0' } }],
    not: [{ objects: { serverVersion: 'v1.31.0' } }, { objects: { serverVersion: 'unknown' } }],
  },
  'VERS-001': { gives: [{ to: '1.31.0' }, { to: '1.28.1' }], not: [{ to: '1.30.0' }, { to: '1.28.3' }] },
  'VERS-002': {
    gives: [workload({ proxyVersion: '1.26.0' }), workload({ proxyVersion: '1.29.0' })],
    not: [workload({ proxyVersion: '1.27.9' })],
  },
  'VERS-003': { gives: [{ context: { today: '2026-12-31' } }], not: [{}] },
  'VERS-004': {
    gives: [{ context: { liveCrds: [crd('virtualservices.networking.istio.io', ['v1beta1'])] } }],
    not: [{ context: { liveCrds: [crd('envoyfilters.networking.istio.io', ['v1alpha3'])] } }],
  },
  'VERS-005': {
    gives: [rendered({ crds: [crd('virtualservices.networking.istio.io', ['v1'])] })],
    not: [rendered({ crds: [crd('virtualservices.networking.istio.io', ['v1', 'v1beta1', 'v2'])] })],
  },
  'CTRL-001': {
    gives: [
      {
        mesh: () =>
          new MeshBuilder()
            .revision({ revision: 'default', version: '1.28.2' })
            .revision({ revision: 'canary', version: '1.29.1' })
            .defaultTo('canary'),
      },
    ],
    not: [{}],
  },
  'CTRL-002': { gives: [{ mesh: (m) => m.tag('prod', 'gone') }], not: [{ mesh: (m) => m.tag('prod', 'default') }] },
  'CTRL-003': { gives: [{ mesh: (m) => withoutBundle(m.revision({ revision: 'fresh', version: '1.29.1' })) }], not: [{}] },
  'CTRL-004': { gives: [rendered({ mustBeEqual: [{ path: 'meshConfig.trustDomain', old: 'a', new: 'b' }] })], not: [rendered({})] },
  'CTRL-005': { gives: [{ mesh: (m) => m.revision({ revision: 'sick', version: '1.28.2', ready: false }) }], not: [{}] },
  'CTRL-006': { gives: [rendered({ movesDefault: true })], not: [rendered({})] },
  'CTRL-007': { gives: [{ mesh: (m) => m.revision({ revision: 'mute', version: '1.28.2' }, { error: 'no answer' }) }], not: [{}] },
  'CTRL-008': { gives: [rendered({ valuesUnknown: true })], not: [rendered({})] },
  'HELM-001': {
    gives: [
      helmed({ old: OLD, releases: [release({ status: 'pending-upgrade' })] }),
      helmed({ fresh: FRESH, releases: [release({ ...FRESH, status: 'pending-install' })] }),
      helmed({ base: { ...BASE, status: 'pending-rollback' }, releases: [] }),
      helmed({ old: OLD, releases: [release({ status: 'uninstalling' })] }),
    ],
    not: [
      helmed({ old: OLD, releases: [release({ status: 'failed' })] }),
      helmed({ old: OLD, releases: [release({ name: 'other', status: 'pending-upgrade' })] }),
      helmed(
        { old: OLD, releases: [release({ status: 'pending-upgrade' })] },
        { action: 'install', to: { revision: 'canary', version: '1.29.1' } },
      ),
      helmed({ base: { ...BASE, status: 'pending-rollback' }, releases: [] }, {}),
    ],
  },
  'HELM-002': {
    gives: [
      helmed({ fresh: FRESH, releases: [release(FRESH)] }),
      helmed({ fresh: FRESH, releases: [release({ ...FRESH, status: 'uninstalled' })] }),
    ],
    not: [helmed({ fresh: FRESH, releases: [release()] }), helmed({ fresh: FRESH, releases: [release({ ...FRESH, namespace: 'other' })] })],
  },
  'HELM-003': {
    gives: [helmed({ old: OLD, oldOwner: 'Flux' }), helmed({ oldOwner: 'Argo CD' })],
    not: [helmed({ old: OLD }), helmed({ old: OLD, oldOwner: 'Flux' }, { action: 'migrate', to: { revision: 'canary' } })],
  },
  'HELM-004': {
    gives: [helmed({ base: BASE, validatorOwner: 'istio-base' }, {}), helmed({ validatorOwner: 'istio-base' })],
    not: [
      helmed({ base: BASE, validatorOwner: 'istio-base' }),
      helmed({ base: BASE }, {}),
      helmed({ base: { ...BASE, values: { defaultRevision: 'canary' } }, validatorOwner: 'istio-base' }, {}),
      helmed({ base: BASE, validatorOwner: 'istio-base' }, { action: 'install', to: { revision: 'canary', version: '1.29.1' } }),
    ],
  },
  'HELM-006': {
    gives: [helmed({ validatorKeeper: 'Flux', base: BASE }), helmed({ validatorKeeper: 'Argo CD' }, {})],
    not: [
      helmed({ base: BASE }),
      helmed({ validatorKeeper: 'Flux', base: { ...BASE, values: { defaultRevision: 'canary' } } }),
      helmed({ validatorKeeper: 'Flux' }, { action: 'install', to: { revision: 'canary', version: '1.29.1' } }),
    ],
  },
  'CONF-001': {
    gives: [{ objects: { pinnedObjects: [{ ref: { apiVersion: 'x', kind: 'EnvoyFilter', name: 'f' }, revision: 'default' }] } }],
    not: [{ objects: { pinnedObjects: [{ ref: { apiVersion: 'x', kind: 'EnvoyFilter', name: 'f' }, revision: 'other' }] } }],
  },
  'CONF-002': {
    gives: [{ mesh: (m) => m.namespace('both', { 'istio-injection': 'enabled', 'istio.io/rev': 'default' }) }],
    not: [{ mesh: (m) => m.namespace('one', { 'istio-injection': 'disabled' }) }],
  },
  'CONF-003': {
    gives: [{ mesh: (m) => m.namespace('ghost', { 'istio.io/rev': 'nobody' }) }],
    not: [{ mesh: (m) => m.namespace('off', { 'istio-injection': 'disabled' }) }],
  },
  'CONF-004': { gives: ['argocd-controller', 'kustomize-controller', 'helm'].map(managed), not: [managed('kubectl-label')] },
  'CONF-005': { gives: [{ mesh: (m) => m.namespace('fresh'), namespaces: ['fresh'] }], not: [{ namespaces: ['shop'] }] },
  'CONF-006': { gives: [apiGateway({})], not: [apiGateway({ 'istio.io/rev': 'default' }), apiGateway({}, ['other'])] },
  'CONF-007': {
    gives: [
      { objects: { pinnedObjects: [{ ref: PINNED_REF, revision: 'gone' }] } },
      { mesh: (m) => m.tag('prod', 'default'), objects: { pinnedObjects: [{ ref: PINNED_REF, revision: 'prod' }] } },
    ],
    not: [
      { objects: { pinnedObjects: [{ ref: PINNED_REF, revision: 'default' }] } },
      // The revision that comes.
      { objects: { pinnedObjects: [{ ref: PINNED_REF, revision: 'canary' }] } },
    ],
  },
  'CONF-008': {
    gives: [pinned(envoyFilter(['^1.28'])), pinned(envoyFilter(['^1.28'], { rev: 'default' })), pinned(envoyFilter(['^1.2[78]']))],
    not: [
      pinned(envoyFilter(['^1.2', undefined])),
      pinned(envoyFilter(['^1.28', '^1.29'])),
      pinned(envoyFilter(['^1.28'], { rev: 'other' })),
    ],
  },
  'CONF-009': {
    gives: [pinned(envoyFilter(['^1.29']))],
    not: [
      pinned(envoyFilter(['^1.28', '^1.29'])),
      pinned(envoyFilter(['^1.28']), envoyFilter(['^1.29'], { name: 'for-29' })),
      pinned(envoyFilter(['^1.30'])),
    ],
  },
  'CONF-010': {
    gives: [pinned(envoyFilter(['^1.28'], { annotations: HELM }))],
    not: [pinned(envoyFilter(['^1.28'])), pinned(envoyFilter([undefined], { annotations: HELM }))],
  },
  'CONF-011': {
    gives: [pinned(envoyFilter(['^1.28']), envoyFilter([undefined], { name: 'headers-canary' }))],
    not: [pinned(envoyFilter(['^1.28']), envoyFilter([undefined], { name: 'other' }))],
  },
  'GATE-001': {
    gives: [
      bare({ app: 'lone', 'istio.io/rev': 'default' }),
      edge({ service: { selector: { app: 'edge', 'istio.io/rev': 'default' } } }),
      edge({
        service: { selector: { app: 'edge', 'service.istio.io/canonical-revision': 'v1' } },
        labels: { 'service.istio.io/canonical-revision': 'v1' },
      }),
    ],
    not: [edge(), edge({ request: CANARY }), bare({ app: 'lone' })],
  },
  'GATE-002': {
    gives: [edge({ service: { selector: { app: 'gone' } } })],
    not: [edge(), edge({ service: { type: 'ClusterIP', selector: { app: 'gone' } } })],
  },
  'GATE-003': {
    gives: [edge({ address: '' })],
    not: [edge(), edge({ address: '', service: { type: 'NodePort' } }), edge({ address: '', service: { externalIPs: ['10.1.1.1'] } })],
  },
  'GATE-004': { gives: [edge({ labels: { 'istio.io/rev': 'ghost' } })], not: [edge()] },
  'GATE-005': { gives: [edge({ selector: { app: 'edge', 'istio.io/rev': 'default' } })], not: [edge()] },
  'GATE-006': {
    gives: [edge({ request: CANARY, more: (m) => m.workload('edge', 'edge-canary') })],
    not: [
      edge({ more: (m) => m.workload('edge', 'edge-canary') }),
      edge({
        request: CANARY,
        more: (m) => m.workload('edge', 'edge-canary', { spec: { selector: { matchLabels: { 'meshlift.io/revision': 'canary' } } } }),
      }),
    ],
  },
  'GATE-007': {
    gives: [
      edge({ marks: { 'argocd.argoproj.io/tracking-id': 'x' } }),
      edge({ request: CANARY, marks: { 'kustomize.toolkit.fluxcd.io/name': 'x' } }),
    ],
    not: [edge(), edge({ request: CANARY, marks: { 'meta.helm.sh/release-name': 'edge' } })],
  },
  'GATE-011': {
    gives: [
      listener({ app: 'gone' }),
      listener({ app: 'edge', 'istio.io/rev': 'other' }),
      listener({ app: 'edge', 'istio.io/rev': 'default' }),
      { ...listener({ app: 'edge', 'istio.io/rev': 'default' }), request: CANARY },
    ],
    not: [listener({ app: 'edge' }), listener({}), listener({ app: 'web' })],
  },
  'GATE-012': {
    gives: [
      edge({ serviceMarks: ofRelease('other'), marks: ofRelease('edge') }),
      edge({ serviceMarks: ofRelease('edge'), serviceLabels: { ...BY_HELM, release: 'other' } }),
      edge({ serviceMarks: ofRelease('edge'), serviceLabels: { ...BY_HELM, 'app.kubernetes.io/instance': 'other' } }),
    ],
    not: [
      edge({ serviceMarks: ofRelease('edge'), marks: ofRelease('edge') }),
      edge({ serviceMarks: ofRelease('edge'), serviceLabels: { ...BY_HELM, release: 'edge' } }),
      edge({ serviceMarks: ofRelease('edge') }),
      edge({ marks: ofRelease('edge'), serviceLabels: { 'app.kubernetes.io/instance': 'argo-app' } }),
    ],
  },
  'TAGS-021': {
    gives: [tagOf(HELMS)],
    not: [
      tagOf({}),
      { ...tagOf(HELMS), request: { finish: { moveTags: false } } },
      { ...tagOf(HELMS), request: { action: 'migrate' } },
      // istioctl copied the annotation from the revision's own webhooks.
      tagOf({ annotations: { 'meta.helm.sh/release-name': 'istiod' } }),
      {
        mesh: (m) => (tagOf(HELMS).mesh?.(m) ?? m).revision({ revision: 'canary', version: '1.29.1', installedBy: 'helm' }),
      },
    ],
  },
  'TAGS-022': {
    gives: [
      tagOf({ managedFields: [{ manager: 'argocd-controller' }] }),
      tagOf({
        annotations: {
          'argocd.argoproj.io/tracking-id': 'mesh:admissionregistration.k8s.io/MutatingWebhookConfiguration:/istio-revision-tag-prod',
        },
      }),
    ],
    not: [
      tagOf({ managedFields: [{ manager: 'istio-ci' }] }),
      tagOf({ annotations: { 'argocd.argoproj.io/tracking-id': 'mesh:apps/Deployment:istio-system/istiod' } }),
    ],
  },
  'TAGS-023': {
    gives: [behindTag({ 'istio.io/rev': 'prod' })],
    not: [
      behindTag({ 'istio.io/rev': 'default' }),
      behindTag({}),
      { ...behindTag({ 'istio.io/rev': 'prod' }), request: { finish: { moveTags: false } } },
    ],
  },
  'GATE-008': {
    gives: [
      edge({ drain: '0s' }),
      edge({ drain: '45s' }),
      edge({ grace: 5 }),
      edge({ more: (m) => m.revision({ revision: 'default', version: '1.28.2', mesh: 'defaultConfig: {terminationDrainDuration: 1s}' }) }),
    ],
    not: [edge(), edge({ drain: '20s' }), edge({ drain: '1m', grace: 90 }), edge({ drain: 'odd' })],
  },
  'TAGS-024': {
    gives: [
      { mesh: followingTag, namespaces: ['shop'] },
      {
        mesh: (m) =>
          m
            .tag('prod', 'default')
            .namespace('bare')
            .workload('bare', 'lone', {
              ...SERVING,
              kind: 'Rollout',
              template: { ...SERVING.template, metadata: { labels: { app: 'lone', 'istio.io/rev': 'prod' } } },
            }),
      },
    ],
    not: [
      { mesh: followingTag, namespaces: ['shop', 'desk'] },
      { mesh: followingTag, namespaces: ['shop'], request: { finish: { moveTags: false } } },
    ],
  },
  'WORK-001': {
    gives: [
      workload({ replicas: 1, strategy: { type: 'Recreate' } }),
      workload({ replicas: 3, strategy: { type: 'Recreate' } }),
      { ...workload(ALL_AT_ONCE), request: { restarts: { overrides: [{ workload: 'shop/x', do: 'restart' }] } } },
      workload({ kind: 'StatefulSet', replicas: 1 }),
      workload({ kind: 'DaemonSet', replicas: 1 }),
      edge({ strategy: { type: 'Recreate' } }),
    ],
    not: [
      edge({ strategy: { type: 'Recreate' }, request: CANARY }),
      workload(ALL_AT_ONCE),
      workload({ replicas: 1 }),
      workload({ replicas: 1, strategy: { rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } } }),
      workload({ kind: 'StatefulSet', replicas: 2 }),
      workload({ kind: 'DaemonSet', replicas: 1, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }),
      workload({ kind: 'DaemonSet', replicas: 3 }),
    ],
  },
  'WORK-002': { gives: [{ mesh: (m) => m.object(budget(0)) }], not: [{ mesh: (m) => m.object(budget(1)) }] },
  'WORK-003': { gives: [workload({ template: { spec: { containers: [{ name: 'app', image: 'a' }] } } })], not: [{}] },
  'WORK-004': { gives: [workload({ ready: false })], not: [{}] },
  'WORK-005': { gives: [workload({ on: undefined as never })], not: [{}] },
  'WORK-006': {
    gives: [{ mesh: (m) => m.pod('shop', 'bare', { on: 'default' }) }],
    not: [{ mesh: (m) => m.workload('shop', 'done', { kind: 'Job', on: 'default', phase: 'Succeeded' }) }],
  },
  'WORK-007': {
    gives: [workload({ template: { metadata: { labels: { app: 'x' }, annotations: { 'sidecar.istio.io/proxyImage': 'mine/p:1' } } } })],
    not: [{}],
  },
  'WORK-008': {
    gives: [workload({ template: { spec: { containers: [{ name: 'app', image: 'a', ports: [{ containerPort: 1 }] }] } } })],
    not: [workload({ template: { spec: { containers: [{ name: 'app', image: 'a' }] } } })],
  },
  'WORK-009': {
    gives: [workload({ template: { spec: { ...SERVING.template?.spec, terminationGracePeriodSeconds: 5 } } })],
    not: [workload({ template: { spec: { ...SERVING.template?.spec, terminationGracePeriodSeconds: 6 } } })],
  },
  'WORK-010': {
    gives: [scaled('ScalingLimited', { maxUnavailable: 1 })],
    not: [scaled('ScalingLimited', { maxUnavailable: 0, maxSurge: 1 }), scaled('AbleToScale', { maxUnavailable: 1 })],
  },
  'WORK-011': { gives: [quota('2')], not: [quota('3')] },
  'WORK-012': { gives: [node('2')], not: [node('3'), {}] },
  'WORK-014': {
    gives: [workload(ALL_AT_ONCE), workload({ replicas: 1, strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 0 } } })],
    not: [workload({ replicas: 1 }), workload({ replicas: 1, strategy: { type: 'Recreate' } })],
  },
  'WORK-013': { gives: [volume('ReadWriteOnce')], not: [volume('ReadWriteMany')] },
};

/** The workload with an autoscaler in whose status a condition is true. */
function scaled(condition: string, rollingUpdate: object): Change {
  const scaler: KubeObject = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'x', namespace: 'shop' },
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'x' }, minReplicas: 1, maxReplicas: 2 },
    status: {
      conditions: [{ type: 'ScalingLimited', status: condition === 'ScalingLimited' ? 'True' : 'False', reason: 'TooManyReplicas' }],
    },
  };
  return { mesh: (m) => m.object(scaler).workload('shop', 'x', { ...SERVING, replicas: 2, strategy: { rollingUpdate } }) };
}

/** Two pods, and a quota for so many. */
function quota(pods: string): Change {
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q', namespace: 'shop' },
    status: { hard: { pods }, used: { pods: '2' } },
  };
  return { mesh: (m) => m.object(object) };
}

/** One node for so many pods, of which it has the two. */
function node(pods: string): Change {
  const object: KubeObject = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, status: { allocatable: { pods } } };
  const builder = (m: MeshBuilder): MeshBuilder => {
    const objects = m.objects.bind(m);
    m.objects = () => ({ ...objects(), pods: objects().pods.map((pod) => ({ ...pod, spec: { ...pod.spec, nodeName: 'n' } })) });
    return m;
  };
  return { mesh: (m) => builder(m.object(object)) };
}

/** The workload with one claim of the mode. */
function volume(mode: string): Change {
  const claim: KubeObject = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'shop' },
    spec: { accessModes: [mode] },
  };
  const spec = { ...SERVING.template?.spec, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] };
  return { mesh: (m) => m.object(claim).workload('shop', 'x', { ...SERVING, template: { spec } }) };
}

/** The same mesh, whose last revision has no CA bundle in its webhook. */
function withoutBundle(mesh: MeshBuilder): MeshBuilder {
  const build = mesh.inventory.bind(mesh);
  mesh.inventory = () => {
    const inventory = build();
    return { ...inventory, webhooks: inventory.webhooks.map((w) => (w.revision === 'fresh' ? { ...w, hasCaBundle: false } : w)) };
  };
  return mesh;
}

describe.each(Object.entries(CASES))('%s', (code, { gives, not }) => {
  it.each(gives.map((change, index) => [index, change] as const))('is given, case %i', (_index, change) => {
    expect(codes(change)).toContain(code);
  });
  it.each(not.map((change, index) => [index, change] as const))('is not given, case %i', (_index, change) => {
    expect(codes(change)).not.toContain(code);
  });
});

it('a mesh in which nothing is wrong has no finding', () => {
  expect(codes()).toEqual([]);
});

it('every code is given by exactly one check, and every finding has words for what to do', () => {
  const declared = allChecks.flatMap((check) => check.codes).toSorted();
  expect(declared).toEqual(Object.keys(findingCatalogue).toSorted());
  expect(new Set(allChecks.map((check) => check.name)).size).toBe(allChecks.length);
  for (const change of Object.values(CASES).flatMap((c) => c.gives)) {
    for (const check of allChecks) {
      for (const finding of check.look(contextOf(change)).filter(isFinding)) {
        expect(check.codes).toContain(finding.code);
        expect([finding.what !== '', finding.why !== '', finding.next.length > 0]).toEqual([true, true, true]);
      }
    }
  }
});

describe('accepting', () => {
  const recreate = workload({ replicas: 1, strategy: { type: 'Recreate' } });
  it.each<[string, Record<string, unknown>, number]>([
    ['nothing', {}, 1],
    ['the code', { accept: ['WORK-001'] }, 0],
    ['the code and the object', { accept: ['WORK-001:shop/deployment/x'] }, 0],
    ['another object', { accept: ['WORK-001:shop/deployment/y'] }, 1],
    ['the downtime of the workload', { acceptDowntime: ['shop/x'] }, 0],
    ['the downtime of another workload', { acceptDowntime: ['shop/y'] }, 1],
  ])('%s', (_name, request, refused) => {
    expect(refusing(runChecks(contextOf({ ...recreate, request })))).toHaveLength(refused);
  });
});

it('what could not be read is a check that could not look', () => {
  const report = runChecks(contextOf({ objects: { unread: [{ what: 'poddisruptionbudgets', why: 'no permission' }] } }));
  expect(report.couldNotLook).toContainEqual({ what: 'poddisruptionbudgets', why: 'no permission' });
});
