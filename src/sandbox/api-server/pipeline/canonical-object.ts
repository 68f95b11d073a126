/** The form in which objects go through the pipeline. */
import type { KubeObject, ObjectMeta } from '../../objects/kube-object.ts';
import { toCanonicalForm } from '../../schema/canonical-form.ts';
import { shareStructure } from '../../store/share-structure.ts';

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

/**
 * The same for the next state of a live object: fields that are the live object's own are canonical already and stay as they are,
 * and parts that turn out equal become the live object's own, so that whoever compares the two need not look into them.
 */
export function canonicalAfter(live: KubeObject, next: KubeObject, custom: boolean): KubeObject {
  if (custom) return shareStructure(live, next);
  const kept: Record<string, unknown> = {};
  const changed: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(next)) {
    const isSame = typeof value === 'object' && value === live[field];
    (isSame ? kept : changed)[field] = value;
  }
  return shareStructure(live, { ...canonical(changed as unknown as KubeObject, custom), ...kept });
}
