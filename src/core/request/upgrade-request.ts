/**
 * The upgrade as data: one schema for the request inside a plan file, the custom resource's spec and the policy that a
 * team keeps in git.
 */
import * as z from 'zod';
import { orderSchema } from './order-request.ts';

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
    with: z.literal('helm'),
    /** Path of the binary, or its name on PATH. */
    helm: z.string().default('helm'),
    /** A folder with the charts base and istiod, the URL or the name of a repository, or `oci://HOST/PATH`. */
    charts: z.string().min(1),
    /** Version of charts that are not in a folder; the version of the target when absent. */
    chartVersion: z.string().optional(),
    /** Values files as named by the user, later ones over earlier ones; pinned by digest in the plan. */
    values: z.array(z.string()).default([]),
    /** `--set` values as given. */
    set: z.array(z.string()).default([]),
  }),
  z.strictObject({
    with: z.literal('manifests'),
    /** Files and folders of rendered YAML, or `-` for standard input. */
    paths: z.array(z.string()).min(1),
  }),
]);

/** Most requests of a load that are judged together. */
export const MOST_JUDGED_HITS = 10_000;

function rises(shares: readonly number[]): boolean {
  return shares.at(-1) === 100 && shares.every((share, index) => index === 0 || share > (shares[index - 1] ?? 0));
}

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
      /** Pinned objects that are neither copied nor removed, as `kind/namespace/name`. */
      skipPinned: z.array(z.string()).optional(),
    })
    .prefault({}),
  /** Findings of level error that are accepted: `CODE` or `CODE:OBJECT`. */
  accept: z.array(z.string()).default([]),
  /** Workloads that may be down while they restart, as `namespace/name`. */
  acceptDowntime: z.array(z.string()).default([]),
  /** In which order workloads are restarted; absent: one by one. */
  order: orderSchema.optional(),
  /** How single workloads are brought to the revision, where what the plan would choose is not what people want; absent: nowhere. */
  restarts: z
    .strictObject({
      overrides: z.array(
        z.strictObject({
          /** `namespace/name` or `namespace/kind/name`. */
          workload: z.string(),
          /**
           * All but `skip`, which leaves it where it is, and `wait` are done without asking, whatever speaks against it. `restart`: by its own
           * strategy; `surge`: a new pod first, where the plan can do that; `wait`: once the budget, autoscaler or quota that is in the
           * way allows it; `evict`: pod by pod, where its controller does not replace them by itself.
           */
          do: z.enum(['restart', 'surge', 'wait', 'evict', 'skip']),
        }),
      ),
    })
    .optional(),
  onFailure: z.enum(['pause', 'rollback']).default('pause'),
  /** Requests that are sent throughout the run; absent: none are. */
  load: z
    .strictObject({
      /** URL, usually of a gateway of this mesh. */
      target: z.url({ protocol: /^https?$/, error: 'must be a URL such as http://HOST/PATH' }),
      /** Requests a second, or as `600/m`. */
      rate: z.string().default('10/s'),
      /** Host header, where the target is an address. */
      host: z.string().optional(),
      /** The run stops when so many of the latest requests failed; absent: 2 of 100. */
      stopAt: z
        .strictObject({ failed: z.number().int().min(1), of: z.number().int().min(1).max(MOST_JUDGED_HITS) })
        .refine(({ failed, of }) => failed <= of, 'must be FAILED/OF with at most OF failures, such as 2/100')
        .optional(),
    })
    .optional(),
  gateways: z
    .strictObject({
      /**
       * How injected gateways move: `inPlace` restarts them, `canary` makes a new Deployment behind the same Service and shifts
       * to it in shares, `leave` does not touch them.
       */
      strategy: z.enum(['inPlace', 'canary', 'leave']).default('inPlace'),
      /** Shares of the new pods in percent, for `canary`: rising, the last one is 100. */
      shares: z
        .array(z.number().int().min(1).max(100))
        .min(1)
        .refine(rises, 'must rise and end with 100, such as 10,50,100')
        .default([10, 50, 100]),
    })
    .prefault({}),
  finish: z
    .strictObject({
      removeOld: z.boolean().default(false),
      /** Tags that point to the old revision are moved to the new one before the old one goes. */
      moveTags: z.boolean().default(true),
    })
    .prefault({}),
  /** How long one step may take before the run stops, in seconds. */
  stepTimeoutSeconds: z.number().int().min(10).max(86_400).default(300),
});

export type UpgradeRequest = z.infer<typeof upgradeRequestSchema>;
export type LoadRequest = NonNullable<UpgradeRequest['load']>;
export type GatewayStrategy = UpgradeRequest['gateways']['strategy'];
export type InstallRequest = z.infer<typeof installSchema>;

/** Short names of kinds, as kubectl knows them and plans show them. */
const KIND_ALIASES: Readonly<Record<string, string>> = {
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  rs: 'replicaset',
  cj: 'cronjob',
  po: 'pod',
};

/** Whether a workload is named by an entry of the request: `ns/name` or `ns/kind/name`, the kind in any case or in its short form. */
export function namesWorkload(entry: string, ref: { readonly namespace: string; readonly kind: string; readonly name: string }): boolean {
  const parts = entry.split('/');
  if (parts.length === 2) return parts[0] === ref.namespace && parts[1] === ref.name;
  const kind = parts[1]?.toLowerCase() ?? '';
  return (
    parts.length === 3 && parts[0] === ref.namespace && (KIND_ALIASES[kind] ?? kind) === ref.kind.toLowerCase() && parts[2] === ref.name
  );
}

export type RestartOverride = NonNullable<UpgradeRequest['restarts']>['overrides'][number];

type Restarts = Pick<UpgradeRequest, 'scope' | 'acceptDowntime' | 'restarts'>;

/** Names of workloads that are left where they are: `scope.skip`, and overrides that say so. */
export function skippedWorkloads({ scope, restarts }: Pick<Restarts, 'scope' | 'restarts'>): string[] {
  return [...scope.skip, ...overridden(restarts, 'skip')];
}

/** Names of workloads that are restarted whatever speaks against it: `acceptDowntime`, and overrides that say so. */
export function restartedAnyway({ acceptDowntime, restarts }: Pick<Restarts, 'acceptDowntime' | 'restarts'>): string[] {
  return [...acceptDowntime, ...overridden(restarts, 'restart'), ...overridden(restarts, 'surge')];
}

/** Names of workloads whose restart waits for what is in the way and may pass. */
export function waitingWorkloads({ restarts }: Pick<Restarts, 'restarts'>): string[] {
  return overridden(restarts, 'wait');
}

/** Names of workloads that keep their own strategy, whatever it does. */
export function keepingTheirStrategy({ restarts }: Pick<Restarts, 'restarts'>): string[] {
  return overridden(restarts, 'restart');
}

/** Names of workloads whose pods are evicted one by one. */
export function evictedWorkloads({ restarts }: Pick<Restarts, 'restarts'>): string[] {
  return overridden(restarts, 'evict');
}

function overridden(restarts: Restarts['restarts'], way: RestartOverride['do']): string[] {
  return (restarts?.overrides ?? []).flatMap((override) => (override.do === way ? [override.workload] : []));
}

/** Whether a finding is accepted by an entry `CODE` or `CODE:OBJECT`. */
export function acceptsFinding(entries: readonly string[], code: string, object: string | undefined): boolean {
  return entries.some((entry) => {
    const colon = entry.indexOf(':');
    if (colon < 0) return entry === code;
    return entry.slice(0, colon) === code && object !== undefined && entry.slice(colon + 1) === object;
  });
}
