/** How many pods of the old and of the new gateway make a share of the traffic, as near as whole pods allow. */

export interface ShareCounts {
  /** The shares that were asked for, in percent; several when they come to the same pods. */
  readonly asked: readonly number[];
  readonly oldPods: number;
  readonly newPods: number;
  /** What the new pods are of all, in percent, rounded to a whole number. */
  readonly percent: number;
}

/**
 * Never fewer pods than before: an equal number, or one more where that comes nearer to the share. Traffic is spread over pods, so
 * that the share of pods is the share of traffic.
 * @param pods pods of the old gateway, at least 1
 * @param shares rising percents, the last one 100
 * @returns one entry for each change of pods, in order; the last one has no old pods. The first new pod beside all old ones is
 *   always the first entry: it is what a share begins with.
 */
export function shareCounts(pods: number, shares: readonly number[]): ShareCounts[] {
  const counts: ShareCounts[] = [{ asked: [], ...counted(pods, 1) }];
  for (const share of shares) {
    const next = share === 100 ? counted(0, pods) : nearest(pods, share);
    const last = counts.at(-1);
    if (last?.oldPods === next.oldPods && last.newPods === next.newPods)
      counts[counts.length - 1] = { ...last, asked: [...last.asked, share] };
    else counts.push({ asked: [share], ...next });
  }
  return counts;
}

type Counted = Omit<ShareCounts, 'asked'>;

function counted(oldPods: number, newPods: number): Counted {
  return { oldPods, newPods, percent: Math.round((newPods * 100) / (oldPods + newPods)) };
}

function nearest(pods: number, share: number): Counted {
  const totals = pods === 1 ? [2] : [pods, pods + 1];
  const choices = totals.map((total) => {
    const newPods = Math.min(total - 1, Math.max(1, Math.round((total * share) / 100)));
    return counted(total - newPods, newPods);
  });
  const distance = ({ oldPods, newPods }: Counted): number => Math.abs((newPods * 100) / (oldPods + newPods) - share);
  // Of two that are as near, the one with fewer pods.
  return choices.toSorted((a, b) => distance(a) - distance(b) || a.oldPods + a.newPods - (b.oldPods + b.newPods))[0] as Counted;
}
