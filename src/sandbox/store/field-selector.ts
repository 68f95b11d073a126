/** Field selectors: `metadata.name=a,status.phase!=Running`. What can be selected by depends on the resource, as in Kubernetes' conversions (v1.34). */
import type { GroupResource, KubeObject } from '../objects/kube-object.ts';
import { badRequest } from '../objects/status-error.ts';

export interface FieldTerm {
  readonly field: string;
  readonly negated: boolean;
  readonly value: string;
}

interface Selectable {
  readonly fields: readonly string[];
  readonly refusal: (field: string) => string;
}

const EVERYWHERE = ['metadata.name', 'metadata.namespace'];

const notSupported = (field: string): string => `field label not supported: ${field}`;
const notKnown = (field: string): string =>
  `${JSON.stringify(field)} is not a known field selector: only ${EVERYWHERE.map((each) => JSON.stringify(each)).join(', ')}`;

const EVENT_FIELDS = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
  (field) => `involvedObject.${field}`,
);

const SELECTABLE: Readonly<Record<GroupResource, Selectable>> = {
  pods: {
    fields: [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'spec.hostNetwork',
      'status.phase',
      'status.podIP',
      'status.podIPs',
      'status.nominatedNodeName',
    ],
    refusal: notSupported,
  },
  events: { fields: [...EVENT_FIELDS, 'reason', 'reportingComponent', 'source', 'type'], refusal: notSupported },
  nodes: { fields: ['spec.unschedulable'], refusal: notSupported },
  namespaces: { fields: ['status.phase'], refusal: notSupported },
  secrets: { fields: ['type'], refusal: notSupported },
  services: { fields: ['spec.clusterIP', 'spec.type'], refusal: notSupported },
  replicationcontrollers: { fields: ['status.replicas'], refusal: notSupported },
  'jobs.batch': { fields: ['status.successful'], refusal: (field) => `field label ${JSON.stringify(field)} not supported for Job` },
  'certificatesigningrequests.certificates.k8s.io': { fields: ['spec.signerName'], refusal: notSupported },
};

export interface SelectableFields {
  readonly storage: GroupResource;
  /** Custom resources refuse in other words, and may declare fields of their own. */
  readonly custom?: readonly string[];
}

/** @returns undefined for a selector that is empty and selects everything @throws StatusError 400 */
export function parseFieldSelector(text: string, { storage, custom }: SelectableFields): readonly FieldTerm[] | undefined {
  const terms = splitTerms(text);
  if (terms.length === 0) return undefined;
  const selectable = custom === undefined ? SELECTABLE[storage] : { fields: custom, refusal: notSupported };
  const known = new Set([...EVERYWHERE, ...(selectable?.fields ?? [])]);
  return terms.map((term) => {
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = '', operator = '', escaped = ''] = match;
    const value = unescapeValue(escaped);
    if (!known.has(field)) throw badRequest((selectable?.refusal ?? notKnown)(field));
    return { field, negated: operator === '!=', value };
  });
}

export function matchesFields(terms: readonly FieldTerm[], object: KubeObject): boolean {
  return terms.every(({ field, negated, value }) => (fieldValue(object, field) === value) !== negated);
}

/** The value that every selected object must have in a field, if the selector says so; lets a list by name skip the rest. */
export function requiredValue(terms: readonly FieldTerm[] | undefined, field: string): string | undefined {
  return terms?.find((term) => term.field === field && !term.negated)?.value;
}

function splitTerms(text: string): readonly string[] {
  return text.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? [];
}

function unescapeValue(value: string): string {
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(value)) throw badRequest('invalid field selector: invalid escape sequence: \\');
  const wrong = /\\([^\\,=])/.exec(value);
  if (wrong !== null) throw badRequest(`invalid field selector: invalid escape sequence: \\${wrong[1] ?? ''}`);
  const bare = /(?:^|[^\\])(?:\\\\)*([,=])/.exec(value);
  if (bare !== null) throw badRequest(`invalid field selector: unescaped character in value: ${bare[1]?.codePointAt(0) ?? ''}`);
  return value.replaceAll(/\\([\\,=])/g, '$1');
}

function fieldValue(object: KubeObject, field: string): string {
  if (field === 'source') return textAt(object, ['source', 'component']) || textAt(object, ['reportingComponent']);
  if (field === 'status.successful') return textAt(object, ['status', 'succeeded']) || '0';
  if (field === 'status.podIPs') return textAt(object, ['status', 'podIP']);
  if (field === 'spec.unschedulable' || field === 'spec.hostNetwork') return textAt(object, field.split('.')) || 'false';
  if (field.startsWith('involvedObject.')) {
    const path = field.split('.');
    return textAt(object, path) || textAt(object, ['regarding', path[1] ?? '']);
  }
  return textAt(object, field.split('.'));
}

function textAt(object: KubeObject, path: readonly string[]): string {
  let value: unknown = object;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return '';
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
