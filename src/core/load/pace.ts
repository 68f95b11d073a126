/** When each request of an open loop is due. Time is an argument: the pace is the same however late somebody asks. */

export interface Pace {
  readonly ratePerSecond: number;
  readonly durationMs: number;
}

/** How many requests there are in all: the last one is due before the duration has passed. */
export function totalHits({ ratePerSecond, durationMs }: Pace): number {
  // A millionth of a request is rounding, not a request.
  return Math.max(0, Math.ceil((durationMs * ratePerSecond) / 1000 - 1e-6));
}

/** Milliseconds after the start at which a request is due. @param index from 0 */
export function dueAtMs({ ratePerSecond }: Pace, index: number): number {
  return (index * 1000) / ratePerSecond;
}

/** How many requests are due by now: those that should have been sent, sent or not. */
export function hitsDue(pace: Pace, elapsedMs: number): number {
  if (elapsedMs < 0) return 0;
  return Math.min(totalHits(pace), Math.floor((elapsedMs * pace.ratePerSecond) / 1000 + 1e-6) + 1);
}
