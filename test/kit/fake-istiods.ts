/** The control planes of a cluster in memory: ready a moment after they came, and then their webhooks get a CA bundle. */
import type { KubeObject, Pod, PodController, WebhookConfiguration } from '../../src/core/mesh/kube-objects.ts';
import type { IstiodReport, SyncEntry } from '../../src/core/mesh/mesh-objects.ts';
import { istiodsOf, revisionOf } from './fake-admission.ts';

const CA_BUNDLE = 'Y2E=';

export class FakeIstiods {
  /** Revisions whose istiod does not tell which proxies are connected. */
  silent = new Set<string>();
  /** Revisions whose istiod, when it is new, never becomes ready. */
  readonly dead = new Set<string>();
  readonly #objects: ReadonlyMap<string, KubeObject>;
  /** Seconds since each Deployment came, by name; endless for those of before the test. */
  readonly #ages = new Map<string, number>();

  constructor(objects: ReadonlyMap<string, KubeObject>) {
    this.#objects = objects;
  }

  all(): PodController[] {
    return istiodsOf([...this.#objects.values()]);
  }

  settle(name: string): void {
    this.#ages.set(name, Number.POSITIVE_INFINITY);
  }

  forget(name: string): void {
    this.#ages.delete(name);
  }

  /** Whether its pods are ready, so that webhooks can call them. */
  answers(istiod: PodController): boolean {
    const age = this.#ages.get(istiod.metadata.name) ?? 0;
    return age > 1 && (age === Number.POSITIVE_INFINITY || !this.dead.has(revisionOf(istiod)));
  }

  /** A second passes. @returns webhook configurations that get their CA bundle, which charts leave empty */
  tick(): KubeObject[] {
    return this.all().flatMap((istiod) => {
      this.#ages.set(istiod.metadata.name, (this.#ages.get(istiod.metadata.name) ?? 0) + 1);
      return this.answers(istiod) ? this.#withoutBundle(revisionOf(istiod)).map(withBundle) : [];
    });
  }

  #withoutBundle(revision: string): WebhookConfiguration[] {
    return [...this.#objects.values()].filter(
      (o): o is WebhookConfiguration =>
        /Webhook/.test(o.kind) &&
        o.metadata.labels?.['istio.io/rev'] === revision &&
        ((o as WebhookConfiguration).webhooks ?? []).some((w) => (w.clientConfig?.caBundle ?? '') === ''),
    );
  }

  withStatus(istiod: PodController): PodController {
    const ready = this.answers(istiod) ? 1 : 0;
    const observedGeneration = istiod.metadata.generation ?? 0;
    return { ...istiod, status: { observedGeneration, replicas: 1, updatedReplicas: 1, readyReplicas: ready, availableReplicas: ready } };
  }

  pod(istiod: PodController): Pod {
    const isReady = this.answers(istiod);
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: podName(istiod),
        namespace: 'istio-system',
        uid: istiod.metadata.name,
        labels: istiod.spec?.template?.metadata?.labels ?? {},
      },
      spec: { containers: [{ name: 'discovery' }] },
      status: {
        phase: isReady ? 'Running' : 'Pending',
        conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
        ...(isReady
          ? {}
          : { containerStatuses: [{ name: 'discovery', ready: false, state: { waiting: { reason: 'ImagePullBackOff' } } }] }),
      },
    };
  }

  reports(connectionsTo: (revision: string) => SyncEntry[]): IstiodReport[] {
    const running = this.all().filter((istiod) => this.answers(istiod));
    return running.map((istiod) => {
      const revision = revisionOf(istiod);
      const identity = { pod: podName(istiod), namespace: 'istio-system', revision };
      return this.silent.has(revision)
        ? { ...identity, proxies: [], error: 'no answer' }
        : { ...identity, proxies: connectionsTo(revision) };
    });
  }
}

function podName(istiod: PodController): string {
  return `${istiod.metadata.name}-pod`;
}

function withBundle(configuration: WebhookConfiguration): KubeObject {
  const webhooks = (configuration.webhooks ?? []).map((w) => ({ ...w, clientConfig: { ...w.clientConfig, caBundle: CA_BUNDLE } }));
  return { ...configuration, webhooks };
}
