/** Restarts a workload: the mark in its template, and for one that surges its own strategy back when that is done. */
import { REVISION_LABEL } from '../../core/moves/select-gateways.ts';
import { isSurging, strategyOf, SURGE_COUNTS } from '../../core/moves/surge.ts';
import { RESTART_ANNOTATION, restartMark } from '../../core/plan/restart-mark.ts';
import type { StepOf } from '../../core/plan/step.ts';
import { assessEviction, podsToEvict } from '../../core/run/assess/assess-eviction.ts';
import { rolloutStatus } from '../../core/run/assess/rollout-status.ts';
import type { RunPorts } from '../flow-ports.ts';
import { observeRestart } from './observe-restart.ts';

type RestartStep = StepOf<'restartWorkload' | 'restartGateway'>;

interface Performing {
  readonly run: string;
  readonly effect: (name: string, act: () => Promise<void>) => Promise<void>;
}

/** Which effect is due is read from the workload, so that a driver that knows nothing of the one before it goes on alike. */
export async function performRestart(
  ports: Pick<RunPorts, 'reader' | 'writer'>,
  step: RestartStep,
  { run, effect }: Performing,
): Promise<void> {
  const { workload, surge, templateLabel, evict } = step;
  const mark = restartMark(run, step.id);
  const labels = templateLabel === undefined ? {} : { labels: { [REVISION_LABEL]: templateLabel.to } };
  if (evict === true) return performEviction(ports, step, { run, effect });
  if (surge === undefined) return effect('mark', () => ports.writer.markRestart(workload, mark, labels));
  const live = (await ports.reader.readWorkload(workload))?.controller;
  const isMarked = live?.spec?.template?.metadata?.annotations?.[RESTART_ANNOTATION] === mark;
  if (live === undefined || !isMarked)
    return effect('mark', () => ports.writer.markRestart(workload, mark, { ...labels, strategy: strategyOf(SURGE_COUNTS) }));
  if (!isSurging(live) || rolloutStatus(live).kind !== 'complete') return;
  const ref = { apiVersion: live.apiVersion, kind: workload.kind, namespace: workload.namespace, name: workload.name };
  return effect('strategy', () => ports.writer.patchObject(ref, { spec: { strategy: strategyOf(surge.from) } }));
}

/** The mark first, by which successors are known; then one pod at a time, each only when all that are there are proven. */
async function performEviction(ports: Pick<RunPorts, 'reader' | 'writer'>, step: RestartStep, { run, effect }: Performing): Promise<void> {
  const { workload } = step;
  const mark = restartMark(run, step.id);
  const observed = await observeRestart(ports.reader, step);
  if (observed.controller?.spec?.template?.metadata?.annotations?.[RESTART_ANNOTATION] !== mark)
    return effect('mark', () => ports.writer.markRestart(workload, mark));
  const assessment = assessEviction(step, observed);
  const [next] = podsToEvict(observed, step.revision);
  if (assessment.kind !== 'pending' || assessment.effectDue !== true || next === undefined) return;
  const { name, uid = '' } = next.metadata;
  return effect(`evict ${uid}`, () => ports.writer.evictPod({ namespace: workload.namespace, name, uid }));
}
