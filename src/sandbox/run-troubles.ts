/**
 * Troubles are switched on in the cluster itself: each key of the ConfigMap `sandbox-troubles` in kube-system is one, its
 * value the settings, `revision=1-30-0,ratio=0.05`; `after=30s` begins it later. Taking a key away ends it.
 */
import type { Interception, RequestInterceptor } from './api-server/http/request-interceptor.ts';
import type { SandboxClock } from './clock/sandbox-clock.ts';
import type { Cluster } from './cluster/cluster-view.ts';
import type { IstioKnobs } from './istio/istio-knobs.ts';
import type { KubeletKnobs } from './kubelet/kubelet-knobs.ts';
import type { KubeObject } from './objects/kube-object.ts';
import { StatusError } from './objects/status-error.ts';
import { applyClusterTrouble, applyIstioTrouble, atMoment } from './scenarios/apply-trouble.ts';
import { parseTrouble, type Trouble } from './scenarios/troubles.ts';

export const TROUBLES_NAMESPACE = 'kube-system';
export const TROUBLES_NAME = 'sandbox-troubles';

export interface TroublesInput {
  readonly cluster: Cluster;
  readonly clock: SandboxClock;
  readonly random: () => number;
  readonly istio: IstioKnobs;
  readonly kubelet: KubeletKnobs;
  readonly intercept: (interceptor: RequestInterceptor | undefined) => void;
  readonly log: (line: string) => void;
}

interface Active {
  readonly written: string;
  readonly trouble: Trouble;
  /** Its moment has come. */
  begun: boolean;
  /** Stops to wait for its moment. */
  giveUp?: () => void;
}

/** What troubles are written into; empty at first. */
export function troublesObject(): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: TROUBLES_NAME, namespace: TROUBLES_NAMESPACE }, data: {} };
}

/** @returns stops to look */
export function runTroubles(input: TroublesInput): () => void {
  const { cluster, istio, kubelet, intercept, log } = input;
  const active = new Map<string, Active>();
  const before = { revisions: istio.settings().revisions, pulls: kubelet.settings().pulls, slowStarts: kubelet.settings().slowStarts };

  /** From nothing, with all that are on: what was taken away leaves no trace. */
  const set = (): void => {
    const troubles = [...active.values()].filter(({ begun }) => begun).map(({ trouble }) => trouble);
    istio.change({ revisions: before.revisions });
    for (const trouble of troubles) applyIstioTrouble(istio, trouble);
    kubelet.change({
      pulls: [
        ...troubles.flatMap((one) => (one.kind === 'missing-image' ? [{ image: one.image, error: 'not-found' as const }] : [])),
        ...before.pulls,
      ],
      slowStarts: [...troubles.flatMap(slowStart), ...before.slowStarts],
    });
    intercept(interceptorOf(troubles, input.random));
  };

  const begin = (name: string, entry: Active): void => {
    entry.begun = true;
    log(`trouble ${name} begins`);
    set();
    applyClusterTrouble(cluster, entry.trouble).catch((error: unknown) => log(`trouble ${name}: ${(error as Error).message}`));
  };

  const add = (name: string, written: string): void => {
    const { after, ...settings } = readSettings(written);
    const parsed = parseTrouble(name, settings);
    if ('mistakes' in parsed) {
      log(`trouble ${name}: ${parsed.mistakes.join('; ')}`);
      return;
    }
    const afterMs = after === undefined ? undefined : Number.parseFloat(after) * 1000;
    const planned = { trouble: parsed.trouble, ...(afterMs === undefined || Number.isNaN(afterMs) ? {} : { moment: { afterMs } }) };
    const entry: Active = { written, trouble: parsed.trouble, begun: false };
    active.set(name, entry);
    const giveUp = atMoment(planned, input, () => begin(name, entry));
    entry.giveUp = giveUp;
  };

  const look = (object: KubeObject | undefined): void => {
    const wanted = (object?.['data'] ?? {}) as Readonly<Record<string, string>>;
    for (const [name, entry] of active) {
      if (wanted[name] === entry.written) continue;
      entry.giveUp?.();
      active.delete(name);
      log(`trouble ${name} ends`);
    }
    set();
    for (const [name, written] of Object.entries(wanted)) if (!active.has(name)) add(name, written);
  };

  return cluster.onChange('configmaps', ({ type, object }) => {
    const { name, namespace } = object.metadata;
    // Not within the change itself: a trouble may write.
    if (name === TROUBLES_NAME && namespace === TROUBLES_NAMESPACE)
      input.clock.after(0, () => look(type === 'DELETED' ? undefined : object));
  });
}

function readSettings(written: string): Record<string, string> {
  return Object.fromEntries(
    written
      .split(/[,\s]+/)
      .filter((part) => part.includes('='))
      .map((part): [string, string] => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  );
}

function slowStart(
  trouble: Trouble,
): { readonly namespace: string; readonly labels?: Readonly<Record<string, string>>; readonly delayMs: number }[] {
  if (trouble.kind !== 'slow-start') return [];
  return [{ namespace: trouble.namespace, delayMs: trouble.ms, ...(trouble.app === '' ? {} : { labels: { app: trouble.app } }) }];
}

/** Never the troubles' own ConfigMap: who switched one on can switch it off. */
function interceptorOf(troubles: readonly Trouble[], random: () => number): RequestInterceptor | undefined {
  const concerned = troubles.filter(({ kind }) => kind === 'failing-api' || kind === 'resetting-api' || kind === 'silent-watches');
  if (concerned.length === 0) return undefined;
  return ({ verb, resource, namespace, name }) => {
    if (resource === 'configmaps' && namespace === TROUBLES_NAMESPACE && name === TROUBLES_NAME) return { do: 'pass' };
    for (const trouble of concerned) {
      const interception = interceptionOf(trouble, verb, random);
      if (interception !== undefined) return interception;
    }
    return { do: 'pass' };
  };
}

function interceptionOf(trouble: Trouble, verb: string, random: () => number): Interception | undefined {
  switch (trouble.kind) {
    case 'silent-watches':
      return verb === 'watch' ? { do: 'silence' } : undefined;
    case 'resetting-api':
      return random() < trouble.ratio ? { do: 'reset' } : undefined;
    case 'failing-api':
      return random() < trouble.ratio ? { do: 'answer', status: failure(trouble.status).status } : undefined;
    default:
      return undefined;
  }
}

function failure(code: number): StatusError {
  if (code === 429) return new StatusError(429, 'TooManyRequests', 'too many requests, please try again later', { retryAfterSeconds: 1 });
  if (code === 503) return new StatusError(503, 'ServiceUnavailable', 'the server is currently unable to handle the request', {});
  return new StatusError(code, 'InternalError', 'Internal error occurred: the sandbox was asked to fail', {});
}
