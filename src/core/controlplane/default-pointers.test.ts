import { describe, expect, it } from 'vitest';
import { controlPlaneObjects, defaultObjects, injectorWebhooks, validator } from '../../../test/kit/istio-objects.ts';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { matchingWebhooks } from '../injection/resolve-injection.ts';
import { findDefaults, findInjectionWebhooks, type WebhookObjects } from '../mesh/find-revisions.ts';
import type { KubeObject, WebhookConfiguration } from '../mesh/kube-objects.ts';
import { buildDefaultMove, withOriginals, type DefaultMove } from './default-pointers.ts';
import { refOf } from './object-identity.ts';

/** The webhooks after a move, as the cluster would have them. */
function after(objects: WebhookObjects, moves: readonly DefaultMove[]): WebhookObjects {
  return withOriginals(
    objects,
    moves.map((move) => ({ ref: refOf(move.after), object: move.after })),
  );
}

function moved(builder: MeshBuilder, revision: string): { moves: DefaultMove[]; objects: WebhookObjects; defaults: unknown } {
  const before = builder.objects();
  const moves = buildDefaultMove(before, revision) ?? [];
  const objects = after(before, moves);
  return { moves, objects, defaults: findDefaults({ ...before, ...objects }, findInjectionWebhooks(objects)) };
}

const ALL = (revision: string): object => ({ injection: revision, validation: revision, leadership: revision });
const two = (webhooksDeactivated = false): MeshBuilder =>
  new MeshBuilder()
    .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated })
    .revision({ revision: 'canary', version: '1.29.1' });

describe('whatever was there before, all three senses agree afterwards and no pod is injected twice', () => {
  const [tag, defaultValidator] = defaultObjects('default') as [KubeObject, KubeObject];
  it.each<[string, MeshBuilder, string]>([
    ['nothing but the unrevisioned webhooks', two(), 'canary'],
    ['all that istioctl makes', two(true).defaultTo('default'), 'canary'],
    ['the tag alone', two(true).object(tag), 'canary'],
    ['the validator alone, as Helm makes it', two().object(defaultValidator), 'canary'],
    ['a tag beside unrevisioned webhooks that Helm switched on again', two().defaultTo('default'), 'canary'],
    ['back from a revision, unrevisioned webhooks switched off', two(true).defaultTo('canary'), 'default'],
    ['back from a revision, unrevisioned webhooks switched on again', two().defaultTo('canary'), 'default'],
    ['unrevisioned webhooks, to be made the default explicitly', two(), 'default'],
  ])('%s', (_name, builder, revision) => {
    const { objects, defaults } = moved(builder, revision);
    expect(defaults).toEqual(ALL(revision));
    for (const [namespace, pod] of [
      [{ 'istio-injection': 'enabled' }, {}],
      [{ 'istio.io/rev': 'default' }, {}],
      [{}, { 'sidecar.istio.io/inject': 'true' }],
      [{}, { 'istio.io/rev': 'default' }],
    ]) {
      const matching = matchingWebhooks('shop', namespace as never, pod as never, findInjectionWebhooks(objects));
      expect(matching.map((w) => w.revision)).toEqual([revision]);
    }
  });

  it('and doing it again changes nothing', () => {
    for (const builder of [two(), two(true).defaultTo('default')]) {
      const { objects } = moved(builder, 'canary');
      expect(buildDefaultMove(objects, 'canary')).toEqual([]);
    }
  });
});

it('webhooks are written so that pods are injected at every moment', () => {
  const { moves } = moved(two(), 'canary');
  let objects: WebhookObjects = two().objects();
  for (const move of moves) {
    objects = after(objects, [move]);
    const matching = matchingWebhooks('shop', { 'istio-injection': 'enabled' }, {}, findInjectionWebhooks(objects));
    expect(matching.length).toBeGreaterThanOrEqual(1);
  }
});

describe('the validator', () => {
  const foreign = (name: string): KubeObject => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [{ name: `${name}.example`, clientConfig: { service: { name, namespace: 'elsewhere' } } }],
  });
  const serviceOf = (moves: readonly DefaultMove[]): unknown =>
    moves
      .filter((move) => move.after.metadata.name === 'istiod-default-validator')
      .map((move) => (move.after as WebhookConfiguration).webhooks?.[0]?.clientConfig?.service?.name);

  it.each(['moved', 'made'])('is one of Istio, whatever others the cluster has, when it is %s', (how) => {
    const builder = new MeshBuilder().object(foreign('a-policy-engine'));
    builder
      .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
      .revision({ revision: 'canary', version: '1.29.1' });
    if (how === 'moved') builder.defaultTo('canary');
    expect(serviceOf(moved(builder, 'default').moves)).toEqual(['istiod']);
  });

  it('is left alone where the revision has none of its own', () => {
    const objects = two(true).defaultTo('default').objects();
    const without = { ...objects, validatingWebhooks: objects.validatingWebhooks.filter((c) => !/canary/.test(c.metadata.name)) };
    expect(serviceOf(buildDefaultMove(without, 'canary') ?? [])).toEqual([]);
  });

  it('that is made validates what has no revision, and fails open until istiod has proven itself', () => {
    const made = moved(two(), 'canary').moves.find((move) => move.after.metadata.name === 'istiod-default-validator')
      ?.after as WebhookConfiguration;
    expect(made.metadata.labels).toMatchObject({ 'istio.io/rev': 'canary', 'istio.io/tag': 'default' });
    expect(made.webhooks).toMatchObject([
      {
        name: 'validation.istio.io',
        failurePolicy: 'Ignore',
        objectSelector: { matchExpressions: [{ key: 'istio.io/rev', operator: 'DoesNotExist' }] },
        clientConfig: { caBundle: 'Y2E=', service: { name: 'istiod-canary', path: '/validate' } },
      },
    ]);
  });

  it('keeps its failure policy when it moves', () => {
    const move = moved(two(true).defaultTo('default'), 'canary').moves.find((m) => m.after.metadata.name === 'istiod-default-validator');
    expect((move?.after as WebhookConfiguration | undefined)?.webhooks?.[0]).toMatchObject({
      failurePolicy: 'Fail',
      clientConfig: { service: { name: 'istiod-canary', path: '/validate' } },
    });
  });
});

describe('the tag', () => {
  const tagOf = (moves: readonly DefaultMove[]): WebhookConfiguration | undefined =>
    moves
      .map((move) => move.after as WebhookConfiguration)
      .find((o) => o.metadata.labels?.['istio.io/tag'] === 'default' && o.kind.startsWith('Mutating'));

  it('takes over CA bundle, Service and path of the revision, and loses a URL, as with istioctl', () => {
    const builder = two(true);
    const tag = injectorWebhooks({
      configuration: 'istio-revision-tag-default',
      value: 'default',
      revision: 'default',
      tag: 'default',
      service: 'istiod',
      servesDefault: true,
      caBundle: 'b2xk',
    });
    const [first, ...rest] = tag.webhooks ?? [];
    const service = { name: 'istiod', namespace: 'istio-system', path: '/inject/cluster/a/net/b', port: 15017 };
    builder.object({
      ...tag,
      webhooks: [{ ...first, clientConfig: { url: 'https://old.example', service, caBundle: 'b2xk' } } as never, ...rest],
    });
    expect(tagOf(moved(builder, 'canary').moves)?.webhooks?.[0]?.clientConfig).toEqual({
      caBundle: 'Y2E=',
      service: { name: 'istiod-canary', namespace: 'istio-system', path: '/inject', port: 443 },
    });
  });

  it('of a control plane outside is reached by its URL', () => {
    const builder = two(true).defaultTo('default');
    const objects = builder.objects();
    const mutatingWebhooks = objects.mutatingWebhooks.map((c) =>
      c.metadata.name === 'istio-sidecar-injector-canary'
        ? {
            ...c,
            webhooks: c.webhooks?.map((w, index) =>
              index === 0 ? { ...w, clientConfig: { url: 'https://new.example', caBundle: 'bmV3' } } : w,
            ) as never,
          }
        : c,
    );
    const moves = buildDefaultMove({ ...objects, mutatingWebhooks }, 'canary') ?? [];
    expect(tagOf(moves)?.webhooks?.[0]?.clientConfig).toEqual({ url: 'https://new.example', caBundle: 'bmV3' });
  });

  it('is called with the namespace of the control plane when that is not istio-system', () => {
    const elsewhere = controlPlaneObjects({ revision: 'canary', version: '1.29.1' }).map((o): KubeObject => {
      const text = JSON.stringify(o).replaceAll('"namespace":"istio-system"', '"namespace":"mesh"');
      return JSON.parse(text) as KubeObject;
    });
    const { moves } = moved(new MeshBuilder().object(...elsewhere), 'canary');
    expect(tagOf(moves)?.metadata.name).toBe('istio-revision-tag-default-mesh');
  });

  it('that is made takes over the labels of the revision, but not those by which istioctl owns it', () => {
    const label = (o: KubeObject): KubeObject =>
      o.kind.endsWith('WebhookConfiguration')
        ? {
            ...o,
            metadata: {
              ...o.metadata,
              labels: {
                ...o.metadata.labels,
                'app.kubernetes.io/part-of': 'istio',
                'operator.istio.io/component': 'Pilot',
                'install.operator.istio.io/owning-resource': 'unknown',
              },
            },
          }
        : o;
    const { moves } = moved(
      new MeshBuilder().object(...controlPlaneObjects({ revision: 'canary', version: '1.29.1' }).map(label)),
      'canary',
    );
    expect(moves.map((move) => move.after.metadata.labels)).toEqual([
      { app: 'sidecar-injector', 'app.kubernetes.io/part-of': 'istio', 'istio.io/rev': 'canary', 'istio.io/tag': 'default' },
      { app: 'istiod', istio: 'istiod', 'app.kubernetes.io/part-of': 'istio', 'istio.io/rev': 'canary', 'istio.io/tag': 'default' },
    ]);
  });

  it('is not the Service or the webhook of that name in another namespace', () => {
    const builder = two(true).defaultTo('default');
    const objects = builder.objects();
    const services = objects.services.map((s) =>
      s.metadata.name === 'istiod-canary' ? { ...s, metadata: { ...s.metadata, namespace: 'elsewhere' } } : s,
    );
    expect(buildDefaultMove({ ...objects, services }, 'canary')).toBeUndefined();
    const tagged = objects.services.map((s) =>
      /tag/.test(s.metadata.name) ? { ...s, metadata: { ...s.metadata, namespace: 'elsewhere' } } : s,
    );
    expect((buildDefaultMove({ ...objects, services: tagged }, 'canary') ?? []).filter((move) => move.after.kind === 'Service')).toEqual(
      [],
    );
  });

  it('has the four entries of a default', () => {
    expect(tagOf(moved(two(), 'canary').moves)?.webhooks?.map((w) => w.name.split('.sidecar')[0])).toEqual([
      'rev.namespace',
      'rev.object',
      'namespace',
      'object',
    ]);
  });
});

it('its Service follows where there is one, with the selector of the revision; none is made', () => {
  const serviceOf = (builder: MeshBuilder): unknown =>
    moved(builder, 'canary')
      .moves.filter((m) => m.after.kind === 'Service')
      .map((m) => [m.after.metadata.labels?.['istio.io/rev'], (m.after['spec'] as { selector: unknown }).selector]);
  expect(serviceOf(two(true).defaultTo('default'))).toEqual([['canary', { app: 'istiod', 'istio.io/rev': 'canary' }]]);
  expect(serviceOf(two())).toEqual([]);
});

it.each<[string, (o: KubeObject) => boolean]>([
  ['webhook configuration', (o) => o.metadata.name === 'istio-sidecar-injector-canary'],
  ['Service', (o) => o.kind === 'Service'],
])('without a %s of its own a revision cannot be the default', (_name, isGone) => {
  const objects = new MeshBuilder()
    .object(...controlPlaneObjects({ revision: 'canary', version: '1.29.1' }).filter((o) => !isGone(o)))
    .objects();
  expect(buildDefaultMove(objects, 'canary')).toBeUndefined();
});

it('the webhooks of another revision that serve the default by themselves are switched off; those of tags are not', () => {
  const builder = two().object(
    injectorWebhooks({ configuration: 'istio-revision-tag-prod', value: 'prod', revision: 'default', tag: 'prod', service: 'istiod' }),
    validator('unrelated', 'default', 'istiod'),
  );
  const changed = moved(builder, 'canary').moves.flatMap((move) => (move.before === undefined ? [] : [move.after]));
  expect(changed.map((o) => o.metadata.name)).toEqual(['istio-sidecar-injector']);
  expect(
    (changed[0] as WebhookConfiguration).webhooks?.every(
      (w) =>
        w.namespaceSelector?.matchLabels?.['istio.io/deactivated'] === 'never-match' &&
        w.objectSelector?.matchLabels?.['istio.io/deactivated'] === 'never-match',
    ),
  ).toBe(true);
});

describe('withOriginals', () => {
  it('touches only what it is given', () => {
    const objects = two(true).defaultTo('default').objects();
    expect(withOriginals(objects, [])).toEqual({
      mutatingWebhooks: objects.mutatingWebhooks,
      validatingWebhooks: objects.validatingWebhooks,
      services: objects.services,
    });
    const tag = objects.mutatingWebhooks.find((c) => c.metadata.name === 'istio-revision-tag-default') as KubeObject;
    const without = withOriginals(objects, [{ ref: refOf(tag), object: undefined }]);
    expect([
      objects.mutatingWebhooks.length - without.mutatingWebhooks.length,
      without.validatingWebhooks.length,
      without.services.length,
    ]).toEqual([1, objects.validatingWebhooks.length, objects.services.length]);
  });
});
