import { describe, expect, it } from 'vitest';
import { controlPlaneObjects, injectorWebhooks, tagObjects } from '../../../test/kit/istio-objects.ts';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import type { KubeObject, Service, WebhookConfiguration } from '../mesh/kube-objects.ts';
import { ownerOf, helmReleaseOf } from '../mesh/object-owner.ts';
import { emptiesLostGateways } from '../versions/gateway-handover.ts';
import { describeTags, ownerText } from './describe-tags.ts';
import { invalidTagName } from './assess-tag-change.ts';
import { buildTagObjects, hasService, listTagObjects, tagConfigurationName, withoutRaisedPolicy } from './tag-objects.ts';
import { changesOf, tagMoves } from './tag-moves.ts';
import { tagUsers, unmovedBehind } from './tag-users.ts';

/** A revision's own webhooks, with the labels of its installer. */
function canonical(
  more: { labels?: Record<string, string>; annotations?: Record<string, string>; revision?: string } = {},
): WebhookConfiguration {
  const { revision = 'canary' } = more;
  const made = injectorWebhooks({
    configuration: `istio-sidecar-injector-${revision}`,
    value: revision,
    revision,
    service: revision === 'default' ? 'istiod' : `istiod-${revision}`,
  });
  return {
    ...made,
    metadata: {
      ...made.metadata,
      labels: { ...made.metadata.labels, release: 'istio', 'operator.istio.io/component': 'Pilot', ...more.labels },
      ...(more.annotations === undefined ? {} : { annotations: more.annotations }),
    },
  };
}

const prefixes = (configuration: WebhookConfiguration): unknown => configuration.webhooks?.map((w) => w.name.split('.sidecar')[0]);

describe('the objects of a tag', () => {
  it.each<[string, string, boolean, string[]]>([
    ['prod', '1.29.1', false, ['rev.namespace', 'rev.object']],
    ['prod', '1.29.1', true, ['rev.namespace', 'rev.object']],
    ['default', '1.29.1', false, ['rev.namespace', 'rev.object', 'namespace', 'object']],
    ['default', '1.29.1', true, ['rev.namespace', 'rev.object', 'namespace', 'object', 'auto']],
  ])('%s of %s, automatic injection %s: %s', (tag, version, autoInject, wanted) => {
    expect(prefixes(buildTagObjects({ tag, version, autoInject }, canonical()).configuration)).toEqual(wanted);
  });

  it.each([
    ['1.27.8', false],
    ['1.28.0', true],
    ['1.29.1-distroless', true],
    ['unknown', true],
  ])('of %s have a Service: %s', (version, wanted) => {
    expect(hasService(version)).toBe(wanted);
    expect(buildTagObjects({ tag: 'prod', version }, canonical()).service !== undefined).toBe(wanted);
  });

  it('take over labels and annotations of the revision, but not its app and not those of the operator', () => {
    const { configuration } = buildTagObjects(
      { tag: 'prod', version: '1.29.1' },
      canonical({ labels: { 'helm.sh/chart': 'istiod-1.29.1' }, annotations: { note: 'x' } }),
    );
    expect(configuration.metadata.labels).toEqual({
      app: 'sidecar-injector',
      release: 'istio',
      'helm.sh/chart': 'istiod-1.29.1',
      'istio.io/rev': 'canary',
      'istio.io/tag': 'prod',
    });
    expect(configuration.metadata.annotations).toEqual({ note: 'x' });
  });

  it('take CA bundle, Service, path and reinvocation policy from the first entry that injects', () => {
    const own = canonical();
    const [first, ...rest] = own.webhooks ?? [];
    const service = { name: 'istiod-remote', namespace: 'istio-system', path: '/inject/cluster/a/net/b', port: 15017 };
    const webhooks = [
      { name: 'other.example' },
      { ...first, reinvocationPolicy: 'IfNeeded', clientConfig: { caBundle: 'bmV3', service } },
      ...rest,
    ];
    const made = buildTagObjects({ tag: 'prod', version: '1.29.1' }, { ...own, webhooks: webhooks as never });
    for (const entry of made.configuration.webhooks ?? [])
      expect(entry).toMatchObject({
        reinvocationPolicy: 'IfNeeded',
        clientConfig: { caBundle: 'bmV3', service: { ...service, port: 443 } },
      });
  });

  it('of a control plane outside have its URL, the validator with a path of its own', () => {
    const own = canonical();
    const webhooks = own.webhooks?.map((w) => ({ ...w, clientConfig: { url: 'https://outside.example/inject/a', caBundle: 'bmV3' } }));
    const { configuration, validator } = buildTagObjects({ tag: 'default', version: '1.29.1' }, { ...own, webhooks: webhooks as never });
    expect(configuration.webhooks?.[0]?.clientConfig).toEqual({ url: 'https://outside.example/inject/a', caBundle: 'bmV3' });
    expect(validator?.webhooks?.[0]?.clientConfig).toEqual({ url: 'https://outside.example/validate', caBundle: 'bmV3' });
  });

  it('of an unrevisioned control plane name it default', () => {
    const made = buildTagObjects({ tag: 'prod', version: '1.28.2' }, canonical({ revision: 'default' }));
    expect((made.service as Service).spec?.selector).toEqual({ app: 'istiod', 'istio.io/rev': 'default' });
    expect(listTagObjects(made).map((o) => o.kind)).toEqual(['MutatingWebhookConfiguration', 'Service']);
  });

  it('are called with the namespace when that is not istio-system', () => {
    expect([tagConfigurationName('prod', 'mesh'), tagConfigurationName('prod', 'istio-system')]).toEqual([
      'istio-revision-tag-prod-mesh',
      'istio-revision-tag-prod',
    ]);
  });

  it('keep a validator strict that istiod has made strict', () => {
    const { validator } = buildTagObjects({ tag: 'default', version: '1.29.1' }, canonical());
    const live = (failurePolicy: string): WebhookConfiguration =>
      ({ ...validator, webhooks: validator?.webhooks?.map((w) => ({ ...w, failurePolicy })) }) as WebhookConfiguration;
    const policy = (other: WebhookConfiguration | undefined): unknown =>
      withoutRaisedPolicy(validator as WebhookConfiguration, other).webhooks?.[0]?.failurePolicy;
    expect([policy(live('Fail')), policy(live('Ignore')), policy(undefined)]).toEqual([undefined, 'Ignore', 'Ignore']);
  });
});

describe('names of tags', () => {
  it.each([
    ['prod-stable', true],
    ['a', true],
    ['prod.1', false],
    ['Prod', false],
    ['', false],
    ['-a', false],
    ['a'.repeat(43), true],
    ['a'.repeat(44), false],
  ])('"%s" is valid: %s', (name, valid) => {
    expect(invalidTagName(name) === undefined).toBe(valid);
  });
});

const mesh = (): MeshBuilder =>
  new MeshBuilder()
    .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
    .revision({ revision: 'canary', version: '1.29.1' })
    .defaultTo('default');

describe('a tag that moves', () => {
  const target = { tag: 'prod', revision: 'canary', version: '1.29.1' };
  const [configuration, service] = tagObjects('prod', 'default') as [WebhookConfiguration, Service];

  it('keeps what others set, and loses what was copied from the former revision', () => {
    const marked = {
      ...configuration,
      metadata: {
        ...configuration.metadata,
        labels: { ...configuration.metadata.labels, team: 'mesh', chart: 'old' },
        annotations: { note: 'x' },
      },
      webhooks: configuration.webhooks?.map((w) => ({ ...w, timeoutSeconds: 5 })),
    } as unknown as WebhookConfiguration;
    const objects = mesh().object(marked, service).objects();
    const mutatingWebhooks = objects.mutatingWebhooks.map((c) =>
      c.metadata.name === 'istio-sidecar-injector'
        ? { ...c, metadata: { ...c.metadata, labels: { ...c.metadata.labels, chart: 'old' } } }
        : c,
    );
    const [move] = tagMoves({ ...objects, mutatingWebhooks }, target) ?? [];
    expect(move?.after.metadata.labels).toEqual({
      app: 'sidecar-injector',
      team: 'mesh',
      'istio.io/rev': 'canary',
      'istio.io/tag': 'prod',
    });
    expect(move?.after.metadata.annotations).toEqual({ note: 'x' });
    expect((move?.after as WebhookConfiguration | undefined)?.webhooks?.[0]).toMatchObject({
      timeoutSeconds: 5,
      clientConfig: { service: { name: 'istiod-canary' } },
    });
  });

  it('needs nothing once it is there, and what only looks different is left alone', () => {
    const objects = mesh()
      .object(...tagObjects('prod', 'canary'))
      .objects();
    expect(changesOf(tagMoves(objects, target) ?? [])).toEqual([]);
  });

  it('takes an entry of its own along, such as that of automatic injection', () => {
    const auto = injectorWebhooks({
      configuration: 'istio-revision-tag-prod',
      value: 'prod',
      revision: 'default',
      tag: 'prod',
      service: 'istiod',
      servesUnlabelled: true,
    });
    const [move] = tagMoves(mesh().object(auto).objects(), target) ?? [];
    const entries = (move?.after as WebhookConfiguration | undefined)?.webhooks ?? [];
    expect(entries.map((w) => [w.name.split('.sidecar')[0], w.clientConfig?.service?.name])).toEqual([
      ['rev.namespace', 'istiod-canary'],
      ['rev.object', 'istiod-canary'],
      ['auto', 'istiod-canary'],
    ]);
  });

  it('makes a Service where the version has one, and only follows one where the version is not known', () => {
    const objects = mesh().object(configuration).objects();
    const kinds = (version?: string): unknown =>
      tagMoves(objects, { tag: 'prod', revision: 'canary', ...(version === undefined ? {} : { version }) })?.map((m) => m.after.kind);
    expect([kinds('1.29.1'), kinds('1.27.1'), kinds()]).toEqual([
      ['MutatingWebhookConfiguration', 'Service'],
      ['MutatingWebhookConfiguration'],
      ['MutatingWebhookConfiguration'],
    ]);
  });

  it('of a Helm release goes to the release of the new revision in the same write', () => {
    const release = (name: string): KubeObject['metadata']['annotations'] => ({
      'meta.helm.sh/release-name': name,
      'meta.helm.sh/release-namespace': 'istio-system',
    });
    const labels = (name: string): Record<string, string> => ({
      release: name,
      'app.kubernetes.io/instance': name,
      'helm.sh/chart': `istiod-${name}`,
      'operator.istio.io/component': 'Pilot',
    });
    const owned = (o: KubeObject, name: string): KubeObject => ({
      ...o,
      metadata: { ...o.metadata, labels: { ...o.metadata.labels, ...labels(name) }, annotations: { ...release(name) } },
    });
    const helm = (revision: string, version: string): KubeObject[] =>
      controlPlaneObjects({ revision, version, installedBy: 'helm' }).map((o) =>
        /Webhook|Service$/.test(o.kind) ? owned(o, `istiod-${revision}`) : o,
      );
    const objects = new MeshBuilder()
      .object(...helm('old', '1.28.2'), ...helm('canary', '1.29.1'), ...tagObjects('prod', 'old').map((o) => owned(o, 'istiod-old')))
      .objects();
    for (const { after } of tagMoves(objects, target) ?? []) {
      expect(after.metadata.annotations).toEqual(release('istiod-canary'));
      expect(after.metadata.labels).toMatchObject(labels('istiod-canary'));
    }
    expect(helmReleaseOf((tagMoves(objects, target) ?? [])[0]?.after as KubeObject)).toBe('istiod-canary');
  });

  it('cannot point to a revision without webhooks, or without its Service', () => {
    expect(tagMoves(mesh().objects(), { ...target, revision: 'ghost' })).toBeUndefined();
    const objects = mesh().objects();
    expect(tagMoves({ ...objects, services: [] }, target)).toBeUndefined();
  });
});

describe('who follows a tag', () => {
  const followers = (): MeshBuilder =>
    mesh()
      .tag('prod', 'default')
      .namespace('desk', { 'istio.io/rev': 'prod' })
      .workload('desk', 'app', { on: 'default' })
      .namespace('both', { 'istio.io/rev': 'prod', 'istio-injection': 'disabled' })
      .workload('both', 'none')
      .namespace('bare')
      .workload('bare', 'lone', { on: 'canary', template: { metadata: { labels: { app: 'lone', 'istio.io/rev': 'prod' } } } })
      .workload('bare', 'other')
      .namespace('plain', { 'istio-injection': 'enabled' })
      .workload('plain', 'site', { on: 'default' });

  it('is found by the label of namespaces and of pods', () => {
    const users = tagUsers('prod', followers().inventory());
    expect(users.namespaces).toEqual(['desk']);
    expect(users.workloads.map(({ workload, byPodLabel }) => [workload.name, byPodLabel])).toEqual([
      ['lone', true],
      ['app', false],
    ]);
    expect(tagUsers('default', followers().inventory()).namespaces).toEqual(['plain']);
  });

  it('counts as not moved while a pod of it is on another revision', () => {
    expect(unmovedBehind('prod', 'canary', followers().inventory()).map((w) => w.name)).toEqual(['app']);
    expect(unmovedBehind('prod', 'default', followers().inventory()).map((w) => w.name)).toEqual(['lone']);
  });

  it('is told with where the tag leads', () => {
    const [, prod] = describeTags(followers().inventory());
    expect(prod).toEqual({
      tag: 'prod',
      revision: 'default',
      version: '1.28.2',
      namespaces: ['bare', 'desk'],
      workloads: ['bare/deployment/lone', 'desk/deployment/app'],
      gateways: [],
      owner: { kind: 'nobody' },
    });
  });

  it.each<[string, (m: MeshBuilder) => MeshBuilder]>([
    ['Service istio-system/istiod-gone does not exist', (m) => m.tag('lost', 'gone')],
    [
      'its webhooks have no CA bundle',
      (m) =>
        m.object(
          injectorWebhooks({
            configuration: 'istio-revision-tag-lost',
            value: 'lost',
            revision: 'canary',
            tag: 'lost',
            service: 'istiod-canary',
            caBundle: '',
          }),
        ),
    ],
    [
      'no istiod of revision gone is there',
      (m) =>
        m.tag('lost', 'gone').object({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'istiod-gone', namespace: 'istio-system' } }),
    ],
    [
      'its webhooks are switched off',
      (m) =>
        m.object(
          injectorWebhooks({
            configuration: 'istio-revision-tag-lost',
            value: 'lost',
            revision: 'canary',
            tag: 'lost',
            service: 'istiod-canary',
            deactivated: true,
          }),
        ),
    ],
  ])('%s: then it leads nowhere', (why, change) => {
    expect(describeTags(change(mesh()).inventory()).find((t) => t.tag === 'lost')?.dangling).toBe(why);
  });
});

describe('the owner of an object', () => {
  const of = (metadata: Partial<KubeObject['metadata']>): string =>
    ownerText(ownerOf({ apiVersion: 'v1', kind: 'x', metadata: { name: 'istio-revision-tag-prod', ...metadata } }));
  const helm = { 'meta.helm.sh/release-name': 'istiod' };
  it.each<[string, Partial<KubeObject['metadata']>]>([
    ['-', {}],
    ['istioctl', { managedFields: [{ manager: 'istio-ci' }] }],
    ['Helm release istiod', { annotations: helm, managedFields: [{ manager: 'helm' }], labels: { 'istio.io/tag': 'prod' } }],
    ['Helm release istiod', { annotations: helm }],
    ['istioctl', { annotations: helm, managedFields: [{ manager: 'istio-ci' }], labels: { 'istio.io/tag': 'prod' } }],
    ['helm-controller', { annotations: helm, managedFields: [{ manager: 'helm-controller' }] }],
    ['Argo CD (mesh)', { annotations: { 'argocd.argoproj.io/tracking-id': 'mesh:x/y:/istio-revision-tag-prod' } }],
  ])('is %s', (wanted, metadata) => {
    expect(of(metadata)).toBe(wanted);
  });
});

it.each([
  ['1.24.2', false],
  ['1.24.3', true],
  ['1.28.2', true],
  ['1.29.4', true],
  ['1.29.5', false],
  ['1.30.1', true],
  ['1.30.2', false],
  ['unknown', true],
])('istiod %s empties gateways that it loses: %s', (version, wanted) => {
  expect(emptiesLostGateways(version)).toBe(wanted);
});
