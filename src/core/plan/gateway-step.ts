/** What the steps of a gateway's move hold beyond what every step holds. */
import * as z from 'zod';
import { releaseSchema } from './release-step.ts';

/** A Deployment of a gateway. */
const gatewayRefSchema = z.strictObject({ kind: z.literal('Deployment'), namespace: z.string(), name: z.string() });

const count = z.number().int().nonnegative();

/** Value of the label `istio.io/rev` of a pod template; null: none. */
export const templateLabelSchema = z.strictObject({ from: z.string().nullable(), to: z.string().nullable() });

/**
 * How many pods an autoscaler may choose from, set at one moment of a step: `first` before any pod comes, `shrink` before pods go,
 * `last` when the step has reached its counts. One that does not exist is made from `like`, or left alone without it. With `target`
 * it scales that Deployment from then on.
 */
const boundsSchema = z.strictObject({
  name: z.string(),
  min: count,
  max: count,
  when: z.enum(['first', 'shrink', 'last']),
  like: z.string().optional(),
  target: z.string().optional(),
});

export const addGatewayFields = {
  /** The gateway that is there. */
  gateway: gatewayRefSchema,
  /** The Deployment that is made beside it, with one pod. */
  copy: gatewayRefSchema,
  revision: z.string(),
  /** Label `istio.io/rev` of the copy's template; absent: the namespace decides. */
  label: z.string().optional(),
  /** The Helm release that it becomes at the finish; absent: it is a copy of the gateway, and of no release. */
  heir: releaseSchema.optional(),
  /** The Deployment as the chart of that release renders it; absent without a release. */
  deployment: z.record(z.string(), z.unknown()).optional(),
  /** Services whose endpoints the new pod has to be among. */
  services: z.array(z.string()).min(1),
  /**
   * A pod of the copy that no Service selects, since it lacks these labels, proves everything first; absent where every label that a
   * Service selects is needed by a Gateway too: then the readiness of Envoy is the only guard.
   */
  trial: z.strictObject({ pod: z.string(), without: z.array(z.string()).min(1) }).optional(),
  /** Ports of the pods that answer HTTP without TLS. */
  httpPorts: z.array(z.number().int()).default([]),
  bounds: z.array(boundsSchema).default([]),
};

export const shiftGatewayFields = {
  /** The gateway of the user that the step belongs to; in a way back the same. */
  gateway: gatewayRefSchema,
  /** Who gets more pods, and on which revision they have to be. */
  up: z.strictObject({ workload: gatewayRefSchema, from: count, to: count, revision: z.string() }),
  /** Who gets fewer, once the new ones serve. */
  down: z.strictObject({ workload: gatewayRefSchema, from: count, to: count }),
  services: z.array(z.string()).min(1),
  bounds: z.array(boundsSchema).default([]),
};

export const removeGatewayFields = {
  /** The Deployment that goes; what else goes with it is in the changes. */
  gateway: gatewayRefSchema,
  /** The Helm release that loses its gateway, and whose records go. */
  release: releaseSchema.optional(),
  /**
   * The release that takes its place; absent: what is shared belongs to none. `overrides` are values over those of the old release,
   * which are read from its record when they are needed.
   */
  heir: z.strictObject({ name: z.string(), namespace: z.string(), overrides: z.record(z.string(), z.unknown()) }).optional(),
};

export type GatewayRef = z.infer<typeof gatewayRefSchema>;
export type AutoscalerBounds = z.infer<typeof boundsSchema>;
