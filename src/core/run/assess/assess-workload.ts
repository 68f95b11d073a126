/** Judges a restarted workload: rolled out, ready, injected by the wanted revision, connected to it and synced. */
import { shortName } from '../../plan/build-steps.ts';
import type { StepOf } from '../../plan/step.ts';
import type { Pod } from '../../mesh/kube-objects.ts';
import type { IstiodReport, SyncEntry } from '../../mesh/mesh-objects.ts';
import { injectedRevision, readProxy } from '../../mesh/read-proxy.ts';
import { connectionSyncState } from '../../mesh/sync-state.ts';
import { Problem } from '../../problems/problem.ts';
import type { StepObservation } from '../observation.ts';
import type { PendingCause, StepAssessment } from '../step-assessment.ts';
import { describeUnready, isReady, isTerminating } from './describe-pods.ts';
import { rolloutStatus } from './rollout-status.ts';

type RestartStep = StepOf<'restartWorkload' | 'restartGateway'>;
type WorkloadObservation = Extract<StepObservation, { kind: 'workload' }>;
/** What pods are judged by: whose they are, and which revision they have to be on. */
type Wanted = Pick<RestartStep, 'workload' | 'revision'>;

export function assessWorkload(step: Wanted, observation: Omit<WorkloadObservation, 'kind'>): StepAssessment {
  const { controller } = observation;
  const name = `${shortName(step.workload)} in ${step.workload.namespace}`;
  if (!controller) return { kind: 'obsolete', reason: `${name} is gone` };
  if (controller.spec?.paused === true) return { kind: 'blocked', problem: pausedProblem(step, name) };
  const rollout = rolloutStatus(controller);
  const pods = observation.pods.filter((pod) => !isTerminating(pod) && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed');
  if (rollout.kind === 'stuck') return { kind: 'blocked', problem: notReadyProblem(step, name, pods, rollout.detail) };
  if (rollout.kind === 'progressing') return pending('rollout', rollout.detail);
  const unready = pods.filter((pod) => !isReady(pod)).length;
  if (unready > 0) return pending('rollout', `${pods.length - unready} of ${pods.length} pods ready`);
  if (pods.length === 0) return { kind: 'satisfied', evidence: ['scaled to zero: no pods'] };
  return assessProxies(step, pods, observation.reports);
}

function pending(cause: PendingCause, detail: string): StepAssessment {
  return { kind: 'pending', detail, cause };
}

/** Whether each proxy is connected to the wanted revision, to no other one, and synced. */
export function assessProxies(step: Wanted, pods: readonly Pod[], reports: readonly IstiodReport[]): StepAssessment {
  const all = pods.length;
  const wrong = pods.filter((pod) => revisionOf(pod) !== step.revision);
  if (wrong.length > 0)
    return pending('revision', `${wrong.length} of ${all} pods are on ${revisionNames(wrong)}, wanted ${step.revision ?? 'no proxy'}`);
  if (step.revision === null) return { kind: 'satisfied', evidence: [`${podsText(all)} ready, without a proxy as the template asks`] };
  const silent = reports.find((report) => report.revision === step.revision && report.error !== undefined);
  const missing = pods.filter((pod) => connectionOf(pod, step.revision, reports) === undefined);
  if (missing.length > 0 && silent)
    return pending('unknown', `${silent.pod} does not say which proxies are connected (${silent.error ?? ''})`);
  if (missing.length > 0) return pending('proxies', `${all - missing.length} of ${all} proxies connected to ${step.revision}`);
  const elsewhere = pods.filter((pod) => reports.some((r) => r.revision !== step.revision && entryOf(pod, r) !== undefined));
  if (elsewhere.length > 0) return pending('proxies', `${elsewhere.length} of ${all} proxies are still listed by another istiod`);
  const synced = pods.filter((pod) => isSynced(connectionOf(pod, step.revision, reports)));
  if (synced.length < all) return pending('proxies', `${synced.length} of ${all} proxies synced`);
  return {
    kind: 'satisfied',
    evidence: [
      `${podsText(all)} ready and injected by ${step.revision}`,
      `${all} ${all === 1 ? 'proxy' : 'proxies'} connected to ${step.revision} and synced`,
    ],
  };
}

function podsText(count: number): string {
  return `${count} ${count === 1 ? 'pod' : 'pods'}`;
}

function isSynced(entry: SyncEntry | undefined): boolean {
  return entry !== undefined && connectionSyncState(entry) === 'synced';
}

function revisionNames(pods: readonly Pod[]): string {
  return [...new Set(pods.map((pod) => revisionOf(pod) ?? 'no revision'))].join(', ');
}

function revisionOf(pod: Pod): string | null {
  return readProxy(pod, []) === undefined ? null : (injectedRevision(pod) ?? null);
}

function entryOf(pod: Pod, report: IstiodReport): SyncEntry | undefined {
  return report.proxies.find((entry) => entry.proxy === `${pod.metadata.name}.${pod.metadata.namespace ?? ''}`);
}

function connectionOf(pod: Pod, revision: string | null, reports: readonly IstiodReport[]): SyncEntry | undefined {
  return reports
    .filter((r) => r.revision === revision)
    .map((r) => entryOf(pod, r))
    .find((entry) => entry !== undefined);
}

function pausedProblem(step: Wanted, name: string): Problem {
  return new Problem('RUN-025', {
    what: `${name} is paused, so that it does not roll out.`,
    next: [{ label: 'let it roll out', command: `kubectl -n ${step.workload.namespace} rollout resume ${shortName(step.workload)}` }],
  });
}

/** The problem of a restart that did not come to its end in time; what the pods say is in it. */
export function restartProblem(
  step: Wanted,
  observation: Pick<WorkloadObservation, 'pods'>,
  waiting: { readonly detail: string; readonly cause?: PendingCause },
): Problem {
  const name = `${shortName(step.workload)} in ${step.workload.namespace}`;
  const { detail, cause } = waiting;
  switch (cause) {
    case 'way':
      return new Problem('RUN-028', {
        what: `${name} was not restarted: ${detail}.`,
        next: [
          { label: 'once it allows it', command: 'meshlift resume' },
          { label: 'take back', command: 'meshlift rollback' },
        ],
      });
    case 'revision':
      return new Problem('RUN-022', { what: `${name}: ${detail}.`, next: lookAtPods(step) });
    case 'unknown':
      return stateUnknownProblem(step, name, detail);
    case 'proxies':
      return new Problem('RUN-024', {
        what: `${name}: ${detail}.`,
        next: [{ label: 'look', command: 'meshlift proxy-status' }, ...lookAtPods(step)],
      });
    default:
      return notReadyProblem(step, name, observation.pods, detail);
  }
}

function stateUnknownProblem(step: Wanted, name: string, detail: string): Problem {
  return new Problem('RUN-023', {
    what: `${name}: ${detail}.`,
    next: [{ label: 'look', command: `kubectl get pods -A -l app=istiod,istio.io/rev=${step.revision ?? ''}` }],
  });
}

function notReadyProblem(step: Wanted, name: string, pods: readonly Pod[], detail: string): Problem {
  const lines = describeUnready(pods);
  const wanted = step.revision === null ? '' : ` on ${step.revision}`;
  return new Problem('RUN-021', {
    what: [`${name} did not become ready${wanted}: ${detail}.`, ...lines].join('\n'),
    next: lookAtPods(step),
  });
}

function lookAtPods(step: Wanted): { label: string; command: string }[] {
  return [{ label: 'look', command: `kubectl -n ${step.workload.namespace} describe ${shortName(step.workload)}` }];
}
