/** Takes a run back: a plan like any other, shown first, stored, and performed by the same loop. */
import { withOriginals } from '../core/controlplane/default-pointers.ts';
import { buildInventory } from '../core/mesh/build-inventory.ts';
import { findInjectionWebhooks } from '../core/mesh/find-revisions.ts';
import type { KubeObject, ObjectRef } from '../core/mesh/kube-objects.ts';
import { buildRollback } from '../core/plan/build-rollback.ts';
import type { MeshInventory } from '../core/mesh/mesh-inventory.ts';
import type { Plan } from '../core/plan/plan.ts';
import { Problem } from '../core/problems/problem.ts';
import { restartMark } from '../core/plan/restart-mark.ts';
import type { RunRecord } from '../core/run/run-state.ts';
import { instant, type RunPorts } from './flow-ports.ts';
import { performRun, type RunResult } from './perform-run.ts';
import { record as store, withLock } from './start-run.ts';

/**
 * @returns the plan of the roll-back, from the record and the mesh as it is now; without steps for a run that stopped before
 * it changed anything, which is then only closed
 * @throws Problem RUN-040, RUN-041, RUN-005
 */
export async function planRollback(ports: RunPorts, record: RunRecord): Promise<Plan> {
  expectNotTakenBack(record);
  const objects = await ports.reader.readMesh('uses');
  const inventory = buildInventory(objects);
  const candidates = await ports.reader.readControlPlaneObjects();
  const { steps, startedAt } = record.state;
  // What failed before its intent was stored changed nothing.
  const touched = new Set([...steps].filter(([id, status]) => status !== 'failed' || startedAt.has(id)).map(([id]) => id));
  const plan = buildRollback({
    plan: record.plan,
    touched,
    openMarks: openMarks(record),
    originalRefs: new Map([...record.state.originals].map(([id, originals]) => [id, originals.map((original) => original.ref)])),
    inventory,
    webhooks: findInjectionWebhooks(withOriginals(objects, originalObjects(record))),
    candidates,
    createdAt: instant(ports.clock.nowMs()),
    createdBy: ports.user,
    attempt: record.events.filter((event) => event.type === 'RollbackStarted').length,
  });
  if (plan.steps.length === 0 && (record.state.phase === 'moved' || record.state.phase === 'finished'))
    throw new Problem('RUN-040', {
      what: `${record.name} has changed nothing that could be taken back.`,
      next: [{ label: 'remove its record', command: `meshlift forget ${record.name}` }],
    });
  expectHomeIsThere(plan, inventory, record.name);
  return plan;
}

function openMarks({ name, state }: RunRecord): Set<string> {
  const open = [...state.steps].filter(([, status]) => status === 'started' || status === 'failed');
  return new Set(open.map(([id]) => restartMark(name, id)));
}

/** Workloads only go back to a control plane that is there, or that this plan puts back first. */
function expectHomeIsThere({ steps, to }: Plan, inventory: MeshInventory, run: string): void {
  const moves = steps.filter((step) => step.kind === 'labelNamespace' || step.kind === 'shiftGateway' || 'workload' in step);
  const comesBack = steps.some((step) => step.kind === 'restoreObject' && step.expect === 'control-plane');
  if (to === undefined || moves.length === 0 || comesBack) return;
  if (inventory.revisions.some((r) => r.name === to.revision && r.deployment !== undefined)) return;
  throw new Problem('RUN-041', {
    what: `Revision ${to.revision} (${to.version}) is gone, and ${run} did not remove it.`,
    why: `${moves.length} ${moves.length === 1 ? 'step' : 'steps'} of the way back would leave pods without a sidecar.`,
    next: [
      { label: 'what is there', command: 'meshlift status' },
      { label: 'once it is installed again', command: `meshlift rollback ${run}` },
    ],
  });
}

function expectNotTakenBack(record: RunRecord): void {
  if (record.state.phase !== 'rolled-back') return;
  throw new Problem('RUN-005', { what: `${record.name} was taken back already.`, next: [{ label: 'look', command: 'meshlift runs' }] });
}

function originalObjects(record: RunRecord): { ref: ObjectRef; object: KubeObject | undefined }[] {
  return [...record.state.originals.values()].flat().map(({ ref, object }) => ({ ref, object: object as KubeObject | undefined }));
}

/** Whether the roll-back has to be planned: for the first time, or anew because a step of it failed. */
export function needsRollbackPlan({ state }: RunRecord): boolean {
  return state.direction === 'forward' || state.phase === 'failed';
}

export interface RollbackInput {
  readonly name: string;
  readonly reason: string;
  readonly stopSignal: AbortSignal;
  /** The plan that a person agreed to; absent when nobody was asked. */
  readonly shown?: Plan;
}

/** Performs the roll-back; one that was only interrupted goes on where it stands. @throws Problem PLAN-013 when it is no longer what was shown */
export async function rollBack(ports: RunPorts, { name, reason, stopSignal, shown }: RollbackInput): Promise<RunResult> {
  await askToPause(ports, name);
  return withLock(ports, async (lock) => {
    const writer = await ports.store.open(name, ports.lock.identity);
    const at = instant(ports.clock.nowMs());
    expectNotTakenBack(writer.record);
    if (needsRollbackPlan(writer.record)) {
      const plan = await planRollback(ports, writer.record);
      if (shown !== undefined) expectAsShown(shown, plan, name);
      await writer.storeBackPlan(plan);
      await ports.store.setPaused(name, false);
      await store(ports, writer, { type: 'RollbackStarted', at, by: ports.lock.identity, reason });
    } else {
      await ports.store.setPaused(name, false);
      await store(ports, writer, { type: 'Resumed', at, by: ports.lock.identity });
    }
    return performRun(ports, { writer, lock, stopSignal });
  });
}

/** Between the question and the answer the mesh, or the run, may have gone on. */
function expectAsShown(shown: Plan, plan: Plan, name: string): void {
  const before = shown.steps.map((step) => step.title);
  const now = plan.steps.map((step) => step.title);
  if (JSON.stringify(before) === JSON.stringify(now)) return;
  const differences = [
    ...now.filter((title) => !before.includes(title)).map((title) => `now also: ${title}`),
    ...before.filter((title) => !now.includes(title)).map((title) => `no longer: ${title}`),
  ];
  throw new Problem('PLAN-013', {
    what: ['The way back is no longer what was shown:', ...(differences.length > 0 ? differences : ['the order of the steps'])].join('\n'),
    next: [{ label: 'look at it again', command: `meshlift rollback ${name}` }],
    facts: { differences },
  });
}

/** A living driver gives the run up between two steps when it is asked to. */
const LONGEST_WAIT_MS = 30_000;

async function askToPause(ports: RunPorts, name: string): Promise<void> {
  if ((await ports.lock.holder()) === undefined) return;
  await ports.store.setPaused(name, true);
  const deadlineMs = ports.clock.nowMs() + LONGEST_WAIT_MS;
  while ((await ports.lock.holder()) !== undefined && ports.clock.nowMs() < deadlineMs) {
    ports.observer.tell({ kind: 'trouble', reason: 'waiting for the present driver to stop between two steps', waitMs: 1000 });
    await ports.clock.sleep(1000);
  }
}
