import { stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { crd, controlPlaneObjects, sharedObjects } from '../../../test/kit/istio-objects.ts';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { planned, planOf, sha256, stepLines } from '../../../test/kit/plan-of.ts';
import { Problem } from '../problems/problem.ts';
import { meshText } from './build-plan.ts';
import { planSchema, type Plan } from './plan.ts';

const gateway = {
  template: {
    metadata: { labels: { app: 'ingress', 'sidecar.istio.io/inject': 'true' }, annotations: { 'inject.istio.io/templates': 'gateway' } },
  },
};

/** Two namespaces on an unrevisioned 1.28.2 that is the default. */
function mesh(): MeshBuilder {
  return new MeshBuilder()
    .object(...sharedObjects())
    .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
    .defaultTo('default')
    .namespace('istio-system')
    .namespace('shop', { 'istio-injection': 'enabled', team: 'a' })
    .workload('shop', 'web', { replicas: 2, on: 'default' })
    .workload('shop', 'ledger', { kind: 'StatefulSet', on: 'default' })
    .workload('shop', 'ingress', { on: 'default', ...gateway })
    .namespace('bank', { 'istio.io/rev': 'default' })
    .workload('bank', 'vault', { on: 'default' })
    .namespace('plain')
    .workload('plain', 'x');
}

const crds = ['virtualservices', 'gateways'].map((name) => `${name}.networking.istio.io`);
const rendered = [...crds.map((name) => crd(name, ['v1'], 'new')), ...controlPlaneObjects({ revision: 'canary', version: '1.29.1' })];

/** As a plan file shows it, with what depends on the mesh's every detail left out. */
function golden(plan: Plan): string {
  return stringify({ ...plan, mesh: { ...plan.mesh, digest: '<digest>' } }, { lineWidth: 0 });
}

describe('a whole plan', () => {
  it('of an upgrade', async () => {
    const plan = planOf(mesh(), {}, { rendered, liveCrds: [crd(crds[0] ?? '', ['v1beta1', 'v1'])] });
    expect(planSchema.parse(plan)).toEqual(plan);
    await expect(golden(plan)).toMatchFileSnapshot('testdata/upgrade.plan.yaml');
  });

  it('of a migration', async () => {
    const both = mesh().revision({ revision: 'canary', version: '1.29.1' }).tag('prod', 'canary');
    const plan = planOf(both, { action: 'migrate', to: { revision: 'prod' }, install: undefined, scope: { namespaces: ['shop'] } });
    await expect(golden(plan)).toMatchFileSnapshot('testdata/migrate.plan.yaml');
  });

  it('of a removal', async () => {
    const both = mesh().revision({ revision: 'canary', version: '1.29.1' });
    const plan = planOf(both, { action: 'uninstall', to: undefined, from: { revision: 'default' }, install: undefined });
    await expect(golden(plan)).toMatchFileSnapshot('testdata/uninstall.plan.yaml');
  });
});

describe('the order', () => {
  it('is CRDs, control plane, then one namespace after another, those with gateways first, and the finish', () => {
    expect(stepLines(planOf(mesh(), {}, { rendered }))).toEqual([
      'move 01-crds: 2 CRDs become those of 1.29.1',
      'move 02-install-canary: install canary (1.29.1) with istioctl',
      'move 03-label-shop: label ns/shop  istio-injection: enabled → none, istio.io/rev: none → canary',
      'move 04-restart-shop-deploy-ingress: restart deploy/ingress in shop',
      'move 05-restart-shop-deploy-web: restart deploy/web in shop',
      'move 06-restart-shop-sts-ledger: restart sts/ledger in shop',
      'move 07-label-bank: label ns/bank  istio.io/rev: default → canary',
      'move 08-restart-bank-deploy-vault: restart deploy/vault in bank',
      'finish 09-default: default: default → canary (injection, validation, leadership)',
      'finish 10-remove-default: remove default (1.28.2): 14 objects, once nothing uses it',
    ]);
  });

  it('does not depend on the order in which things were read', () => {
    const objects = mesh().objects();
    const shuffled = new MeshBuilder({
      ...objects,
      namespaces: objects.namespaces.toReversed(),
      deployments: objects.deployments.toReversed(),
      statefulSets: objects.statefulSets.toReversed(),
      pods: objects.pods.toReversed(),
    });
    expect(planOf(shuffled, {}, { rendered, more: { candidates: mesh().candidates() } }).steps).toEqual(
      planOf(mesh(), {}, { rendered }).steps,
    );
  });
});

describe('what is in it', () => {
  const kinds = (plan: Plan): string[] => plan.steps.map((step) => step.kind);

  it('no CRDs when they are as rendered already', () => {
    expect(kinds(planOf(mesh(), {}, { rendered, liveCrds: rendered.slice(0, 2) }))[0]).toBe('installControlPlane');
  });

  it('no installation when the revision is there already', () => {
    const both = mesh().revision({ revision: 'canary', version: '1.29.1' });
    expect(kinds(planOf(both))).not.toContain('installControlPlane');
  });

  it('only the installation when only that is asked for', () => {
    expect(kinds(planOf(mesh(), { action: 'install' }, { rendered }))).toEqual(['crds', 'installControlPlane']);
  });

  it('no finish of a migration, and no default to move where the old one is not it', () => {
    const both = mesh().revision({ revision: 'canary', version: '1.29.1' });
    expect(
      kinds(planOf(both, { action: 'migrate', to: { revision: 'canary' }, install: undefined, scope: { namespaces: ['shop'] } })),
    ).toEqual(['labelNamespace', 'restartGateway', 'restartWorkload', 'restartWorkload']);
    const other = new MeshBuilder().revision({ revision: 'old', version: '1.28.2' });
    expect(kinds(planOf(other))).toEqual(['installControlPlane', 'removeControlPlane']);
  });

  it('a removal is no finish: it is all there is', () => {
    const both = mesh().revision({ revision: 'canary', version: '1.29.1' });
    const plan = planOf(both, { action: 'uninstall', to: undefined, from: { revision: 'default' }, install: undefined });
    expect(plan.steps.map((step) => [step.kind, step.phase])).toEqual([
      ['moveDefault', 'move'],
      ['removeControlPlane', 'move'],
    ]);
    expect([plan.metadata.name, plan.notMoved]).toEqual(['uninstall-default', []]);
  });

  it('the first control plane of a mesh is moved to from nothing', () => {
    const only = new MeshBuilder().revision({ revision: 'canary', version: '1.29.1' }).namespace('shop', { 'istio.io/rev': 'canary' });
    const plan = planOf(only);
    expect([plan.from, plan.to, plan.steps]).toEqual([undefined, { revision: 'canary', version: '1.29.1' }, []]);
  });

  it('objects that are labelled for the old revision and are not its own stay, and are named', () => {
    const stray = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'extra', namespace: 'istio-system', labels: { 'istio.io/rev': 'default' } },
    };
    const removal = planOf(mesh().object(stray)).steps.find((step) => step.kind === 'removeControlPlane');
    expect(removal?.keeps).toEqual([{ apiVersion: 'v1', kind: 'Service', namespace: 'istio-system', name: 'extra' }]);
    expect(removal?.changes.map((change) => change.ref.name)).not.toContain('extra');
  });

  it('who stays, and why', () => {
    const plan = planOf(mesh().workload('shop', 'hand-made', { kind: 'ReplicaSet', on: 'default' }), { scope: { skip: ['shop/web'] } });
    expect(plan.notMoved).toEqual(
      [
        { workload: 'shop/replicaset/hand-made', reason: expect.stringContaining('ReplicaSet') as unknown, keepsOldInUse: true },
        { workload: 'shop/deployment/web', reason: 'left out by the request', keepsOldInUse: true },
      ].toSorted((a, b) => (a.workload < b.workload ? -1 : 1)),
    );
  });

  it.each<[Record<string, unknown>, string]>([
    [{}, 'to-canary'],
    [{ action: 'install' }, 'install-canary'],
    [{ action: 'migrate', install: undefined, to: { revision: 'prod' } }, 'migrate-to-prod'],
    [{ action: 'uninstall', install: undefined, to: undefined, from: { revision: 'default' } }, 'uninstall-default'],
  ])('its name: %o', (request, name) => {
    expect(planOf(mesh().tag('prod', 'default'), request).metadata.name).toBe(name);
  });
});

describe('what is refused', () => {
  it.each<[string, Record<string, unknown>, Problem['code'], RegExp]>([
    ['a namespace that does not exist', { scope: { namespaces: ['shop', 'nowhere', 'gone'] } }, 'MESH-003', /nowhere, gone/],
    ['a namespace that is being deleted', { scope: { namespaces: ['ending'] } }, 'MESH-003', /ending/],
    ['a workload to skip that does not exist', { scope: { skip: ['shop/nothing'] } }, 'MESH-004', /shop\/nothing/],
    ['a workload of another kind', { scope: { skip: ['shop/daemonset/web'] } }, 'MESH-004', /daemonset/],
    ['a workload that may be down that does not exist', { acceptDowntime: ['bank/nothing'] }, 'MESH-004', /bank\/nothing/],
  ])('%s', (_name, request, code, words) => {
    const problem = planned(mesh().namespace('ending', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), request);
    expect([(problem as Problem).code, (problem as Problem).details.what]).toEqual([code, expect.stringMatching(words)]);
  });

  it.each(['shop/web', 'shop/deployment/web', 'shop/Deployment/web'])('a workload may be named %s', (entry) => {
    expect(planOf(mesh(), { scope: { skip: [entry] }, acceptDowntime: [entry] }).notMoved.map((stay) => stay.workload)).toEqual([
      'shop/deployment/web',
    ]);
  });

  it('a namespace whose pods another webhook would inject', () => {
    const greedy = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'z-greedy', labels: { 'istio.io/rev': 'default' } },
      webhooks: [
        { name: 'all.sidecar-injector.istio.io', clientConfig: { caBundle: 'x', service: { name: 'istiod', namespace: 'istio-system' } } },
      ],
    };
    const problem = planned(mesh().object(greedy));
    expect([(problem as Problem).code, (problem as Problem).details.what]).toEqual([
      'RUN-022',
      expect.stringMatching(/istio\.io\/rev=canary.*would not be injected by canary/),
    ]);
  });
});

describe('the digest of a mesh', () => {
  const digest = (builder: MeshBuilder): string => sha256(meshText(builder.inventory()));

  it.each<[string, MeshBuilder]>([
    ['a label', mesh().namespace('new', { 'istio-injection': 'enabled' })],
    ['a workload', mesh().workload('shop', 'new')],
    ['a revision', mesh().revision({ revision: 'canary', version: '1.29.1' })],
    ['a tag', mesh().tag('prod', 'default')],
    ['the cluster', new MeshBuilder({ ...mesh().objects(), clusterUid: 'another' })],
  ])('is another one with another: %s', (_name, changed) => {
    expect(digest(changed)).not.toBe(digest(mesh()));
  });

  it('does not depend on what comes and goes by itself', () => {
    const withPods = (pods: number): string => digest(mesh().workload('shop', 'x', { replicas: 3, pods, on: 'default' }));
    expect(withPods(1)).toBe(withPods(3));
    const later = new MeshBuilder({ ...mesh().objects(), readAtMs: 5, serverVersion: 'v1.35.0' });
    expect(digest(later)).toBe(digest(mesh()));
  });
});
