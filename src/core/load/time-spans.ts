/** Which of several spans of time an instant lies in. */

export interface TimeSpan {
  readonly name: string;
  readonly fromMs: number;
  /** Absent while it lasts. */
  readonly untilMs?: number;
}

/**
 * Counts instants by the span that they lie in; the latest span that had begun wins where several overlap.
 * @returns names with counts, in the order of the spans; instants outside of every span under `otherwise`, last
 */
export function countBySpan(
  instantsMs: readonly number[],
  spans: readonly TimeSpan[],
  otherwise: string,
): { readonly name: string; readonly count: number }[] {
  const counts = new Map<string, number>(spans.map((span) => [span.name, 0]));
  for (const atMs of instantsMs) {
    const span = spans.findLast(({ fromMs, untilMs = Number.POSITIVE_INFINITY }) => fromMs <= atMs && atMs <= untilMs);
    const name = span?.name ?? otherwise;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > 0).map(([name, count]) => ({ name, count }));
}
