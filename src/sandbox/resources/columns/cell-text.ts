/** Pieces of text that the cells of several kinds share. */
import { absent, isRecord, list, record, records, text, type Json } from '../json-tree.ts';

/**
 * A span of time as kubectl shows it: two units at most, the finer one only while it matters.
 * @source k8s.io/apimachinery pkg/util/duration/duration.go (HumanDuration) of 1.34
 */
export function humanDuration(spanMs: number): string {
  const seconds = Math.trunc(spanMs / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return twoUnits(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return twoUnits(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 8) return twoUnits(days, 'd', hours % 24, 'h');
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return days < 365 * 8 ? twoUnits(years, 'y', days % 365, 'd') : `${years}y`;
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}

/** @param time RFC 3339 */
export function since(time: unknown, nowMs: number): string {
  const atMs = Date.parse(text(time));
  return Number.isNaN(atMs) ? '<unknown>' : humanDuration(nowMs - atMs);
}

export function age(object: Json, nowMs: number): string {
  return since(record(object['metadata'])['creationTimestamp'], nowMs);
}

/** `a=b,c=d` in the order of the keys. */
export function labelsText(labels: unknown): string {
  const entries = Object.entries(record(labels)).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return entries.length === 0 ? '<none>' : entries.map(([key, value]) => `${key}=${text(value)}`).join(',');
}

/** A selector with expressions, as `kubectl get -o wide` shows it. */
export function selectorText(selector: unknown): string {
  if (!isRecord(selector)) return '<none>';
  const equal = Object.entries(record(selector['matchLabels'])).map(([key, value]) => ({ key, shown: `${key}=${text(value)}` }));
  const others = records(selector['matchExpressions']).map((expression) => ({
    key: text(expression['key']),
    shown: expressionText(expression),
  }));
  const terms = [...equal, ...others].toSorted((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
  return terms.length === 0 ? '<none>' : terms.map(({ shown }) => shown).join(',');
}

function expressionText(expression: Json): string {
  const key = text(expression['key']);
  const values = list(expression['values']).map(text).toSorted().join(',');
  switch (text(expression['operator'])) {
    case 'In':
      return `${key} in (${values})`;
    case 'NotIn':
      return `${key} notin (${values})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return '<error>';
  }
}

export function containerNames(spec: unknown): string {
  return joined(spec, 'name');
}

export function containerImages(spec: unknown): string {
  return joined(spec, 'image');
}

function joined(spec: unknown, field: string): string {
  return records(record(spec)['containers'])
    .map((container) => text(container[field]))
    .join(',');
}

/** The first few of a list and how many more there are. */
export function shortened(items: readonly string[], max: number, separator = ','): string {
  const shown = items.slice(0, max).join(separator);
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}

export function orElse(value: unknown, otherwise: string): string {
  return absent(value) || value === '' ? otherwise : String(value as string | number | boolean);
}

export function condition(object: Json, type: string): Json | undefined {
  return records(record(object['status'])['conditions']).find((entry) => entry['type'] === type);
}

export function conditionIs(object: Json, type: string): boolean {
  return condition(object, type)?.['status'] === 'True';
}
