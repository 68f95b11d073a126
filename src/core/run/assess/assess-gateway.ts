/** Judges how far a gateway has moved to the Deployment beside it, and which effect is due next. */
import { autoscalerBounds, autoscalerTarget } from '../../gateways/copy-gateway.ts';
import { refText } from '../../controlplane/object-identity.ts';
import type { Pod, PodController } from '../../mesh/kube-objects.ts';
import { REVISION_LABEL } from '../../moves/select-gateways.ts';
import type { AutoscalerBounds } from '../../plan/gateway-step.ts';
import type { StepOf } from '../../plan/step.ts';
import { Problem } from '../../problems/problem.ts';
import type { GatewayObservation, GatewayPods, GatewayRemovalObservation } from '../gateway-observation.ts';
import type { PendingCause, StepAssessment } from '../step-assessment.ts';
import { assessWorkload, restartProblem } from './assess-workload.ts';
import { isTerminating } from './describe-pods.ts';

type MoveStep = StepOf<'addGateway' | 'shiftGateway'>;

/** What a step does next to the mesh; `wait` when something that it did is not seen yet, `done` when nothing is left. */
export type GatewayStage = 'hold' | 'try' | 'create' | 'clear' | 'grow' | 'shrink' | 'release' | 'wait' | 'done';

interface Judged {
  readonly stage: GatewayStage;
  readonly assessment: StepAssessment;
}

/** Whose pods come, in what number and on which revision; and whose pods go. */
function aim(step: MoveStep): {
  up: { name: string; namespace: string; to: number; revision: string };
  down: { name: string; to: number } | undefined;
} {
  if (step.kind === 'addGateway') return { up: { ...step.copy, to: 1, revision: step.revision }, down: undefined };
  const { up, down } = step;
  return { up: { ...up.workload, to: up.to, revision: up.revision }, down: { name: down.workload.name, to: down.to } };
}

function due(stage: GatewayStage, detail: string): Judged {
  return { stage, assessment: { kind: 'pending', detail, effectDue: true } };
}

function later(assessment: StepAssessment): Judged {
  return { stage: 'wait', assessment };
}

/**
 * The order is always the same: autoscalers are held, new pods come and prove themselves, then old ones go and have drained, then
 * an autoscaler takes over.
 */
export function judgeGateway(step: MoveStep, observation: GatewayObservation): Judged {
  const { up, down } = aim(step);
  if (!areBounded(step.bounds, 'first', observation)) return due('hold', 'the autoscaler is not held yet');
  if (observation.up === undefined) return judgeMissing(step, observation);
  if (observation.trial !== undefined && !isTerminating(observation.trial)) return due('clear', 'the trial pod has proven itself');
  const has = observation.up.controller.spec?.replicas ?? 1;
  if (has < up.to) return due('grow', `deploy/${up.name} has ${has} of ${up.to} pods`);
  const proven = proveNew(step, observation, observation.up);
  if (proven.kind !== 'satisfied') return later(proven);
  const shrinking = down === undefined ? undefined : judgeShrinking(down, observation);
  if (shrinking !== undefined) return shrinking;
  if (!areBounded(step.bounds, 'last', observation)) return due('release', 'the autoscaler is not set yet');
  return { stage: 'done', assessment: { kind: 'satisfied', evidence: [...proven.evidence, ...shareEvidence(up.name, observation)] } };
}

/** While the Deployment that gets pods is not there: it is made once a pod without traffic has proven itself. */
function judgeMissing(step: MoveStep, observation: GatewayObservation): Judged {
  const { up } = aim(step);
  if (step.kind === 'shiftGateway') return later({ kind: 'blocked', problem: goneProblem(up) });
  if (step.trial === undefined) return due('create', `deploy/${up.name} is not there yet`);
  if (observation.trial === undefined) return due('try', 'no pod has proven itself yet');
  const proven = proveTrial(step, observation, observation.trial);
  return proven.kind === 'satisfied' ? due('create', `pod ${step.trial.pod} serves; deploy/${up.name} is not there yet`) : later(proven);
}

/** Undefined when as few pods are left as there shall be. */
function judgeShrinking(down: { readonly name: string; readonly to: number }, observation: GatewayObservation): Judged | undefined {
  if (observation.down === undefined) return undefined;
  const old = observation.down.controller.spec?.replicas ?? 1;
  if (old > down.to) return due('shrink', `the new pods serve; deploy/${down.name} goes from ${old} to ${down.to}`);
  const drained = assessDrained(down, observation);
  return drained === undefined ? undefined : later(drained);
}

function areBounded(bounds: readonly AutoscalerBounds[], when: AutoscalerBounds['when'], { autoscalers }: GatewayObservation): boolean {
  return bounds
    .filter((bound) => bound.when === when)
    .every((bound) => {
      const live = autoscalers.find((a) => a.metadata.name === bound.name);
      // What a step only sets may be gone: then nothing is there to scale.
      if (live === undefined) return bound.like === undefined || !autoscalers.some((a) => a.metadata.name === bound.like);
      const { min, max } = autoscalerBounds(live);
      return min === bound.min && max === bound.max && (bound.target === undefined || autoscalerTarget(live) === bound.target);
    });
}

/** A pod that nothing owns is judged as the only one of a Deployment that is rolled out. */
const ONE_POD: PodController = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: '' },
  spec: { replicas: 1 },
  status: { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 },
};

/** Everything but the endpoints, by a pod that has no traffic. */
function proveTrial(step: StepOf<'addGateway'>, observation: GatewayObservation, trial: Pod): StepAssessment {
  const judged = assessWorkload(
    { workload: step.copy, revision: step.revision },
    { controller: ONE_POD, pods: [trial], reports: observation.reports },
  );
  return judged.kind === 'satisfied' ? (assessAnswers([trial.metadata.name], observation) ?? judged) : judged;
}

function assessAnswers(names: readonly string[], observation: GatewayObservation): StepAssessment | undefined {
  const silent = observation.answers.find(
    ({ port, pod, status }) => status === undefined && names.includes(pod) && oldAnswers(port, names, observation),
  );
  return (
    silent && { kind: 'pending', detail: `${silent.pod} does not answer on port ${silent.port}, as the old pods do: ${silent.error ?? ''}` }
  );
}

/** Ready, on the revision, connected and synced; then seen by every Service; then answering. */
function proveNew(step: MoveStep, observation: GatewayObservation, view: GatewayPods): StepAssessment {
  const { up } = aim(step);
  const workload = { kind: 'Deployment' as const, namespace: up.namespace, name: up.name };
  const judged = assessWorkload({ workload, revision: up.revision }, { ...view, reports: observation.reports });
  if (judged.kind !== 'satisfied') return judged;
  const names = view.pods.filter((pod) => !isTerminating(pod)).map((pod) => pod.metadata.name);
  for (const { service, readyPods } of observation.endpoints) {
    const missing = names.filter((name) => !readyPods.includes(name));
    if (missing.length > 0)
      return {
        kind: 'pending',
        detail: `${names.length - missing.length} of ${names.length} new pods are among the endpoints of Service ${service}`,
      };
  }
  const unanswered = assessAnswers(names, observation);
  if (unanswered) return unanswered;
  const answered = observation.answers.filter(({ pod, status }) => status !== undefined && names.includes(pod));
  return {
    kind: 'satisfied',
    evidence: [...judged.evidence, ...answered.map(({ port, status }) => `port ${port} answers ${status}`)],
  };
}

function oldAnswers(port: number, names: readonly string[], { answers }: GatewayObservation): boolean {
  return answers.some((answer) => answer.port === port && !names.includes(answer.pod) && answer.status !== undefined);
}

/** Pods that were told to end are waited for, and endpoints without them. */
function assessDrained(down: { name: string; to: number }, observation: GatewayObservation): StepAssessment | undefined {
  const pods = observation.down?.pods ?? [];
  if (pods.length > down.to) return { kind: 'pending', detail: `${pods.length - down.to} pods of deploy/${down.name} drain and end` };
  const known = new Set([...pods, ...(observation.up?.pods ?? [])].map((pod) => pod.metadata.name));
  const stale = observation.endpoints.flatMap(({ readyPods }) =>
    readyPods.filter((name) => !known.has(name) && name.startsWith(`${down.name}-`)),
  );
  return stale.length === 0 ? undefined : { kind: 'pending', detail: `${stale[0] ?? ''} is gone and still among the endpoints` };
}

function shareEvidence(name: string, { endpoints, up }: GatewayObservation): string[] {
  const own = new Set((up?.pods ?? []).map((pod) => pod.metadata.name));
  return endpoints.map(({ service, readyPods }) => {
    const count = readyPods.filter((pod) => own.has(pod)).length;
    return `${count} of ${readyPods.length} endpoints of Service ${service} are pods of deploy/${name}`;
  });
}

/** The problem of a gateway whose move did not come to its end in time. */
export function gatewayProblem(
  step: MoveStep,
  observation: GatewayObservation,
  waiting: { readonly detail: string; readonly cause?: PendingCause },
): Problem {
  const { up } = aim(step);
  if (waiting.cause !== undefined) {
    const workload = { kind: 'Deployment' as const, namespace: up.namespace, name: up.name };
    return restartProblem(
      { workload, revision: up.revision },
      { pods: observation.up?.pods ?? (observation.trial === undefined ? [] : [observation.trial]) },
      waiting,
    );
  }
  return new Problem('RUN-070', {
    what: `Gateway ${step.gateway.name} in ${step.gateway.namespace}: ${waiting.detail}.`,
    next: [{ label: 'look', command: `kubectl -n ${step.gateway.namespace} get deploy,pods,endpointslices` }],
  });
}

function goneProblem({ namespace, name }: { readonly namespace: string; readonly name: string }): Problem {
  return new Problem('RUN-070', {
    what: `deploy/${name} in ${namespace} is gone.`,
    next: [{ label: 'look', command: `kubectl -n ${namespace} get deploy,pods` }],
  });
}

export function assessGatewayRemoval(step: StepOf<'removeGateway'>, observed: GatewayRemovalObservation): StepAssessment {
  const { namespace, name } = step.gateway;
  const wanted = observed.gateway?.controller.spec?.replicas ?? 0;
  const running = observed.gateway?.pods ?? [];
  if (observed.gateway !== undefined && (wanted > 0 || running.some((pod) => !isTerminating(pod)))) {
    return {
      kind: 'blocked',
      problem: new Problem('RUN-071', {
        what: `deploy/${name} in ${namespace} has ${running.length} pods, wanted ${wanted}: it may have traffic.`,
        next: [{ label: 'look', command: `kubectl -n ${namespace} get deploy,endpointslices` }],
      }),
    };
  }
  if (running.length > 0) return { kind: 'pending', detail: `${running.length} pods of deploy/${name} drain and end` };
  const left = [...observed.owned, ...observed.present];
  if (left.length > 0)
    return {
      kind: 'pending',
      effectDue: true,
      detail: `${left.length} objects are to be dealt with: ${left.slice(0, 2).map(refText).join(', ')}`,
    };
  if (observed.heir !== undefined) return { kind: 'pending', effectDue: true, detail: observed.heir };
  const heir = step.heir === undefined ? [] : [`the Helm release ${step.heir.name} is deployed`];
  return { kind: 'satisfied', evidence: [`deploy/${name} is gone; its Service stays as it is`, ...heir] };
}

/** Pods may be as wanted although the template is not: those of a gateway that is scaled to zero, for one. */
export function assessTemplateLabel(
  { templateLabel }: StepOf<'restartWorkload' | 'restartGateway'>,
  { controller }: { readonly controller?: PodController },
): StepAssessment | undefined {
  if (templateLabel === undefined || controller === undefined) return undefined;
  const now = controller.spec?.template?.metadata?.labels?.[REVISION_LABEL] ?? null;
  if (now === templateLabel.to) return undefined;
  return { kind: 'pending', detail: `its template has ${REVISION_LABEL}=${now ?? 'none'}, wanted ${templateLabel.to ?? 'none'}` };
}
