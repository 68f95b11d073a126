/** What real istiods made of the cases (recorded here), what the sandbox's istiods make of them, and what Meshlift says of them. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KubeClient } from '../../../src/adapters/kubernetes/kube-client.ts';
import { KubeClusterReader } from '../../../src/adapters/kubernetes/kube-cluster-reader.ts';
import { loadKubeConfig } from '../../../src/adapters/kubernetes/load-kube-config.ts';
import type { InjectionDecision } from '../../../src/core/injection/injection-decision.ts';
import { pinnedProxyImage, resolveInjection } from '../../../src/core/injection/resolve-injection.ts';
import { buildInventory } from '../../../src/core/mesh/build-inventory.ts';
import type { Pod, PodTemplate } from '../../../src/core/mesh/kube-objects.ts';
import type { MeshInventory } from '../../../src/core/mesh/mesh-inventory.ts';
import { injectedRevision, readProxy } from '../../../src/core/mesh/read-proxy.ts';
import { answerDifferences } from '../../kit/answer-normalizer.ts';
import type { InjectionAnswer } from '../../kit/injection-answer.ts';
import type { InjectionCase } from '../../kit/injection-cases.ts';
import type { PlayedCase } from '../../kit/injection-player.ts';
import { casesDigest, unpackAnswer, type InjectionRecording } from '../../kit/injection-recording.ts';
import { startInjectionSandbox, type InjectionSandbox } from '../../kit/injection-sandbox.ts';
import { casesOf, setUps } from './set-ups.ts';

interface Difference {
  readonly name: string;
  readonly at?: string;
  readonly real: unknown;
  readonly here: unknown;
}

const words = (answer: InjectionAnswer): string =>
  answer.kind === 'injected' ? `injected by ${answer.revision}` : answer.kind === 'refused' ? `refused: ${answer.message}` : answer.kind;

/** Meshlift does not look at what istiod or the API server may refuse a pod for once it is asked: it says who is asked. */
const isRefusedForItself = (answer: InjectionAnswer): boolean =>
  answer.kind === 'refused' && /denied the request(?!.*requested template)| is invalid: /.test(answer.message);

function predicted(decision: InjectionDecision): string {
  if (decision.kind === 'injected' || decision.kind === 'ambiguous') return `injected by ${decision.revision}`;
  return decision.kind;
}

/** The proxy's image in a pod that was stamped. */
function proxyImage(answer: InjectionAnswer & { readonly kind: 'injected' }): string {
  const proxy = [...answer.stamped.initContainers, ...answer.stamped.containers].find((each) => each.startsWith('istio-proxy '));
  return proxy?.split(' ')[1] ?? '';
}

/**
 * Meshlift takes for pinned what is not: an image in the template when two webhooks inject one after the other, since the second
 * replaces what the first had kept. Only seen, not found in istiod's source.
 */
function isReplaced({ pod }: InjectionCase): boolean {
  return pod.metadata.annotations?.['sidecar.istio.io/proxyImage'] === undefined;
}

describe.each(setUps)('$name', (setUp) => {
  const cases = casesOf(setUp);
  const recording = JSON.parse(readFileSync(new URL(`recorded/${setUp.name}.json`, import.meta.url), 'utf8')) as InjectionRecording;
  const recorded = (name: string): InjectionAnswer => unpackAnswer(recording, name);
  let started: InjectionSandbox | undefined;
  let played: readonly PlayedCase[] = [];
  let inventory: MeshInventory | undefined;

  beforeAll(async () => {
    started = await startInjectionSandbox(setUp.objects(), setUp.lost);
    played = await started.player.play(cases);
    const client = new KubeClient(loadKubeConfig({ kubeconfig: started.kubeconfigPath }));
    const reader = new KubeClusterReader(client, { istioNamespace: 'istio-system', clusterName: 'sandbox' });
    inventory = buildInventory(await reader.readMesh('status'));
  }, 60_000);

  afterAll(() => started?.stop());

  it('was recorded with these cases', () => {
    expect(recording.cases).toBe(casesDigest(cases));
  });

  it('decides as the real istiods did', () => {
    expect(played).toHaveLength(cases.length);
    const differing = played.flatMap(({ played: { name }, answer }): Difference[] => {
      const [real, here] = [words(recorded(name)), words(answer)];
      return real === here ? [] : [{ name, real, here }];
    });
    expect(differing).toEqual([]);
  });

  it('stamps the same fields', () => {
    const differing = played.flatMap(({ played: { name }, answer }): Difference[] => {
      const real = recorded(name);
      if (real.kind !== 'injected' || answer.kind !== 'injected') return [];
      return answerDifferences(real.stamped, answer.stamped).map(({ at, expected, actual }) => ({
        name,
        at,
        real: expected,
        here: actual,
      }));
    });
    expect(differing).toEqual([]);
  });

  it('makes the same pod in everything', () => {
    const digest = (answer: InjectionAnswer): string => (answer.kind === 'refused' ? '' : answer.digest);
    const differing = played.filter(({ played: { name }, answer }) => digest(recorded(name)) !== digest(answer));
    expect(differing.map((each) => each.played.name)).toEqual([]);
  });

  it('is foretold by Meshlift from what it reads of the cluster', () => {
    const labels = new Map(inventory?.namespaces.map((namespace) => [namespace.name, namespace.labels]));
    const differing = cases.flatMap(({ name, namespace, pod }): Difference[] => {
      const real = recorded(name);
      const subject = {
        namespace: namespace.name,
        namespaceLabels: labels.get(namespace.name) ?? {},
        template: pod as unknown as PodTemplate,
      };
      const here = predicted(resolveInjection(subject, inventory?.webhooks ?? []));
      const expected = real.kind === 'refused' ? real.kind : words(real);
      const agrees = isRefusedForItself(real) ? here.startsWith('injected by ') : here === expected;
      return agrees ? [] : [{ name, real: words(real), here }];
    });
    expect(differing).toEqual([]);
  });

  it('stamps what Meshlift reads the revision and the proxy off', () => {
    const differing = played.flatMap(({ played: { name }, body }): Difference[] => {
      const real = recorded(name);
      if (real.kind !== 'injected') return [];
      const proxy = readProxy(body as Pod, []);
      const here = { revision: injectedRevision(body as Pod), image: proxy?.image, native: proxy?.native };
      const native = real.stamped.initContainers.some((each) => each.startsWith('istio-proxy '));
      const expected = { revision: real.revision, image: proxyImage(real), native };
      return answerDifferences(expected, here).map((each) => ({ name, at: each.at, real: each.expected, here: each.actual }));
    });
    expect(differing).toEqual([]);
  });

  it('gives the proxy the image that Meshlift takes for pinned', () => {
    const pinned = cases.flatMap((each) => {
      const real = recorded(each.name);
      const here = pinnedProxyImage(each.pod as unknown as PodTemplate);
      return real.kind === 'injected' && here !== undefined ? [{ each, here, real: proxyImage(real) }] : [];
    });
    const differing = pinned.filter(({ here, real }) => here !== real).map(({ each }) => each.name);
    expect(differing).toEqual(pinned.filter(({ each }) => setUp.name === 'helm-overlap' && isReplaced(each)).map(({ each }) => each.name));
  });
});
