/** Events of controllers, as `kubectl describe` shows them: the same event again is counted, not repeated. */
import { type SandboxClock, timestamp } from '../../clock/sandbox-clock.ts';
import type { ClusterWriter } from '../../cluster/cluster-view.ts';
import type { KubeObject } from '../../objects/kube-object.ts';

export interface EventText {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface EventRecorder {
  /** Returns at once; that an event could not be written is nobody's trouble. */
  readonly record: (about: KubeObject, event: EventText) => void;
  readonly stop: () => void;
}

interface Known {
  readonly name: string;
  count: number;
}

/** How long an API server keeps events (`--event-ttl`). */
const KEPT_MS = 3_600_000;

export const SILENT_RECORDER: EventRecorder = { record: () => undefined, stop: () => undefined };

/** The recorder without its events of type Normal. */
export function warningsOnly(recorder: EventRecorder): EventRecorder {
  return {
    record: (about, event) => {
      if (event.type === 'Warning') recorder.record(about, event);
    },
    stop: recorder.stop,
  };
}

export interface RecorderOptions {
  readonly clock: SandboxClock;
  readonly writer: ClusterWriter;
  /** `deployment-controller` */
  readonly component: string;
}

export function createEventRecorder({ clock, writer, component }: RecorderOptions): EventRecorder {
  const known = new Map<string, Known>();
  let last: Promise<unknown> = Promise.resolve();
  let stopped = false;
  let sequence = 0;

  const inOrder = (write: () => Promise<unknown>): void => {
    const release = clock.hold();
    last = last.then(() => (stopped ? undefined : write())).then(release, release);
  };

  const create = (about: KubeObject, event: EventText, key: string): void => {
    sequence += 1;
    const name = `${about.metadata.name}.${(Math.trunc(clock.nowMs()) * 1_000_000 + sequence).toString(16)}`;
    const namespace = about.metadata.namespace ?? 'default';
    known.set(key, { name, count: 1 });
    inOrder(() => writer.create('events', eventObject({ about, event, name, namespace, component, time: timestamp(clock) })));
    clock.after(KEPT_MS, () => {
      known.delete(key);
      inOrder(() => writer.delete('events', name, namespace));
    });
  };

  return {
    record: (about, event) => {
      if (stopped) return;
      const key = [about.kind, about.metadata.uid, event.type, event.reason, event.message].join('\n');
      const before = known.get(key);
      if (before === undefined) return create(about, event, key);
      before.count += 1;
      const patch = { count: before.count, lastTimestamp: timestamp(clock) };
      inOrder(() => writer.patch('events', before.name, about.metadata.namespace ?? 'default', patch));
    },
    stop: () => {
      stopped = true;
    },
  };
}

interface EventFields {
  readonly about: KubeObject;
  readonly event: EventText;
  readonly name: string;
  readonly namespace: string;
  readonly component: string;
  readonly time: string;
}

function eventObject({ about, event, name, namespace, component, time }: EventFields): KubeObject {
  const { metadata } = about;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
      ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
    },
    ...event,
    count: 1,
    firstTimestamp: time,
    lastTimestamp: time,
    source: { component },
    reportingComponent: component,
    reportingInstance: '',
    eventTime: null,
  };
}
