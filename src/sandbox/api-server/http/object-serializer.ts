/** Objects as JSON text, written once for all who read the same object within a while: a thousand watches, page after page of lists. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { inOrder } from '../object-metadata.ts';

/** Characters that are kept at most twice over: texts of a whole big cluster would need more memory than its objects. */
const GENERATION_LENGTH = 8_000_000;

export class ObjectSerializer {
  #young = new Map<KubeObject, string>();
  #old = new Map<KubeObject, string>();
  #youngLength = 0;

  serialize(object: KubeObject): string {
    return `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},${this.#bodyOf(object)}`;
  }

  /** As built-in resources stand in their lists: without kind and apiVersion. */
  serializeItem(object: KubeObject): string {
    return `{${this.#bodyOf(object)}`;
  }

  /** All of an object but its kind and apiVersion, without the opening brace. */
  #bodyOf(object: KubeObject): string {
    const young = this.#young.get(object);
    if (young !== undefined) return young;
    const text = this.#old.get(object) ?? bodyText(object);
    if (Object.isFrozen(object)) this.#keep(object, text);
    return text;
  }

  #keep(object: KubeObject, text: string): void {
    if (this.#youngLength + text.length > GENERATION_LENGTH) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngLength = 0;
    }
    this.#young.set(object, text);
    this.#youngLength += text.length;
  }
}

function bodyText({ apiVersion: _apiVersion, kind: _kind, metadata, ...rest }: KubeObject): string {
  return JSON.stringify({ metadata: inOrder(metadata), ...rest }).slice(1);
}
