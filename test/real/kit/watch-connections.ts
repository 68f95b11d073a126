/**
 * Watches, from istiod's own list of connections, that a proxy's control plane never changes during the life of its pod.
 */
import { pause, start, type Running } from '../../kit/child-process.ts';
import type { PodJson } from '../../scenarios/cluster-under-test.ts';
import { kubectlJson } from './cluster.ts';

const FIRST_PORT = 26_014;

interface Forward {
  readonly running: Running;
  readonly port: number;
  readonly revision: string;
}

interface Connections {
  readonly clients?: readonly { readonly connectionId: string; readonly connectedAt: string }[];
}

export interface WatchResult {
  readonly proxiesSeen: number;
  /** Pods that were connected to more than one revision, with the revisions. */
  readonly moved: readonly string[];
}

export class ControlPlaneWatch {
  readonly #forwards = new Map<string, Forward>();
  /** Revisions by pod, each named `namespace/pod/uid`. */
  readonly #seen = new Map<string, Set<string>>();
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();

  static async start(): Promise<ControlPlaneWatch> {
    const watch = new ControlPlaneWatch();
    await watch.#sample();
    watch.#loop = watch.#run();
    return watch;
  }

  async stop(): Promise<WatchResult> {
    this.#stopped = true;
    await this.#loop;
    for (const forward of this.#forwards.values()) forward.running.child.kill();
    const moved = [...this.#seen]
      .filter(([, revisions]) => revisions.size > 1)
      .map(([pod, revisions]) => `${pod}: ${[...revisions].join(', ')}`);
    return { proxiesSeen: this.#seen.size, moved };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await pause(1000);
      await this.#sample();
    }
  }

  async #sample(): Promise<void> {
    const { items } = await kubectlJson<{ items: PodJson[] }>('get', 'pods', '-A');
    for (const pod of items.filter((p) => p.metadata.labels?.['app'] === 'istiod' && p.status.phase === 'Running'))
      await this.#forwardTo(pod);
    await Promise.all([...this.#forwards.values()].map((forward) => this.#ask(forward, items)));
  }

  async #forwardTo(pod: PodJson): Promise<void> {
    const { name, namespace = '' } = pod.metadata;
    if (this.#forwards.has(name)) return;
    const port = FIRST_PORT + this.#forwards.size;
    const running = start('kubectl', ['-n', namespace, 'port-forward', `pod/${name}`, `${port}:15014`]);
    this.#forwards.set(name, { running, port, revision: pod.metadata.labels?.['istio.io/rev'] ?? 'default' });
    await pause(700);
  }

  async #ask(forward: Forward, pods: readonly PodJson[]): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${forward.port}/debug/connections`).catch(() => undefined);
    if (!answer?.ok) return;
    const { clients = [] } = (await answer.json()) as Connections;
    for (const { connectionId, connectedAt } of clients) {
      const name = connectionId.replace(/-\d+$/, '');
      const pod = pods.find((p) => `${p.metadata.name}.${p.metadata.namespace ?? ''}` === name);
      // A StatefulSet gives the same name again: only connections made after the pod began are its own.
      if (!pod || Date.parse(connectedAt) < Date.parse(pod.metadata.creationTimestamp)) continue;
      const key = `${pod.metadata.namespace}/${pod.metadata.name}/${pod.metadata.uid}`;
      this.#seen.set(key, (this.#seen.get(key) ?? new Set()).add(forward.revision));
    }
  }
}
