/** Objects as JSON text, written once for each object that is stored: lists and a thousand watches share it. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { inOrder } from '../object-metadata.ts';

export class ObjectSerializer {
  readonly #bodies = new WeakMap<KubeObject, string>();

  serialize(object: KubeObject): string {
    return `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},${this.#bodyOf(object)}`;
  }

  /** As built-in resources stand in their lists: without kind and apiVersion. */
  serializeItem(object: KubeObject): string {
    return `{${this.#bodyOf(object)}`;
  }

  /** All of an object but its kind and apiVersion, without the opening brace. */
  #bodyOf(object: KubeObject): string {
    const known = this.#bodies.get(object);
    if (known !== undefined) return known;
    const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object;
    const text = JSON.stringify({ metadata: inOrder(metadata), ...rest }).slice(1);
    if (Object.isFrozen(object)) this.#bodies.set(object, text);
    return text;
  }
}
