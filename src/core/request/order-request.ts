/** In which order workloads are restarted, and how many at the same time: the part `order` of a request. */
import * as z from 'zod';

/** The most workloads that may be restarted at the same time: each is looked at every second. */
export const MOST_RESTARTS_AT_ONCE = 50;
const LONGEST_PAUSE_SECONDS = 86_400;

/** `NAMESPACE/NAME`, or `NAMESPACE/KIND/NAME` where a name is used twice. */
const WORKLOAD = /^[^/\s]+\/([^/\s]+\/)?[^/\s]+$/;
const workload = z.string().regex(WORKLOAD, 'must be NAMESPACE/NAME or NAMESPACE/KIND/NAME');

const waveSchema = z
  .strictObject({
    /** How it is called in plans and reports; absent: by what it names. */
    name: z.string().min(1).max(40).optional(),
    namespaces: z.array(z.string().min(1)).default([]),
    workloads: z.array(workload).default([]),
    /** Labels that the pods must all have. */
    labels: z.record(z.string(), z.string()).default({}),
    /** So many of all workloads, in percent, are restarted when the wave is over. */
    percent: z.number().int().min(1).max(100).optional(),
  })
  .refine(
    (wave) => wave.namespaces.length + wave.workloads.length + Object.keys(wave.labels).length > 0 || wave.percent !== undefined,
    'must name namespaces, workloads, labels or a percentage',
  );

const edgeSchema = z
  .strictObject({ from: workload, to: workload })
  .refine(({ from, to }) => from !== to, 'must have two different ends: a workload cannot be kept apart from itself');

export const orderSchema = z.strictObject({
  /** In the order in which they are restarted; what no wave names comes last. */
  waves: z.array(waveSchema).default([]),
  /** How many workloads of a wave are restarted at the same time. */
  restartsAtOnce: z.number().int().min(1).max(MOST_RESTARTS_AT_ONCE).default(1),
  /** Between two waves; without waves, between two workloads. */
  pauseSeconds: z.number().int().min(0).max(LONGEST_PAUSE_SECONDS).default(0),
  /** Who calls whom: the two ends never stand in one wave. The direction does not matter, nor do circles. */
  edges: z.array(edgeSchema).default([]),
});

export type OrderRequest = z.infer<typeof orderSchema>;
export type WaveRequest = z.infer<typeof waveSchema>;

/** Whether workloads are restarted in waves; otherwise one by one, namespace by namespace. */
export function hasWaves({ waves, restartsAtOnce, edges }: OrderRequest): boolean {
  return waves.length > 0 || restartsAtOnce > 1 || edges.length > 0;
}
