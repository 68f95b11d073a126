/** The frame of every controller: what it watches, which keys that concerns, what it does with a key. */
import type { SandboxClock } from '../../clock/sandbox-clock.ts';
import type { Cluster, ClusterChange, ClusterView, ClusterWriter } from '../../cluster/cluster-view.ts';
import type { GroupResource, KubeObject } from '../../objects/kube-object.ts';
import { StatusError } from '../../objects/status-error.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { OrphanIndex } from './orphan-index.ts';
import { WorkQueue } from './work-queue.ts';

/** What all controllers share. */
export interface ControllerContext {
  readonly cluster: Cluster;
  readonly clock: SandboxClock;
  readonly random: () => number;
  /** Writes as the controller itself. */
  readonly writer: ClusterWriter;
  readonly events: EventRecorder;
  readonly orphans: OrphanIndex;
  readonly workers: number;
  readonly latencyMs: number;
  readonly onError: (controller: string, key: string, error: unknown) => void;
}

export interface Controller {
  start(): void;
  stop(): void;
  /** Resolves when nothing waits to be looked at now. */
  idle(): Promise<void>;
}

export interface Watch {
  readonly resource: GroupResource;
  /** Adds the keys that a change concerns. Also called for each object that is there at the start. */
  readonly onChange: (change: ClusterChange, queue: WorkQueue) => void;
}

export interface ControllerDefinition {
  readonly name: string;
  readonly watches: readonly Watch[];
  readonly reconcile: (key: string, queue: WorkQueue) => Promise<void>;
  /** For what is not known before the start, such as resources that come later. @returns ends it */
  readonly subscribe?: (queue: WorkQueue) => () => void;
}

export function defineController(context: ControllerContext, definition: ControllerDefinition): Controller {
  const { name, watches } = definition;
  const queue: WorkQueue = new WorkQueue({
    clock: context.clock,
    workers: context.workers,
    latencyMs: context.latencyMs,
    reconcile: async (key) => {
      try {
        await definition.reconcile(key, queue);
      } catch (error) {
        // Nothing new belongs into a namespace that goes away, and trying again would not help.
        if (!isNamespaceTerminating(error)) throw error;
      }
    },
    onError: (key, error) => context.onError(name, key, error),
  });
  let unsubscribe: readonly (() => void)[] = [];
  return {
    start: () => {
      unsubscribe = watches.map(({ resource, onChange }) => {
        for (const object of context.cluster.list(resource)) onChange({ type: 'ADDED', object }, queue);
        return context.cluster.onChange(resource, (change) => onChange(change, queue));
      });
      if (definition.subscribe !== undefined) unsubscribe = [...unsubscribe, definition.subscribe(queue)];
    },
    stop: () => {
      for (const off of unsubscribe) off();
      queue.stop();
    },
    idle: () => queue.idle(),
  };
}

/** Reads an object and takes its shape on trust: the API server has validated it. */
export function read<Shape extends KubeObject>(
  cluster: ClusterView,
  resource: GroupResource,
  name: string,
  namespace?: string,
): Shape | undefined {
  return cluster.get(resource, name, namespace) as Shape | undefined;
}

/** What a failure says, for events and conditions. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error);
}

export function isNotFound(error: unknown): boolean {
  return error instanceof StatusError && error.status.code === 404;
}

export function isAlreadyExists(error: unknown): boolean {
  return error instanceof StatusError && error.status.reason === 'AlreadyExists';
}

/** Creation was refused because the namespace is going away: no reason to try again or to complain. */
export function isNamespaceTerminating(error: unknown): boolean {
  return error instanceof StatusError && (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating');
}

/** Deletes; that it is gone already is well. */
export async function deleteQuietly(
  writer: ClusterWriter,
  resource: GroupResource,
  object: KubeObject,
  options: Parameters<ClusterWriter['delete']>[3] = {},
): Promise<void> {
  const uid = object.metadata.uid;
  try {
    await writer.delete(resource, object.metadata.name, object.metadata.namespace, { ...(uid === undefined ? {} : { uid }), ...options });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
