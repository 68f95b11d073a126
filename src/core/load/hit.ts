/** What became of one request. Stored one JSON object a line, in the fields that vegeta's own JSON has, so that either tool reads the other's. */
import * as z from 'zod';

export interface Hit {
  /** Name of the attack. */
  readonly attack: string;
  /** From 0, in the order in which they were due. */
  readonly sequence: number;
  /** 0 when there was no answer. */
  readonly code: number;
  /** Milliseconds since the epoch at which the request was due, with fractions. */
  readonly dueAtMs: number;
  /** From the moment it was due to the last byte of the answer, whatever delayed its sending. */
  readonly latencyMs: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Empty when it succeeded. */
  readonly error: string;
  readonly method: string;
  readonly url: string;
}

const stored = z.object({
  attack: z.string().default(''),
  seq: z.int().nonnegative(),
  code: z.int().nonnegative(),
  timestamp: z.string(),
  latency: z.number().nonnegative(),
  bytes_out: z.int().nonnegative().default(0),
  bytes_in: z.int().nonnegative().default(0),
  error: z.string().default(''),
  method: z.string().default(''),
  url: z.string().default(''),
});

/** @source tsenart/vegeta lib/results.go, jsonResult, v12.12.0 */
export function encodeHit(hit: Hit): string {
  return JSON.stringify({
    attack: hit.attack,
    seq: hit.sequence,
    code: hit.code,
    timestamp: encodeInstant(hit.dueAtMs),
    latency: Math.round(hit.latencyMs * 1e6),
    bytes_out: hit.bytesOut,
    bytes_in: hit.bytesIn,
    error: hit.error,
    body: null,
    method: hit.method,
    url: hit.url,
    headers: null,
  });
}

/** @returns undefined for a line that is no result */
export function decodeHit(line: string): Hit | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const read = stored.safeParse(value);
  const dueAtMs = read.success ? decodeInstant(read.data.timestamp) : undefined;
  if (!read.success || dueAtMs === undefined) return undefined;
  const { attack, seq, code, latency, bytes_out, bytes_in, error, method, url } = read.data;
  return { attack, sequence: seq, code, dueAtMs, latencyMs: latency / 1e6, bytesOut: bytes_out, bytesIn: bytes_in, error, method, url };
}

// oxlint-disable no-restricted-globals -- a given instant is written and read, no clock is asked

/** RFC 3339 in UTC with nanoseconds. */
function encodeInstant(atMs: number): string {
  const wholeMs = Math.floor(atMs);
  const restNs = Math.min(999_999, Math.round((atMs - wholeMs) * 1e6));
  return `${new Date(wholeMs).toISOString().slice(0, -1)}${String(restNs).padStart(6, '0')}Z`;
}

const INSTANT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

function decodeInstant(text: string): number | undefined {
  const [, seconds, fraction = '.0', zone] = INSTANT.exec(text) ?? [];
  const wholeMs = Date.parse(`${seconds}${zone}`);
  return Number.isNaN(wholeMs) ? undefined : wholeMs + Number(`0${fraction}`) * 1000;
}
