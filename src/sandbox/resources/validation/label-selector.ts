/** Selectors with labels and expressions. @source k8s.io/apimachinery pkg/apis/meta/v1/validation/validation.go of 1.34 */
import { forbidden, invalidValue, required } from '../field-errors.ts';
import { list, record, records, text, type Json } from '../json-tree.ts';
import { each, follows, NONE, qualified, type Errors } from './check.ts';
import { labelValue } from './name-rules.ts';
import { validateLabels } from './object-meta.ts';

export function validateSelector(selector: unknown, field: string): Errors {
  const { matchLabels, matchExpressions } = record(selector);
  return [...validateLabels(matchLabels, `${field}.matchLabels`), ...each(`${field}.matchExpressions`, matchExpressions, requirement)];
}

function requirement(expression: Json, field: string): Errors {
  const operator = text(expression['operator']);
  const values = list(expression['values']).map(text);
  const errors = [...operatorErrors(operator, values, field), ...qualified(`${field}.key`, text(expression['key']))];
  return [...errors, ...values.flatMap((value, index) => follows(labelValue, `${field}.values[${index}]`, value))];
}

function operatorErrors(operator: string, values: readonly string[], field: string): Errors {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length === 0 ? [required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")] : NONE;
    case 'Exists':
    case 'DoesNotExist':
      return values.length > 0
        ? [forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
        : NONE;
    default:
      return [invalidValue(`${field}.operator`, operator, 'not a valid selector operator')];
  }
}

export function isEmptySelector(selector: unknown): boolean {
  const { matchLabels, matchExpressions } = record(selector);
  return Object.keys(record(matchLabels)).length === 0 && list(matchExpressions).length === 0;
}

/** @returns undefined where the selector cannot be read */
export function selects(selector: unknown, labels: Json): boolean | undefined {
  const { matchLabels, matchExpressions } = record(selector);
  const equal = Object.entries(record(matchLabels)).every(([key, value]) => labels[key] === value);
  let all = equal;
  for (const expression of records(matchExpressions)) {
    const held = holds(expression, labels);
    if (held === undefined) return undefined;
    all = all && held;
  }
  return all;
}

function holds(expression: Json, labels: Json): boolean | undefined {
  const value = labels[text(expression['key'])];
  const values = list(expression['values']);
  switch (text(expression['operator'])) {
    case 'In':
      return values.length === 0 ? undefined : value !== undefined && values.includes(value);
    case 'NotIn':
      return values.length === 0 ? undefined : value === undefined || !values.includes(value);
    case 'Exists':
      return values.length > 0 ? undefined : value !== undefined;
    case 'DoesNotExist':
      return values.length > 0 ? undefined : value === undefined;
    default:
      return undefined;
  }
}

/** The fields of a selector in the order in which the server prints them. */
export function printedSelector(selector: unknown): unknown {
  if (typeof selector !== 'object' || selector === null) return selector ?? null;
  const { matchLabels, matchExpressions } = record(selector);
  const labels = sortedKeys(matchLabels);
  return { ...(labels === undefined ? {} : { matchLabels: labels }), ...(matchExpressions === undefined ? {} : { matchExpressions }) };
}

/** A map as Go prints it: by its keys. @returns undefined when there is none */
export function sortedKeys(map: unknown): Json | undefined {
  if (map === undefined || map === null) return undefined;
  return Object.fromEntries(Object.entries(record(map)).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
