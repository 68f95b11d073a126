/** Brings a pod's status to the API server: several changes of one moment become one write, and a write follows the one before. */
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { ClusterView, ClusterWriter } from '../cluster/cluster-view.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { StatusError } from '../objects/status-error.ts';
import type { PodStatus } from './pod-spec.ts';

export interface StatusWriter {
  /** Says that the status may be another one now. May be called where nothing may be written. */
  readonly changed: () => void;
  /** Resolves when everything that was said is written, or the pod is gone. */
  readonly settled: () => Promise<void>;
}

export interface StatusWriterInput {
  readonly view: ClusterView;
  readonly writer: ClusterWriter;
  readonly clock: SandboxClock;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly status: (pod: KubeObject) => PodStatus;
}

const RETRY_MS = 1000;

export function createStatusWriter({ view, writer, clock, pod: { namespace, name, uid }, status }: StatusWriterInput): StatusWriter {
  let dirty = false;
  let flushing: Promise<void> | undefined;

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
      await clock.sleep(0);
      dirty = false;
      const result = await writeOnce();
      if (result !== 'done') dirty = true;
      if (result === 'later') await clock.sleep(RETRY_MS);
    }
  };
  return {
    changed: () => {
      dirty = true;
      if (flushing !== undefined) return;
      flushing = flush().finally(() => (flushing = undefined));
    },
    settled: async () => {
      while (flushing !== undefined) await flushing;
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
