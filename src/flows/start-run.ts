/** Begins a run from a plan, or goes on with one: after the plan was shown to fit the mesh, and with the lock in hand. */
import { refusing, type CheckReport } from '../core/findings/run-checks.ts';
import { buildInventory } from '../core/mesh/build-inventory.ts';
import { assessPreconditions, assessRendered, assessSurges, assessUnplanned } from '../core/plan/assess-preconditions.ts';
import { assessPinned } from '../core/plan/build-pinned-steps.ts';
import type { Plan } from '../core/plan/plan.ts';
import { planDigest, runName } from '../core/plan/plan-file.ts';
import { Problem } from '../core/problems/problem.ts';
import { currentStep } from '../core/run/decide-next-action.ts';
import type { RunEvent } from '../core/run/run-event.ts';
import { isEnded, stepStatus, type RunPhase, type RunRecord } from '../core/run/run-state.ts';
import { instant, type RunPorts } from './flow-ports.ts';
import { performRun, type RunResult } from './perform-run.ts';
import { planUpgrade } from './plan-upgrade.ts';

/** What a plan meets in the mesh as it is now. */
export interface FittedPlan {
  readonly report: CheckReport;
}

/** @throws Problem PLAN-014, PLAN-013 with the differences, CHEK-001 with the findings that refuse */
export async function expectPlanFits(ports: RunPorts, plan: Plan): Promise<FittedPlan> {
  const current = await planUpgrade(ports, plan.request, plan.pins);
  const { inventory } = current;
  if (plan.mesh.clusterUid !== '' && inventory.clusterUid !== '' && plan.mesh.clusterUid !== inventory.clusterUid) {
    throw new Problem('PLAN-014', {
      what: `The plan was made from ${plan.mesh.cluster}; this is ${inventory.clusterName}, another cluster.`,
      next: [{ label: 'the right cluster', command: '--context NAME' }],
    });
  }
  const differences = [
    ...assessPreconditions(plan.steps, inventory),
    ...assessUnplanned(plan, current.moves),
    ...assessSurges(plan, current.moves),
    ...assessPinned(plan, current.plan),
    ...assessRendered(plan, current.plan),
    ...pinDifferences(plan, current.plan),
  ];
  if (differences.length > 0) throw staleProblem(differences);
  const refused = refusing(current.report);
  if (refused.length > 0) throw refusedProblem(current.report);
  return { report: current.report };
}

function pinDifferences(plan: Plan, current: Plan): string[] {
  return plan.pins.flatMap((pin) => {
    const now = current.pins.find((other) => other.name === pin.name && other.path === pin.path);
    return now === undefined || now.sha256 === pin.sha256 ? [] : [`${pin.name} ${pin.path} is another file than when the plan was made`];
  });
}

function staleProblem(differences: readonly string[]): Problem {
  return new Problem('PLAN-013', {
    what: [
      `${differences.length} ${differences.length === 1 ? 'thing has' : 'things have'} changed since the plan was made:`,
      ...differences.slice(0, 8),
      ...(differences.length > 8 ? [`and ${differences.length - 8} more`] : []),
    ].join('\n'),
    next: [{ label: 'make a new one', command: 'meshlift plan --to VERSION -o FILE' }],
    facts: { differences },
  });
}

export function refusedProblem(report: CheckReport): Problem {
  const refused = refusing(report);
  const lines = refused.slice(0, 6).map((finding) => `${finding.code}  ${finding.what}`);
  return new Problem('CHEK-001', {
    what: [
      `${refused.length} ${refused.length === 1 ? 'finding refuses' : 'findings refuse'} the run:`,
      ...lines,
      ...(refused.length > 6 ? [`and ${refused.length - 6} more`] : []),
    ].join('\n'),
    next: [...new Set(refused.flatMap((finding) => finding.next.slice(0, 1)))]
      .slice(0, 4)
      .map((command) => ({ label: 'mend it', command })),
    facts: { findings: refused.map(({ code, objects }) => ({ code, objects })) },
  });
}

/** Starts a new run from a plan. @throws Problem RUN-001, RUN-004, RUN-005 */
export async function startRun(ports: RunPorts, plan: Plan, stopSignal: AbortSignal): Promise<RunResult> {
  const name = runName(plan, ports.sha256);
  await expectNoUnfinished(ports, name);
  return withLock(ports, async (lock) => {
    await ports.store.create(name, plan);
    const writer = await ports.store.open(name, ports.lock.identity);
    if (isEnded(writer.record.state) || writer.record.state.phase === 'moved')
      throw alreadyApplied({ name, phase: writer.record.state.phase });
    await goOn(ports, writer, name);
    return performRun(ports, { writer, lock, stopSignal });
  });
}

async function expectNoUnfinished(ports: RunPorts, except: string): Promise<void> {
  const unfinished = (await ports.store.list()).find(
    (run) => run.name !== except && (run.phase === 'running' || run.phase === 'paused' || run.phase === 'failed'),
  );
  if (!unfinished) return;
  const holder = await ports.lock.holder();
  if (holder) throw busyProblem(holder.identity, holder.silentForMs);
  throw new Problem('RUN-004', {
    what: `${unfinished.name} is ${unfinished.phase}, at step ${unfinished.step}.`,
    next: [
      { label: 'go on with it', command: `meshlift resume ${unfinished.name}` },
      { label: 'take it back', command: `meshlift rollback ${unfinished.name}` },
    ],
  });
}

export function alreadyApplied({ name, phase }: { readonly name: string; readonly phase: RunPhase }): Problem {
  if (phase === 'moved') return movedProblem(name);
  return new Problem('RUN-005', {
    what: `This plan was applied already: ${name} is ${phase}.`,
    next: [{ label: 'make a new plan', command: 'meshlift plan --to VERSION -o FILE' }],
  });
}

type Lock = Parameters<typeof performRun>[1]['lock'];
type Writer = Parameters<typeof performRun>[1]['writer'];

/** Stores an event and tells it. */
export async function record(ports: RunPorts, writer: Writer, event: RunEvent): Promise<void> {
  const after = await writer.append(event);
  ports.observer.tell({ kind: 'event', event, record: after });
}

/** Runs something with the lock of the mesh in hand, and gives it back however it ends. */
export async function withLock<T>(ports: RunPorts, use: (lock: Lock) => Promise<T>): Promise<T> {
  const answer = await ports.lock.acquire();
  if (answer.kind === 'busy') throw busyProblem(answer.holder.identity, answer.holder.silentForMs);
  try {
    return await use(answer.lock);
  } finally {
    await answer.lock.release();
  }
}

function busyProblem(identity: string, silentForMs: number): Problem {
  return new Problem('RUN-001', {
    what: `${identity} drives a run on this mesh; it was last seen ${Math.round(silentForMs / 1000)}s ago.`,
    next: [
      { label: 'where it stands', command: 'meshlift runs' },
      { label: 'stop it between two steps', command: 'meshlift pause' },
    ],
    facts: { holder: identity },
  });
}

/** Goes on with a run that was paused, failed or lost its driver. */
export async function resumeRun(ports: RunPorts, name: string, stopSignal: AbortSignal): Promise<RunResult> {
  return withLock(ports, async (lock) => {
    const writer = await ports.store.open(name, ports.lock.identity);
    const { state } = writer.record;
    if (isEnded(state))
      throw new Problem('RUN-005', {
        what: `${name} is ${state.phase}; there is nothing to resume.`,
        next: [{ label: 'look', command: 'meshlift runs' }],
      });
    if (state.phase === 'moved') throw movedProblem(name);
    await expectRemainingFits(ports, writer.record);
    await goOn(ports, writer, name);
    return performRun(ports, { writer, lock, stopSignal });
  });
}

function movedProblem(name: string): Problem {
  return new Problem('RUN-005', {
    what: `${name} has moved every workload; the old control plane is still there.`,
    next: [
      { label: 'remove the old one', command: `meshlift finish ${name}` },
      { label: 'take it back', command: `meshlift rollback ${name}` },
    ],
  });
}

/** Begins a run, or takes it up again; one whose driver died before its first event is begun. */
async function goOn(ports: RunPorts, writer: Writer, name: string): Promise<void> {
  const at = instant(ports.clock.nowMs());
  const { state, events, plan } = writer.record;
  if (events.length === 0) {
    const begun: RunEvent = { type: 'RunStarted', at, driver: ports.lock.identity, planDigest: planDigest(plan, ports.sha256) };
    return record(ports, writer, begun);
  }
  await ports.store.setPaused(name, false);
  if (state.phase === 'paused' || state.phase === 'failed') await record(ports, writer, { type: 'Resumed', at, by: ports.lock.identity });
  else await record(ports, writer, { type: 'DriverChanged', at, driver: ports.lock.identity });
}

/** Only steps that were not begun must still fit: what the run itself did changes the mesh. */
async function expectRemainingFits(ports: RunPorts, record: RunRecord): Promise<void> {
  if (record.state.direction === 'back') return;
  const remaining = record.plan.steps.filter((step) => stepStatus(record.state, step) === 'waiting');
  const inventory = buildInventory(await ports.reader.readMesh('status'));
  const differences = assessPreconditions(remaining, inventory).filter((difference) => !difference.startsWith('workload '));
  if (differences.length > 0 && currentStep(record) !== undefined) throw staleProblem(differences);
}

/** Removes the old control plane once nothing uses it. */
export async function finishRun(ports: RunPorts, name: string, stopSignal: AbortSignal): Promise<RunResult> {
  return withLock(ports, async (lock) => {
    const writer = await ports.store.open(name, ports.lock.identity);
    const { state } = writer.record;
    if (state.direction === 'back' || isEnded(state))
      throw new Problem('RUN-005', {
        what: `${name} is ${state.phase}; there is nothing to finish.`,
        next: [{ label: 'look', command: 'meshlift runs' }],
      });
    if (state.phase !== 'moved' && !state.finishAsked) {
      throw new Problem('RUN-005', {
        what: `${name} has not moved every workload yet.`,
        next: [{ label: 'go on with it', command: `meshlift resume ${name}` }],
      });
    }
    await ports.store.setPaused(name, false);
    await record(ports, writer, { type: 'FinishAsked', at: instant(ports.clock.nowMs()), by: ports.lock.identity });
    return performRun(ports, { writer, lock, stopSignal });
  });
}
