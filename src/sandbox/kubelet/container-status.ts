/** Writes a container's status as the kubelet does. */
import { createHash } from 'node:crypto';
import type { ContainerRecord, ContainerState, TerminatedState } from './container-record.ts';

const RUNTIME = 'containerd://';

export function containerStatus(record: ContainerRecord): Readonly<Record<string, unknown>> {
  const { spec, containerId } = record;
  const created = containerId !== undefined;
  const requests = spec.resources?.requests;
  const mounts = spec.volumeMounts ?? [];
  return {
    name: spec.name,
    state: stateStatus(record.state),
    lastState: record.lastState === undefined ? {} : stateStatus(record.lastState),
    ready: record.ready,
    restartCount: record.restartCount,
    image: spec.image,
    imageID: created ? imageId(spec.image) : '',
    ...(created ? { containerID: `${RUNTIME}${containerId}` } : {}),
    started: record.started,
    ...(created && requests !== undefined ? { allocatedResources: requests } : {}),
    ...(created ? { resources: spec.resources ?? {} } : {}),
    ...(mounts.length === 0 ? {} : { volumeMounts: mounts.map(mountStatus) }),
  };
}

function stateStatus(state: ContainerState): Readonly<Record<string, unknown>> {
  switch (state.kind) {
    case 'waiting':
      return { waiting: { reason: state.reason, ...(state.message === undefined ? {} : { message: state.message }) } };
    case 'running':
      return { running: { startedAt: seconds(state.startedAtMs) } };
    case 'terminated':
      return { terminated: terminatedStatus(state) };
  }
}

function terminatedStatus(state: TerminatedState): Readonly<Record<string, unknown>> {
  return {
    exitCode: state.exitCode,
    reason: state.reason,
    ...(state.message === undefined ? {} : { message: state.message }),
    startedAt: state.startedAtMs === undefined ? null : seconds(state.startedAtMs),
    finishedAt: state.finishedAtMs === undefined ? null : seconds(state.finishedAtMs),
    ...(state.containerId === undefined ? {} : { containerID: `${RUNTIME}${state.containerId}` }),
  };
}

function mountStatus({ name, mountPath, readOnly }: { name: string; mountPath: string; readOnly?: boolean }): unknown {
  return { name, mountPath, ...(readOnly === true ? { readOnly, recursiveReadOnly: 'Disabled' } : {}) };
}

/** Stands for the digest: the same image always has the same. */
export function imageId(image: string): string {
  const known = imageIds.get(image);
  if (known !== undefined) return known;
  const id = `sha256:${sha256(image)}`;
  if (imageIds.size < MOST_IMAGES) imageIds.set(image, id);
  return id;
}

const imageIds = new Map<string, string>();
const MOST_IMAGES = 1000;

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** RFC 3339 with whole seconds. */
export function seconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
