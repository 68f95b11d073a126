/** What a run records, in the order in which it happens. Intent is stored before every effect. */
import * as z from 'zod';

const storedProblemSchema = z.object({
  code: z.string(),
  what: z.string(),
  why: z.string().default(''),
  next: z.array(z.object({ label: z.string(), command: z.string().optional() })).default([]),
});

/** An object as it was before a step changed it; absent `object`: it did not exist. */
const originalSchema = z.object({
  ref: z.object({ apiVersion: z.string(), kind: z.string(), namespace: z.string().optional(), name: z.string() }),
  object: z.record(z.string(), z.unknown()).optional(),
});

const at = { at: z.string() };

export const runEventSchema = z.discriminatedUnion('type', [
  z.object({ ...at, type: z.literal('RunStarted'), driver: z.string(), planDigest: z.string() }),
  z.object({ ...at, type: z.literal('DriverChanged'), driver: z.string() }),
  z.object({
    ...at,
    type: z.literal('StepStarted'),
    step: z.string(),
    originals: z.array(originalSchema).default([]),
    /** Digests of objects that the step must not change, by name. */
    digests: z.record(z.string(), z.string()).default({}),
  }),
  z.object({ ...at, type: z.literal('StepDone'), step: z.string(), evidence: z.array(z.string()).default([]) }),
  z.object({ ...at, type: z.literal('StepSkipped'), step: z.string(), reason: z.string() }),
  z.object({ ...at, type: z.literal('StepFailed'), step: z.string(), problem: storedProblemSchema }),
  z.object({ ...at, type: z.literal('Paused'), by: z.string() }),
  z.object({ ...at, type: z.literal('Resumed'), by: z.string() }),
  z.object({ ...at, type: z.literal('FinishAsked'), by: z.string() }),
  z.object({ ...at, type: z.literal('RollbackStarted'), by: z.string(), reason: z.string() }),
  z.object({ ...at, type: z.literal('RunEnded'), outcome: z.enum(['moved', 'finished', 'rolled-back']) }),
]);

export type RunEvent = z.infer<typeof runEventSchema>;

/** Whether two journals are the same but for the time of their last event: one whose answer was lost, written again. */
export function sameButLastTime(a: readonly RunEvent[], b: readonly RunEvent[]): boolean {
  const timeless = (events: readonly RunEvent[]): string => JSON.stringify(events.with(-1, { ...(events.at(-1) as RunEvent), at: '' }));
  return a.length === b.length && (a.length === 0 || timeless(a) === timeless(b));
}
export type StoredProblem = z.infer<typeof storedProblemSchema>;
export type Original = z.infer<typeof originalSchema>;
