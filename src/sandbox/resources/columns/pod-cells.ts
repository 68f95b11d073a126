/**
 * READY, STATUS and RESTARTS of pods, which kubectl gets from the server.
 * @source kubernetes/kubernetes pkg/printers/internalversion/printers.go (printPod) of 1.34
 */
import { at, integer, isRecord, record, records, text, type Json } from '../json-tree.ts';
import { conditionIs, humanDuration } from './cell-text.ts';

export interface PodCells {
  readonly ready: string;
  readonly status: string;
  readonly restarts: string;
}

interface Tally {
  readonly ready: number;
  readonly restarts: number;
  /** Milliseconds since the epoch; 0 for never. */
  readonly lastRestartMs: number;
  /** Only of containers that run beside the others. */
  readonly sidecarRestarts: number;
  readonly lastSidecarRestartMs: number;
  /** What the first init container that is not done says. */
  readonly reason?: string;
}

export function podCells(pod: Json, nowMs: number): PodCells {
  const spec = record(pod['spec']);
  const sidecars = new Set(
    records(spec['initContainers']).flatMap((container) => (container['restartPolicy'] === 'Always' ? [text(container['name'])] : [])),
  );
  const initStatuses = records(at(pod, 'status', 'initContainerStatuses'));
  const total = records(spec['containers']).length + sidecars.size;
  const init = initTally(initStatuses, sidecars, records(spec['initContainers']).length);
  let reason = init.reason ?? phaseReason(pod);
  let { ready, restarts, lastRestartMs } = init;
  if (init.reason === undefined || conditionIs(pod, 'Initialized')) {
    const main = mainTally(pod, reason);
    ready += main.ready;
    restarts = init.sidecarRestarts + main.restarts;
    lastRestartMs = Math.max(init.lastSidecarRestartMs, main.lastRestartMs);
    reason = main.reason ?? reason;
  }
  const ago = restarts !== 0 && lastRestartMs !== 0 ? ` (${humanDuration(nowMs - lastRestartMs)} ago)` : '';
  return { ready: `${ready}/${total}`, status: deletion(pod) ?? reason, restarts: `${restarts}${ago}` };
}

function phaseReason(pod: Json): string {
  const gated = records(at(pod, 'status', 'conditions')).some(
    (entry) => entry['type'] === 'PodScheduled' && entry['reason'] === 'SchedulingGated',
  );
  if (gated) return 'SchedulingGated';
  return text(at(pod, 'status', 'reason')) || text(at(pod, 'status', 'phase'));
}

function deletion(pod: Json): string | undefined {
  if (at(pod, 'metadata', 'deletionTimestamp') === undefined) return undefined;
  if (at(pod, 'status', 'reason') === 'NodeLost') return 'Unknown';
  const phase = at(pod, 'status', 'phase');
  return phase === 'Succeeded' || phase === 'Failed' ? undefined : 'Terminating';
}

function initTally(statuses: readonly Json[], sidecars: ReadonlySet<string>, count: number): Tally {
  let [ready, restarts, lastRestartMs, sidecarRestarts, lastSidecarRestartMs] = [0, 0, 0, 0, 0];
  for (const [index, entry] of statuses.entries()) {
    const sidecar = sidecars.has(text(entry['name']));
    restarts += integer(entry['restartCount']);
    lastRestartMs = Math.max(lastRestartMs, finishedMs(entry));
    if (sidecar) {
      sidecarRestarts += integer(entry['restartCount']);
      lastSidecarRestartMs = Math.max(lastSidecarRestartMs, finishedMs(entry));
    }
    const terminated = at(entry, 'state', 'terminated');
    if (isRecord(terminated) && integer(terminated['exitCode']) === 0) continue;
    if (sidecar && entry['started'] === true) {
      if (entry['ready'] === true) ready += 1;
      continue;
    }
    return { ready, restarts, lastRestartMs, sidecarRestarts, lastSidecarRestartMs, reason: initReason(entry, index, count) };
  }
  return { ready, restarts, lastRestartMs, sidecarRestarts, lastSidecarRestartMs };
}

function initReason(entry: Json, index: number, count: number): string {
  const terminated = at(entry, 'state', 'terminated');
  if (isRecord(terminated)) return `Init:${text(terminated['reason']) || exitText(terminated)}`;
  const waiting = text(at(entry, 'state', 'waiting', 'reason'));
  return waiting !== '' && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${count}`;
}

function exitText(terminated: Json): string {
  const signal = integer(terminated['signal']);
  return signal === 0 ? `ExitCode:${integer(terminated['exitCode'])}` : `Signal:${signal}`;
}

function mainTally(pod: Json, before: string): Pick<Tally, 'ready' | 'restarts' | 'lastRestartMs' | 'reason'> {
  let [ready, restarts, lastRestartMs] = [0, 0, 0];
  let reason = before;
  let running = false;
  for (const entry of records(at(pod, 'status', 'containerStatuses')).toReversed()) {
    restarts += integer(entry['restartCount']);
    lastRestartMs = Math.max(lastRestartMs, finishedMs(entry));
    const waiting = text(at(entry, 'state', 'waiting', 'reason'));
    const terminated = at(entry, 'state', 'terminated');
    if (waiting !== '') reason = waiting;
    else if (isRecord(terminated)) reason = text(terminated['reason']) || exitText(terminated);
    else if (entry['ready'] === true && isRecord(at(entry, 'state', 'running'))) {
      running = true;
      ready += 1;
    }
  }
  if (reason === 'Completed' && running) reason = conditionIs(pod, 'Ready') ? 'Running' : 'NotReady';
  return { ready, restarts, lastRestartMs, reason };
}

function finishedMs(entry: Json): number {
  const finished = Date.parse(text(at(entry, 'lastState', 'terminated', 'finishedAt')));
  return Number.isNaN(finished) ? 0 : finished;
}

/** `1/2`: conditions that the pod waits for. */
export function readinessGates(pod: Json): string {
  const gates = records(at(pod, 'spec', 'readinessGates'));
  if (gates.length === 0) return '<none>';
  const met = gates.filter((gate) => conditionIs(pod, text(gate['conditionType']))).length;
  return `${met}/${gates.length}`;
}
