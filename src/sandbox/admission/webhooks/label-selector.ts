/** Label selectors of webhooks, matched as apimachinery pkg/apis/meta/v1/helpers.go and pkg/labels (v0.34) do. */
import { internalError } from './call-failure.ts';
import { list, record, records, text, type Json } from '../../resources/json-tree.ts';

export type Labels = Readonly<Record<string, string>>;

/** A selector that asks for nothing; it is not even asked about the labels of a namespace that is not there. */
export function selectsAll(selector: Json): boolean {
  return Object.keys(record(selector['matchLabels'])).length === 0 && list(selector['matchExpressions']).length === 0;
}

/** @throws StatusError 500 for an operator that does not exist */
export function selects(selector: Json, labels: Labels): boolean {
  const pairs = Object.entries(record(selector['matchLabels']));
  const expressions = records(selector['matchExpressions']).map((expression) => meets(expression, labels));
  return pairs.every(([key, value]) => labelOf(labels, key) === value) && expressions.every(Boolean);
}

function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function meets(expression: Json, labels: Labels): boolean {
  const value = labelOf(labels, text(expression['key']));
  const values = list(expression['values']);
  const operator = text(expression['operator']);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      throw internalError(`${JSON.stringify(operator)} is not a valid label selector operator`);
  }
}
