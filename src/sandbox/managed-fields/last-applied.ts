/**
 * kubectl's move from client-side to server-side apply: as long as an object says what kubectl last applied, fields that still have
 * these values are no conflict for the manager `kubectl`, and the annotation is kept up to date.
 * @source kubernetes/apimachinery pkg/util/managedfields/internal: lastappliedmanager.go, lastappliedupdater.go, v0.34
 */
import type { KubeObject } from '../objects/kube-object.ts';
import type { TypeSchema } from '../schema/type-schema.ts';
import { compareObjects } from './compare-objects.ts';
import { difference, type FieldSet } from './field-set.ts';
import { goJson, isRecord } from './json-values.ts';
import { objectFieldSet } from './object-field-set.ts';
import { UnnamedItemError } from './value-shape.ts';
import { withZeroForm } from './zero-forms.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const MAX_ANNOTATION_BYTES = 256 * 1024;

/** @returns fields that kubectl may take over, undefined when nothing says so */
export function fieldsOfLastApplied(live: KubeObject, apiVersion: string, schema: TypeSchema): FieldSet | undefined {
  const applied = readLastApplied(live);
  if (applied === undefined || applied['apiVersion'] !== apiVersion) return undefined;
  try {
    const { added, modified, removed } = compareObjects(applied, withZeroForm(live, schema), schema);
    return [modified, added, removed].reduce(difference, objectFieldSet(applied, schema));
  } catch (error) {
    if (error instanceof UnnamedItemError) return undefined;
    throw error;
  }
}

function readLastApplied({ metadata }: KubeObject): Readonly<Record<string, unknown>> | undefined {
  const text = metadata.annotations?.[LAST_APPLIED];
  if (text === undefined || text === '') return undefined;
  try {
    const applied: unknown = JSON.parse(text);
    return isRecord(applied) ? applied : undefined;
  } catch {
    return undefined;
  }
}

/** The result with the annotation saying what was applied now; unchanged when it has no such annotation. */
export function updateLastApplied(result: KubeObject, applied: KubeObject): KubeObject {
  const { annotations } = result.metadata;
  const before = annotations?.[LAST_APPLIED];
  if (annotations === undefined || before === undefined || before === '') return result;
  const { [LAST_APPLIED]: _before, ...others } = annotations;
  const next = { ...others, [LAST_APPLIED]: lastAppliedText(applied) };
  const fits = Object.entries(next).reduce((bytes, [key, value]) => bytes + Buffer.byteLength(key + value), 0) <= MAX_ANNOTATION_BYTES;
  return { ...result, metadata: { ...result.metadata, annotations: fits ? next : others } };
}

function lastAppliedText(applied: KubeObject): string {
  const { annotations } = applied.metadata;
  if (annotations === undefined) return `${goJson(applied)}\n`;
  const { [LAST_APPLIED]: _own, ...others } = annotations;
  return `${goJson({ ...applied, metadata: { ...applied.metadata, annotations: others } })}\n`;
}
