/** Brings a pod's status to the API server: several changes of one moment become one write, and a write follows the one before. */
import type { KubeObject } from '../objects/kube-object.ts';
import { StatusError } from '../objects/status-error.ts';
import type { KubeletNode, KubeletSurroundings } from './kubelet-node.ts';
import type { PodStatus } from './pod-spec.ts';

/** Whose status it is. */
export interface StatusOwner {
  readonly surroundings: Pick<KubeletSurroundings, 'cluster' | 'clock' | 'knobs'>;
  readonly node: Pick<KubeletNode, 'writer'>;
  pod(): KubeObject;
  /** What the stored pod's status should be. */
  status(stored: KubeObject): PodStatus;
}

const RETRY_MS = 1000;

export class StatusWriter {
  readonly #owner: StatusOwner;
  #dirty = false;
  #flushing: Promise<void> | undefined;
  /** What comes next is not gathered. */
  #isUrgent = false;
  #endGathering: (() => void) | undefined;

  constructor(owner: StatusOwner) {
    this.#owner = owner;
  }

  /** Says that the status may be another one now. May be called where nothing may be written. */
  changed(): void {
    this.#dirty = true;
    this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined));
  }

  /** Says that what was gathered shall be written now. */
  hurry(): void {
    this.#isUrgent = true;
    this.#endGathering?.();
  }

  /** Resolves when everything that was said is written, or the pod is gone. */
  async settled(): Promise<void> {
    if (this.#dirty) this.hurry();
    while (this.#flushing !== undefined) await this.#flushing;
  }

  async #flush(): Promise<void> {
    while (this.#dirty) {
      // Lets what happens in the same moment be written with it.
      await this.#gather();
      this.#dirty = false;
      const result = await this.#writeOnce();
      if (result !== 'done') {
        this.#dirty = true;
        this.hurry();
      }
      if (result === 'later') await this.#owner.surroundings.clock.sleep(RETRY_MS);
    }
  }

  async #writeOnce(): Promise<'done' | 'again' | 'later'> {
    const { surroundings, node } = this.#owner;
    const { name, namespace, uid } = this.#owner.pod().metadata;
    const pod = surroundings.cluster.get('pods', name, namespace);
    if (pod === undefined || pod.metadata.uid !== uid) return 'done';
    const status = this.#owner.status(pod);
    if (isSame(status, pod['status'])) return 'done';
    const release = surroundings.clock.hold();
    try {
      await node.writer.updateStatus('pods', { ...pod, status });
      return 'done';
    } catch (error) {
      const code = error instanceof StatusError ? error.status.code : 500;
      // After a conflict the newest state is there at once.
      return code === 404 ? 'done' : code === 409 ? 'again' : 'later';
    } finally {
      release();
    }
  }

  /** Resolves after the delay of the knobs, or earlier when somebody has hurried since the last time. */
  async #gather(): Promise<void> {
    const { clock, knobs } = this.#owner.surroundings;
    const delayMs = knobs.settings().statusDelayMs;
    if (delayMs <= 0 || this.#isUrgent) await clock.sleep(0);
    else
      await new Promise<void>((resolve) => {
        const timer = clock.after(delayMs, resolve);
        this.#endGathering = () => {
          timer.cancel();
          // A turn later, as without a delay.
          clock.after(0, resolve);
        };
      });
    this.#endGathering = undefined;
    this.#isUrgent = false;
  }
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
