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
  /** By owner, then by node. */
  readonly #ofOwners = new Map<string, Map<string, number>>();
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
    return this.#ofOwners.get(owner)?.get(node) ?? 0;
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
    this.#pods.set(node, (this.#pods.get(node) ?? 0) + change);
    const owned = this.#ofOwners.get(owner) ?? new Map<string, number>();
    this.#ofOwners.set(owner, owned);
    const left = (owned.get(node) ?? 0) + change;
    if (left === 0) owned.delete(node);
    else owned.set(node, left);
    if (owned.size === 0) this.#ofOwners.delete(owner);
  }
}
