import { describe, expect, it } from 'vitest';
import { controlPlaneObjects, crd, defaultObjects, injectorWebhooks, sharedObjects, validator } from '../../../test/kit/istio-objects.ts';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { findDefaults, findInjectionWebhooks } from '../mesh/find-revisions.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { Problem } from '../problems/problem.ts';
import { carryOver, requestedPaths } from './carry-over.ts';
import { classifyRendered } from './classify-rendered.ts';
import { crdChanges, isEstablished } from './crd-changes.ts';
import { buildDefaultMove, withOriginals } from './default-pointers.ts';
import { diffWanted } from './diff-objects.ts';
import { contentText, refKey, refOf, refText, withoutServerFields } from './object-identity.ts';
import { installOrder, ownObjects } from './own-objects.ts';
import { parseManifests } from './parse-manifests.ts';

const names = (objects: readonly KubeObject[]): string[] => objects.map((o) => `${o.kind}/${o.metadata.name}`);

describe('ownObjects', () => {
  it.each(['istioctl', 'manifests'] as const)(
    'of two control planes by %s side by side: each has its own, and none the other one’s or what is shared',
    (installedBy) => {
      const [old, fresh] = [
        controlPlaneObjects({ revision: 'default', version: '1.28.2', installedBy }),
        controlPlaneObjects({ revision: 'canary', version: '1.29.1', installedBy }),
      ];
      const candidates = [...old, ...fresh, ...sharedObjects(), ...defaultObjects('default')];
      expect(names(ownObjects('default', candidates)).toSorted()).toEqual(names(old).toSorted());
      expect(names(ownObjects('canary', candidates)).toSorted()).toEqual(names(fresh).toSorted());
    },
  );

  it('leaves gateways, CNI and other Deployments that istioctl labelled with the revision', () => {
    const labelled = (kind: string, name: string, spec: unknown = {}): KubeObject => ({
      apiVersion: 'x',
      kind,
      metadata: { name, namespace: 'istio-system', labels: { 'istio.io/rev': 'canary', 'operator.istio.io/component': 'Cni' } },
      spec,
    });
    const own = controlPlaneObjects({ revision: 'canary', version: '1.29.1' });
    const found = names(
      ownObjects('canary', [
        ...own,
        labelled('Deployment', 'istio-ingressgateway'),
        labelled('Service', 'istio-ingressgateway', { selector: { app: 'gw' } }),
        labelled('ServiceAccount', 'istio-ingressgateway-service-account'),
      ]),
    );
    expect(found.filter((name) => /ingress/.test(name))).toEqual([]);
  });

  it('webhooks go first, and what istiod stands on last; an installation is the other way round', () => {
    const own = ownObjects('canary', controlPlaneObjects({ revision: 'canary', version: '1.29.1' }));
    expect([own[0]?.kind, own.at(-1)?.kind]).toEqual(['MutatingWebhookConfiguration', 'ServiceAccount']);
    const order = installOrder([...own, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } }]);
    expect([order[0]?.kind, order[1]?.kind, order.at(-1)?.kind]).toEqual(['Namespace', 'ServiceAccount', 'MutatingWebhookConfiguration']);
  });
});

describe('classifyRendered', () => {
  const crds = [crd('gateways.networking.istio.io', ['v1'])];
  const own = controlPlaneObjects({ revision: '1-29-1', version: '1.29.1', installedBy: 'manifests' });

  it('sorts a control plane into CRDs, its own and shared objects', () => {
    const rendered = classifyRendered([...crds, ...own, ...sharedObjects()]);
    expect(names(rendered.crds)).toEqual(names(crds));
    expect(names(rendered.own).toSorted()).toEqual(names(own).toSorted());
    expect(names(rendered.shared)).toEqual(['ServiceAccount/istio-reader-service-account']);
    expect([rendered.forbidden, rendered.revision, rendered.istiod?.metadata.name]).toEqual([[], '1-29-1', 'istiod-1-29-1']);
  });

  it.each([
    [
      'a gateway',
      { kind: 'Deployment', metadata: { name: 'istio-ingressgateway' }, spec: { template: { metadata: { labels: { app: 'gw' } } } } },
    ],
    ['its Service', { kind: 'Service', metadata: { name: 'istio-ingressgateway' }, spec: { selector: { app: 'gw' } } }],
    ['the CNI', { kind: 'DaemonSet', metadata: { name: 'istio-cni-node' } }],
    [
      'a tag',
      injectorWebhooks({
        configuration: 'istio-revision-tag-prod',
        value: 'prod',
        revision: '1-29-1',
        tag: 'prod',
        service: 'istiod-1-29-1',
      }),
    ],
    ['the default validator', validator('istiod-default-validator', '1-29-1', 'istiod-1-29-1')],
  ])('forbids %s', (_name, object) => {
    const rendered = classifyRendered([...own, { apiVersion: 'x', ...object } as KubeObject]);
    expect(rendered.forbidden.map((f) => f.object.metadata.name)).toEqual([object.metadata.name]);
  });

  it('without an istiod there is no control plane', () => {
    expect(classifyRendered(crds).istiod).toBeUndefined();
  });
});

describe('buildDefaultMove', () => {
  it('points an existing tag at the other revision, and changes nothing else in it', () => {
    const mesh = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
      .defaultTo('default')
      .revision({ revision: 'canary', version: '1.29.1' });
    const moves = buildDefaultMove(mesh.objects(), 'canary') ?? [];
    expect(moves.map(({ before, after }) => [after.kind, after.metadata.name, before !== undefined])).toEqual([
      ['MutatingWebhookConfiguration', 'istio-revision-tag-default', true],
      ['ValidatingWebhookConfiguration', 'istiod-default-validator', true],
      ['Service', 'istiod-revision-tag-default', true],
    ]);
    const lines = moves.flatMap(({ before, after }) => diffWanted(after, before));
    expect(lines.every((line) => /istio\.io\/rev|service\.name/.test(line))).toBe(true);
    expect(lines).toContain('+ metadata.labels."istio.io/rev": canary');
  });

  it('makes the objects when there are none, and switches the unrevisioned webhook off first', () => {
    const mesh = new MeshBuilder().revision({ revision: 'default', version: '1.28.2' }).revision({ revision: 'canary', version: '1.29.1' });
    const moves = buildDefaultMove(mesh.objects(), 'canary') ?? [];
    expect(moves.map(({ before, after }) => [after.metadata.name, before !== undefined])).toEqual([
      ['istio-sidecar-injector', true],
      ['istio-revision-tag-default', false],
      ['istiod-default-validator', false],
    ]);
    const after = withOriginals(
      mesh.objects(),
      moves.map((move) => ({ ref: refOf(move.after), object: move.after })),
    );
    expect(findDefaults({ ...mesh.objects(), ...after }, findInjectionWebhooks(after))).toEqual({
      injection: 'canary',
      validation: 'canary',
      leadership: 'canary',
    });
    expect(moves[1]?.after.metadata.labels).toMatchObject({ 'istio.io/tag': 'default', 'istio.io/rev': 'canary' });
    expect(Object.keys(moves[1]?.after.metadata.labels ?? {}).filter((key) => key.includes('operator.istio.io'))).toEqual([]);
  });

  it('is empty when it is the default already, and undefined without webhooks or Service of its own', () => {
    const mesh = new MeshBuilder().revision({ revision: 'canary', version: '1.29.1' }).defaultTo('canary');
    expect(buildDefaultMove(mesh.objects(), 'canary')).toEqual([]);
    expect(buildDefaultMove(mesh.objects(), 'ghost')).toBeUndefined();
  });

  it('withOriginals puts back what was, and removes what was not', () => {
    const mesh = new MeshBuilder().revision({ revision: 'default', version: '1.28.2' }).revision({ revision: 'canary', version: '1.29.1' });
    const objects = mesh.objects();
    const moves = buildDefaultMove(objects, 'canary') ?? [];
    const moved = withOriginals(
      objects,
      moves.map((m) => ({ ref: refOf(m.after), object: m.after })),
    );
    const back = withOriginals(
      moved,
      moves.map((m) => ({ ref: refOf(m.after), object: m.before })),
    );
    const sorted = (list: readonly KubeObject[]): unknown => list.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
    expect(sorted(back.mutatingWebhooks)).toEqual(sorted(objects.mutatingWebhooks));
    expect(sorted(back.validatingWebhooks)).toEqual(sorted(objects.validatingWebhooks));
  });
});

describe('diffWanted', () => {
  it.each<[string, unknown, unknown, string[]]>([
    ['nothing', { a: 1 }, { a: 1, b: 2 }, []],
    ['a value', { a: { b: 2 } }, { a: { b: 1 } }, ['- a.b: 1', '+ a.b: 2']],
    ['a value that comes', { a: 1 }, {}, ['+ a: 1']],
    ['empty and absent are alike', { a: {}, b: [], c: null }, {}, []],
    [
      'named members by name',
      {
        c: [
          { name: 'x', v: 1 },
          { name: 'y', v: 2 },
        ],
      },
      { c: [{ name: 'y', v: 3 }, { name: 'z' }] },
      ['- c[z]', '+ c[x]', '- c[y].v: 3', '+ c[y].v: 2'],
    ],
    ['keys with dots are quoted', { 'a.b/c': 1 }, {}, ['+ "a.b/c": 1']],
    ['the order of keys does not matter', { a: [{ x: 1, y: 2 }, 3] }, { a: [{ y: 2, x: 1 }, 3] }, []],
  ])('%s', (_name, wanted, live, lines) => {
    expect(diffWanted(wanted, live)).toEqual(lines);
  });

  it('long and many-lined values are cut', () => {
    const [line] = diffWanted({ a: 'x'.repeat(500) }, {});
    expect(line?.length).toBeLessThan(140);
    expect(diffWanted({ a: 'one\ntwo\nthree' }, {})).toEqual(['+ a: one … (3 lines)']);
  });
});

describe('carryOver', () => {
  const installed = {
    mesh: 'accessLogFile: /dev/stdout\ntrustDomain: corp\ndefaultConfig: {discoveryAddress: "istiod.istio-system.svc:15012"}\n',
    originalValues: '{"global":{"hub":"mirror.example/istio","tag":"1.28.2","proxy":{"resources":{"limits":{"cpu":"1"}}}}}',
  };
  const rendered = {
    mesh: 'trustDomain: cluster.local\ndefaultConfig: {discoveryAddress: "istiod-canary.istio-system.svc:15012"}\n',
    originalValues: '{"global":{"hub":"docker.io/istio","tag":"1.29.1"},"revision":"canary"}',
  };
  const notes = (result: ReturnType<typeof carryOver>): Record<string, string> =>
    Object.fromEntries(result.differences.map((d) => [d.path, d.note]));

  it('takes over what people configured, and shows every difference', () => {
    const result = carryOver(installed, rendered, [], true);
    expect(notes(result)).toEqual({
      'meshConfig.accessLogFile': 'carried over',
      'meshConfig.defaultConfig.discoveryAddress': 'belongs to the revision',
      'meshConfig.trustDomain': 'carried over',
      'values.global.hub': 'carried over',
      'values.global.proxy.resources.limits.cpu': 'carried over',
      'values.global.tag': 'belongs to the revision',
      'values.revision': 'belongs to the revision',
    });
    expect(result.overlay).toContain('accessLogFile: /dev/stdout');
    expect(result.overlay).toContain('kind: IstioOperator');
    expect(result.overlay).not.toContain('discoveryAddress');
    expect(result.mustBeEqual).toEqual([]);
  });

  it('gives way to what the request sets', () => {
    const result = carryOver(installed, rendered, ['meshConfig.accessLogFile', 'values.global.hub'], true);
    expect(notes(result)).toMatchObject({ 'meshConfig.accessLogFile': 'set by the request', 'values.global.hub': 'set by the request' });
  });

  it('does not hold on to a registry of the Istio project', () => {
    const result = carryOver(
      { originalValues: '{"global":{"hub":"docker.io/istio"}}' },
      { originalValues: '{"global":{"hub":"registry.istio.io/release"}}' },
      [],
      true,
    );
    expect(notes(result)).toEqual({ 'values.global.hub': 'default of the new version' });
    expect(result.overlay).toBe('');
  });

  it('cannot add to what the user rendered, and names keys that must be equal', () => {
    const result = carryOver(installed, rendered, [], false);
    expect(result.overlay).toBe('');
    expect(result.mustBeEqual.map((d) => [d.path, d.old, d.new])).toEqual([['meshConfig.trustDomain', 'corp', 'cluster.local']]);
  });

  it('knows which paths a request sets', () => {
    const file = 'spec:\n  hub: mirror.example\n  meshConfig: {accessLogFile: x}\n  values: {global: {proxy: {image: y}}}\n';
    expect(requestedPaths(['profile=minimal', 'values.pilot.env.A=1', 'meshConfig.h2UpgradePolicy=UPGRADE'], file).toSorted()).toEqual([
      'meshConfig.accessLogFile',
      'meshConfig.h2UpgradePolicy',
      'values.global.hub',
      'values.global.proxy.image',
      'values.pilot.env.A',
    ]);
  });
});

describe('crdChanges', () => {
  it('names what is new, what changes, and what would be lost', () => {
    const live = [crd('a.x.istio.io', ['v1', 'v1beta1']), crd('b.x.istio.io', ['v1']), crd('c.x.istio.io', ['v1'])];
    const rendered = [
      crd('a.x.istio.io', ['v1']),
      crd('b.x.istio.io', ['v1'], 'another schema'),
      crd('c.x.istio.io', ['v1']),
      crd('d.x.istio.io', ['v1']),
    ];
    expect(crdChanges(rendered, live).map(({ name, lostVersions, live: there }) => [name, lostVersions, there !== undefined])).toEqual([
      ['a.x.istio.io', ['v1beta1'], true],
      ['b.x.istio.io', [], true],
      ['d.x.istio.io', [], false],
    ]);
    expect([isEstablished(crd('a.x', ['v1'])), isEstablished({ ...crd('a.x', ['v1']), status: {} })]).toEqual([true, false]);
  });
});

describe('parseManifests', () => {
  it('reads documents and lists, and gives namespaced objects their namespace', () => {
    const text =
      'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n';
    const objects = parseManifests(text, 'f', 'istio-system');
    expect(objects instanceof Problem ? [] : objects.map((o) => [o.kind, o.metadata.namespace])).toEqual([
      ['ConfigMap', 'istio-system'],
      ['Namespace', undefined],
    ]);
  });

  it.each([
    ['a: [', /f, line 2, column 1/],
    ['hello: world', /document 1: it has no apiVersion/],
  ])('%s is a problem with its place', (text, pattern) => {
    const result = parseManifests(`${text}\n`, 'f', 'x');
    expect(result instanceof Problem ? result.details.what : '').toMatch(pattern);
  });
});

describe('object identity', () => {
  const service: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', namespace: 'n', uid: 'u', resourceVersion: '1', labels: { a: 'b' } },
    spec: { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ports: [] },
    status: {},
  };

  it('does not depend on the version of the API', () => {
    expect(refKey({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'n', name: 'd' })).toBe(
      refKey({ apiVersion: 'apps/v1beta1', kind: 'Deployment', namespace: 'n', name: 'd' }),
    );
    expect([refText(refOf(service)), refText({ apiVersion: 'x/v1', kind: 'ClusterRole', name: 'c' })]).toEqual([
      'Service n/s',
      'ClusterRole c',
    ]);
  });

  it('an object to create again has nothing of the server’s, and asks for no address', () => {
    expect(withoutServerFields(service)).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', namespace: 'n', labels: { a: 'b' } },
      spec: { ports: [] },
    });
    expect(withoutServerFields({ ...service, spec: { clusterIP: 'None' } })['spec']).toEqual({ clusterIP: 'None' });
  });

  it('what istiod writes into webhooks is not their content', () => {
    const own = injectorWebhooks({ configuration: 'w', value: 'a', revision: 'a', service: 's', caBundle: '', failurePolicy: 'Ignore' });
    const patched = injectorWebhooks({
      configuration: 'w',
      value: 'a',
      revision: 'a',
      service: 's',
      caBundle: 'Y2E=',
      failurePolicy: 'Fail',
    });
    const moved = injectorWebhooks({ configuration: 'w', value: 'a', revision: 'a', service: 'other' });
    expect(contentText(own)).toBe(contentText(patched));
    expect(contentText(own)).not.toBe(contentText(moved));
  });
});
