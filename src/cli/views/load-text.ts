/** Figures of load as text and JSON, in the shape that vegeta's reports have. */
import type { LoadSummary } from '../../core/load/load-summary.ts';
import type { LoadRequest } from '../../core/request/upgrade-request.ts';
import { some } from './words.ts';

/** As Go writes a duration: `1.5ms`, `2m3.5s`. @source golang/go src/time/time.go Duration.String, go1.25 */
export function renderGoDuration(ms: number): string {
  const ns = Math.round(ms * 1e6);
  if (ns === 0) return '0s';
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${trimmed(ns / 1e3, 3)}µs`;
  if (ns < 1e9) return `${trimmed(ns / 1e6, 6)}ms`;
  const minutes = Math.floor(ns / 60e9);
  const seconds = `${trimmed((ns - minutes * 60e9) / 1e9, 9)}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

function trimmed(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\.?0+$/, '');
}

/** @source tsenart/vegeta lib/reporters.go, NewTextReporter, v12.12.0 */
export function renderLoadReport(summary: LoadSummary): string {
  const { latenciesMs: l } = summary;
  const mean = (total: number): string => (summary.requests === 0 ? '0.00' : (total / summary.requests).toFixed(2));
  const rows: [string, string, string][] = [
    [
      'Requests',
      '[total, rate, throughput]',
      `${summary.requests}, ${summary.ratePerSecond.toFixed(2)}, ${summary.throughputPerSecond.toFixed(2)}`,
    ],
    [
      'Duration',
      '[total, attack, wait]',
      [summary.attackMs + summary.waitMs, summary.attackMs, summary.waitMs].map(renderGoDuration).join(', '),
    ],
    ['Latencies', '[min, mean, 50, 90, 95, 99, max]', [l.min, l.mean, l.p50, l.p90, l.p95, l.p99, l.max].map(renderGoDuration).join(', ')],
    ['Bytes In', '[total, mean]', `${summary.bytesIn}, ${mean(summary.bytesIn)}`],
    ['Bytes Out', '[total, mean]', `${summary.bytesOut}, ${mean(summary.bytesOut)}`],
    ['Success', '[ratio]', `${(summary.successRatio * 100).toFixed(2)}%`],
    [
      'Status Codes',
      '[code:count]',
      Object.entries(summary.statusCodes)
        .map(([code, count]) => `${code}:${count}`)
        .join('  '),
    ],
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)) + (column === 0 ? 2 : 2));
  const lines = rows.map(([name, what, figures]) => `${name.padEnd(widths[0] ?? 0)}${what.padEnd(widths[1] ?? 0)}${figures}`);
  return [...lines, 'Error Set:', ...summary.errors].join('\n');
}

/** @source tsenart/vegeta lib/metrics.go, the JSON names of Metrics, v12.12.0; times in nanoseconds */
export function loadReportJson(summary: LoadSummary): Record<string, unknown> {
  const { latenciesMs: l } = summary;
  const ns = (ms: number): number => Math.round(ms * 1e6);
  const mean = (total: number): number => (summary.requests === 0 ? 0 : total / summary.requests);
  const instant = (ms: number): string => new Date(ms).toISOString();
  return {
    latencies: {
      total: ns(l.total),
      mean: ns(l.mean),
      '50th': ns(l.p50),
      '90th': ns(l.p90),
      '95th': ns(l.p95),
      '99th': ns(l.p99),
      max: ns(l.max),
      min: ns(l.min),
    },
    bytes_in: { total: summary.bytesIn, mean: mean(summary.bytesIn) },
    bytes_out: { total: summary.bytesOut, mean: mean(summary.bytesOut) },
    earliest: instant(summary.earliestAtMs),
    latest: instant(summary.latestAtMs),
    end: instant(summary.latestAtMs + summary.waitMs),
    duration: ns(summary.attackMs),
    wait: ns(summary.waitMs),
    requests: summary.requests,
    rate: summary.ratePerSecond,
    throughput: summary.throughputPerSecond,
    success: summary.successRatio,
    status_codes: summary.statusCodes,
    errors: summary.errors,
  };
}

/** Counts by bucket; the last bucket is open. @param bounds lower bounds in milliseconds, ascending, the first 0 */
export function renderLoadHistogram(bounds: readonly number[], counts: readonly number[]): string {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const rows = bounds.map((low, index): [string, string, string, string] => {
    const high = bounds[index + 1];
    const count = counts[index] ?? 0;
    const share = total === 0 ? 0 : count / total;
    return [
      `[${renderGoDuration(low)},`,
      `${high === undefined ? '+Inf' : renderGoDuration(high)}]`,
      String(count),
      `${(share * 100).toFixed(2)}%  ${'#'.repeat(Math.round(share * 75))}`,
    ];
  });
  const head: [string, string, string, string] = ['Bucket', '', '#', '%       Histogram'];
  const widths = [0, 1, 2].map((column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)) + 2);
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell))
        .join('')
        .trimEnd(),
    )
    .join('\n');
}

export interface RunLoadText {
  readonly request: LoadRequest;
  readonly summary: LoadSummary;
  /** Failed requests by the step that went on when they were due. */
  readonly during: readonly { readonly name: string; readonly count: number }[];
  readonly file: string;
}

/** With none failed of N, the true share is below 3/N with a certainty of 95 % (the rule of three). */
const RULE_OF_THREE = 3;

/** What a run did to its load, in a few lines. */
export function renderRunLoad({ request, summary, during, file }: RunLoadText): string {
  const { requests, failed, latenciesMs: l } = summary;
  const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
  const bound = failed === 0 && requests > 0 ? ` (at 95 %: fewer than ${((RULE_OF_THREE / requests) * 100).toPrecision(2)} %)` : '';
  const errors = summary.errors.map((error) => (error.length > 100 ? `${error.slice(0, 99)}…` : error));
  if (requests === 0) return `No request of the load has a result, so that nothing is proven.\nNext: meshlift load report ${file}`;
  return [
    `${failed} of ${requests} requests failed${bound}.`,
    `Load: ${request.rate} to ${request.target}, p50 ${ms(l.p50)}, p99 ${ms(l.p99)}, longest ${ms(l.max)}.`,
    ...during.map(({ name, count }) => `  ${count} failed: ${name}`),
    ...(errors.length === 0 ? [] : [`  ${some(errors)}`]),
    `Next: meshlift load report ${file}`,
  ].join('\n');
}
