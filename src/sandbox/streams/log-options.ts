/** The parameters of a log request. */
import { badRequest, invalid, type FieldError } from '../objects/status-error.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly sinceMs?: number;
  readonly limitBytes?: number;
}

const ABOUT = { group: '', resource: 'podlogoptions', kind: 'PodLogOptions' };

/**
 * @param podName for the text of a refusal
 * @throws StatusError 400 for what is no number, 422 for numbers out of range
 * @source kubernetes/kubernetes ValidatePodLogOptions of pkg/apis/core/validation/validation.go @v1.34
 */
export function readLogOptions(query: URLSearchParams, podName: string): LogOptions {
  const tailLines = readInteger(query, 'tailLines');
  const sinceSeconds = readInteger(query, 'sinceSeconds');
  const limitBytes = readInteger(query, 'limitBytes');
  const sinceMs = readTime(query, 'sinceTime');
  const errors: FieldError[] = [
    ...outOfRange('tailLines', tailLines, 0, 'must be greater than or equal to 0'),
    ...outOfRange('limitBytes', limitBytes, 1, 'must be greater than 0'),
  ];
  if (sinceMs !== undefined && sinceSeconds !== undefined) {
    errors.push({
      reason: 'FieldValueForbidden',
      // The real one has no path for it, and prints an empty list.
      field: '[]',
      message: 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    });
  } else {
    errors.push(...outOfRange('sinceSeconds', sinceSeconds, 1, 'must be greater than 0'));
  }
  if (errors.length > 0) throw invalid(ABOUT, podName, errors);
  return {
    follow: readFlag(query, 'follow'),
    previous: readFlag(query, 'previous'),
    timestamps: readFlag(query, 'timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}

function outOfRange(field: string, value: number | undefined, least: number, why: string): readonly FieldError[] {
  if (value === undefined || value >= least) return [];
  return [{ reason: 'FieldValueInvalid', field, message: `Invalid value: ${value}: ${why}` }];
}

/** Absent, `0` and `false` are false; everything else is true, as conversion of query parameters has it. */
export function readFlag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && !['', '0', 'false'].includes(value.toLowerCase());
}

function readInteger(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function readTime(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms))
    throw badRequest(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`);
  return ms;
}
