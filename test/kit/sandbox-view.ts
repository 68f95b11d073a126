/** A cluster for unit tests of the sandbox: objects in a map, read as controllers read them. */
import type { ClusterChange, ClusterView } from '../../src/sandbox/cluster/cluster-view.ts';
import type { GroupResource, KubeObject } from '../../src/sandbox/objects/kube-object.ts';

export interface TestView extends ClusterView {
  /** Puts an object in place of the one of its name. */
  readonly put: (resource: GroupResource, object: KubeObject) => void;
  readonly remove: (resource: GroupResource, name: string, namespace?: string) => void;
}

export function sandboxView(initial: Readonly<Record<GroupResource, readonly KubeObject[]>> = {}): TestView {
  const stored = new Map<GroupResource, Map<string, KubeObject>>();
  const listeners = new Map<GroupResource, Set<(change: ClusterChange) => void>>();
  const of = (resource: GroupResource): Map<string, KubeObject> => {
    const map = stored.get(resource) ?? new Map<string, KubeObject>();
    stored.set(resource, map);
    return map;
  };
  const keyOf = (name: string, namespace = ''): string => `${namespace}/${name}`;
  const tell = (resource: GroupResource, change: ClusterChange): void => {
    for (const listener of listeners.get(resource) ?? []) listener(change);
  };
  const put = (resource: GroupResource, object: KubeObject): void => {
    const key = keyOf(object.metadata.name, object.metadata.namespace);
    const previous = of(resource).get(key);
    of(resource).set(key, object);
    tell(resource, previous === undefined ? { type: 'ADDED', object } : { type: 'MODIFIED', object, previous });
  };
  for (const [resource, objects] of Object.entries(initial)) for (const object of objects) put(resource, object);
  return {
    put,
    remove: (resource, name, namespace) => {
      const object = of(resource).get(keyOf(name, namespace));
      of(resource).delete(keyOf(name, namespace));
      if (object !== undefined) tell(resource, { type: 'DELETED', object });
    },
    get: (resource, name, namespace) => of(resource).get(keyOf(name, namespace)),
    list: (resource, options = {}) =>
      [...of(resource)]
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([, object]) => object)
        .filter((object) => options.namespace === undefined || object.metadata.namespace === options.namespace),
    onChange: (resource, listener) => {
      const set = listeners.get(resource) ?? new Set();
      listeners.set(resource, set.add(listener));
      return () => set.delete(listener);
    },
  };
}

/** A rejected call's StatusError as `code message`, or `allowed`. */
export async function outcomeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'allowed';
  } catch (error) {
    const { code, message } = (error as { readonly status: { readonly code: number; readonly message: string } }).status;
    return `${code} ${message}`;
  }
}
