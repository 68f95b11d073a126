/** Rollouts that are played both on a real cluster and on the sandbox's controllers, generated from a seed. */

export interface RolloutStep {
  /** When the step is taken: as soon as the rollout before it is complete, or so long after the step before. */
  readonly when: 'complete' | { readonly afterMs: number };
  /** A number that makes each template another one; absent leaves it. */
  readonly template?: number;
  /** Seconds until the new template's pods are asked whether they are ready; null for an image that there is not. */
  readonly readySeconds?: number | null;
  readonly replicas?: number;
}

export interface RolloutCase {
  readonly name: string;
  readonly replicas: number;
  readonly strategy: 'Recreate' | { readonly maxSurge: number | string; readonly maxUnavailable: number | string };
  readonly minReadySeconds: number;
  readonly progressDeadlineSeconds: number;
  readonly steps: readonly RolloutStep[];
}

export interface RecordedPod {
  /** The ReplicaSet, by the order in which they were made. */
  readonly set: number;
  /** From the first step on; null when it never was ready. */
  readonly readyAtMs: number | null;
  /** From the pod's deletion until it was gone; null when it was not deleted. */
  readonly goneMs: number | null;
}

export interface RecordedRollout extends RolloutCase {
  /** When each step was taken, from the first on. */
  readonly stepsAtMs: readonly number[];
  /** Sizes of the ReplicaSets in the order in which they were made, each time that one changed. */
  readonly sizes: readonly string[];
  /** Reason of Progressing and status of Available, each time that one changed. */
  readonly conditions: readonly string[];
  readonly pods: readonly RecordedPod[];
}

/** @param random 0 to 1, from a seed */
export function rolloutCases(count: number, random: () => number): readonly RolloutCase[] {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  return Array.from({ length: count }, (_, index) => {
    const replicas = 1 + Math.floor(random() * 6);
    const maxSurge = pick([0, 1, 1, 2, 3, '25%', '25%', '34%', '50%', '100%']);
    const maxUnavailable = pick([0, 0, 1, 2, '25%', '25%', '34%', '50%']);
    const isZero = (value: number | string): boolean => value === 0 || value === '0%';
    const strategy = isZero(maxSurge) && isZero(maxUnavailable) ? { maxSurge: 1, maxUnavailable: 0 } : { maxSurge, maxUnavailable };
    const readySeconds = (): number => Math.floor(random() * 4);
    const story = pick(['plain', 'plain', 'bad then back', 'bad then on', 'rollover', 'rollover', 'rollover twice', 'scaled']);
    return {
      name: `${index + 1} ${story}`,
      replicas,
      strategy: random() < 0.08 ? 'Recreate' : strategy,
      minReadySeconds: random() < 0.2 ? 2 : 0,
      progressDeadlineSeconds: story.startsWith('bad') ? 4 : 600,
      steps: stepsOf(story, { random, readySeconds }),
    };
  });
}

interface Dice {
  readonly random: () => number;
  readonly readySeconds: () => number;
}

function stepsOf(story: string, { random, readySeconds }: Dice): readonly RolloutStep[] {
  const later = (fromMs: number, toMs: number): { readonly afterMs: number } => ({
    afterMs: Math.round(fromMs + random() * (toMs - fromMs)),
  });
  const first: RolloutStep = { when: 'complete', template: 1, readySeconds: readySeconds() };
  const second: RolloutStep = { when: 'complete', template: 2, readySeconds: readySeconds() };
  switch (story) {
    case 'bad then back':
      return [first, { ...second, readySeconds: null }, { ...first, when: { afterMs: 7500 } }];
    case 'bad then on':
      return [first, { ...second, readySeconds: null }, { when: { afterMs: 3000 }, template: 3, readySeconds: readySeconds() }];
    case 'rollover':
      return [first, second, { when: later(500, 4000), template: 3, readySeconds: readySeconds() }];
    case 'rollover twice':
      return [
        first,
        second,
        { when: later(500, 3000), template: 3, readySeconds: readySeconds() },
        { when: later(500, 3000), template: 4, readySeconds: readySeconds() },
      ];
    case 'scaled':
      return [first, second, { when: later(500, 3000), replicas: 1 + Math.floor(random() * 6) }];
    default:
      return [first, second];
  }
}

/** mulberry32 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
