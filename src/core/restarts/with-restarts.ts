/** The moves of a plan, each with the choice how it is restarted, after what the request says by name. */
import { workloadKey } from '../mesh/mesh-inventory.ts';
import type { RestartChoice, RestartReason } from '../moves/restart-choice.ts';
import type { Moves, WorkloadMove } from '../moves/select-moves.ts';
import { countsOf } from '../moves/surge.ts';
import {
  acceptsFinding,
  evictedWorkloads,
  keepingTheirStrategy,
  namesWorkload,
  restartedAnyway,
  waitingWorkloads,
  type UpgradeRequest,
} from '../request/upgrade-request.ts';
import { chooseRestart } from './choose-restart.ts';
import type { Surroundings } from './surroundings.ts';

type Allowances = Pick<UpgradeRequest, 'accept' | 'acceptDowntime' | 'restarts'>;

/** @returns the same moves, each with its choice: `ask` only where nothing in the request allows it */
export function withRestarts(moves: Moves, surroundings: Surroundings, request: Allowances): Moves {
  const anyway = [...restartedAnyway(request), ...evictedWorkloads(request)];
  const keeping = keepingTheirStrategy(request);
  const waiting = waitingWorkloads(request);
  const choose = (move: WorkloadMove): WorkloadMove => {
    const ownStrategy = keeping.some((entry) => namesWorkload(entry, move.workload));
    const choice = chooseRestart(move.workload, { ...move, ownStrategy }, surroundings);
    const restart = allowed(choice, move, { anyway, waiting, accept: request.accept });
    const waitFor = restart.do === 'wait' ? restart.reasons.flatMap(({ passing }) => passing ?? []) : [];
    return {
      ...move,
      restart,
      ...(waitFor.length === 0 ? {} : { waitFor }),
      ...(choice.whenAllowed === 'surge' ? { surge: { from: countsOf(move.workload.controller) } } : {}),
    };
  };
  return { ...moves, namespaces: moves.namespaces.map((one) => ({ ...one, workloads: one.workloads.map(choose) })) };
}

interface Allowed {
  readonly anyway: readonly string[];
  readonly waiting: readonly string[];
  readonly accept: readonly string[];
}

function allowed(choice: RestartChoice, { workload }: WorkloadMove, { anyway, waiting, accept }: Allowed): RestartChoice {
  if (choice.do !== 'ask') return choice;
  const isNamed = anyway.some((entry) => namesWorkload(entry, workload));
  const mayWait = waiting.some((entry) => namesWorkload(entry, workload));
  const isAllowed = ({ code, passing }: RestartReason): boolean =>
    isNamed || (mayWait && passing !== undefined) || (code !== undefined && acceptsFinding(accept, code, workloadKey(workload)));
  const reasons = choice.reasons.map((reason): RestartReason =>
    reason.weight === 'ask' && isAllowed(reason) ? { ...reason, allowed: true } : reason,
  );
  const asks = reasons.some((reason) => reason.weight === 'ask' && reason.allowed !== true);
  const waits = mayWait && reasons.some(({ passing }) => passing !== undefined);
  return { ...choice, do: asks ? 'ask' : waits ? 'wait' : choice.whenAllowed, reasons };
}
