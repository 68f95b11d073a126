/** Writes the Event objects of a kubelet. They are told and forgotten: a pod does not wait for them, and a refused one is lost. */
import { timestamp, type SandboxClock } from '../clock/sandbox-clock.ts';
import type { ClusterWriter } from '../cluster/cluster-view.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { KubeletKnobs } from './kubelet-knobs.ts';

export interface PodEvent {
  readonly type: 'Normal' | 'Warning';
  /** `Pulled`, `Created`, `Started`, `Killing`, `BackOff`, `Failed`, `Unhealthy`, … */
  readonly reason: string;
  readonly message: string;
  /** `spec.containers{app}` */
  readonly fieldPath?: string;
}

export interface EventRecorder {
  readonly record: (about: KubeObject, event: PodEvent) => void;
}

const NANOSECONDS = 1_000_000n;
/** Events that a repetition is looked for among. */
const REMEMBERED = 4096;

interface Told {
  readonly name: string;
  readonly namespace: string;
  count: number;
}

export interface EventRecorderInput {
  readonly clock: SandboxClock;
  readonly writer: ClusterWriter;
  readonly knobs: KubeletKnobs;
  readonly node: string;
  /** Tells names of one instant apart; counts over all nodes. */
  readonly nextNumber: () => number;
}

/** The same event again raises the count of the first one. */
export function createEventRecorder({ clock, writer, knobs, node, nextNumber }: EventRecorderInput): EventRecorder {
  const told = new Map<string, Told>();
  /** Writes of one kubelet follow each other: a count is raised after its event was created. */
  let writing: Promise<unknown> = Promise.resolve();
  const write = (act: () => Promise<unknown>): void => {
    const release = clock.hold();
    writing = writing.then(act).then(release, release);
  };
  return {
    record: (about, event) => {
      const wanted = knobs.settings().events;
      if (wanted === 'none' || (wanted === 'warnings' && event.type === 'Normal')) return;
      const now = timestamp(clock);
      const key = [about.metadata.uid, event.type, event.reason, event.message, event.fieldPath].join('\n');
      const before = told.get(key);
      if (before !== undefined) {
        before.count += 1;
        const { name, namespace, count } = before;
        write(() => writer.patch('events', name, namespace, { count, lastTimestamp: now }));
        return;
      }
      const suffix = (BigInt(Math.floor(clock.nowMs())) * NANOSECONDS + BigInt(nextNumber())).toString(16);
      const namespace = about.metadata.namespace ?? 'default';
      const object: KubeObject = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `${about.metadata.name}.${suffix}`, namespace },
        involvedObject: reference(about, event.fieldPath),
        reason: event.reason,
        message: event.message,
        source: { component: 'kubelet', host: node },
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
        type: event.type,
        eventTime: null,
        reportingComponent: 'kubelet',
        reportingInstance: node,
      };
      told.set(key, { name: object.metadata.name, namespace, count: 1 });
      const [oldest] = told.keys();
      if (told.size > REMEMBERED && oldest !== undefined) told.delete(oldest);
      write(() => writer.create('events', object));
    },
  };
}

function reference({ apiVersion, kind, metadata }: KubeObject, fieldPath: string | undefined): unknown {
  const { namespace, name, uid, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    uid,
    resourceVersion,
    ...(fieldPath ? { fieldPath } : {}),
  };
}
