/** Objects in the version in which a manager wrote: a manager's fields have the names of that version. */
import type { KubeObject, ObjectMeta } from '../objects/kube-object.ts';
import type { TypeSchema } from '../schema/type-schema.ts';
import { compareObjects, withoutFields, type Comparison } from './compare-objects.ts';
import type { FieldSet } from './field-set.ts';
import { rootSchema } from './value-shape.ts';
import { withZeroForm } from './zero-forms.ts';

export interface VersionedObject {
  readonly object: KubeObject;
  /** Of the whole object; see `rootSchema`. */
  readonly schema: TypeSchema;
}

/**
 * An object in another version of its kind, with that version's schema, and without what is empty where the version has a Go type.
 * @returns undefined when the version is not served any more: what was owned in it is forgotten
 */
export type ConvertVersion = (
  object: KubeObject,
  apiVersion: string,
) => { readonly object: KubeObject; readonly schema: TypeSchema | undefined } | undefined;

/** Converts between versions; those that no converter is given for are taken to have the same fields. */
export class Versions {
  readonly #convert: ConvertVersion | undefined;

  constructor(convert: ConvertVersion | undefined) {
    this.#convert = convert;
  }

  to(apiVersion: string, versioned: VersionedObject): VersionedObject | undefined {
    const { object, schema } = versioned;
    if (object.apiVersion === apiVersion) return versioned;
    if (this.#convert === undefined) return { object: { ...object, apiVersion }, schema };
    // What has been pruned may lack anything, metadata too; what was converted has passed through the version's own type.
    const whole = (object as Partial<KubeObject>).metadata === undefined ? { ...object, metadata: {} as ObjectMeta } : object;
    const converted = this.#convert(whole, apiVersion);
    return converted && { object: withZeroForm(converted.object, converted.schema) as KubeObject, schema: rootSchema(converted.schema) };
  }
}

/** Compares two states of one version, each with the structures that are always there. */
export function compareVersioned(before: VersionedObject, after: VersionedObject, ignored: FieldSet): Comparison {
  const { schema } = after;
  return withoutFields(compareObjects(withZeroForm(before.object, schema), withZeroForm(after.object, schema), schema), ignored);
}
