/** A run in the few words that its custom resource carries. */
import { activeSteps, stepStatus, type RunRecord } from './run-state.ts';

export interface RunDigest {
  readonly phase: string;
  readonly direction: string;
  /** `4/12 restart deploy/cart in shop`; empty before the first and after the last step. */
  readonly step: string;
  readonly stepsDone: number;
  readonly stepsTotal: number;
  readonly message: string;
  readonly from: string;
  readonly to: string;
  readonly startedAt: string;
  readonly updatedAt: string;
}

export function summarizeRun(record: RunRecord): RunDigest {
  const steps = activeSteps(record);
  const settled = steps.filter((step) => ['done', 'skipped'].includes(stepStatus(record.state, step))).length;
  const current = steps.find((step) => !['done', 'skipped'].includes(stepStatus(record.state, step)));
  const plan = record.state.direction === 'back' ? (record.backPlan ?? record.plan) : record.plan;
  return {
    phase: record.state.phase,
    direction: record.state.direction,
    step: current ? `${settled + 1}/${steps.length} ${current.title}` : `${settled}/${steps.length}`,
    stepsDone: settled,
    stepsTotal: steps.length,
    message: record.state.problem ? `${record.state.problem.code} ${record.state.problem.what.split('\n')[0] ?? ''}` : '',
    from: plan.from === undefined ? '' : `${plan.from.revision} ${plan.from.version}`,
    to: plan.to === undefined ? '' : `${plan.to.revision} ${plan.to.version}`,
    startedAt: record.state.runStartedAt,
    updatedAt: record.state.lastEventAt,
  };
}
