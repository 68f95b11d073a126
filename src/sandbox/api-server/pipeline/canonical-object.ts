/** The form in which objects go through the pipeline. */
import type { KubeObject, ObjectMeta } from '../../objects/kube-object.ts';
import { toCanonicalForm } from '../../schema/canonical-form.ts';

/** Every object has metadata with a name, even if it is empty. */
export function withMetadata(object: KubeObject): KubeObject {
  const metadata = (
    typeof object.metadata === 'object' && (object.metadata as unknown) !== null ? object.metadata : {}
  ) as Partial<ObjectMeta>;
  if (typeof metadata.name === 'string' && metadata === object.metadata) return object;
  return { ...object, metadata: { ...metadata, name: metadata.name ?? '' } };
}

/** As the server would write what it has read: for built-in kinds without what their types do not have. */
export function canonical(object: KubeObject, custom: boolean): KubeObject {
  return custom ? object : withMetadata(toCanonicalForm(object));
}
