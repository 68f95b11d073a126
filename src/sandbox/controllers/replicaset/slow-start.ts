/** Creation in batches of 1, 2, 4 …, so that what cannot succeed is not tried hundreds of times at once. */

/**
 * @param parallel how many calls may run at the same time; 1 keeps their order certain
 * @returns how many succeeded, and the first failure, after which no further batch begins
 */
export async function slowStart(
  count: number,
  parallel: number,
  act: (index: number) => Promise<void>,
): Promise<{ readonly successes: number; readonly error?: unknown }> {
  let successes = 0;
  let begun = 0;
  for (let size = Math.min(count, 1); size > 0; size = Math.min(2 * size, count - begun)) {
    const batch = Array.from({ length: size }, (_, offset) => begun + offset);
    begun += size;
    const failures = await runBatch(batch, parallel, act);
    successes += size - failures.length;
    if (failures.length > 0) return { successes, error: failures[0] };
  }
  return { successes };
}

async function runBatch(batch: readonly number[], parallel: number, act: (index: number) => Promise<void>): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  for (let start = 0; start < batch.length; start += parallel) {
    const results = await Promise.allSettled(batch.slice(start, start + parallel).map((index) => act(index)));
    for (const result of results) if (result.status === 'rejected') failures.push(result.reason);
  }
  return failures;
}
