/** Objects that nothing controls, by namespace: what controllers may adopt. Spares them a look at all objects at each turn. */
import type { Cluster } from '../../cluster/cluster-view.ts';
import type { GroupResource, KubeObject } from '../../objects/kube-object.ts';
import { controllerOf } from './ownership.ts';

export class OrphanIndex {
  readonly #cluster: Cluster;
  readonly #names = new Map<string, Set<string>>();
  readonly #resources: readonly GroupResource[];
  #unsubscribe: readonly (() => void)[] = [];

  constructor(cluster: Cluster, resources: readonly GroupResource[]) {
    this.#cluster = cluster;
    this.#resources = resources;
  }

  /** Before the controllers, so that it knows of a change when they do. */
  start(): void {
    this.#unsubscribe = this.#resources.map((resource) => {
      for (const object of this.#cluster.list(resource)) this.#note(resource, object, controllerOf(object) === undefined);
      return this.#cluster.onChange(resource, ({ type, object }) => {
        this.#note(resource, object, type !== 'DELETED' && controllerOf(object) === undefined);
      });
    });
  }

  stop(): void {
    for (const off of this.#unsubscribe) off();
    this.#names.clear();
  }

  /** In the order of names. */
  list(resource: GroupResource, namespace: string): readonly KubeObject[] {
    const names = [...(this.#names.get(`${resource}/${namespace}`) ?? [])].toSorted();
    return names.flatMap((name) => this.#cluster.get(resource, name, namespace) ?? []);
  }

  #note(resource: GroupResource, { metadata }: KubeObject, isOrphan: boolean): void {
    const key = `${resource}/${metadata.namespace ?? ''}`;
    const names = this.#names.get(key);
    if (!isOrphan) names?.delete(metadata.name);
    else if (names === undefined) this.#names.set(key, new Set([metadata.name]));
    else names.add(metadata.name);
  }
}
