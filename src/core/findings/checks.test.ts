/** What the checks say beyond their codes: levels, objects, words, and when they could not look. */
import { describe, expect, it } from 'vitest';
import { crd } from '../../../test/kit/istio-objects.ts';
import { destinationRule, envoyFilter, pinnedOf } from '../../../test/kit/pinned-objects.ts';
import { MeshBuilder, type WorkloadOptions } from '../../../test/kit/mesh-builder.ts';
import type { HelmView } from '../helm/helm-view.ts';
import type { HelmRelease } from '../helm/release.ts';
import type { PodDisruptionBudget } from '../mesh/kube-objects.ts';
import { selectMoves } from '../moves/select-moves.ts';
import { accessRules } from '../permissions/access-rules.ts';
import { upgradeRequestSchema } from '../request/upgrade-request.ts';
import { gatherSurroundings } from '../restarts/surroundings.ts';
import { withRestarts } from '../restarts/with-restarts.ts';
import { allChecks } from './all-checks.ts';
import { isFinding, type Check, type CheckContext } from './check-context.ts';
import * as configuration from './checks/configuration.ts';
import * as pinnedChecks from './checks/pinned.ts';
import * as gatewayServices from './checks/gateway-services.ts';
import * as gatewayChecks from './checks/gateways.ts';
import * as helmChecks from './checks/helm.ts';
import * as controlPlanes from './checks/control-planes.ts';
import * as platform from './checks/platform.ts';
import * as tagChecks from './checks/tags.ts';
import * as versions from './checks/versions.ts';
import * as workloads from './checks/workloads.ts';
import { findingCatalogue, type CouldNotLook, type Finding } from './finding.ts';
import { refusing, runChecks } from './run-checks.ts';

function context(mesh: MeshBuilder = new MeshBuilder(), more: Partial<CheckContext> = {}): CheckContext {
  const inventory = mesh.inventory();
  const to = { revision: 'canary', version: '1.29.1' };
  const request = more.request ?? upgradeRequestSchema.parse({});
  const moves = selectMoves(inventory, { from: 'default', to: { label: 'canary', ...to }, namespaces: [], skip: [] });
  return {
    inventory,
    liveCrds: [],
    request,
    from: { revision: 'default', version: '1.28.2' },
    to,
    moves: withRestarts(moves, gatherSurroundings(mesh.objects(), undefined), request),
    today: '2026-03-01',
    ...more,
  };
}

type Rendered = NonNullable<CheckContext['rendered']>;
const rendered = (more: Partial<Rendered>): Rendered => ({ crds: [], mustBeEqual: [], valuesUnknown: false, movesDefault: false, ...more });
const found = (check: Check, ctx: CheckContext): Finding[] => check.look(ctx).filter(isFinding);
const notLooked = (check: Check, ctx: CheckContext): CouldNotLook[] => check.look(ctx).filter((r) => !isFinding(r));
const levels = (check: Check, ctx: CheckContext): string[] => found(check, ctx).map((f) => `${f.code} ${f.level}`);

function shop(name: string, options: WorkloadOptions): MeshBuilder {
  return new MeshBuilder()
    .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
    .defaultTo('default')
    .namespace('shop', { 'istio-injection': 'enabled' })
    .workload('shop', name, { on: 'default', ...options });
}

it('every check of every file is among all checks, and every code is in the catalogue with words of its own', () => {
  const isCheck = (value: unknown): value is Check => typeof value === 'object' && value !== null && 'look' in value && 'codes' in value;
  const written = [
    configuration,
    controlPlanes,
    gatewayChecks,
    gatewayServices,
    tagChecks,
    helmChecks,
    pinnedChecks,
    platform,
    versions,
    workloads,
  ].flatMap((file) => Object.values(file).filter(isCheck));
  expect(new Set(allChecks)).toEqual(new Set(written));
  expect(allChecks).toHaveLength(written.length);
  const entries = Object.entries(findingCatalogue);
  for (const [code, entry] of entries) {
    expect(code).toMatch(/^[A-Z]{4}-\d{3}$/);
    expect([entry.meaning.length > 20, entry.remedy.length > 5]).toEqual([true, true]);
  }
  expect(new Set(entries.map(([, entry]) => entry.title)).size).toBe(entries.length);
});

it('a look with nothing but an empty mesh finds nothing, and does not fail', () => {
  const { from: _from, to: _to, moves: _moves, ...bare } = context();
  expect(allChecks.flatMap((check) => check.look(bare)).filter(isFinding)).toEqual([]);
});

describe('platform', () => {
  const denied = (count: number): NonNullable<CheckContext['access']> =>
    accessRules('install').map((rule, index) => ({ rule, allowed: index >= count, reason: '' }));

  it('names what is missing, the first four of it', () => {
    const [few] = found(platform.permissions, context(undefined, { access: denied(2) }));
    expect(few).toMatchObject({ level: 'error', objects: ['list pods in every namespace', 'list services in every namespace'] });
    expect(few?.what).toBe(
      `2 of ${accessRules('install').length} permissions that the plan needs are missing: list pods in every namespace; list services in every namespace`,
    );
    expect(found(platform.permissions, context(undefined, { access: denied(4) }))[0]?.what).not.toContain('…');
    expect(found(platform.permissions, context(undefined, { access: denied(5) }))[0]).toMatchObject({
      what: expect.stringMatching(/; …$/) as string,
      objects: { length: 5 },
    });
  });

  it.each([
    ['v1.29.9', '1.28.2', ['PLAT-002 error', 'PLAT-002 error']],
    ['v1.30.0', '1.28.2', ['PLAT-002 error']],
    ['v1.34.0', '1.28.2', []],
    ['v1.35.0', '1.28.2', ['PLAT-002 warning']],
    ['v1.36.0', '1.28.2', ['PLAT-002 warning', 'PLAT-002 warning']],
  ])('Kubernetes %s under %s and 1.29.1: %o', (serverVersion, version, expected) => {
    const ctx = context(undefined, { from: { revision: 'default', version } });
    expect(levels(platform.kubernetesRange, { ...ctx, inventory: { ...ctx.inventory, serverVersion } })).toEqual(expected);
  });

  it('says what it cannot compare', () => {
    const ctx = context(undefined, { to: { revision: 'canary', version: '1.99.0' }, from: { revision: 'x', version: 'nightly' } });
    expect(notLooked(platform.kubernetesRange, ctx)).toEqual([
      { what: 'Kubernetes range of Istio 1.99.0', why: 'the support table does not know this version' },
    ]);
    expect(notLooked(platform.kubernetesRange, { ...ctx, inventory: { ...ctx.inventory, serverVersion: 'dev' } })).toEqual([
      { what: 'Kubernetes version', why: 'the server calls itself "dev"' },
    ]);
  });
});

describe('versions', () => {
  it.each([
    ['1.26.0', /3 minor versions; two are supported/],
    ['1.30.0', /1\.29\.1 is older than 1\.30\.0/],
  ])('from %s it says how far', (version, what) => {
    expect(found(versions.versionHop, context(undefined, { from: { revision: 'r', version } }))).toMatchObject([
      { code: 'VERS-001', level: 'error', what: expect.stringMatching(what) as string },
    ]);
  });

  it('a version that cannot be read is no step that was judged', () => {
    expect(notLooked(versions.versionHop, context(undefined, { from: { revision: 'r', version: 'nightly' } }))).toEqual([
      { what: 'step between the versions', why: '"nightly" is not a version that can be compared' },
    ]);
  });

  it.each([
    ['2026-08-31', 0],
    ['2026-09-01', 1],
  ])('on %s 1.29 has ended: %i', (today, count) => {
    expect(levels(versions.versionHop, context(undefined, { today }))).toEqual(Array(count).fill('VERS-003 warning'));
  });

  it('counts the proxies that are too far, of running pods with a known revision only', () => {
    const mesh = new MeshBuilder().revision({ revision: 'r', version: '1.28.2' });
    for (const name of ['a', 'b', 'c', 'd']) mesh.pod('shop', name, { on: 'r', proxyVersion: '1.26.0' });
    mesh
      .pod('shop', 'going', { on: 'r', proxyVersion: '1.26.0', deleting: true })
      .pod('shop', 'done', { on: 'r', proxyVersion: '1.26.0', phase: 'Failed' })
      .pod('shop', 'fine', { on: 'r' });
    const [finding] = found(versions.proxySkew, context(mesh));
    expect(finding).toMatchObject({
      level: 'error',
      objects: { length: 4 },
      what: expect.stringMatching(/^4 proxies are outside.*shop\/a \(1\.26\.0, behind of r 1\.28\.2\), .*, …$/) as string,
    });
    const one = new MeshBuilder().revision({ revision: 'r', version: '1.28.2' }).pod('shop', 'a', { on: 'r', proxyVersion: '1.29.0' });
    expect(found(versions.proxySkew, context(one))[0]?.what).toMatch(/^1 proxy is outside.*ahead/);
  });

  it('proxies whose version or control plane cannot be told were not judged', () => {
    const mesh = new MeshBuilder()
      .pod('shop', 'orphan', { on: 'gone', connectedTo: null })
      .pod('shop', 'two', { on: 'gone', connectedTo: null });
    expect(versions.proxySkew.look(context(mesh))).toEqual([
      { what: 'version skew of 2 proxies', why: 'their version, or that of their control plane, cannot be told' },
    ]);
  });

  it.each([
    ['virtualservices.networking.istio.io', true],
    ['authorizationpolicies.security.istio.io', true],
    ['telemetries.telemetry.istio.io', true],
    ['envoyfilters.networking.istio.io', false],
    ['proxyconfigs.networking.istio.io', false],
    ['wasmplugins.extensions.istio.io', false],
    ['virtualservices.networking.example.com', false],
  ])('%s must serve v1: %s', (name, needed) => {
    const look = (more: Partial<CheckContext>): string[] =>
      levels(versions.crdVersions, context(undefined, { liveCrds: [crd(name, ['v1beta1'])], ...more }));
    expect(look({})).toEqual(needed ? ['VERS-004 error'] : []);
    expect(look({ request: upgradeRequestSchema.parse({ action: 'migrate' }) })).toEqual(needed ? ['VERS-004 warning'] : []);
    expect(look({ to: { revision: 'x', version: '1.23.9' } })).toEqual([]);
    expect(look({ rendered: rendered({ crds: [crd(name, ['v1', 'v1beta1'])] }) })).toEqual([]);
  });
});

describe('control planes', () => {
  const overlap = (): MeshBuilder =>
    new MeshBuilder().revision({ revision: 'default', version: '1.28.2' }).revision({ revision: 'canary', version: '1.29.1' });

  it('names the webhooks that overlap once, whoever they would inject', () => {
    const mesh = overlap()
      .defaultTo('canary')
      .namespace('a', { 'istio-injection': 'enabled' })
      .namespace('b', { 'istio-injection': 'enabled' });
    expect(found(controlPlanes.webhookOverlap, context(mesh))).toMatchObject([
      {
        level: 'error',
        objects: ['istio-revision-tag-default', 'istio-sidecar-injector'],
        what: 'istio-revision-tag-default and istio-sidecar-injector match the same pods',
      },
    ]);
  });

  it('finds an overlap that only one workload of the cluster meets', () => {
    const byLabel = (name: string, revision: string): object => ({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name, labels: { 'istio.io/rev': revision } },
      webhooks: [{ name: 'x.sidecar-injector.istio.io', objectSelector: { matchLabels: { team: 'odd' } }, clientConfig: { url: 'x' } }],
    });
    const mesh = new MeshBuilder().object(byLabel('a', 'r') as never, byLabel('b', 's') as never);
    expect(found(controlPlanes.webhookOverlap, context(mesh))).toEqual([]);
    mesh.namespace('shop').workload('shop', 'x', { template: { metadata: { labels: { team: 'odd' } } } });
    expect(found(controlPlanes.webhookOverlap, context(mesh))).toMatchObject([{ objects: ['a', 'b'] }]);
  });

  it('a webhook is told once with all that is wrong with it, and not when it is switched off or remote', () => {
    const gone = new MeshBuilder().tag('prod', 'gone');
    expect(found(controlPlanes.webhookTargets, context(gone))).toMatchObject([
      { code: 'CTRL-002', objects: ['istio-revision-tag-prod'], what: expect.stringContaining('Service istiod-gone') as string },
    ]);
    const inventory = (change: object): CheckContext['inventory'] => {
      const base = new MeshBuilder().revision({ revision: 'r', version: '1.28.2' }).inventory();
      return { ...base, webhooks: base.webhooks.map((w) => ({ ...w, ...change })) };
    };
    const codes = (change: object): string[] =>
      found(controlPlanes.webhookTargets, { ...context(), inventory: inventory(change) }).map((f) => f.code);
    expect(codes({ hasCaBundle: false })).toEqual(['CTRL-003']);
    expect(codes({ serviceExists: false, hasCaBundle: false })).toEqual(['CTRL-002']);
    expect(codes({ serviceExists: false, deactivated: true })).toEqual([]);
    expect(codes({ hasCaBundle: false, entry: { name: 'x', clientConfig: { url: 'https://x' } } })).toEqual([]);
  });

  it('one that is not ready and one that says nothing are errors; what is only left in webhooks is neither', () => {
    const mesh = new MeshBuilder()
      .revision({ revision: 'sick', version: '1.28.2', ready: false }, { error: 'no answer' })
      .tag('prod', 'gone');
    expect(found(controlPlanes.readiness, context(mesh)).map((f) => [f.code, f.level, f.objects])).toEqual([
      ['CTRL-005', 'error', ['istio-system/istiod-sick']],
      ['CTRL-007', 'error', ['istio-system/istiod-sick-abc']],
    ]);
  });

  it('an installation that would move the default names who has it; without one there is nothing to take', () => {
    const holder = new MeshBuilder().revision({ revision: 'default', version: '1.28.2' });
    expect(found(controlPlanes.defaultMove, context(holder, { rendered: rendered({ movesDefault: true }) }))).toMatchObject([
      { level: 'error', objects: ['default'] },
    ]);
    const nobody = new MeshBuilder().revision({ revision: 'r', version: '1.28.2' });
    expect(found(controlPlanes.defaultMove, context(nobody, { rendered: rendered({ movesDefault: true }) }))).toEqual([]);
  });
});

describe('configuration', () => {
  const pinned = (count: number): CheckContext => {
    const ctx = context();
    const one = (index: number): CheckContext['inventory']['pinnedObjects'][number] => ({
      ref: { apiVersion: 'x', kind: 'EnvoyFilter', namespace: 'shop', name: `f${index}` },
      revision: 'default',
    });
    return { ...ctx, inventory: { ...ctx.inventory, pinnedObjects: Array.from({ length: count }, (_, index) => one(index)) } };
  };

  it('pinned objects are counted and named; an installation alone leaves them where they are', () => {
    expect(found(pinnedChecks.pinnedObjects, pinned(1))).toMatchObject([
      { level: 'error', objects: ['EnvoyFilter/shop/f0'], what: '1 object is labelled istio.io/rev=default: EnvoyFilter/shop/f0' },
    ]);
    expect(found(pinnedChecks.pinnedObjects, pinned(4))[0]?.what).toMatch(/^4 objects are .*f0.*f1.*f2 and 1 more$/);
    expect(found(pinnedChecks.pinnedObjects, { ...pinned(1), request: upgradeRequestSchema.parse({ action: 'install' }) })).toEqual([]);
    const { to: _to, ...aimless } = pinned(1);
    expect(found(pinnedChecks.pinnedObjects, aimless)).toEqual([]);
    const uninstall = upgradeRequestSchema.parse({ action: 'uninstall', from: { revision: 'default' } });
    expect(found(pinnedChecks.pinnedObjects, { ...aimless, request: uninstall })).toMatchObject([{ level: 'error' }]);
  });

  it('pinned objects that are copied refuse nothing; those that nobody can copy say what to do', () => {
    const kept = envoyFilter(['^1.28'], { name: 'kept', annotations: { 'meta.helm.sh/release-name': 'shop' } });
    const taken = envoyFilter([undefined], { name: 'late-canary' });
    const objects = [
      destinationRule('default'),
      envoyFilter(['^1.28']),
      envoyFilter(['^1.2[78]'], { name: 'odd' }),
      envoyFilter(['['], { name: 'wrong' }),
    ];
    const ctx = context(new MeshBuilder(), { pinned: pinnedOf([...objects, kept, taken, envoyFilter(['^1.28'], { name: 'late' })]) });
    const all = Object.values(pinnedChecks).flatMap((check) => found(check, ctx));
    expect(all.map((f) => [f.code, f.level, f.objects.join()]).toSorted()).toEqual([
      ['CONF-001', 'info', 'DestinationRule/shop/cart'],
      ['CONF-008', 'error', 'EnvoyFilter/shop/odd'],
      ['CONF-008', 'info', 'EnvoyFilter/shop/headers'],
      ['CONF-010', 'error', 'EnvoyFilter/shop/kept'],
      ['CONF-011', 'error', 'EnvoyFilter/shop/late'],
    ]);
    expect(
      all.filter((f) => f.level === 'error').every((f) => /--skip-pinned EnvoyFilter\/shop\/(odd|kept|late)/.test(f.next.join())),
    ).toBe(true);
    expect(notLooked(pinnedChecks.proxyVersions, ctx)).toEqual([
      { what: 'which proxies EnvoyFilter/shop/wrong applies to', why: 'proxyVersion [ is no valid expression, or a version is unknown' },
    ]);
  });

  it('both labels: it says whom Istio obeys', () => {
    const mesh = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .namespace('a', { 'istio-injection': 'enabled', 'istio.io/rev': 'x' })
      .namespace('b', { 'istio-injection': 'off', 'istio.io/rev': 'default' });
    expect(
      found(configuration.injectionLabels, context(mesh)).map((f) => [f.code, f.level, f.objects, /(?<=first: ).*/.exec(f.what)?.[0]]),
    ).toEqual([
      ['CONF-002', 'warning', ['a'], 'default injects'],
      ['CONF-002', 'warning', ['b'], 'nobody injects'],
    ]);
  });

  it('who owns the label matters only where it would be changed', () => {
    const managedFields = [{ manager: 'argocd-controller', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:istio-injection': {} } } } }];
    const mesh = (labels: Record<string, string>): MeshBuilder =>
      new MeshBuilder().revision({ revision: 'default', version: '1.28.2' }).namespace('shop', labels, { managedFields });
    expect(found(configuration.labelOwners, context(mesh({ 'istio-injection': 'enabled' })))).toMatchObject([
      { level: 'error', objects: ['shop'], next: ['commit there: remove istio-injection, istio.io/rev: canary'] },
    ]);
    expect(found(configuration.labelOwners, context(mesh({ 'istio.io/rev': 'default' })))).toEqual([]);
  });

  it.each(['argocd-application-controller', 'kustomize-controller', 'helm-controller', 'flux', 'helm', 'config-sync', 'fleet-agent'])(
    '%s puts labels back',
    (manager) => {
      const managedFields = [{ manager, fieldsV1: { 'f:metadata': { 'f:labels': { 'f:istio-injection': {} } } } }];
      const mesh = new MeshBuilder()
        .revision({ revision: 'default', version: '1.28.2' })
        .namespace('shop', { 'istio-injection': 'enabled' }, { managedFields });
      expect(found(configuration.labelOwners, context(mesh))).toHaveLength(1);
    },
  );

  it.each(['kubectl-label', 'meshlift', 'helmsman'])('%s does not', (manager) => {
    const managedFields = [{ manager, fieldsV1: { 'f:metadata': { 'f:labels': { 'f:istio-injection': {} } } } }];
    const mesh = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .namespace('shop', { 'istio-injection': 'enabled' }, { managedFields });
    expect(found(configuration.labelOwners, context(mesh))).toEqual([]);
  });
});

describe('workloads', () => {
  const budget = (more: { namespace?: string; app?: string; disruptionsAllowed?: number }): PodDisruptionBudget => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: more.namespace ?? 'shop' },
    spec: { selector: { matchLabels: { app: more.app ?? 'web' } } },
    ...(more.disruptionsAllowed === undefined ? {} : { status: { disruptionsAllowed: more.disruptionsAllowed } }),
  });
  it.each<[string, PodDisruptionBudget, number]>([
    ['nothing', budget({ disruptionsAllowed: 0 }), 1],
    ['nothing yet, as its controller has not looked', budget({}), 1],
    ['one', budget({ disruptionsAllowed: 1 }), 0],
    ['nothing in another namespace', budget({ namespace: 'other', disruptionsAllowed: 0 }), 0],
    ['nothing for other pods', budget({ app: 'cart', disruptionsAllowed: 0 }), 0],
  ])('a budget that allows %s', (_name, podDisruptionBudget, count) => {
    expect(found(workloads.disruptionBudgets, context(shop('web', {}).object(podDisruptionBudget)))).toHaveLength(count);
  });

  it('one probe among the containers of the application is enough; that of the proxy does not count', () => {
    const withProbes = (...containers: object[]): Finding[] =>
      found(workloads.probes, context(shop('web', { template: { spec: { containers } as never } })));
    expect(withProbes({ name: 'app' })).toMatchObject([{ code: 'WORK-003', level: 'error', objects: ['shop/deployment/web'] }]);
    expect(withProbes({ name: 'app', readinessProbe: {} }, { name: 'helper' })).toEqual([]);
    expect(withProbes({ name: 'app' }, { name: 'istio-proxy', image: 'auto', readinessProbe: {} })).toHaveLength(1);
    expect(withProbes({ name: 'istio-proxy', image: 'auto' })).toEqual([]);
  });

  it('a preStop delay is missed only where there is a port', () => {
    const of = (...containers: object[]): string[] =>
      found(workloads.preStop, context(shop('web', { template: { spec: { containers } as never } }))).map((f) => f.what);
    const serving = { ports: [{ containerPort: 1 }] };
    expect(of({ name: 'app', ...serving })).toEqual(['1 workload has no preStop delay: shop/deployment/web']);
    expect(of({ name: 'app', ...serving, lifecycle: { preStop: {} } })).toEqual([]);
    expect(of({ name: 'app' })).toEqual([]);
    expect(of({ name: 'app' }, { name: 'istio-proxy', image: 'auto', ...serving })).toEqual([]);
    const many = shop('a', { template: { spec: { containers: [{ name: 'app', ...serving }] } } });
    for (const name of ['b', 'c', 'd'])
      many.workload('shop', name, { on: 'default', template: { spec: { containers: [{ name: 'app', ...serving }] } } });
    expect(found(workloads.preStop, context(many))[0]).toMatchObject({
      level: 'warning',
      objects: { length: 4 },
      what: expect.stringMatching(/^4 workloads have .*shop\/deployment\/c, …$/) as string,
    });
  });

  it('says how many pods are ready of those that are wanted; ended and terminating ones are none', () => {
    const mesh = shop('web', { replicas: 2, pods: 1 });
    const owner = { kind: 'ReplicaSet', name: 'web-hash', uid: 'uid-Deployment-shop-web-ReplicaSet' };
    mesh.pod('shop', 'gone', { on: 'default', deleting: true, owner }).pod('shop', 'done', { on: 'default', phase: 'Succeeded', owner });
    expect(found(workloads.health, context(mesh))).toMatchObject([
      { code: 'WORK-004', level: 'error', what: 'shop/web has 1 of 2 pods ready' },
    ]);
    expect(found(workloads.health, context(shop('web', { replicas: 2 })))).toEqual([]);
  });

  it('says why a workload stays, and only when that keeps the old revision', () => {
    const mesh = shop('job', { kind: 'Job' })
      .revision({ revision: 'other', version: '1.28.0' })
      .workload('shop', 'else', { kind: 'Job', on: 'other' });
    expect(found(workloads.notMoved, context(mesh))).toMatchObject([
      {
        level: 'warning',
        objects: ['shop/job/job'],
        what: 'shop/job (Job) stays: a Job ends by itself; its pod keeps its sidecar until then',
      },
    ]);
  });

  it('first sidecars and pinned ones are warnings', () => {
    const pinned: WorkloadOptions = { template: { metadata: { annotations: { 'sidecar.istio.io/proxyImage': 'mine/proxy:1' } } } };
    const mesh = shop('pin', pinned).workload('shop', 'fresh');
    const given = [workloads.firstSidecars, workloads.pinnedProxies].flatMap((check) => found(check, context(mesh)));
    expect(given.map((f) => [f.code, f.level, f.objects[0]])).toEqual([
      ['WORK-005', 'warning', 'shop/deployment/fresh'],
      ['WORK-007', 'warning', 'shop/deployment/pin'],
    ]);
  });

  it.each<[string, Check, WorkloadOptions]>([
    ['taken down', workloads.takenDown, { strategy: { type: 'Recreate' } }],
    ['without a probe', workloads.probes, {}],
    ['not healthy', workloads.health, { ready: false }],
  ])('whoever accepts its downtime accepts that a workload is %s, and nobody else’s', (_name, check, options) => {
    const accepted = (acceptDowntime: string[]): unknown =>
      found(check, context(shop('web', options), { request: upgradeRequestSchema.parse({ acceptDowntime }) })).map(
        (f) => f.accepted === true,
      );
    expect([accepted([]), accepted(['shop/web']), accepted(['shop/deployment/web']), accepted(['shop/cart'])]).toEqual([
      [false],
      [true],
      [true],
      [false],
    ]);
  });
});

describe('what a report says', () => {
  const check = (...findings: Finding[]): Check => ({ name: 'c', codes: ['WORK-001'], look: () => [...findings, { what: 'w', why: 'y' }] });
  const finding = (level: Finding['level'], ...objects: string[]): Finding => ({
    code: 'WORK-001',
    level,
    objects,
    what: '',
    why: '',
    next: [],
  });
  const report = (accept: string[], ...findings: Finding[]): ReturnType<typeof runChecks> =>
    runChecks(context(new MeshBuilder({ unread: [{ what: 'u', why: 'n' }] }), { request: upgradeRequestSchema.parse({ accept }) }), [
      check(...findings),
    ]);

  it('only errors refuse, and only those that nobody accepted', () => {
    expect(refusing(report([], finding('error', 'a'), finding('warning', 'b'), finding('info', 'c'))).map((f) => f.objects)).toEqual([
      ['a'],
    ]);
    expect(refusing(report(['WORK-001:a'], finding('error', 'a'), finding('error', 'b'))).map((f) => f.objects)).toEqual([['b']]);
  });

  it('one with several objects is accepted when each of them is, one without only by its code', () => {
    const accepted = (accept: string[], ...objects: string[]): unknown =>
      report(accept, finding('error', ...objects)).findings[0]?.accepted;
    expect([
      accepted(['WORK-001:a'], 'a', 'b'),
      accepted(['WORK-001:a', 'WORK-001:b'], 'a', 'b'),
      accepted(['WORK-001']),
      accepted(['WORK-001:a']),
      accepted([]),
    ]).toEqual([false, true, true, false, false]);
  });

  it('checks that could not look come first, then what could not be read; checks are counted', () => {
    const { couldNotLook, checks } = report([]);
    expect([couldNotLook, checks]).toEqual([
      [
        { what: 'w', why: 'y' },
        { what: 'u', why: 'n' },
      ],
      1,
    ]);
    expect(runChecks(context()).checks).toBe(allChecks.length);
  });
});

it('releases that may not be read are told, where Helm has to do with it', () => {
  const old = { name: 'istiod', namespace: 'istio-system' };
  expect(notLooked(helmChecks.pendingReleases, context(new MeshBuilder(), { helm: { old } }))).toEqual([
    { what: 'Helm releases in istio-system', why: 'no permission to list secrets there' },
  ]);
  expect(notLooked(helmChecks.pendingReleases, context(new MeshBuilder(), { helm: {} }))).toEqual([]);
});

describe('what stands before gateways', () => {
  const gateway = (labels: Record<string, string>, selector: Record<string, string>): MeshBuilder =>
    shop('web', {})
      .namespace('edge')
      .workload('edge', 'in', {
        on: 'default',
        template: {
          metadata: { labels: { app: 'in', ...labels }, annotations: { 'inject.istio.io/templates': 'gateway' } },
          spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] },
        },
      })
      .object(
        { apiVersion: 'networking.istio.io/v1', kind: 'Gateway', metadata: { name: 'all', namespace: 'shop' }, spec: { selector } },
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'in', namespace: 'edge' },
          spec: { type: 'LoadBalancer', selector: { app: 'in' } },
        },
      );
  const looked = (mesh: MeshBuilder, more: Partial<CheckContext> = {}): CheckContext =>
    context(mesh, { services: mesh.objects().services, istioGateways: mesh.objects().istioGateways, ...more });
  const ON_DEFAULT = { 'istio.io/rev': 'default' };
  const WITHOUT_TARGET = { to: undefined, moves: undefined } as unknown as Partial<CheckContext>;

  it.each<[string, Record<string, string>, Record<string, string>, Partial<CheckContext>, string[]]>([
    ['a selector that no pod has', {}, { app: 'gone' }, {}, ['GATE-011 warning']],
    ['a revision that the gateway moves away from', ON_DEFAULT, { app: 'in', ...ON_DEFAULT }, {}, ['GATE-011 error']],
    ['a revision, and nothing moves', ON_DEFAULT, { app: 'in', ...ON_DEFAULT }, WITHOUT_TARGET, ['GATE-011 warning']],
    ['the pods of the gateway', ON_DEFAULT, { app: 'in' }, {}, []],
  ])('an Istio Gateway selects %s', (_what, labels, selector, more, expected) => {
    expect(levels(gatewayServices.gatewayListeners, looked(gateway(labels, selector), more))).toEqual(expected);
  });

  it('an address that never comes is told with a target and without one, once for each Service', () => {
    for (const more of [{}, WITHOUT_TARGET]) {
      const findings = found(gatewayServices.waitingAddresses, looked(gateway(ON_DEFAULT, {}), more));
      expect(findings.map(({ what }) => what)).toEqual(['Service edge/in of type LoadBalancer has no address']);
    }
  });
});

describe('a pending release', () => {
  const VIA_HELM = { install: { with: 'helm', charts: 'charts' } };
  const name = { name: 'istiod-canary', namespace: 'istio-system' };
  const pending = (more: Partial<HelmRelease>): HelmRelease => ({ ...name, version: 2, status: 'pending-install', values: {}, ...more });
  const wayOut = (helm: HelmView): string | undefined =>
    found(helmChecks.pendingReleases, context(undefined, { helm, request: upgradeRequestSchema.parse(VIA_HELM) }))[0]?.next[0];

  it.each<[string, HelmView, RegExp]>([
    [
      'goes back to what was deployed',
      { old: name, releases: [pending({ deployedVersion: 1 })] },
      /^helm rollback istiod-canary 1 -n istio-system /,
    ],
    ['is uninstalled where nothing runs on it', { fresh: name, releases: [pending({})] }, /^helm uninstall istiod-canary -n istio-system /],
    [
      'is not uninstalled under a mesh',
      { old: name, releases: [pending({})] },
      /^kubectl -n istio-system delete secret sh\.helm\.release\.v1\.istiod-canary\.v2, /,
    ],
    [
      'is not uninstalled with the CRDs',
      { base: pending({ name: 'istio-base' }), releases: [] },
      /^kubectl .*istio-base\.v2, .*not helm uninstall/,
    ],
  ])('%s', (_what, helm, words) => {
    expect(wayOut(helm)).toMatch(words);
  });
});
