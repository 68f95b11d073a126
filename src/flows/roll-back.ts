/** Takes a run back: a plan like any other, shown first, stored, and performed by the same loop. */
import { withOriginals } from '../core/controlplane/default-pointers.ts';
import { buildInventory } from '../core/mesh/build-inventory.ts';
import { findInjectionWebhooks } from '../core/mesh/find-revisions.ts';
import type { KubeObject, ObjectRef } from '../core/mesh/kube-objects.ts';
import { buildRollback } from '../core/plan/build-rollback.ts';
import type { Plan } from '../core/plan/plan.ts';
import { Problem } from '../core/problems/problem.ts';
import type { RunRecord } from '../core/run/run-state.ts';
import { instant, type RunPorts } from './flow-ports.ts';
import { performRun, type RunResult } from './perform-run.ts';
import { record as store, withLock } from './start-run.ts';

/** @returns the plan of the roll-back, from the record and the mesh as it is now @throws Problem RUN-040, RUN-005 */
export async function planRollback(ports: RunPorts, record: RunRecord): Promise<Plan> {
  expectNotTakenBack(record);
  const objects = await ports.reader.readMesh('plan');
  const inventory = buildInventory(objects);
  const candidates = await ports.reader.readControlPlaneObjects();
  const touched = new Set([...record.state.steps].filter(([, status]) => status !== 'waiting').map(([id]) => id));
  const plan = buildRollback({
    plan: record.plan,
    touched,
    originalRefs: new Map([...record.state.originals].map(([id, originals]) => [id, originals.map((original) => original.ref)])),
    inventory,
    webhooks: findInjectionWebhooks(withOriginals(objects, originalObjects(record))),
    candidates,
    createdAt: instant(ports.clock.nowMs()),
    createdBy: ports.user,
    attempt: record.events.filter((event) => event.type === 'RollbackStarted').length,
  });
  if (plan.steps.length === 0)
    throw new Problem('RUN-040', {
      what: `${record.name} has changed nothing that could be taken back.`,
      next: [{ label: 'remove its record', command: `meshlift forget ${record.name}` }],
    });
  return plan;
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

/** Performs the roll-back; one that was only interrupted goes on where it stands. */
export async function rollBack(ports: RunPorts, name: string, reason: string, stopSignal: AbortSignal): Promise<RunResult> {
  await askToPause(ports, name);
  return withLock(ports, async (lock) => {
    const writer = await ports.store.open(name, ports.lock.identity);
    const at = instant(ports.clock.nowMs());
    expectNotTakenBack(writer.record);
    if (needsRollbackPlan(writer.record)) {
      await writer.storeBackPlan(await planRollback(ports, writer.record));
      await ports.store.setPaused(name, false);
      await store(ports, writer, { type: 'RollbackStarted', at, by: ports.lock.identity, reason });
    } else {
      await ports.store.setPaused(name, false);
      await store(ports, writer, { type: 'Resumed', at, by: ports.lock.identity });
    }
    return performRun(ports, { writer, lock, stopSignal });
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
