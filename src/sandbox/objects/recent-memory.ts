/**
 * What was found out about objects that never change. Only the newest are remembered: an object may live as long as the cluster, and what
 * is known about it takes more memory than to find it out again is worth.
 */
export class RecentMemory<K extends WeakKey, V> {
  readonly #limit: number;
  #young = new WeakMap<K, V>();
  #old = new WeakMap<K, V>();
  #count = 0;

  /** @param limit so many are remembered for certain, and at most twice as many */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: K): V | undefined {
    const known = this.#young.get(key);
    if (known !== undefined) return known;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: K, value: V): void {
    if (this.#count >= this.#limit) {
      this.#old = this.#young;
      this.#young = new WeakMap();
      this.#count = 0;
    }
    this.#young.set(key, value);
    this.#count += 1;
  }
}
