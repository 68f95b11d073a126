/** Brings a pod's status to the API server: several changes of one moment become one write, and a write follows the one before. */
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { ClusterView, ClusterWriter } from '../cluster/cluster-view.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { StatusError } from '../objects/status-error.ts';
import type { PodStatus } from './pod-spec.ts';

export interface StatusWriter {
  /** Says that the status may be another one now. May be called where nothing may be written. */
  readonly changed: () => void;
  /** Says that what was gathered shall be written now. */
  readonly hurry: () => void;
  /** Resolves when everything that was said is written, or the pod is gone. */
  readonly settled: () => Promise<void>;
}

export interface StatusWriterInput {
  readonly view: ClusterView;
  readonly writer: ClusterWriter;
  readonly clock: SandboxClock;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly status: (pod: KubeObject) => PodStatus;
  /** How long changes are gathered before they are written, unless somebody hurries. */
  readonly delayMs: () => number;
}

const RETRY_MS = 1000;

export function createStatusWriter(input: StatusWriterInput): StatusWriter {
  const { view, writer, clock, status } = input;
  const { namespace, name, uid } = input.pod;
  let dirty = false;
  let flushing: Promise<void> | undefined;
  const gathering = createGathering(clock);

  const writeOnce = async (): Promise<'done' | 'again' | 'later'> => {
    const pod = view.get('pods', name, namespace);
    if (pod === undefined || pod.metadata.uid !== uid) return 'done';
    const next = status(pod);
    if (isSame(next, pod['status'])) return 'done';
    const release = clock.hold();
    try {
      await writer.updateStatus('pods', { ...pod, status: next });
      return 'done';
    } catch (error) {
      const code = error instanceof StatusError ? error.status.code : 500;
      // After a conflict the newest state is there at once.
      return code === 404 ? 'done' : code === 409 ? 'again' : 'later';
    } finally {
      release();
    }
  };
  const flush = async (): Promise<void> => {
    while (dirty) {
      // Lets what happens in the same moment be written with it.
      await gathering.end(input.delayMs());
      dirty = false;
      const result = await writeOnce();
      if (result !== 'done') {
        dirty = true;
        gathering.hurry();
      }
      if (result === 'later') await clock.sleep(RETRY_MS);
    }
  };
  return {
    changed: () => {
      dirty = true;
      if (flushing !== undefined) return;
      flushing = flush().finally(() => (flushing = undefined));
    },
    hurry: gathering.hurry,
    settled: async () => {
      if (dirty) gathering.hurry();
      while (flushing !== undefined) await flushing;
    },
  };
}

interface Gathering {
  /** Resolves after the delay, or earlier when somebody has hurried since the last time. */
  readonly end: (delayMs: number) => Promise<void>;
  readonly hurry: () => void;
}

function createGathering(clock: SandboxClock): Gathering {
  let isUrgent = false;
  let endNow: (() => void) | undefined;
  const wait = (delayMs: number): Promise<void> => {
    if (delayMs <= 0 || isUrgent) return clock.sleep(0);
    return new Promise((resolve) => {
      const timer = clock.after(delayMs, resolve);
      endNow = () => {
        timer.cancel();
        // A turn later, as without a delay.
        clock.after(0, resolve);
      };
    });
  };
  return {
    end: async (delayMs) => {
      await wait(delayMs);
      endNow = undefined;
      isUrgent = false;
    },
    hurry: () => {
      isUrgent = true;
      endNow?.();
    },
  };
}

/** Equal as JSON; null is as good as absent, since servers drop it from most fields. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other || (isNothing(one) && isNothing(other))) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, index) => isSame(item, other[index]));
  if (!isRecord(one) || !isRecord(other)) return false;
  return (
    Object.keys(one).every((key) => isSame(one[key], other[key])) && Object.keys(other).every((key) => key in one || isNothing(other[key]))
  );
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
