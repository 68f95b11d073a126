/**
 * The upgrade as data: one schema for the request inside a plan file, the custom resource's spec and the policy that a
 * team keeps in git.
 */
import * as z from 'zod';

/** A DNS label without dots; `default` is reserved for the unrevisioned control plane. */
export const REVISION_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const installSchema = z.discriminatedUnion('with', [
  z.strictObject({
    with: z.literal('istioctl'),
    /** Path of the binary, or its name on PATH. */
    istioctl: z.string().default('istioctl'),
    /** IstioOperator file as named by the user; its content is pinned by digest in the plan. */
    file: z.string().optional(),
    /** `--set` values as given, for example `profile=minimal`. */
    set: z.array(z.string()).default([]),
  }),
  z.strictObject({
    with: z.literal('manifests'),
    /** Files and folders of rendered YAML, or `-` for standard input. */
    paths: z.array(z.string()).min(1),
  }),
]);

export const upgradeRequestSchema = z.strictObject({
  /** What the run is for: a whole upgrade, or one part of it. */
  action: z.enum(['upgrade', 'install', 'migrate', 'uninstall']).default('upgrade'),
  to: z.strictObject({ revision: z.string(), version: z.string().optional() }).optional(),
  /** The revision that workloads move away from, or that is removed. */
  from: z.strictObject({ revision: z.string() }).optional(),
  install: installSchema.optional(),
  scope: z
    .strictObject({
      /** Empty: every namespace whose labels resolve to the old revision. */
      namespaces: z.array(z.string()).default([]),
      /** Workloads left out, as `namespace/name` or `namespace/kind/name`. */
      skip: z.array(z.string()).default([]),
    })
    .prefault({}),
  /** Findings of level error that are accepted: `CODE` or `CODE:OBJECT`. */
  accept: z.array(z.string()).default([]),
  /** Workloads that may be down while they restart, as `namespace/name`. */
  acceptDowntime: z.array(z.string()).default([]),
  onFailure: z.enum(['pause', 'rollback']).default('pause'),
  finish: z.strictObject({ removeOld: z.boolean().default(false) }).prefault({}),
  /** How long one step may take before the run stops, in seconds. */
  stepTimeoutSeconds: z.number().int().min(10).max(86_400).default(300),
});

export type UpgradeRequest = z.infer<typeof upgradeRequestSchema>;
export type InstallRequest = z.infer<typeof installSchema>;

/** Whether a workload is named by an entry of `skip` or `acceptDowntime`: `ns/name` or `ns/kind/name`. */
export function namesWorkload(entry: string, ref: { readonly namespace: string; readonly kind: string; readonly name: string }): boolean {
  const parts = entry.split('/');
  if (parts.length === 2) return parts[0] === ref.namespace && parts[1] === ref.name;
  return parts.length === 3 && parts[0] === ref.namespace && parts[1]?.toLowerCase() === ref.kind.toLowerCase() && parts[2] === ref.name;
}

/** Whether a finding is accepted by an entry `CODE` or `CODE:OBJECT`. */
export function acceptsFinding(entries: readonly string[], code: string, object: string | undefined): boolean {
  return entries.some((entry) => {
    const colon = entry.indexOf(':');
    if (colon < 0) return entry === code;
    return entry.slice(0, colon) === code && object !== undefined && entry.slice(colon + 1) === object;
  });
}
