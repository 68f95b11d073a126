/** Who is owned by whom, over all resources: the graph of the garbage collector. */
import type { GroupResource, KubeObject } from '../../objects/kube-object.ts';

export interface Identity {
  readonly resource: GroupResource;
  /** '' for what has no namespace. */
  readonly namespace: string;
  readonly name: string;
}

export function identityKey(resource: GroupResource, { metadata }: KubeObject): string {
  return `${resource}|${metadata.namespace ?? ''}|${metadata.name}`;
}

export function parseIdentity(key: string): Identity {
  const [resource = '', namespace = '', ...name] = key.split('|');
  return { resource, namespace, name: name.join('|') };
}

const NONE: readonly string[] = [];

export class DependentIndex {
  readonly #dependents = new Map<string, Set<string>>();
  readonly #owners = new Map<string, readonly string[]>();

  note(resource: GroupResource, object: KubeObject, isGone: boolean): void {
    const key = identityKey(resource, object);
    const owners = isGone ? NONE : (object.metadata.ownerReferences?.map((owner) => owner.uid) ?? NONE);
    const before = this.#owners.get(key) ?? NONE;
    for (const uid of before) if (!owners.includes(uid)) this.#remove(uid, key);
    for (const uid of owners) if (!before.includes(uid)) this.#add(uid, key);
    if (owners.length === 0) this.#owners.delete(key);
    else this.#owners.set(key, owners);
  }

  /** Keys of identities, in the order in which they came. */
  dependentsOf(uid: string): readonly string[] {
    return [...(this.#dependents.get(uid) ?? [])];
  }

  clear(): void {
    this.#dependents.clear();
    this.#owners.clear();
  }

  #add(uid: string, key: string): void {
    const keys = this.#dependents.get(uid);
    if (keys === undefined) this.#dependents.set(uid, new Set([key]));
    else keys.add(key);
  }

  #remove(uid: string, key: string): void {
    const keys = this.#dependents.get(uid);
    keys?.delete(key);
    if (keys?.size === 0) this.#dependents.delete(uid);
  }
}
