/** Judges a control plane that was installed or put back: ready, with a CA bundle, and injecting. */
import type { ControlPlaneObservation } from '../observation.ts';
import type { StepAssessment } from '../step-assessment.ts';
import { Problem } from '../../problems/problem.ts';
import { describeUnready } from './describe-pods.ts';
import { rolloutStatus } from './rollout-status.ts';

export interface ControlPlaneExpectation {
  readonly revision: string;
  readonly namespace: string;
  /** False for one whose webhooks are switched off on purpose, such as an unrevisioned one behind a default tag. */
  readonly mustInject: boolean;
}

export function assessControlPlane(wanted: ControlPlaneExpectation, observed: ControlPlaneObservation): StepAssessment {
  const { deployment } = observed;
  if (!deployment) return { kind: 'pending', detail: `no Deployment of istiod ${wanted.revision} yet` };
  if ((observed.changedBeside ?? []).length > 0) return { kind: 'blocked', problem: besideProblem(wanted, observed.changedBeside ?? []) };
  const rollout = rolloutStatus(deployment);
  const replicas = deployment.spec?.replicas ?? 1;
  const ready = deployment.status?.readyReplicas ?? 0;
  if (rollout.kind === 'stuck') return { kind: 'blocked', problem: controlPlaneProblem(wanted, observed, rollout.detail) };
  if (rollout.kind === 'progressing') return { kind: 'pending', detail: `istiod ${ready}/${replicas} ready, ${rollout.detail}` };
  if (ready < replicas) return { kind: 'pending', detail: `istiod ${ready}/${replicas} ready` };
  if (!wanted.mustInject) return { kind: 'satisfied', evidence: [`istiod ${ready}/${replicas} ready`] };
  const entries = observed.webhooks.flatMap((configuration) => configuration.webhooks ?? []);
  if (entries.length === 0) return { kind: 'pending', detail: 'no injection webhook yet' };
  if (entries.some((entry) => entry.clientConfig?.url === undefined && (entry.clientConfig?.caBundle ?? '') === ''))
    return { kind: 'pending', detail: 'the webhook has no CA bundle yet' };
  if (observed.probe?.revision !== wanted.revision) return { kind: 'pending', detail: probeDetail(observed, wanted.revision) };
  return {
    kind: 'satisfied',
    evidence: [`istiod ${ready}/${replicas} ready`, 'webhooks have their CA bundle', `a dry-run pod was injected by ${wanted.revision}`],
  };
}

function probeDetail({ probe }: ControlPlaneObservation, revision: string): string {
  const refused = probe?.error ?? probe?.inconclusive;
  if (refused !== undefined) return `a dry-run pod was refused: ${refused}`;
  return probe?.revision === undefined
    ? 'a dry-run pod was not injected'
    : `a dry-run pod was injected by ${probe.revision}, not by ${revision}`;
}

/** The problem of a control plane that did not come up in time. */
export function controlPlaneProblem(wanted: ControlPlaneExpectation, observed: ControlPlaneObservation, detail: string): Problem {
  const look = [{ label: 'look', command: `kubectl -n ${wanted.namespace} describe pod -l app=istiod,istio.io/rev=${wanted.revision}` }];
  if (/dry-run|webhook/.test(detail)) return new Problem('RUN-011', { what: `Revision ${wanted.revision}: ${detail}.`, next: look });
  return new Problem('RUN-010', {
    what: [`Revision ${wanted.revision}: ${detail}.`, ...describeUnready(observed.pods)].join('\n'),
    next: look,
  });
}

function besideProblem(wanted: ControlPlaneExpectation, changed: readonly string[]): Problem {
  return new Problem('RUN-012', {
    what: `While ${wanted.revision} was installed, these objects of the running revision changed: ${changed.join(', ')}.`,
    next: [{ label: 'look', command: `kubectl -n ${wanted.namespace} get deploy,svc,cm -l app=istiod` }],
  });
}
