/**
 * Who injects a pod, on a real cluster with two istiods: more than a thousand combinations of labels, tags and webhooks, decided by
 * a server-side dry run of the pod and by Meshlift from what it reads; and what `why` says of workloads that are there.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';
import { KubeClusterReader } from '../../src/adapters/kubernetes/kube-cluster-reader.ts';
import { loadKubeConfig } from '../../src/adapters/kubernetes/load-kube-config.ts';
import { buildInventory } from '../../src/core/mesh/build-inventory.ts';
import type { PodTemplate } from '../../src/core/mesh/kube-objects.ts';
import type { InjectionWebhook } from '../../src/core/mesh/mesh-inventory.ts';
import { nextPod, type Seen } from '../../src/core/why/next-pod.ts';
import type { NextPod, WhyAnswer } from '../../src/core/why/why-answer.ts';
import { run, until } from '../kit/child-process.ts';
import { playTarget } from '../kit/http-player.ts';
import type { InjectionAnswer } from '../kit/injection-answer.ts';
import { injectionCases, type InjectionCase } from '../kit/injection-cases.ts';
import { InjectionPlayer } from '../kit/injection-player.ts';
import { ROUND_LABEL, webhookRounds, withoutOddities, type Edit, type WebhookRound } from '../kit/webhook-rounds.ts';
import { APP_IMAGE, applyYaml, istioctlNew, kubectl, kubectlJson, meshlift, meshliftOk } from './kit/cluster.ts';
import { cleanCluster, installOld, operatorFile } from './kit/istio.ts';

const NEW = '1-29-1';
const SEED = 20_261_130;
const ROUNDS = 12;
const CASES_EACH = 95;
/** Until the API server and the istiods have seen what was written. */
const SETTLE_MS = 2_500;

const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

interface Configuration {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string; readonly labels: Record<string, string> };
  readonly webhooks: readonly {
    readonly name: string;
    readonly clientConfig: { readonly caBundle: string; readonly service: { readonly name: string } };
  }[];
}

const player = new InjectionPlayer(playTarget(process.env['KUBECONFIG'] ?? ''));
const client = new KubeClient(loadKubeConfig({}));
const reader = new KubeClusterReader(client, { istioNamespace: 'istio-system', clusterName: 'rig' });
let installed: readonly Configuration[] = [];

beforeAll(async () => {
  await cleanCluster();
  await installOld();
  await run(istioctlNew(), ['install', '-y', '-f', operatorFile, '--set', `revision=${NEW}`]);
  await run(istioctlNew(), ['tag', 'set', 'prod', '--revision', NEW, '-y']);
  await run(istioctlNew(), ['tag', 'set', 'stable', '--revision', 'default', '-y']);
  await player.openNamespaces();
  installed = (await kubectlJson<{ items: Configuration[] }>('get', 'mutatingwebhookconfigurations', '-l', 'app=sidecar-injector')).items;
  await until(
    'istiod has written every CA bundle',
    async () => {
      installed = (await kubectlJson<{ items: Configuration[] }>('get', 'mutatingwebhookconfigurations', '-l', 'app=sidecar-injector'))
        .items;
      return installed.length >= 5 && installed.every(({ webhooks }) => webhooks.every((w) => (w.clientConfig.caBundle ?? '') !== ''));
    },
    60_000,
  );
});

afterAll(async () => {
  await kubectl('delete', 'mutatingwebhookconfigurations', '-l', ROUND_LABEL, '--ignore-not-found');
  await player.closeNamespaces();
  player.close();
  client.close();
  await cleanCluster();
});

async function see(): Promise<Seen> {
  const objects = await reader.readMesh('status');
  return { objects, inventory: buildInventory(objects) };
}

/** A configuration as `edit` makes it; `canonical` are entries with selectors that are on. */
function edited(configuration: Configuration, edit: Edit, value: string): Configuration {
  const { metadata, webhooks } = configuration;
  const service = (revision: string): string => (revision === 'default' ? 'istiod' : `istiod-${revision}`);
  const labelled = (revision: string): Configuration['metadata'] => ({
    ...metadata,
    labels: { ...metadata.labels, 'istio.io/rev': revision },
  });
  switch (edit.kind) {
    case 'as-installed':
      return configuration;
    case 'off': {
      const never = { matchLabels: { 'istio.io/deactivated': 'never-match' } };
      return { metadata, webhooks: webhooks.map((w) => ({ ...w, namespaceSelector: never, objectSelector: never })) };
    }
    case 'on':
      return { metadata, webhooks: webhooks.map((w) => ({ ...w, ...selectorsOf(w.name, value) })) };
    case 'moved':
      return {
        metadata: labelled(edit.revision),
        webhooks: webhooks.map((w) => ({
          ...w,
          clientConfig: { ...w.clientConfig, service: { ...w.clientConfig.service, name: service(edit.revision) } },
        })),
      };
    case 'mislabelled':
      return { metadata: labelled(edit.revision), webhooks };
  }
}

/** As Istio's chart has them. */
function selectorsOf(name: string, value: string): object {
  const is = (key: string, operator: string, ...values: string[]): object => ({
    key,
    operator,
    ...(values.length === 0 ? {} : { values }),
  });
  const select = (...matchExpressions: object[]): object => ({ matchExpressions });
  const notOff = is('sidecar.istio.io/inject', 'NotIn', 'false');
  const [noInjection, noRevision] = [is('istio-injection', 'DoesNotExist'), is('istio.io/rev', 'DoesNotExist')];
  if (name.startsWith('rev.namespace.'))
    return { namespaceSelector: select(is('istio.io/rev', 'In', value), noInjection), objectSelector: select(notOff) };
  if (name.startsWith('rev.object.'))
    return { namespaceSelector: select(noRevision, noInjection), objectSelector: select(notOff, is('istio.io/rev', 'In', value)) };
  if (name.startsWith('namespace.'))
    return { namespaceSelector: select(is('istio-injection', 'In', 'enabled')), objectSelector: select(notOff) };
  return {
    namespaceSelector: select(noInjection, noRevision),
    objectSelector: select(is('sidecar.istio.io/inject', 'In', 'true'), noRevision),
  };
}

async function send(method: string, path: string, object?: unknown): Promise<unknown> {
  const { code, body } = await player.send(method, path, object);
  if (code >= 400) throw new Error(`${method} ${path}: ${String(code)} ${JSON.stringify(body)}`);
  return body;
}

async function setUp({ own, edits, settings }: WebhookRound): Promise<void> {
  await kubectl('delete', 'mutatingwebhookconfigurations', '-l', ROUND_LABEL, '--ignore-not-found');
  for (const configuration of installed) {
    const { name, labels } = configuration.metadata;
    const live = (await send('GET', `${WEBHOOKS}/${name}`)) as Configuration;
    const wanted = edited(configuration, edits[name] ?? { kind: 'as-installed' }, labels['istio.io/tag'] ?? labels['istio.io/rev'] ?? '');
    const metadata = { ...wanted.metadata, resourceVersion: live.metadata.resourceVersion };
    await send('PUT', `${WEBHOOKS}/${name}`, { ...live, ...wanted, metadata });
  }
  for (const configuration of own) await send('POST', WEBHOOKS, configuration);
  for (const revision of ['default', NEW]) await tell(revision, settings?.revision === revision ? settings : undefined);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

interface ConfigMapJson {
  readonly data: { readonly config: string };
}

/** Writes what the injector of a revision is told; as installed when nothing is said. */
async function tell(revision: string, settings: WebhookRound['settings']): Promise<void> {
  const path = `/api/v1/namespaces/istio-system/configmaps/istio-sidecar-injector${revision === 'default' ? '' : `-${revision}`}`;
  const configMap = (await send('GET', path)) as ConfigMapJson;
  const { policy = 'enabled', never = [], always = [] } = settings ?? {};
  const config = configMap.data.config
    .replace(/^policy: .*$/m, `policy: ${policy}`)
    .replace(/^neverInjectSelector:.*\n(?: {2}.*\n)*/m, `neverInjectSelector:\n  ${JSON.stringify(never)}\n`)
    .replace(/^alwaysInjectSelector:.*\n(?: {2}.*\n)*/m, `alwaysInjectSelector:\n  ${JSON.stringify(always)}\n`);
  if (config !== configMap.data.config) await send('PUT', path, { ...configMap, data: { ...configMap.data, config } });
}

const real = (answer: InjectionAnswer): string => (answer.kind === 'injected' ? `injected by ${answer.revision}` : answer.kind);

function foretold({ gets, revision }: NextPod): string {
  if (gets === 'injected') return `injected by ${revision ?? ''}`;
  return gets === 'refused' ? gets : 'not-injected';
}

function foretell({ namespace, pod }: InjectionCase, seen: Seen): NextPod {
  const namespaceLabels = seen.inventory.namespaces.find(({ name }) => name === namespace.name)?.labels ?? {};
  return nextPod({ namespace: namespace.name, namespaceLabels, template: pod as unknown as PodTemplate }, seen);
}

/** Rules that would be simpler: the combinations have to be such that each of them is wrong somewhere. */
const SIMPLER: Readonly<Record<string, (webhook: InjectionWebhook) => InjectionWebhook>> = {
  'none is called again': (w) => ({ ...w, entry: { ...w.entry, reinvocationPolicy: 'Never' } }),
  'the label says who answers': ({ answeredBy: _answeredBy, ...w }) => w,
  'istiod is told nothing': ({ policy: _policy, ...w }) => w,
  'all are about pods': ({ entry: { rules: _rules, ...entry }, ...w }) => ({ ...w, entry }),
  'all have a CA bundle': (w) => ({ ...w, hasCaBundle: true }),
  'all Services are there': (w) => ({ ...w, serviceExists: true }),
};

it('is right about more than a thousand combinations of labels, tags and webhooks', async () => {
  const caBundle = installed[0]?.webhooks[0]?.clientConfig.caBundle ?? '';
  const names = installed.map(({ metadata }) => metadata.name).toSorted();
  const isTag = (name: string): boolean => name.startsWith('istio-revision-tag-');
  const rules = {
    seed: SEED,
    revisions: ['default', NEW],
    caBundle,
    installed: { revisions: names.filter((n) => !isTag(n)), tags: names.filter(isTag) },
  };
  const wrong: unknown[] = [];
  const tally = new Map<string, number>();
  const count = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);
  for (const [index, round] of webhookRounds(rules, ROUNDS).entries()) {
    await setUp(round);
    const seen = await see();
    expect(seen.inventory.unread).toEqual([]);
    const cases = injectionCases(`round-${String(index)}`, SEED + index, CASES_EACH).map(withoutOddities);
    for (const { played, answer } of await player.play(cases)) {
      const next = foretell(played, seen);
      for (const [rule, simpler] of Object.entries(SIMPLER)) {
        const other = { ...seen, inventory: { ...seen.inventory, webhooks: seen.inventory.webhooks.map(simpler) } };
        if (foretold(foretell(played, other)) !== real(answer)) count(`wrong if ${rule}`);
      }
      const fates = next.webhooks.map(({ fate }) => fate);
      count(foretold(next));
      count('all');
      for (const fate of new Set(fates)) count(fate);
      if (new Set(next.webhooks.filter((w) => ['injects', 'replaced'].includes(w.fate)).map((w) => w.revision)).size > 1) count('overlap');
      if (foretold(next) !== real(answer))
        wrong.push({
          case: played.name,
          real: real(answer),
          why: answer.kind === 'refused' ? answer.message : '',
          foretold: foretold(next),
          round,
          played,
          webhooks: next.webhooks.filter((w) => w.fate !== 'passed-by'),
        });
    }
  }
  console.log(`dry runs: ${JSON.stringify(Object.fromEntries(tally))}`);
  expect(wrong).toEqual([]);
  const atLeast = {
    all: 1_000,
    overlap: 50,
    refuses: 30,
    declines: 30,
    ignored: 5,
    off: 100,
    'not-injected': 200,
    'injected by default': 150,
    [`injected by ${NEW}`]: 150,
  };
  const toothless = Object.keys(SIMPLER).filter((rule) => (tally.get(`wrong if ${rule}`) ?? 0) < 3);
  expect(toothless).toEqual([]);
  expect(Object.entries(atLeast).filter(([what, least]) => (tally.get(what) ?? 0) < least)).toEqual([]);
});

it('says the same on the command line, of a dozen workloads', async () => {
  await setUp({
    own: [],
    edits: { 'istio-sidecar-injector': { kind: 'on' }, 'istio-revision-tag-default': { kind: 'moved', revision: NEW } },
  });
  const cases = injectionCases('cli', SEED, 60)
    .map(withoutOddities)
    .filter(({ namespace }) => !namespace.name.startsWith('kube-'))
    .slice(0, 12);
  const differing: unknown[] = [];
  for (const [index, one] of cases.entries()) {
    const name = `why-${String(index)}`;
    const { metadata, spec } = one.pod;
    const labels = { ...metadata.labels, why: name };
    const template = { metadata: { labels, annotations: metadata.annotations }, spec };
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: one.namespace.name },
      spec: { replicas: 0, selector: { matchLabels: { why: name } }, template },
    };
    await applyYaml(JSON.stringify(deployment));
    const pod = { ...one.pod, metadata: { name, namespace: one.namespace.name, labels, annotations: metadata.annotations ?? {} } };
    const [played] = await player.play([{ ...one, pod }]);
    const said = JSON.parse(await meshliftOk('why', `deploy/${name}`, '-n', one.namespace.name, '-o', 'json')) as WhyAnswer;
    const expected = played === undefined ? '' : real(played.answer);
    if (foretold(said.next) !== expected) differing.push({ name: one.name, expected, said });
  }
  expect(differing).toEqual([]);
  expect(cases).toHaveLength(12);
});

it('tells what runs, what comes next, and the commands that it names do it', async () => {
  await setUp({ own: [], edits: {} });
  await applyYaml(`apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {meshlift-test: "true", istio.io/rev: stable}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: app, image: ${APP_IMAGE}, args: [server]}]}
`);
  await kubectl('-n', 'shop', 'rollout', 'status', 'deploy/cart', '--timeout=120s');
  const why = async (): Promise<WhyAnswer> => JSON.parse(await meshliftOk('why', 'shop/cart', '-o', 'json')) as WhyAnswer;
  await until('its proxy is synced', async () => (await why()).pods.every(({ proxy }) => proxy === 'synced'), 60_000);
  const before = await why();
  expect([before.next.revision, before.pods.map(({ revision, differs }) => [revision, differs])]).toEqual(['default', [['default', '']]]);
  expect(before.next.image).toBe(before.pods[0]?.image);
  const [label] = before.next.decidedBy;
  expect([label?.label, label?.managers]).toEqual(['istio.io/rev', ['kubectl-client-side-apply']]);

  const change = before.changes.find(({ what }) => what.includes(NEW));
  const [relabel = '', restart = ''] = change?.commands ?? [];
  expect(relabel).toBe(`kubectl label namespace shop istio.io/rev=${NEW} --overwrite`);
  await run('sh', ['-c', relabel]);
  const between = await why();
  expect(between.answer).toContain(
    'The next pod of shop/cart gets a proxy from 1-29-1 (1.29.1); its running pod has one from default (1.28.2).',
  );
  expect(between.changes[0]?.commands).toEqual([restart]);
  await run('sh', ['-c', restart]);
  await kubectl('-n', 'shop', 'rollout', 'status', 'deploy/cart', '--timeout=120s');
  await until('it is on the new revision', async () => (await why()).answer.endsWith(', as its running pod has.'), 60_000);

  const outcome = await meshlift('why', 'shop/crat');
  expect([outcome.code, outcome.stderr.includes('meshlift why deploy/cart -n shop')]).toEqual([2, true]);
});
