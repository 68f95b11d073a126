import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
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
    [
      'the default validator as Helm makes it, which is no tag',
      { kind: 'ValidatingWebhookConfiguration', metadata: { name: 'istiod-default-validator', labels: { 'istio.io/rev': '1-29-1' } } },
    ],
  ])('forbids %s', (_name, object) => {
    const rendered = classifyRendered([...own, { apiVersion: 'x', ...object } as KubeObject]);
    expect(rendered.forbidden.map((f) => f.object.metadata.name)).toEqual([object.metadata.name]);
  });

  it('without an istiod there is no control plane', () => {
    const rendered = classifyRendered([
      ...crds,
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { selector: { app: 'istiod' } } },
    ]);
    expect([rendered.istiod, rendered.revision, rendered.forbidden.length]).toEqual([undefined, undefined, 1]);
  });

  it('an unrevisioned one owns all but the account of the reader', () => {
    const unrevisioned = controlPlaneObjects({ revision: 'default', version: '1.29.1', installedBy: 'manifests' });
    const rendered = classifyRendered([...unrevisioned, ...sharedObjects()]);
    expect(names(rendered.own).toSorted()).toEqual(names(unrevisioned).toSorted());
    expect([names(rendered.shared), rendered.forbidden, rendered.revision]).toEqual([
      ['ServiceAccount/istio-reader-service-account'],
      [],
      'default',
    ]);
  });

  it.each<[string, string, Record<string, string> | undefined, 'own' | 'shared']>([
    ['Namespace', 'istio-system', undefined, 'shared'],
    ['Namespace', 'istio-1-29-1', { 'istio.io/rev': '1-29-1' }, 'shared'],
    ['ConfigMap', 'values', { 'istio.io/rev': '1-29-1' }, 'own'],
    ['ClusterRole', 'istiod-clusterrole-1-29-1-istio-system', undefined, 'own'],
    ['Role', 'istiod-1-29-1', undefined, 'own'],
    ['ValidatingAdmissionPolicy', 'stable-channel-policy-1-29-1-istio-system.istio.io', undefined, 'own'],
    ['ClusterRole', 'istiod-clusterrole-1-29-10-istio-system', undefined, 'shared'],
    ['ClusterRole', 'istiod-clusterrole-istio-system', undefined, 'shared'],
    ['ServiceAccount', 'istio-reader-service-account', undefined, 'shared'],
  ])('%s %s with labels %o is %s', (kind, name, labels, where) => {
    const object: KubeObject = { apiVersion: 'x', kind, metadata: { name, ...(labels === undefined ? {} : { labels }) } };
    const rendered = classifyRendered([...own, object]);
    expect(rendered[where]).toContain(object);
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
    expect(lines.every((line) => /istio\.io\/(rev|tag)|service\.name|release|app\.kubernetes\.io|helm\.sh/.test(line))).toBe(true);
    expect(lines).toContain('+ metadata.labels."istio.io/rev": canary');
  });

  it('makes the objects when there are none, and switches the unrevisioned webhook off last', () => {
    const mesh = new MeshBuilder().revision({ revision: 'default', version: '1.28.2' }).revision({ revision: 'canary', version: '1.29.1' });
    const moves = buildDefaultMove(mesh.objects(), 'canary') ?? [];
    expect(moves.map(({ before, after }) => [after.metadata.name, before !== undefined])).toEqual([
      ['istio-revision-tag-default', false],
      ['istiod-default-validator', false],
      ['istio-sidecar-injector', true],
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
    expect(moves[0]?.after.metadata.labels).toMatchObject({ 'istio.io/tag': 'default', 'istio.io/rev': 'canary' });
    expect(Object.keys(moves[0]?.after.metadata.labels ?? {}).filter((key) => key.includes('operator.istio.io'))).toEqual([]);
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

  it.each<[string, unknown, unknown, string[]]>([
    ['lists of one length, member by member', { a: [1, 2] }, { a: [1, 3] }, ['- a[1]: 3', '+ a[1]: 2']],
    ['lists of other lengths, as a whole', { a: [1] }, { a: [1, 2] }, ['- a: [1,2]', '+ a: [1]']],
    ['a list that comes', { a: [1] }, { a: [] }, ['- a: []', '+ a: [1]']],
    ['members without names', { a: [{ x: 1 }] }, { a: [{ x: 2 }] }, ['- a[0].x: 2', '+ a[0].x: 1']],
    [
      'members of which one has no name',
      { a: [{ name: 'x' }, { v: 1 }] },
      { a: [{ name: 'y' }, { v: 1 }] },
      ['- a[0].name: y', '+ a[0].name: x'],
    ],
    ['named members that all come', { a: [{ name: 'x' }] }, { a: [] }, ['- a: []', '+ a: [{"name":"x"}]']],
    ['another type', { a: '1' }, { a: 1 }, ['- a: 1', '+ a: 1']],
    ['a map in place of a value', { a: { b: 1 } }, { a: 'x' }, ['- a: x', '+ a: {"b":1}']],
    ['keys by name', { b: 1, a: 1 }, {}, ['+ a: 1', '+ b: 1']],
    ['false, 0 and an empty text are values', { a: false, b: 0, c: '' }, {}, ['+ a: false', '+ b: 0', '+ c: ']],
  ])('%s', (_name, wanted, live, lines) => {
    expect(diffWanted(wanted, live)).toEqual(lines);
  });

  it('is empty for the same value, and for one that only has more; never for one that lacks or differs', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd.e/f');
    const leaf = fc.oneof(fc.integer(), fc.string({ minLength: 1 }), fc.boolean());
    const tree = fc.dictionary(key, fc.oneof(leaf, fc.dictionary(key, leaf, { minKeys: 1 }), fc.array(leaf, { minLength: 1 })), {
      minKeys: 1,
    });
    fc.assert(
      fc.property(tree, leaf, (wanted, other) => {
        expect(diffWanted(wanted, structuredClone(wanted))).toEqual([]);
        expect(diffWanted(wanted, { ...wanted, more: other })).toEqual([]);
        const [first = ''] = Object.keys(wanted);
        const { [first]: _gone, ...rest } = wanted;
        expect(diffWanted(wanted, rest).every((line) => line.startsWith('+ '))).toBe(true);
        expect(diffWanted(wanted, rest)).not.toEqual([]);
        expect(diffWanted(wanted, { ...wanted, [first]: `${JSON.stringify(wanted[first])}?` })).not.toEqual([]);
      }),
    );
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

  it('writes an overlay that istioctl reads: what is carried, as a tree, and nothing else', () => {
    const { overlay } = carryOver(
      { mesh: 'a: {b: 1, c: [x, y]}\nsame: 1\nd.e: dotted\n', originalValues: '{"pilot":{"env":{"A":"1"}},"revision":"old"}' },
      { mesh: 'same: 1\na: {b: 2}\nnew: 1\n', originalValues: '{"revision":"new"}' },
      ['meshConfig.d.e'],
      true,
    );
    expect(parse(overlay)).toEqual({
      apiVersion: 'install.istio.io/v1alpha1',
      kind: 'IstioOperator',
      spec: { meshConfig: { a: { b: 1, c: ['x', 'y'] } }, values: { pilot: { env: { A: '1' } } } },
    });
  });

  it('shows both values of a difference; of what is carried over, the old one twice', () => {
    const { differences } = carryOver({ mesh: 'a: 1\nb: x\n' }, { mesh: 'a: 2\nc: {d: [1]}\n' }, ['meshConfig.b'], true);
    expect(differences).toEqual([
      { path: 'meshConfig.a', old: '1', new: '1', note: 'carried over' },
      { path: 'meshConfig.b', old: 'x', new: '', note: 'set by the request' },
      { path: 'meshConfig.c.d', old: '', new: '[1]', note: 'default of the new version' },
    ]);
  });

  it.each<[string, string[], string]>([
    ['the path itself', ['meshConfig.a.b'], 'set by the request'],
    ['a part above it', ['meshConfig.a'], 'set by the request'],
    ['a part below it', ['meshConfig.a.b.c'], 'set by the request'],
    ['a path that only begins alike', ['meshConfig.a.bc', 'meshConfig.a.x'], 'carried over'],
  ])('a request that sets %s', (_name, requested, note) => {
    expect(carryOver({ mesh: 'a: {b: 1}' }, { mesh: 'a: {b: 2}' }, requested, true).differences).toMatchObject([{ note }]);
  });

  it.each([
    'values.revision',
    'values.global.tag',
    'values.defaultRevision',
    'values.revisionTags',
    'meshConfig.defaultConfig.discoveryAddress',
  ])('%s belongs to the revision, even when it is installed only', (path) => {
    const [root = '', ...keys] = path.split('.');
    const value = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), 'x');
    const side = root === 'values' ? { originalValues: JSON.stringify(value) } : { mesh: JSON.stringify(value) };
    const result = carryOver(side, {}, [], true);
    expect([notes(result), result.overlay]).toEqual([{ [path]: 'belongs to the revision' }, '']);
  });

  it.each(['docker.io/istio', 'gcr.io/istio-release', 'registry.istio.io/release', 'mirror.example/istio'])(
    'carries over the hub %s only when it is private',
    (hub) => {
      const result = carryOver(
        { originalValues: JSON.stringify({ global: { hub } }) },
        { originalValues: '{"global":{"hub":"new"}}' },
        [],
        true,
      );
      expect(notes(result)['values.global.hub']).toBe(hub === 'mirror.example/istio' ? 'carried over' : 'default of the new version');
    },
  );

  it('what is called like a hub of the project is one only as a hub', () => {
    const result = carryOver({ originalValues: '{"global":{"imagePullPolicy":"istio"}}' }, {}, [], true);
    expect(notes(result)).toEqual({ 'values.global.imagePullPolicy': 'carried over' });
  });

  it('a request that sets trust domain or network anew is told as a difference that must not be', () => {
    const sides = [
      { mesh: 'trustDomain: corp\n', originalValues: '{"global":{"network":"a"}}' },
      { mesh: 'trustDomain: new\n', originalValues: '{"global":{"network":"b"}}' },
    ] as const;
    const result = carryOver(...sides, ['meshConfig.trustDomain', 'values.global.network'], true);
    expect(result.mustBeEqual.map((d) => d.path)).toEqual(['meshConfig.trustDomain', 'values.global.network']);
  });

  /** istioctl's profiles write out what Helm's charts take as their default: the effective value is the same. */
  it.each<[string, object, object]>([
    ['installed by Helm, the new one by istioctl', {}, { istioNamespace: 'istio-system', network: '', meshID: '' }],
    ['installed by istioctl, the new one rendered by Helm', { istioNamespace: 'istio-system', network: '', caAddress: '' }, {}],
  ])('a default that only one side writes out is no difference that must not be: %s', (_name, old, fresh) => {
    const result = carryOver(
      { originalValues: JSON.stringify({ global: old }) },
      { originalValues: JSON.stringify({ global: fresh }) },
      [],
      false,
    );
    expect(result.mustBeEqual).toEqual([]);
  });

  it('equal configurations have no difference, in whatever order they are written; nothing is none', () => {
    expect(carryOver({ mesh: 'a: {x: 1, y: [1]}\nb: null\n' }, { mesh: 'a: {y: [1], x: 1}\nc: {}\n' }, [], true)).toEqual({
      differences: [],
      overlay: '',
      mustBeEqual: [],
    });
    expect(carryOver({}, {}, [], true).differences).toEqual([]);
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
    expect(requestedPaths(['hub=mirror.example', 'values.a[0].b=1', 'meshConfig.c=x=y'], undefined).toSorted()).toEqual([
      'meshConfig.c',
      'values.a',
      'values.global.hub',
    ]);
    expect(requestedPaths(['tag=1', 'revision=x'], 'not: [yaml')).toEqual([]);
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

describe('crdChanges in words', () => {
  const served = (name: string, ...versions: [string, boolean | undefined][]): KubeObject => ({
    ...crd('a.x', []),
    spec: {
      versions: versions.map(([version, isServed]) => ({ name: version, ...(isServed === undefined ? {} : { served: isServed }) })),
      name,
    },
  });

  it('a new one says its versions, a changed one what comes and how much else changes', () => {
    const lines = (rendered: KubeObject, live?: KubeObject): unknown =>
      crdChanges([rendered], live === undefined ? [] : [live]).map((c) => c.diff);
    expect(lines(served('a', ['v1', true], ['v2', undefined], ['v3', false]))).toEqual([['+ versions v1, v2']]);
    expect(lines(served('a', ['v1', true]), served('b', ['v1', true]))).toEqual([['~ 1 field of its schema or names']]);
    expect(lines(served('a', ['v1', true], ['v2', true]), served('b', ['v1', true]))).toEqual([
      ['+ version v2', '~ 2 fields of its schema or names'],
    ]);
  });

  it('a version that is not served any more is lost, be it there or not', () => {
    expect(crdChanges([served('a', ['v1', false], ['v2', true])], [served('a', ['v1', true], ['v2', true])])[0]?.lostVersions).toEqual([
      'v1',
    ]);
    expect(crdChanges([served('a', ['v1', true])], [served('a', ['v1', true], ['v0', false])])[0]?.lostVersions).toEqual([]);
  });

  it.each([
    [[{ type: 'Established', status: 'False' }], false],
    [[{ type: 'NamesAccepted', status: 'True' }], false],
    [
      [
        { type: 'NamesAccepted', status: 'True' },
        { type: 'Established', status: 'True' },
      ],
      true,
    ],
    [undefined, false],
  ])('with the conditions %o it is established: %s', (conditions, expected) => {
    expect(isEstablished({ ...crd('a.x', ['v1']), status: { conditions } })).toBe(expected);
  });
});

/** Small as a text, very large once its aliases are resolved. */
const BOMB = [
  'a: &a [x]',
  ...['b', 'c', 'd', 'e', 'f', 'g'].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[index]}`).join(', ')}]`),
].join('\n');

describe('parseManifests', () => {
  it.each([
    ['nothing', '', []],
    ['empty documents and comments', '---\n# nothing\n---\nnull\n', []],
    ['a list of nothing', 'apiVersion: v1\nkind: List\nitems: []\n', []],
    ['a namespace of its own', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: own}\n', ['own']],
    ['a cluster-wide object', 'apiVersion: v1\nkind: ClusterRole\nmetadata: {name: a}\n', [undefined]],
    ['a CRD', 'apiVersion: v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n', [undefined]],
    ['aliases that are there', 'apiVersion: v1\nkind: &k ConfigMap\nmetadata: {name: a}\nnote: *k\n', ['given']],
    ['a key twice, as Helm charts have it', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, name: b}\n', ['given']],
  ])('%s', (_name, text, namespaces) => {
    const objects = parseManifests(text, 'f', 'given');
    expect(objects instanceof Problem ? objects.details.what : objects.map((o) => o.metadata.namespace)).toEqual(namespaces);
  });

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
    ['apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n---\napiVersion: v1\nmetadata: {name: a}', /document 2: it has no apiVersion/],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {}}', /document 1/],
    ['apiVersion: v1\nkind: ConfigMap', /document 1/],
    ['kind: ConfigMap\nmetadata: {name: a}', /document 1/],
    ['- a', /document 1/],
    ['just words', /document 1/],
    ['apiVersion: v1\nkind: List\nitems: [{apiVersion: v1}]', /document 1/],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n  a: 1\n b: 2', /f, line 6, column 2/],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: *nowhere}', /f.*nowhere/],
    [`apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n${BOMB}`, /^f, /],
  ])('%j is a problem with its place', (text, pattern) => {
    const result = parseManifests(`${text}\n`, 'f', 'x');
    expect(result instanceof Problem ? [result.code, result.details.what] : []).toEqual(['PLAN-003', expect.stringMatching(pattern)]);
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
    expect(withoutServerFields({ ...service, spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [] } })['spec']).toEqual({
      clusterIP: 'None',
      ports: [],
    });
  });

  it('a Service without a spec, as a file may hold it, is no trouble', () => {
    const { spec: _spec, ...bare } = service;
    expect(withoutServerFields(bare).metadata).toEqual({ name: 's', namespace: 'n', labels: { a: 'b' } });
  });

  it('drops every field of the server, and the counter of a Deployment, but no annotation of people', () => {
    const metadata = {
      ...service.metadata,
      generation: 3,
      creationTimestamp: 'then',
      deletionTimestamp: 'now',
      managedFields: [],
      annotations: { 'deployment.kubernetes.io/revision': '4', note: 'x' },
    };
    expect(withoutServerFields({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { clusterIP: 'kept' } })).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 's', namespace: 'n', labels: { a: 'b' }, annotations: { note: 'x' } },
      spec: { clusterIP: 'kept' },
    });
  });

  it('tells kinds, namespaces and names apart; the core group has no name', () => {
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'c' };
    expect(refKey(ref)).toBe('/ConfigMap/n/c');
    expect(
      new Set(
        [ref, { ...ref, kind: 'Secret' }, { ...ref, namespace: 'm' }, { ...ref, name: 'd' }, { ...ref, apiVersion: 'x/v1' }].map(refKey),
      ).size,
    ).toBe(5);
    expect(refOf({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n', uid: 'u' } })).toEqual({
      apiVersion: 'v1',
      kind: 'Namespace',
      name: 'n',
    });
  });

  it('content is the same in whatever order it is written, and another with another selector', () => {
    const a: KubeObject = {
      apiVersion: 'v1',
      kind: 'X',
      metadata: { name: 'a', labels: { x: '1', y: '2' } },
      spec: { b: 1, c: [1, 2] },
      status: { s: 1 },
    };
    const b: KubeObject = {
      kind: 'X',
      apiVersion: 'v1',
      spec: { c: [1, 2], b: 1 },
      metadata: { labels: { y: '2', x: '1' }, name: 'a', resourceVersion: '9' },
    };
    expect(contentText(a)).toBe(contentText(b));
    expect(contentText(a)).not.toBe(contentText({ ...b, spec: { c: [2, 1], b: 1 } }));
    expect(contentText(a)).not.toBe(contentText({ ...b, metadata: { name: 'a' } }));
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
    const off = injectorWebhooks({ configuration: 'w', value: 'a', revision: 'a', service: 's', deactivated: true });
    const remote = { ...own, webhooks: own.webhooks?.map((w) => ({ ...w, clientConfig: { url: 'https://x' } })) };
    expect(new Set([own, off, remote].map(contentText)).size).toBe(3);
  });
});
