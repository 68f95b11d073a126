import { describe, expect, it } from 'vitest';
import { injectorWebhooks } from '../../../test/kit/istio-objects.ts';
import { MeshBuilder, type WorkloadOptions } from '../../../test/kit/mesh-builder.ts';
import { buildInventory } from '../mesh/build-inventory.ts';
import type { Labels } from '../mesh/kube-objects.ts';
import type { MeshObjects } from '../mesh/mesh-objects.ts';
import { explainWhy } from './explain-why.ts';
import { findTarget } from './find-target.ts';
import type { Seen } from './next-pod.ts';
import type { WhyAnswer } from './why-answer.ts';

/** Unrevisioned `default` through its tag, `canary`, and the tag `prod`. */
const mesh = (): MeshBuilder =>
  new MeshBuilder()
    .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
    .defaultTo('default')
    .revision({ revision: 'canary', version: '1.29.1' })
    .tag('prod', 'canary');

function see(objects: MeshObjects): Seen {
  return { objects, inventory: buildInventory(objects) };
}

function why(target: string, builder: MeshBuilder, change: (objects: MeshObjects) => MeshObjects = (objects) => objects): WhyAnswer {
  const seen = see(change(builder.objects()));
  return explainWhy(findTarget(target, [], seen), seen);
}

function cart(labels: Labels, options: WorkloadOptions = {}): MeshBuilder {
  return mesh().namespace('shop', labels).workload('shop', 'cart', options);
}

const pod = (labels: Labels, more: object = {}): Pick<WorkloadOptions, 'template'> => ({
  template: { metadata: { labels: { app: 'cart', ...labels } }, ...more },
});
const annotated = (annotations: Labels): Pick<WorkloadOptions, 'template'> => ({
  template: { metadata: { labels: { app: 'cart' }, annotations } },
});
const lines = ({ evidence }: WhyAnswer, label: string): string[] => evidence.filter((line) => line.label === label).map(({ text }) => text);
const ways = ({ changes }: WhyAnswer): unknown[] => changes.map(({ what, commands }) => [what, ...commands]);

describe('the sentence', () => {
  it.each<[string, string, WhyAnswer]>([
    [
      'next and running differ',
      'The next pod of shop/cart gets a proxy from canary (1.29.1); its 3 running pods have one from default (1.28.2).',
      why('cart', cart({ 'istio.io/rev': 'prod' }, { on: 'default', replicas: 3 })),
    ],
    [
      'all is as it will be',
      'The next pod of shop/cart gets a proxy from canary (1.29.1), as its running pod has.',
      why('cart', cart({ 'istio.io/rev': 'canary' }, { on: 'canary', proxyVersion: '1.29.1' })),
    ],
    [
      'the same revision, an older proxy',
      'The next pod of shop/cart gets a proxy from canary (1.29.1); its running pod has one from canary (1.29.0).',
      why('cart', cart({ 'istio.io/rev': 'canary' }, { on: 'canary', proxyVersion: '1.29.0' })),
    ],
    [
      'nothing runs',
      'The next pod of shop/cart gets a proxy from default (1.28.2); none runs now.',
      why('cart', cart({ 'istio-injection': 'enabled' }, { replicas: 0 })),
    ],
    ['nobody asks', 'The next pod of shop/cart gets no proxy, as its running pod has.', why('cart', cart({}))],
    [
      'nobody asks any more',
      'The next pod of shop/cart gets no proxy; its running pod has one from default (1.28.2).',
      why('cart', cart({}, { on: 'default' })),
    ],
    [
      'a pod of a workload',
      'shop/cart-0 has a proxy from default (1.28.2); the pod that replaces it gets a proxy from canary (1.29.1).',
      why('pod/cart-0', cart({ 'istio.io/rev': 'canary' }, { on: 'default' })),
    ],
    [
      'a bare pod',
      'shop/alone has a proxy from default (1.28.2); nothing replaces it, but created again it gets a proxy from canary (1.29.1).',
      why('alone', mesh().namespace('shop', { 'istio.io/rev': 'canary' }).pod('shop', 'alone', { on: 'default' })),
    ],
    [
      'a namespace',
      'New pods in shop get a proxy from canary (1.29.1); the 2 running pods have one from default (1.28.2).',
      why('ns/shop', cart({ 'istio.io/rev': 'canary' }, { on: 'default', replicas: 2 })),
    ],
    ['a namespace that asks for nothing', 'New pods in shop get no proxy; none runs now.', why('ns/shop', mesh().namespace('shop'))],
  ])('%s', (_name, sentence, answer) => {
    expect(answer.answer).toBe(sentence);
  });

  it('counts pods that are on several revisions', () => {
    const builder = mesh().namespace('shop', { 'istio.io/rev': 'canary' }).workload('shop', 'cart', { replicas: 0 });
    const owner = { kind: 'ReplicaSet', name: 'cart-hash', uid: 'uid-Deployment-shop-cart-ReplicaSet' };
    builder
      .pod('shop', 'a', { on: 'canary', proxyVersion: '1.29.1', owner })
      .pod('shop', 'b', { on: 'default', owner })
      .pod('shop', 'c', { owner });
    expect(why('deploy/cart', builder).answer).toBe(
      'The next pod of shop/cart gets a proxy from canary (1.29.1); of its 3 running pods, 1 has one from canary (1.29.1), 1 has one from default (1.28.2), 1 has no proxy.',
    );
  });
});

describe('which label decides', () => {
  it.each<[string, Labels, Labels, string[], string[]]>([
    ['the namespace by revision', { 'istio.io/rev': 'canary' }, {}, ['namespace shop has istio.io/rev=canary'], []],
    ['the namespace for the default', { 'istio-injection': 'enabled' }, {}, ['namespace shop has istio-injection=enabled'], []],
    ['the pod by revision', {}, { 'istio.io/rev': 'canary' }, ['the pod template has istio.io/rev=canary'], []],
    ['the pod for the default', {}, { 'sidecar.istio.io/inject': 'true' }, ['the pod template has sidecar.istio.io/inject=true'], []],
    [
      'istio-injection beats istio.io/rev of both',
      { 'istio-injection': 'enabled', 'istio.io/rev': 'canary' },
      { 'istio.io/rev': 'canary' },
      ['namespace shop has istio-injection=enabled'],
      [
        'istio.io/rev=canary of the namespace: istio-injection of namespace shop decides',
        'istio.io/rev=canary of the pod template: istio-injection of namespace shop decides',
      ],
    ],
    [
      'istio.io/rev of the namespace beats that of the pod',
      { 'istio.io/rev': 'prod' },
      { 'istio.io/rev': 'default' },
      ['namespace shop has istio.io/rev=prod'],
      ['istio.io/rev=default of the pod template: istio.io/rev of namespace shop decides'],
    ],
    [
      'the pod says no',
      { 'istio.io/rev': 'canary' },
      { 'sidecar.istio.io/inject': 'false' },
      ['the pod label sidecar.istio.io/inject is "false"'],
      ['istio.io/rev=canary of the namespace: sidecar.istio.io/inject of the pod decides'],
    ],
    [
      'a value that is not enabled',
      { 'istio-injection': 'on' },
      { 'sidecar.istio.io/inject': 'true' },
      ['the namespace label istio-injection is "on", not "enabled"'],
      ['sidecar.istio.io/inject=true of the pod template: istio-injection of namespace shop decides'],
    ],
    ['a ghost', { 'istio.io/rev': 'gone' }, {}, ['no webhook serves the namespace label istio.io/rev=gone'], []],
    ['nobody asks', {}, {}, ['neither the namespace nor the pod asks for a sidecar'], []],
  ])('%s', (_name, namespace, podLabels, because, without) => {
    const answer = why('cart', cart(namespace, pod(podLabels)));
    expect(lines(answer, 'because')).toEqual(because);
    expect(lines(answer, 'no effect')).toEqual(without);
  });

  it('none, where a webhook injects what says nothing', () => {
    const everywhere = injectorWebhooks({
      configuration: 'istio-revision-tag-default',
      value: 'default',
      revision: 'canary',
      tag: 'default',
      service: 'istiod-canary',
      servesUnlabelled: true,
    });
    const answer = why(
      'cart',
      new MeshBuilder().revision({ revision: 'canary', version: '1.29.1' }).object(everywhere).namespace('shop').workload('shop', 'cart'),
    );
    expect(lines(answer, 'because')).toEqual(['no label says anything, and the webhook injects all the same']);
    expect(lines(answer, 'webhook')).toEqual(['auto.sidecar-injector.istio.io in istio-revision-tag-default → istiod of canary']);
  });
});

describe('webhooks', () => {
  it('the one that decides, its tag, and what each of the others does', () => {
    const answer = why('cart', cart({ 'istio.io/rev': 'prod' }));
    expect(lines(answer, 'webhook')).toEqual(['rev.namespace.sidecar-injector.istio.io in istio-revision-tag-prod → istiod of canary']);
    expect(lines(answer, 'tag')).toEqual(['prod → revision canary']);
    const fates = answer.next.webhooks.map(({ configuration, entry, fate, detail }) => [
      configuration,
      entry.split('.sidecar')[0],
      fate,
      detail,
    ]);
    expect(fates.filter(([configuration]) => configuration === 'istio-sidecar-injector')[0]).toEqual([
      'istio-sidecar-injector',
      'rev.namespace',
      'off',
      'switched off by istioctl',
    ]);
    expect(fates.filter(([configuration]) => configuration === 'istio-sidecar-injector-canary')).toEqual([
      ['istio-sidecar-injector-canary', 'rev.namespace', 'passed-by', 'the namespace has istio.io/rev=prod, not canary'],
      ['istio-sidecar-injector-canary', 'rev.object', 'passed-by', 'the namespace has istio.io/rev=prod'],
    ]);
  });

  it('two that inject: both are named, and the last one is left', () => {
    const two = new MeshBuilder()
      .revision({ revision: 'default', version: '1.28.2' })
      .revision({ revision: 'canary', version: '1.29.1' })
      .defaultTo('canary');
    const answer = why('cart', two.namespace('shop', { 'istio-injection': 'enabled' }).workload('shop', 'cart'));
    expect(answer.next.revision).toBe('default');
    expect(lines(answer, 'webhook')).toEqual(['namespace.sidecar-injector.istio.io in istio-sidecar-injector → istiod of default']);
    expect(lines(answer, 'also')).toEqual([
      'namespace.sidecar-injector.istio.io in istio-revision-tag-default → istiod of canary: replaced by istio-sidecar-injector, which is called after it',
    ]);
  });

  it('a label that says one revision, and a Service that leads to another', () => {
    const tag = injectorWebhooks({
      configuration: 'istio-revision-tag-odd',
      value: 'odd',
      revision: 'canary',
      tag: 'odd',
      service: 'istiod',
    });
    const answer = why('cart', cart({ 'istio.io/rev': 'odd' }).object(tag));
    expect(answer.next.revision).toBe('default');
    expect(lines(answer, 'webhook')[0]).toContain('istiod of default; its label says canary, but its Service leads there');
  });

  it('one that cannot be called: the pod is refused, and how to mend it', () => {
    const gone = injectorWebhooks({
      configuration: 'istio-revision-tag-old',
      value: 'old',
      revision: 'old',
      tag: 'old',
      service: 'istiod-old',
    });
    const answer = why('cart', cart({ 'istio.io/rev': 'old' }, { on: 'old' }).object(gone));
    expect([answer.next.gets, answer.next.revision, answer.answer]).toEqual([
      'refused',
      'old',
      'The next pod of shop/cart is refused by the API server; its running pod has a proxy from old (1.28.2).',
    ]);
    expect(lines(answer, 'refused')).toEqual(['by the webhook: Service istio-system/istiod-old does not exist']);
    expect(ways(answer)[0]).toEqual(['To let pods be created', 'kubectl get mutatingwebhookconfiguration istio-revision-tag-old -o yaml']);
  });

  it('a template that istiod does not have: the pod is refused', () => {
    const told = (objects: MeshObjects): MeshObjects => ({
      ...objects,
      configMaps: objects.configMaps.map((c) =>
        c.data?.['config'] === undefined
          ? c
          : {
              ...c,
              data: {
                ...c.data,
                config:
                  'policy: enabled\ntemplates:\n  gateway: |\n    spec:\n      a: b\n  sidecar: |\n    x\naliases:\n  mine: [sidecar]\n',
              },
            },
      ),
    });
    const asking = (templates: string): WhyAnswer =>
      why('cart', cart({ 'istio.io/rev': 'canary' }, annotated({ 'inject.istio.io/templates': templates })), told);
    expect(['gateway', 'sidecar, mine'].map((templates) => asking(templates).next.gets)).toEqual(['injected', 'injected']);
    const refused = asking('sidecar, spec');
    expect([refused.next.gets, lines(refused, 'refused'), refused.changes[0]?.how]).toEqual([
      'refused',
      [
        'by the webhook: istiod has no template "spec", for which the annotation inject.istio.io/templates asks; it has gateway, sidecar, mine',
      ],
      'Name only templates that istiod has in the annotation inject.istio.io/templates.',
    ]);
    expect(asking('').next.gets).toBe('refused');
  });

  it('one whose istiod has no pod that is ready', () => {
    const down = mesh()
      .revision({ revision: 'down', version: '1.29.1', ready: false })
      .namespace('shop', { 'istio.io/rev': 'down' })
      .workload('shop', 'cart');
    expect(lines(why('cart', down), 'now')).toEqual(['no istiod of down is ready: pods are refused until one is']);
  });

  it('conditions that Meshlift does not evaluate make the answer less than sure', () => {
    const [hook] = mesh().objects().mutatingWebhooks;
    const answer = why('cart', cart({ 'istio.io/rev': 'canary' }), (objects) => ({
      ...objects,
      mutatingWebhooks: objects.mutatingWebhooks.map((w) =>
        w.metadata.name === hook?.metadata.name
          ? w
          : { ...w, webhooks: (w.webhooks ?? []).map((one) => ({ ...one, matchConditions: [{}] })) },
      ),
    }));
    expect(answer.unknown).toContain(
      'the matchConditions of istio-sidecar-injector-canary: Meshlift does not evaluate them, and takes them to be true',
    );
  });
});

describe('what istiod declines', () => {
  it.each<[string, WorkloadOptions, string, string]>([
    ['host network', pod({}, { spec: { hostNetwork: true } }), 'the pod uses the host network', 'Not on the host network'],
    [
      'an annotation',
      annotated({ 'sidecar.istio.io/inject': 'false' }),
      'the annotation sidecar.istio.io/inject is "false"',
      'Take the annotation sidecar.istio.io/inject out',
    ],
  ])('%s', (_name, options, reason, remedy) => {
    const answer = why('cart', cart({ 'istio.io/rev': 'canary' }, options));
    expect([answer.next.gets, answer.next.reason]).toEqual(['nothing', 'declined']);
    expect(lines(answer, 'asked')).toEqual(['namespace shop has istio.io/rev=canary']);
    expect(lines(answer, 'because')).toEqual([`istiod of canary declines: ${reason}`]);
    expect(answer.changes.map(({ how }) => how)[0]).toContain(remedy);
  });

  it('what its own settings exclude, by labels that the controller of the pod adds as well', () => {
    const told = (config: string) => (objects: MeshObjects) => ({
      ...objects,
      configMaps: objects.configMaps.map((c) =>
        c.metadata.name === 'istio-sidecar-injector-canary' ? { ...c, data: { ...c.data, config } } : c,
      ),
    });
    const never = 'policy: enabled\nneverInjectSelector:\n- matchExpressions: [{key: job-name, operator: Exists}]\n';
    const night = mesh()
      .namespace('shop', { 'istio.io/rev': 'canary' })
      .workload('shop', 'night', { kind: 'CronJob' })
      .workload('shop', 'cart');
    expect(lines(why('cj/night', night, told(never)), 'because')).toEqual([
      'istiod of canary declines: the pod matches its neverInjectSelector (job-name)',
    ]);
    expect(why('deploy/cart', night, told(never)).next.gets).toBe('injected');
    const off = why('deploy/cart', night, told('policy: disabled\n'));
    expect([off.next.gets, off.changes[0]?.how]).toEqual([
      'nothing',
      'Change what the injector of canary is told (its ConfigMap in istio-system), or set the pod label sidecar.istio.io/inject=true.',
    ]);
  });
});

describe('a proxy that the template fixes', () => {
  it('by annotation or by its own container: the image stays, whatever the revision', () => {
    const pinned = why(
      'cart',
      cart(
        { 'istio.io/rev': 'canary' },
        { ...annotated({ 'sidecar.istio.io/proxyImage': 'mine/proxyv2:1.20.0' }), on: 'canary', proxyVersion: '1.28.2' },
      ),
    );
    expect([pinned.next.image, pinned.next.imagePinnedBy, pinned.pods[0]?.differs]).toEqual([
      'mine/proxyv2:1.20.0',
      'the annotation sidecar.istio.io/proxyImage',
      '',
    ]);
    expect(ways(pinned)[0]).toEqual(['To get the image of the revision']);
    const own = why(
      'cart',
      cart({ 'istio.io/rev': 'canary' }, pod({}, { spec: { containers: [{ name: 'istio-proxy', image: 'mine:1' }] } })),
    );
    expect([own.next.image, own.next.imagePinnedBy]).toEqual(['mine:1', 'its own container istio-proxy']);
  });

  it('by kube-inject, and no label asks for another: it stays what it is', () => {
    const baked = {
      metadata: { labels: { app: 'cart' }, annotations: { 'sidecar.istio.io/status': '{"revision":"default"}' } },
      spec: { containers: [{ name: 'istio-proxy', image: 'x:1' }] },
    };
    const answer = why('cart', cart({}, { template: baked, on: 'default' }));
    expect([answer.next.gets, answer.next.detail]).toEqual(['in-template', 'its template went through istioctl kube-inject']);
    expect(answer.answer).toBe(
      'The next pod of shop/cart has the proxy that stands in its template; its running pod has a proxy from default (1.28.2).',
    );
    expect(ways(answer)[0]).toEqual(['To let the mesh choose the proxy']);
    expect(why('cart', cart({ 'istio.io/rev': 'canary' }, { template: baked })).next.gets).toBe('injected');
  });

  it('by istiod itself, for a Gateway of the Gateway API', () => {
    const labels = { 'gateway.istio.io/managed': 'istio.io-gateway-controller', 'sidecar.istio.io/inject': 'false' };
    const answer = why(
      'cart',
      cart({ 'istio.io/rev': 'canary' }, { template: { metadata: { labels, annotations: { 'istio.io/rev': 'canary' } } } }),
    );
    expect([answer.next.gets, answer.next.revision, ways(answer)]).toEqual(['made-by-istiod', 'canary', [['To get another revision']]]);
    expect(answer.answer).toBe('The next pod of shop/cart is made by istiod of canary, with its proxy; its running pod has no proxy.');
  });

  it('the image comes from the values of the revision otherwise', () => {
    const values = (global: object) => (objects: MeshObjects) => ({
      ...objects,
      configMaps: objects.configMaps.map((c) =>
        c.metadata.name === 'istio-sidecar-injector-canary' ? { ...c, data: { ...c.data, values: JSON.stringify({ global }) } } : c,
      ),
    });
    const image = (global: object, options: WorkloadOptions = {}): unknown =>
      why('cart', cart({ 'istio.io/rev': 'canary' }, options), values(global)).next.image;
    const hub = { hub: 'docker.io/istio', tag: '1.29.1' };
    expect(image({ ...hub, proxy: { image: 'proxyv2' } })).toBe('docker.io/istio/proxyv2:1.29.1');
    expect(image({ ...hub, variant: 'distroless' })).toBe('docker.io/istio/proxyv2:1.29.1-distroless');
    expect(image({ ...hub, tag: '1.29.1-debug', variant: 'default' })).toBe('docker.io/istio/proxyv2:1.29.1');
    expect(image({ proxy: { image: 'own.example/proxy:3' } })).toBe('own.example/proxy:3');
    expect(image(hub, annotated({ 'sidecar.istio.io/proxyImageType': 'debug' }))).toBe('docker.io/istio/proxyv2:1.29.1-debug');
    expect(image({ proxy: { image: 'proxyv2' } })).toBeUndefined();
  });
});

describe('who writes the label', () => {
  const fields = (...path: readonly string[]): object => path.reduceRight<object>((inner, key) => ({ [key]: inner }), {});
  const onNamespace = (manager: string): object => ({ manager, fieldsV1: fields('f:metadata', 'f:labels', 'f:istio.io/rev') });

  it.each<[string, object, string[]]>([
    ['a person', { managedFields: [onNamespace('kubectl-label')] }, ['field manager kubectl-label']],
    [
      'Argo CD',
      { annotations: { 'argocd.argoproj.io/tracking-id': 'apps:/Namespace:shop/shop' }, managedFields: [onNamespace('argocd-controller')] },
      ['Argo CD (apps)', 'field manager argocd-controller'],
    ],
    ['Argo CD by label', { labels: { 'argocd.argoproj.io/instance': 'apps' } }, ['Argo CD (apps)']],
    [
      'Flux',
      { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' }, managedFields: [onNamespace('kustomize-controller')] },
      ['Flux Kustomization apps', 'field manager kustomize-controller'],
    ],
    ['a HelmRelease of Flux', { labels: { 'helm.toolkit.fluxcd.io/name': 'shop' } }, ['Flux HelmRelease shop']],
    [
      'Helm',
      { annotations: { 'meta.helm.sh/release-name': 'shop' }, managedFields: [onNamespace('helm')] },
      ['Helm release shop', 'field manager helm'],
    ],
  ])('%s', (_name, metadata: { labels?: Labels }, writers) => {
    const labels = { 'istio.io/rev': 'canary', ...metadata.labels };
    const answer = why(
      'cart',
      mesh()
        .namespace('shop', labels, { ...metadata, labels })
        .workload('shop', 'cart'),
    );
    expect(lines(answer, 'written by')).toEqual([`istio.io/rev of namespace shop: ${writers.join(', ')}`]);
    const change = answer.changes.find(({ what }) => what.includes('default'));
    expect(change?.how.includes('or it is set back')).toBe(!writers[0]?.startsWith('field manager'));
  });

  it('of a pod template, whoever owns that field', () => {
    const builder = cart({}, pod({ 'istio.io/rev': 'canary' }));
    const path = fields('f:spec', 'f:template', 'f:metadata', 'f:labels', 'f:istio.io/rev');
    const answer = why('cart', builder, (objects) => ({
      ...objects,
      deployments: objects.deployments.map((d) =>
        d.metadata.name === 'cart'
          ? {
              ...d,
              metadata: {
                ...d.metadata,
                managedFields: [
                  { manager: 'ci', fieldsV1: path },
                  { manager: 'kubelet', fieldsV1: {} },
                ],
              },
            }
          : d,
      ),
    }));
    expect(lines(answer, 'written by')).toEqual(['istio.io/rev of the pod template: field manager ci']);
  });
});

describe('what would change it', () => {
  it.each<[string, MeshBuilder, unknown[]]>([
    [
      'a restart, and labels that lead to the other revision',
      cart({ 'istio-injection': 'enabled', 'istio.io/rev': 'canary' }, { on: 'canary' }),
      [
        ['To move the running pod', 'kubectl -n shop rollout restart deploy/cart'],
        ['To get canary (1.29.1)', 'kubectl label namespace shop istio.io/rev=canary istio-injection- --overwrite'],
      ],
    ],
    [
      'in a namespace without labels, the label of the template is enough',
      cart({}),
      [
        [
          'To get a proxy from canary (1.29.1)',
          `kubectl -n shop patch deploy/cart --type merge -p '{"spec":{"template":{"metadata":{"labels":{"istio.io/rev":"canary"}}}}}'`,
        ],
        [
          'To get a proxy from default (1.28.2)',
          `kubectl -n shop patch deploy/cart --type merge -p '{"spec":{"template":{"metadata":{"labels":{"istio.io/rev":"default"}}}}}'`,
        ],
      ],
    ],
    [
      'where the pod says no, that goes',
      cart({ 'istio.io/rev': 'canary' }, pod({ 'sidecar.istio.io/inject': 'false' })),
      [
        [
          'To get a proxy from canary (1.29.1)',
          `kubectl -n shop patch deploy/cart --type merge -p '{"spec":{"template":{"metadata":{"labels":{"sidecar.istio.io/inject":null}}}}}'`,
        ],
        [
          'To get a proxy from default (1.28.2)',
          'kubectl label namespace shop istio.io/rev=default --overwrite',
          `kubectl -n shop patch deploy/cart --type merge -p '{"spec":{"template":{"metadata":{"labels":{"sidecar.istio.io/inject":null}}}}}'`,
        ],
      ],
    ],
    [
      'pods of a StatefulSet that is not restarted by its template',
      mesh()
        .namespace('shop', { 'istio.io/rev': 'canary' })
        .workload('shop', 'cart', { kind: 'StatefulSet', strategy: { type: 'OnDelete' }, on: 'default', replicas: 2 }),
      [
        ['To move the running pods', 'kubectl -n shop delete pod cart-0 cart-1'],
        ['To get default (1.28.2)', 'kubectl label namespace shop istio.io/rev=default --overwrite'],
      ],
    ],
    [
      'an Argo Rollout',
      mesh().namespace('shop', { 'istio.io/rev': 'canary' }).workload('shop', 'cart', { kind: 'Rollout', on: 'default' }),
      [
        ['To move the running pod', 'kubectl argo rollouts -n shop restart cart'],
        ['To get default (1.28.2)', 'kubectl label namespace shop istio.io/rev=default --overwrite'],
      ],
    ],
    [
      'a CronJob',
      mesh().namespace('shop').workload('shop', 'cart', { kind: 'CronJob', pods: 0 }),
      ['canary (1.29.1)', 'default (1.28.2)'].map((end) => [
        `To get a proxy from ${end}`,
        `kubectl -n shop patch cronjob/cart --type merge -p '{"spec":{"jobTemplate":{"spec":{"template":{"metadata":{"labels":{"istio.io/rev":"${end.split(' ')[0] ?? ''}"}}}}}}}'`,
      ]),
    ],
  ])('%s', (_name, builder, expected) => {
    expect(ways(why('cart', builder))).toEqual(expected);
  });

  it('of a namespace, restarts of all whose pods are behind', () => {
    const builder = cart({ 'istio.io/rev': 'canary' }, { on: 'default' })
      .workload('shop', 'web', { on: 'default' })
      .workload('shop', 'job', { kind: 'Job', on: 'default' });
    const answer = why('ns/shop', builder);
    expect(answer.changes[0]).toEqual({
      what: 'To move the running pods',
      how: 'job/job: a Job ends by itself; its pod keeps its sidecar until then',
      commands: ['kubectl -n shop rollout restart deploy/cart deploy/web'],
    });
  });

  it('of a namespace, what is otherwise there is told', () => {
    const builder = cart({ 'istio.io/rev': 'canary' }, pod({ 'sidecar.istio.io/inject': 'false' })).workload('shop', 'web');
    expect(lines(why('ns/shop', builder), 'but')).toEqual(['deploy/cart gets no proxy: the pod label sidecar.istio.io/inject is "false"']);
  });
});

it('a namespace of many workloads is moved as a whole', () => {
  const builder = mesh().namespace('shop', { 'istio.io/rev': 'prod' });
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) builder.workload('shop', name, { on: 'default' });
  expect(ways(why('ns/shop', builder))[0]).toEqual(['To move the running pods', 'meshlift migrate shop --to prod']);
});

it('a proxy that is told to connect elsewhere', () => {
  const annotation = { 'proxy.istio.io/config': 'discoveryAddress: istiod-old.mesh.svc:15012\nconcurrency: 2' };
  const answer = why('cart', cart({ 'istio.io/rev': 'canary' }, { ...annotated(annotation), on: 'canary', connectedTo: 'default' }));
  expect(lines(answer, 'connects')).toEqual([
    'to istiod-old.mesh.svc:15012, as the annotation proxy.istio.io/config says, whatever injects it',
  ]);
  expect(lines(answer, 'running')).toEqual(['cart-0: canary (1.28.2), connected to istiod-default-abc of default, synced']);
});

it('ztunnel is told as it is, and nothing about labels', () => {
  const ztunnel = {
    template: { metadata: { labels: { app: 'ztunnel' } }, spec: { containers: [{ name: 'istio-proxy', image: 'ztunnel:1' }] } },
    kind: 'DaemonSet' as const,
  };
  const answer = why('ds/ztunnel', mesh().namespace('mesh').workload('mesh', 'ztunnel', ztunnel));
  expect([answer.next.gets, answer.changes.map(({ what }) => what)]).toEqual(['in-template', []]);
});

describe('what pods run on', () => {
  it('is told with the istiod that they are connected to', () => {
    const builder = cart({ 'istio.io/rev': 'default' }, { on: 'default', replicas: 2 }).pod('shop', 'lost', {
      on: 'default',
      connectedTo: null,
    });
    expect(lines(why('deploy/cart', builder), 'running')).toEqual([
      'cart-0, cart-1: default (1.28.2), connected to istiod-default-abc, synced',
    ]);
    expect(lines(why('pod/lost', builder), 'running')).toEqual(['lost: default (1.28.2), connected to no istiod']);
  });

  it('is not known where an istiod is silent', () => {
    const builder = new MeshBuilder()
      .revision({ revision: 'canary', version: '1.29.1' }, { error: 'timed out' })
      .namespace('shop', { 'istio.io/rev': 'canary' })
      .workload('shop', 'cart', { on: 'canary', connectedTo: null });
    const answer = why('cart', builder);
    expect([answer.pods[0]?.proxy, answer.unknown]).toEqual(['unknown', ['which proxies are connected to istiod-canary-abc: timed out']]);
  });
});
