/** The parameters of lists and watches, refused in the words of apimachinery (pkg/apis/meta/internalversion/validation, v0.34). */
import { badRequest, invalid, type FieldError } from '../../objects/status-error.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { matchesFields, parseFieldSelector, requiredValue, type FieldTerm, type SelectableFields } from '../../store/field-selector.ts';
import { parseLabelSelector, type LabelMatcher } from '../../store/label-selector.ts';

export interface ListOptions {
  readonly labels: LabelMatcher | undefined;
  readonly fields: readonly FieldTerm[] | undefined;
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly watch: boolean;
  readonly allowBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
}

const ABOUT = { group: 'meta.k8s.io', resource: '', kind: 'ListOptions' };

/** @throws StatusError 400 for what cannot be read, 422 for what does not go together */
export function readListOptions(query: URLSearchParams, selectable: SelectableFields, watch: boolean): ListOptions {
  const sendInitialEvents = query.get('sendInitialEvents');
  const options = {
    limit: integer(query.get('limit')) ?? 0,
    continueToken: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    watch,
    allowBookmarks: truth(query.get('allowWatchBookmarks')),
    sendInitialEvents: sendInitialEvents === null ? undefined : truth(sendInitialEvents),
    timeoutSeconds: integer(query.get('timeoutSeconds')),
    labels: parseLabelSelector(query.get('labelSelector') ?? ''),
  };
  const errors = watch ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw invalid(ABOUT, '', errors);
  return { ...options, fields: parseFieldSelector(query.get('fieldSelector') ?? '', selectable) };
}

/** As Go reads the booleans of a query: `false` and `0` are false, everything else that is given is true. */
export function truth(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0';
}

/** @throws StatusError 400 */
export function integer(value: string | null): number | undefined {
  if (value === null || value === '') return undefined;
  if (!/^[+-]?\d+$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  return Number(value);
}

export function selects({ labels, fields }: Pick<ListOptions, 'labels' | 'fields'>, object: KubeObject): boolean {
  if (labels !== undefined && !labels(object.metadata.labels)) return false;
  return fields === undefined || matchesFields(fields, object);
}

/** The one name that can be selected, if the selector says so. */
export function onlyName({ fields }: Pick<ListOptions, 'fields'>): string | undefined {
  return requiredValue(fields, 'metadata.name');
}

type Raw = Omit<ListOptions, 'fields'>;

function listErrors({ sendInitialEvents, ...options }: Raw): readonly FieldError[] {
  const errors = [...matchErrors(options)];
  if (sendInitialEvents !== undefined) errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  return errors;
}

function matchErrors({ resourceVersionMatch, resourceVersion, continueToken }: Omit<Raw, 'sendInitialEvents'>): readonly FieldError[] {
  if (resourceVersionMatch === '') return [];
  const errors: FieldError[] = [];
  const field = 'resourceVersionMatch';
  if (resourceVersion === '') errors.push(forbiddenField(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
  if (continueToken !== '') errors.push(forbiddenField(field, 'resourceVersionMatch is forbidden when continue is provided'));
  if (resourceVersionMatch !== 'Exact' && resourceVersionMatch !== 'NotOlderThan')
    errors.push(unsupported(field, resourceVersionMatch, '"Exact", "NotOlderThan", ""'));
  if (resourceVersionMatch === 'Exact' && resourceVersion === '0')
    errors.push(forbiddenField(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  return errors;
}

function watchErrors({ sendInitialEvents, resourceVersionMatch, continueToken }: Raw): readonly FieldError[] {
  const field = 'resourceVersionMatch';
  const errors: FieldError[] = [];
  if (sendInitialEvents !== undefined && resourceVersionMatch !== 'NotOlderThan')
    errors.push(forbiddenField(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  if (sendInitialEvents === undefined && resourceVersionMatch !== '')
    errors.push(forbiddenField(field, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
  if (sendInitialEvents !== undefined && resourceVersionMatch !== '' && resourceVersionMatch !== 'NotOlderThan')
    errors.push(unsupported(field, resourceVersionMatch, '"NotOlderThan"'));
  if (continueToken !== '') errors.push(forbiddenField(field, 'resourceVersionMatch is forbidden when continue is provided'));
  return errors;
}

function forbiddenField(field: string, why: string): FieldError {
  return { reason: 'FieldValueForbidden', field, message: `Forbidden: ${why}` };
}

function unsupported(field: string, value: string, supported: string): FieldError {
  return {
    reason: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`,
  };
}
