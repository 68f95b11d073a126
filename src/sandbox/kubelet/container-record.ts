/** What a kubelet remembers of a container, from which its status is written. */
import type { ContainerRole, PodContainer } from './pod-spec.ts';

export interface TerminatedState {
  readonly kind: 'terminated';
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly containerId?: string;
}

export type ContainerState =
  | { readonly kind: 'waiting'; readonly reason: string; readonly message?: string }
  | { readonly kind: 'running'; readonly startedAtMs: number }
  | TerminatedState;

export interface ContainerRecord {
  readonly spec: PodContainer;
  readonly role: ContainerRole;
  state: ContainerState;
  lastState?: TerminatedState;
  restartCount: number;
  /** Runs, and its startup probe has succeeded. */
  started: boolean;
  ready: boolean;
  /** 64 hexadecimal digits, another one for each run. */
  containerId?: string;
  imagePulled: boolean;
}

/**
 * What is left of a container when its pod is stopped between two runs, or before its first one.
 * @param initialized whether the pod had come so far that main containers could be started
 * @source kubernetes/kubernetes TerminatePod of pkg/kubelet/status/status_manager.go @v1.34
 */
export function settleRecord(record: ContainerRecord, initialized: boolean): void {
  if (record.state.kind !== 'waiting') return;
  if (record.lastState !== undefined) {
    record.state = record.lastState;
    delete record.lastState;
  } else if (record.role === 'main' && initialized) {
    const message = 'The container could not be located when the pod was terminated';
    record.state = { kind: 'terminated', exitCode: UNLOCATED, reason: 'ContainerStatusUnknown', message };
  }
}

const UNLOCATED = 137;

export function newRecord(spec: PodContainer, role: ContainerRole, podHasInit: boolean): ContainerRecord {
  return {
    spec,
    role,
    state: { kind: 'waiting', reason: podHasInit ? 'PodInitializing' : 'ContainerCreating' },
    restartCount: 0,
    started: false,
    ready: false,
    imagePulled: false,
  };
}
