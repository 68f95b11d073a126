/** How often and how long: `100`, `100/1s`, `6000/m`, and durations such as `30s`, `1m30s`, as vegeta takes them. */

const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** @returns milliseconds; undefined for what is no duration. `0` needs no unit. @source golang/go src/time/format.go ParseDuration, go1.25 */
export function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)].reduce(
    (sum, [, n, unit]) => sum + Number(n) * (UNIT_MS[unit ?? ''] ?? 0),
    0,
  );
}

/** @returns requests a second, more than 0; undefined for what is no rate. `N`, `N/UNIT` and `N/DURATION` are rates. */
export function parseRatePerSecond(text: string): number | undefined {
  const [, hits = '', per = '1s'] = /^(\d+(?:\.\d+)?)(?:\/(.+))?$/.exec(text) ?? [];
  const perMs = parseDurationMs(/^\d/.test(per) ? per : `1${per}`);
  if (hits === '' || perMs === undefined || perMs === 0) return undefined;
  const rate = (Number(hits) * 1000) / perMs;
  return rate > 0 ? rate : undefined;
}

/** Of a run: with fewer it would end before anything was seen of it. */
export const LOWEST_RUN_RATE_PER_SECOND = 1 / 60;

/** Keeps a slip of the keyboard from becoming a flood. */
export const HIGHEST_RATE_PER_SECOND = 20_000;
