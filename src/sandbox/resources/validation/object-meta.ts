/** The metadata of every object. @source k8s.io/apimachinery pkg/api/validation/objectmeta.go of 1.34 */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { FieldError } from '../../objects/status-error.ts';
import { forbidden, invalidValue, required, tooLong } from '../field-errors.ts';
import { list, record, records, text, type Json } from '../json-tree.ts';
import { follows, NONE, notNegative, qualified, type Errors } from './check.ts';
import { dns1035Label, dnsLabel, labelValue, pathSegment, qualifiedName, subdomain, type TextRule } from './name-rules.ts';

export type NameForm = 'subdomain' | 'label' | 'label-1035' | 'path-segment';

export interface MetaRules {
  readonly namespaced: boolean;
  readonly name: NameForm;
  /** Built-in kinds also want finalizers to have a domain. */
  readonly builtIn?: boolean;
}

const NAME_RULES: Readonly<Record<NameForm, TextRule>> = {
  subdomain,
  label: dnsLabel,
  'label-1035': dns1035Label,
  'path-segment': pathSegment,
};

const MAX_ANNOTATION_BYTES = 262_144;
const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

/** @param previous absent on create */
export function validateObjectMeta(next: KubeObject, previous: KubeObject | undefined, rules: MetaRules): readonly FieldError[] {
  const metadata = record(next.metadata);
  return [
    ...nameErrors(metadata, NAME_RULES[rules.name]),
    ...namespaceErrors(metadata, rules.namespaced),
    ...notNegative('metadata.generation', metadata['generation']),
    ...validateLabels(metadata['labels'], 'metadata.labels'),
    ...validateAnnotations(metadata['annotations'], 'metadata.annotations'),
    ...ownerErrors(records(metadata['ownerReferences'])),
    ...finalizerErrors(list(metadata['finalizers']).map(text), rules.builtIn === true),
    ...(previous === undefined ? NONE : updateErrors(metadata, record(previous.metadata))),
  ];
}

function nameErrors(metadata: Json, rule: TextRule): Errors {
  const prefix = text(metadata['generateName']);
  const name = text(metadata['name']);
  const masked = prefix.endsWith('-') ? `${prefix.slice(0, -1)}a` : prefix;
  return [
    ...(prefix === '' ? NONE : rule(masked).map((detail) => invalidValue('metadata.generateName', prefix, detail))),
    ...(name === '' ? [required('metadata.name', 'name or generateName is required')] : follows(rule, 'metadata.name', name)),
  ];
}

function namespaceErrors(metadata: Json, namespaced: boolean): Errors {
  const namespace = text(metadata['namespace']);
  if (!namespaced) return namespace === '' ? NONE : [forbidden('metadata.namespace', 'not allowed on this type')];
  return namespace === '' ? [required('metadata.namespace')] : follows(dnsLabel, 'metadata.namespace', namespace);
}

/** Labels of objects, of templates, and maps that select by labels. */
export function validateLabels(labels: unknown, field: string): Errors {
  return Object.entries(record(labels)).flatMap(([key, value]) => [...qualified(field, key), ...follows(labelValue, field, text(value))]);
}

export function validateAnnotations(annotations: unknown, field: string): Errors {
  const entries = Object.entries(record(annotations));
  const keys = entries.flatMap(([key]) => qualifiedName(key.toLowerCase()).map((detail) => invalidValue(field, key, detail)));
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(text(value)), 0);
  return bytes > MAX_ANNOTATION_BYTES ? [...keys, tooLong(field, MAX_ANNOTATION_BYTES)] : keys;
}

function ownerErrors(owners: readonly Json[]): Errors {
  const field = 'metadata.ownerReferences';
  const each = owners.flatMap((owner) => {
    const version = text(owner['apiVersion']).split('/').at(-1) ?? '';
    const empty = ['kind', 'name', 'uid'].filter((key) => text(owner[key]) === '');
    return [
      ...(version === '' ? [invalidValue(`${field}.apiVersion`, owner['apiVersion'] ?? '', 'version must not be empty')] : NONE),
      ...empty.map((key) => invalidValue(`${field}.${key}`, '', 'must not be empty')),
      ...(owner['apiVersion'] === 'v1' && owner['kind'] === 'Event'
        ? [invalidValue(field, ordered(owner), '/v1, Kind=Event is disallowed from being an owner')]
        : NONE),
    ];
  });
  const [first, second] = owners.filter((owner) => owner['controller'] === true);
  if (first === undefined || second === undefined) return each;
  const both = `${text(first['kind'])}/${text(first['name'])} and ${text(second['kind'])}/${text(second['name'])}`;
  const detail = `Only one reference can have Controller set to true. Found "true" in references for ${both}`;
  return [...each, invalidValue(field, owners.map(ordered), detail)];
}

/** Fields in the order in which the server prints them. */
function ordered(owner: Json): Json {
  const fields = ['apiVersion', 'kind', 'name', 'uid', 'controller', 'blockOwnerDeletion'];
  return Object.fromEntries(fields.filter((field) => field in owner).map((field) => [field, owner[field]]));
}

function finalizerErrors(finalizers: readonly string[], builtIn: boolean): Errors {
  return finalizers.flatMap((finalizer, index) => {
    const form = qualified('metadata.finalizers', finalizer);
    const plain = builtIn && !finalizer.includes('/') && !STANDARD_FINALIZERS.has(finalizer);
    const detail = 'name is neither a standard finalizer name nor is it fully qualified';
    return plain ? [...form, invalidValue(`metadata.finalizers[${index}]`, finalizer, detail)] : form;
  });
}

function updateErrors(metadata: Json, before: Json): Errors {
  if (before['deletionTimestamp'] === undefined) return NONE;
  const known = new Set(list(before['finalizers']).map(text));
  const added = list(metadata['finalizers'])
    .map(text)
    .filter((finalizer) => !known.has(finalizer));
  if (added.length === 0) return NONE;
  const shown = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
  return [forbidden('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`)];
}
