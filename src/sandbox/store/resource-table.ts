/** The objects of one resource, by namespace and name, in the order in which etcd would list their keys, with their recent history. */
import type { KubeObject } from '../objects/kube-object.ts';
import type { StoreEvent } from './object-store.ts';

interface NamespaceTable {
  readonly objects: Map<string, KubeObject>;
  /** Sorted; undefined after a name came or went. */
  names: readonly string[] | undefined;
  /** In the order of names; undefined after any change. */
  list: readonly KubeObject[] | undefined;
}

export class ResourceTable {
  readonly #namespaces = new Map<string, NamespaceTable>();
  #order: readonly string[] | undefined;
  #events: StoreEvent[] = [];
  /** Where the oldest event is: the array is cut only now and then. */
  #first = 0;
  /** resourceVersion of the newest event that is no longer known. */
  #forgottenUpTo = 0;
  readonly #historySize: number;

  constructor(historySize: number) {
    this.#historySize = historySize;
  }

  get(namespace: string, name: string): KubeObject | undefined {
    return this.#namespaces.get(namespace)?.objects.get(name);
  }

  set(namespace: string, name: string, object: KubeObject): void {
    let table = this.#namespaces.get(namespace);
    if (table === undefined) {
      table = { objects: new Map(), names: undefined, list: undefined };
      this.#namespaces.set(namespace, table);
      this.#order = undefined;
    }
    if (!table.objects.has(name)) table.names = undefined;
    table.list = undefined;
    table.objects.set(name, object);
  }

  delete(namespace: string, name: string): void {
    const table = this.#namespaces.get(namespace);
    if (table === undefined || !table.objects.delete(name)) return;
    table.names = undefined;
    table.list = undefined;
    if (table.objects.size > 0) return;
    this.#namespaces.delete(namespace);
    this.#order = undefined;
  }

  list(namespace: string | undefined): readonly KubeObject[] {
    if (namespace !== undefined) return listNamespace(this.#namespaces.get(namespace));
    this.#order ??= [...this.#namespaces.keys()].toSorted(byKeyOfNamespace);
    const [only] = this.#order;
    if (this.#order.length === 1 && only !== undefined) return listNamespace(this.#namespaces.get(only));
    const all: KubeObject[] = [];
    for (const each of this.#order) for (const object of listNamespace(this.#namespaces.get(each))) all.push(object);
    return all;
  }

  remember(event: StoreEvent): void {
    this.#events.push(event);
    while (this.#events.length - this.#first > this.#historySize) {
      this.#forgottenUpTo = this.#events[this.#first]?.resourceVersion ?? this.#forgottenUpTo;
      this.#first += 1;
    }
    if (this.#first > this.#historySize) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    }
  }

  /** @returns undefined when events after that resourceVersion have been forgotten */
  eventsSince(resourceVersion: number): readonly StoreEvent[] | undefined {
    if (resourceVersion < this.#forgottenUpTo) return undefined;
    let low = this.#first;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.resourceVersion ?? 0) > resourceVersion) high = middle;
      else low = middle + 1;
    }
    return this.#events.slice(low);
  }

  /** Forgets all history: every older resourceVersion is too old from now on. */
  forget(resourceVersion: number): void {
    this.#events = [];
    this.#first = 0;
    this.#forgottenUpTo = resourceVersion;
  }
}

function listNamespace(table: NamespaceTable | undefined): readonly KubeObject[] {
  if (table === undefined) return [];
  if (table.list !== undefined) return table.list;
  table.names ??= [...table.objects.keys()].toSorted();
  const list: KubeObject[] = [];
  for (const name of table.names) {
    const object = table.objects.get(name);
    if (object !== undefined) list.push(object);
  }
  table.list = list;
  return list;
}

/** Keys are `namespace/name`: a namespace `a-b` comes before `a`, since `-` sorts before `/`. */
function byKeyOfNamespace(left: string, right: string): number {
  return `${left}/` < `${right}/` ? -1 : 1;
}
