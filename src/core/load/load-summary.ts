/** The figures of an attack, gathered hit by hit in little memory. */
import { build, type Histogram } from 'hdr-histogram-js';
import type { Hit } from './hit.ts';

export interface LoadSummary {
  readonly requests: number;
  /** Requests a second, from the first to the last that was due. */
  readonly ratePerSecond: number;
  /** Successful requests a second, from the first that was due to the last answer. */
  readonly throughputPerSecond: number;
  /** From the first to the last that was due. */
  readonly attackMs: number;
  /** From the last that was due to the last answer. */
  readonly waitMs: number;
  readonly earliestAtMs: number;
  readonly latestAtMs: number;
  readonly latenciesMs: {
    readonly total: number;
    readonly min: number;
    readonly mean: number;
    readonly p50: number;
    readonly p90: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** 0 to 1; an answer of 200 to 399 is a success. */
  readonly successRatio: number;
  readonly failed: number;
  /** By status code; 0 stands for no answer. In the order of the codes. */
  readonly statusCodes: Readonly<Record<string, number>>;
  /** Each text once, in the order in which they came first. */
  readonly errors: readonly string[];
}

/** Latencies are kept in microseconds with three figures, up to an hour. */
const HIGHEST_US = 3_600_000_000;
const MOST_ERRORS = 100;

/** @source tsenart/vegeta lib/metrics.go, Metrics.Add and Close, v12.12.0; the latency is that from the moment a request was due */
export class LoadSummarizer {
  readonly #latencies: Histogram = build({ highestTrackableValue: HIGHEST_US, numberOfSignificantValueDigits: 3, bitBucketSize: 64 });
  readonly #codes = new Map<number, number>();
  readonly #errors = new Set<string>();
  #requests = 0;
  #succeeded = 0;
  #totalMs = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #earliest = Number.POSITIVE_INFINITY;
  #latest = 0;
  #end = 0;

  add(hit: Hit): void {
    this.#requests += 1;
    if (isSuccess(hit)) this.#succeeded += 1;
    this.#codes.set(hit.code, (this.#codes.get(hit.code) ?? 0) + 1);
    if (hit.error !== '' && this.#errors.size < MOST_ERRORS) this.#errors.add(hit.error);
    this.#latencies.recordValue(Math.min(HIGHEST_US, Math.round(hit.latencyMs * 1000)));
    this.#totalMs += hit.latencyMs;
    this.#minMs = Math.min(this.#minMs, hit.latencyMs);
    this.#maxMs = Math.max(this.#maxMs, hit.latencyMs);
    this.#bytesIn += hit.bytesIn;
    this.#bytesOut += hit.bytesOut;
    this.#earliest = Math.min(this.#earliest, hit.dueAtMs);
    this.#latest = Math.max(this.#latest, hit.dueAtMs);
    this.#end = Math.max(this.#end, hit.dueAtMs + hit.latencyMs);
  }

  /** @returns all figures 0 when nothing was added */
  summary(): LoadSummary {
    const none = this.#requests === 0;
    const attackMs = none ? 0 : this.#latest - this.#earliest;
    const waitMs = none ? 0 : this.#end - this.#latest;
    const perSecond = (hits: number, ms: number): number => (ms > 0 ? (hits * 1000) / ms : none ? 0 : hits);
    return {
      requests: this.#requests,
      ratePerSecond: perSecond(this.#requests, attackMs),
      throughputPerSecond: perSecond(this.#succeeded, attackMs + waitMs),
      attackMs,
      waitMs,
      earliestAtMs: none ? 0 : this.#earliest,
      latestAtMs: this.#latest,
      latenciesMs: this.#quantiles(none),
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      successRatio: none ? 0 : this.#succeeded / this.#requests,
      failed: this.#requests - this.#succeeded,
      statusCodes: Object.fromEntries([...this.#codes].toSorted(([a], [b]) => a - b)),
      errors: [...this.#errors],
    };
  }

  #quantiles(none: boolean): LoadSummary['latenciesMs'] {
    // The histogram rounds up to its figures; nothing was slower than the slowest.
    const at = (percent: number): number => (none ? 0 : Math.min(this.#maxMs, this.#latencies.getValueAtPercentile(percent) / 1000));
    return {
      total: this.#totalMs,
      min: none ? 0 : this.#minMs,
      mean: none ? 0 : this.#totalMs / this.#requests,
      p50: at(50),
      p90: at(90),
      p95: at(95),
      p99: at(99),
      max: this.#maxMs,
    };
  }
}

export function isSuccess({ code, error }: Pick<Hit, 'code' | 'error'>): boolean {
  return code >= 200 && code < 400 && error === '';
}
