/** A plan: what will change, as data. Immutable once made. */
import * as z from 'zod';
import { upgradeRequestSchema } from '../request/upgrade-request.ts';
import { stepSchema } from './step.ts';

/** Raised when a reader of an older format could misunderstand a plan. */
export const PLAN_FORMAT_VERSION = 1;
export const PLAN_API_VERSION = 'meshlift.io/v1alpha1';
export const PLAN_KIND = 'MeshUpgradePlan';

const endpointSchema = z.strictObject({ revision: z.string(), version: z.string() });

/** A tool or file that the plan is pinned to. */
const pinSchema = z.strictObject({
  name: z.string(),
  /** Path as the user gave it; `-` for standard input, whose content is then in `content`. */
  path: z.string(),
  version: z.string().optional(),
  sha256: z.string(),
  /** gzip and base64, for standard input only. */
  content: z.string().optional(),
});

/** A workload that is left where it is, and why. */
const notMovedSchema = z.strictObject({
  workload: z.string(),
  reason: z.string(),
  /** It keeps the old revision in use, so that it cannot be removed. */
  keepsOldInUse: z.boolean(),
});

export const planSchema = z.strictObject({
  apiVersion: z.literal(PLAN_API_VERSION),
  kind: z.literal(PLAN_KIND),
  formatVersion: z.literal(PLAN_FORMAT_VERSION),
  metadata: z.strictObject({ name: z.string(), createdAt: z.string(), createdBy: z.string() }),
  request: upgradeRequestSchema,
  mesh: z.strictObject({
    cluster: z.string(),
    clusterUid: z.string(),
    istioNamespace: z.string(),
    kubernetes: z.string(),
    /** sha256 over what the plan was made from: revisions, webhooks, namespace labels and workloads. */
    digest: z.string(),
  }),
  /** Absent when nothing is moved away from, as in a plain install. */
  from: endpointSchema.optional(),
  /** Absent for an uninstall. */
  to: endpointSchema.optional(),
  pins: z.array(pinSchema).default([]),
  /** What differs between the values and mesh configuration of the two revisions. */
  valueDifferences: z.array(z.strictObject({ path: z.string(), old: z.string(), new: z.string(), note: z.string() })).default([]),
  /** Overlay that carries values of the installed revision over; a YAML text, empty when nothing had to be carried. */
  carriedOver: z.string().default(''),
  notMoved: z.array(notMovedSchema).default([]),
  steps: z.array(stepSchema),
});

export type Plan = z.infer<typeof planSchema>;
export type Pin = z.infer<typeof pinSchema>;
export type NotMoved = z.infer<typeof notMovedSchema>;
