/** How many pods each node has, and how many of each controller: kept up to date, since counting anew for each pod is slow. */
import type { Cluster } from '../../cluster/cluster-view.ts';
import { controllerOf } from '../base/ownership.ts';
import { isFinished } from '../base/pod-state.ts';
import type { Pod } from '../base/workload-shapes.ts';

interface Place {
  readonly node: string;
  readonly owner: string;
}

export class NodeLoad {
  readonly #cluster: Cluster;
  readonly #places = new Map<string, Place>();
  readonly #pods = new Map<string, number>();
  #unsubscribe: (() => void) | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  start(): void {
    for (const pod of this.#cluster.list('pods')) this.#note(pod as Pod, false);
    this.#unsubscribe = this.#cluster.onChange('pods', ({ type, object }) => this.#note(object as Pod, type === 'DELETED'));
  }

  stop(): void {
    this.#unsubscribe?.();
  }

  podsOn(node: string): number {
    return this.#pods.get(node) ?? 0;
  }

  /** @param owner uid of a controller */
  podsOf(owner: string, node: string): number {
    return this.#pods.get(`${node}\n${owner}`) ?? 0;
  }

  #note(pod: Pod, isGone: boolean): void {
    const uid = pod.metadata.uid ?? '';
    const node = isGone || isFinished(pod) ? '' : (pod.spec.nodeName ?? '');
    const before = this.#places.get(uid);
    if (before?.node === node) return;
    if (before !== undefined) this.#count(before, -1);
    if (node === '') this.#places.delete(uid);
    else {
      const place = { node, owner: controllerOf(pod)?.uid ?? '' };
      this.#places.set(uid, place);
      this.#count(place, 1);
    }
  }

  #count({ node, owner }: Place, change: number): void {
    for (const key of [node, `${node}\n${owner}`]) this.#pods.set(key, (this.#pods.get(key) ?? 0) + change);
  }
}
