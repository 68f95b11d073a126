/** Judges the target of a step from what was observed of it. */
import { refText } from '../../controlplane/object-identity.ts';
import { Defect, Problem } from '../../problems/problem.ts';
import type { Step, StepOf } from '../../plan/step.ts';
import { usageVerdict, type Usage, type Use } from '../../usage/usage.ts';
import type { StepObservation } from '../observation.ts';
import type { PendingCause, StepAssessment } from '../step-assessment.ts';
import { assessControlPlane, controlPlaneProblem } from './assess-control-plane.ts';
import { assessCopies } from './assess-pinned.ts';
import { assessEviction } from './assess-eviction.ts';
import { assessSurge } from './assess-surge.ts';
import { assessTag } from './assess-tag.ts';
import { assessGatewayRemoval, assessTemplateLabel, gatewayProblem, judgeGateway } from './assess-gateway.ts';
import { assessWorkload, restartProblem } from './assess-workload.ts';

/**
 * @param started the effect of the step was intended, so that what is observed may come from it
 * @throws Defect when the observation is not of the step's kind
 */
export function assessStep(step: Step, observation: StepObservation, started: boolean): StepAssessment {
  switch (step.kind) {
    case 'crds':
      return assessCrds(expectKind(observation, 'crds', step));
    case 'installControlPlane': {
      const { controlPlane, missing, release } = expectKind(observation, 'control-plane', step);
      if (missing.length > 0) return { kind: 'pending', detail: `${missing.length} objects are not there yet` };
      const assessment = assessControlPlane({ revision: step.revision, namespace: step.namespace, mustInject: true }, controlPlane);
      return assessment.kind === 'satisfied' && release !== undefined ? { kind: 'pending', detail: release } : assessment;
    }
    case 'copyRevisionedObjects':
      return assessCopies(expectKind(observation, 'copies', step), started);
    case 'labelNamespace':
      return assessNamespace(step, expectKind(observation, 'namespace', step), started);
    case 'restartWorkload':
    case 'restartGateway': {
      const workload = expectKind(observation, 'workload', step);
      if (step.evict === true) return assessEviction(step, workload);
      return assessSurge(step, workload.controller, assessTemplateLabel(step, workload) ?? assessWorkload(step, workload), started);
    }
    case 'addGateway':
    case 'shiftGateway':
      return judgeGateway(step, expectKind(observation, 'gateway', step)).assessment;
    case 'removeGateway':
      return assessGatewayRemoval(step, expectKind(observation, 'gateway-removal', step));
    case 'moveDefault':
      return assessDefault(step, expectKind(observation, 'default', step));
    case 'moveTag':
      return assessTag(step, expectKind(observation, 'tag', step), started);
    case 'removeControlPlane':
      return assessRemoval(step, expectKind(observation, 'removal', step), started);
    case 'restoreObject':
      return assessRestore(step, expectKind(observation, 'restore', step));
  }
}

function expectKind<K extends StepObservation['kind']>(
  observation: StepObservation,
  kind: K,
  step: Step,
): Extract<StepObservation, { kind: K }> {
  if (observation.kind !== kind) throw new Defect(`step ${step.id} was observed as ${observation.kind}`);
  return observation as Extract<StepObservation, { kind: K }>;
}

function assessCrds({ pending }: Extract<StepObservation, { kind: 'crds' }>): StepAssessment {
  const first = pending[0];
  return first
    ? { kind: 'pending', detail: `${pending.length} CRDs: ${first.name} ${first.why}` }
    : { kind: 'satisfied', evidence: ['every CRD is established'] };
}

function assessNamespace(
  step: StepOf<'labelNamespace'>,
  observed: Extract<StepObservation, { kind: 'namespace' }>,
  started: boolean,
): StepAssessment {
  const { labels, probe } = observed;
  if (!labels) return { kind: 'obsolete', reason: `namespace ${step.namespace} is gone` };
  const wrong = Object.entries(step.set).filter(([key, value]) => (labels[key] ?? null) !== value);
  const before = step.preconditions.find((p) => p.holds === 'namespace-labels')?.labels ?? {};
  const foreign = wrong.filter(([key]) => (labels[key] ?? null) !== (before[key] ?? null));
  if (foreign.length > 0) {
    return {
      kind: 'blocked',
      problem: new Problem('RUN-020', {
        what: `Namespace ${step.namespace} has ${foreign.map(([key]) => `${key}=${labels[key] ?? 'none'}`).join(', ')}; the plan found ${foreign.map(([key]) => `${key}=${before[key] ?? 'none'}`).join(', ')}.`,
        next: [{ label: 'look', command: `kubectl get namespace ${step.namespace} --show-labels --show-managed-fields -o yaml` }],
      }),
    };
  }
  if (wrong.length > 0)
    return { kind: 'pending', detail: started ? 'the labels are not set yet' : 'the labels are as the plan found them' };
  if (probe?.inconclusive !== undefined)
    return { kind: 'satisfied', evidence: ['labels set', `injection could not be tried: ${probe.inconclusive}`] };
  if (step.revision === null || probe?.revision === step.revision) {
    return {
      kind: 'satisfied',
      evidence: ['labels set', ...(step.revision === null ? [] : [`a dry-run pod was injected by ${step.revision}`])],
    };
  }
  return {
    kind: 'pending',
    detail: probe?.error ?? `a dry-run pod was injected by ${probe?.revision ?? 'nobody'}, not by ${step.revision}`,
  };
}

function assessDefault(
  step: StepOf<'moveDefault'>,
  { pending, usage, base, unlisted }: Extract<StepObservation, { kind: 'default' }>,
): StepAssessment {
  if (pending === undefined) {
    return {
      kind: 'blocked',
      problem: new Problem('RUN-026', {
        what: `Revision ${step.revision} has no webhooks or no Service of its own.`,
        next: [{ label: 'look', command: 'meshlift status' }],
      }),
    };
  }
  const behind = unlisted ?? base;
  if (pending.length === 0 && behind !== undefined) return { kind: 'pending', detail: behind };
  if (pending.length === 0)
    return {
      kind: 'satisfied',
      evidence: [
        `injection, validation and leadership of the default point to ${step.revision}`,
        ...(step.heir === undefined ? [] : [`the Helm release ${step.heir.name} lists its tag`]),
        ...(step.baseRelease === undefined ? [] : [`the Helm release ${step.baseRelease.name} says the same`]),
      ],
    };
  return (usage && stillUsed(step.from, usage)) ?? { kind: 'pending', detail: `${pending.length} objects still point to ${step.from}` };
}

/** Why a revision must not lose what it has; undefined when nothing uses it. */
function stillUsed(revision: string, usage: Usage): StepAssessment | undefined {
  const lasting = usage.uses.filter((use) => !use.passing);
  if (lasting.length > 0) {
    const mayPass = lasting.every((use) => use.unexplained === true) ? `${lasting.length} connected without a pod` : undefined;
    return { kind: 'blocked', problem: inUseProblem(revision, lasting), ...(mayPass === undefined ? {} : { mayPass }) };
  }
  if (usage.uses.length > 0)
    return { kind: 'pending', detail: `${usage.uses.length} terminating ${usage.uses.length === 1 ? 'pod' : 'pods'} still use it` };
  if (usageVerdict(usage) === 'unknown') return { kind: 'blocked', problem: unknownUseProblem(revision, usage.unknown) };
  return undefined;
}

function assessRemoval(
  step: StepOf<'removeControlPlane'>,
  observed: Extract<StepObservation, { kind: 'removal' }>,
  started: boolean,
): StepAssessment {
  if (observed.present.length === 0)
    return { kind: 'satisfied', evidence: [`no object of ${step.revision} is left`, ...(observed.kept ?? [])] };
  if (started)
    return {
      kind: 'pending',
      detail: `${observed.present.length} objects are still there: ${observed.present.slice(0, 2).map(refText).join(', ')}`,
    };
  if (!observed.usage) return { kind: 'pending', detail: 'not yet known whether it is used' };
  return stillUsed(step.revision, observed.usage) ?? { kind: 'pending', detail: 'nothing uses it any more' };
}

export function inUseProblem(revision: string, uses: readonly Use[]): Problem {
  const lines = uses.slice(0, 5).map((use) => `${use.object}: ${use.detail}`);
  return new Problem('RUN-030', {
    what: [
      `${revision} is still used, for ${uses.length} ${uses.length === 1 ? 'reason' : 'reasons'}.`,
      ...lines,
      ...(uses.length > 5 ? [`and ${uses.length - 5} more`] : []),
    ].join('\n'),
    next: [{ label: 'all reasons', command: `meshlift in-use ${revision}` }],
    facts: { revision, uses: uses.length },
  });
}

export function unknownUseProblem(revision: string, unknown: readonly string[]): Problem {
  return new Problem('RUN-031', {
    what: [`Whether ${revision} is used cannot be told.`, ...unknown.slice(0, 5)].join('\n'),
    why: 'What could not be read may use it, and unknown is never unused.',
    next: [{ label: 'look', command: `meshlift in-use ${revision}` }],
  });
}

function assessRestore(step: StepOf<'restoreObject'>, observed: Extract<StepObservation, { kind: 'restore' }>): StepAssessment {
  const first = observed.pending[0];
  if (first)
    return {
      kind: 'pending',
      detail: `${observed.pending.length} objects are not as they were: ${refText({ ...first.metadata, apiVersion: first.apiVersion, kind: first.kind })}`,
    };
  if (step.expect === 'shared') return { kind: 'satisfied', evidence: ['shared objects are as they were'] };
  if (step.expect === 'gateway') return { kind: 'satisfied', evidence: ['the gateway and what belongs to it are as they were'] };
  if (step.expect === 'tag') return { kind: 'satisfied', evidence: [`the tag points to ${step.revision} as before`] };
  if (step.expect === 'pinned') return { kind: 'satisfied', evidence: ['the copies are gone'] };
  if (step.expect === 'default') return { kind: 'satisfied', evidence: [`the default points to ${step.revision} as before`] };
  const controlPlane = observed.controlPlane ?? { pods: [], webhooks: [] };
  return assessControlPlane({ revision: step.revision, namespace: '', mustInject: false }, controlPlane);
}

/** The problem to tell when a step did not come to its end in time. */
export function timeoutProblem(
  step: Step,
  observation: StepObservation,
  waiting: { readonly detail: string; readonly cause?: PendingCause },
): Problem {
  const { detail } = waiting;
  if ((step.kind === 'restartWorkload' || step.kind === 'restartGateway') && observation.kind === 'workload')
    return restartProblem(step, observation, waiting);
  if ((step.kind === 'addGateway' || step.kind === 'shiftGateway') && observation.kind === 'gateway')
    return gatewayProblem(step, observation, waiting);
  if (step.kind === 'installControlPlane' && observation.kind === 'control-plane') {
    return controlPlaneProblem({ revision: step.revision, namespace: step.namespace, mustInject: true }, observation.controlPlane, detail);
  }
  const look = [{ label: 'look', command: 'meshlift status' }];
  switch (step.kind) {
    case 'crds':
      return new Problem('RUN-013', { what: `${detail}.`, next: [{ label: 'look', command: 'kubectl get crd -o wide' }] });
    case 'labelNamespace':
      return new Problem('RUN-022', {
        what: `Namespace ${step.namespace}: ${detail}.`,
        next: [{ label: 'look', command: 'meshlift check' }],
      });
    case 'moveDefault':
      return new Problem('RUN-026', { what: `${detail}.`, next: look });
    case 'moveTag':
      return new Problem('TAGS-009', { what: `Tag ${step.tag}: ${detail}.`, next: [{ label: 'look', command: 'meshlift tag list' }] });
    case 'removeControlPlane':
      return new Problem('RUN-032', { what: `${detail}.`, next: look });
    default:
      return new Problem('RUN-033', { what: `${detail}.`, next: look });
  }
}
