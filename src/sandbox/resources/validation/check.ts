/** Checks that fields of many kinds share. Each gives a list of errors, empty when all is well. */
import type { FieldError } from '../../objects/status-error.ts';
import { invalidValue, notSupported, required } from '../field-errors.ts';
import { absent, list, record, text, type Json } from '../json-tree.ts';
import { percent, portName, qualifiedName, type TextRule } from './name-rules.ts';

export type Errors = readonly FieldError[];

export const NONE: Errors = [];

/** One error for each thing that a rule finds wrong. */
export function follows(rule: TextRule, field: string, value: string): Errors {
  return rule(value).map((detail) => invalidValue(field, value, detail));
}

/** Empty is `Required value`, everything else follows the rule. */
export function named(rule: TextRule, field: string, value: unknown): Errors {
  return text(value) === '' ? [required(field)] : follows(rule, field, text(value));
}

export function needed(field: string, value: unknown, detail = ''): Errors {
  return absent(value) || value === '' || (Array.isArray(value) && value.length === 0) ? [required(field, detail)] : NONE;
}

export const NOT_NEGATIVE = 'must be greater than or equal to 0';

export function notNegative(field: string, value: unknown): Errors {
  return typeof value === 'number' && value < 0 ? [invalidValue(field, value, NOT_NEGATIVE)] : NONE;
}

/** Absent is allowed. @param supported in the order in which the server lists them */
export function oneOf(field: string, value: unknown, supported: readonly string[]): Errors {
  return absent(value) || supported.includes(text(value)) ? NONE : [notSupported(field, value, supported)];
}

export function portNumber(field: string, value: unknown, prefix = ''): Errors {
  const good = typeof value === 'number' && value >= 1 && value <= 65_535;
  return good ? NONE : [invalidValue(field, value ?? 0, `${prefix}must be between 1 and 65535, inclusive`)];
}

/** A number, or the name of a port. */
export function portNumberOrName(field: string, value: unknown): Errors {
  return typeof value === 'string' ? follows(portName, field, value) : portNumber(field, value);
}

/** A count or a share: `3` or `25%`. */
export function countOrPercent(field: string, value: unknown): Errors {
  if (typeof value !== 'string') return notNegative(field, value);
  return follows(percent, field, value);
}

/** The share of a text such as `25%`; undefined for counts. */
export function percentOf(value: unknown): number | undefined {
  return typeof value === 'string' && /^[0-9]+%$/.test(value) ? Number.parseInt(value, 10) : undefined;
}

export function atMostAll(field: string, value: unknown): Errors {
  const share = percentOf(value);
  return share !== undefined && share > 100 ? [invalidValue(field, value, 'must not be greater than 100%')] : NONE;
}

export function qualified(field: string, value: string): Errors {
  return follows(qualifiedName, field, value);
}

/** Errors of each item, with the path of the item. */
export function each(path: string, value: unknown, check: (item: Json, path: string, index: number) => Errors): Errors {
  return list(value).flatMap((item, index) => check(record(item), `${path}[${index}]`, index));
}
