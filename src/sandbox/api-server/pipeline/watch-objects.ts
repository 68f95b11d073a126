/** Watches: what happens to the selected objects of one resource after a moment, bookmarks, and the end of it. */
import { StatusError, type Status } from '../../objects/status-error.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import type { StoreEvent } from '../../store/object-store.ts';
import { onlyName, selects, type ListOptions } from './list-options.ts';
import type { ListTarget } from './list-objects.ts';
import type { ServerCore } from '../server-core.ts';
import { asServed } from './stored-form.ts';
import { apiVersionOf } from '../resource-registry.ts';
import { plainServerError } from './update-object.ts';

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: KubeObject }
  | { readonly type: 'ERROR'; readonly object: Status };

/** Where the events of a watch go. */
export interface WatchSink {
  readonly send: (event: WatchEvent) => void;
  readonly end: () => void;
}

const BOOKMARK_INTERVAL_MS = 60_000;
/** Without a timeout of its own a watch ends after 30 to 60 minutes, as on the real server. */
const MIN_TIMEOUT_SECONDS = 1_800;

/**
 * Starts a watch; what is known already is sent before it returns.
 * @returns ends it without a further word
 * @throws StatusError when it cannot be started
 */
export function watchObjects(core: ServerCore, target: ListTarget, options: ListOptions, sink: WatchSink): () => void {
  const { store, clock } = core;
  const { storage } = target.definition;
  const from = startOf(options);
  const missed = from === undefined ? [] : store.eventsSince(storage, from);
  if (missed === undefined) {
    sink.send({ type: 'ERROR', object: tooOld(from ?? 0, store.resourceVersion).status });
    sink.end();
    return () => undefined;
  }
  if (sendsState(options)) for (const object of stateNow(core, target, options)) sink.send({ type: 'ADDED', object });
  if (options.sendInitialEvents === true && options.allowBookmarks) sink.send(bookmark(core, target, true));
  if (!sendsState(options)) for (const event of missed) forward(target, options, event, sink);

  const after = Math.max(from ?? 0, store.resourceVersion);
  const unsubscribe = store.subscribe(storage, (event) => {
    if (event.resourceVersion > after) forward(target, options, event, sink);
  });
  const bookmarks = options.allowBookmarks ? repeat(core, () => sink.send(bookmark(core, target, false))) : undefined;
  const seconds = options.timeoutSeconds ?? Math.round(MIN_TIMEOUT_SECONDS * (1 + core.random()));
  const timeout = clock.after(seconds * 1000, () => {
    if (options.allowBookmarks) sink.send(bookmark(core, target, false));
    stop();
    sink.end();
  });
  const stop = (): void => {
    unsubscribe();
    bookmarks?.();
    timeout.cancel();
  };
  return stop;
}

function startOf({ resourceVersion, sendInitialEvents }: ListOptions): number | undefined {
  if (resourceVersion !== '' && !/^\d+$/.test(resourceVersion))
    throw plainServerError(
      `resourceVersion: Invalid value: ${JSON.stringify(resourceVersion)}: strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`,
    );
  if (resourceVersion === '' || resourceVersion === '0' || sendInitialEvents === true) return undefined;
  return Number(resourceVersion);
}

/** A watch from nowhere starts with what there is. */
function sendsState({ resourceVersion, sendInitialEvents }: ListOptions): boolean {
  return sendInitialEvents ?? (resourceVersion === '' || resourceVersion === '0');
}

function stateNow({ store }: ServerCore, { definition, namespace }: ListTarget, options: ListOptions): readonly KubeObject[] {
  const objects = store.list(definition.storage, namespace).filter((object) => selects(options, object));
  return objects.map((object) => asServed(definition, object));
}

/** Objects that begin or cease to be selected appear as added and deleted. */
function forward({ definition, namespace }: ListTarget, options: ListOptions, event: StoreEvent, sink: WatchSink): void {
  const { object, previous } = event;
  if (namespace !== undefined && object.metadata.namespace !== namespace) return;
  const name = onlyName(options);
  if (name !== undefined && object.metadata.name !== name) return;
  const before = previous !== undefined && selects(options, previous);
  const now = event.type !== 'DELETED' && selects(options, object);
  if (now) sink.send({ type: before ? 'MODIFIED' : 'ADDED', object: asServed(definition, object) });
  else if (before)
    sink.send({ type: 'DELETED', object: asServed(definition, event.type === 'DELETED' ? object : leaving(previous, object)) });
}

/** What a watch sees of an object that is no longer selected: the state before, with the new resourceVersion. */
function leaving(previous: KubeObject, { metadata }: KubeObject): KubeObject {
  const { resourceVersion } = metadata;
  return { ...previous, metadata: { ...previous.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) } };
}

function bookmark({ store }: ServerCore, { definition }: ListTarget, initialEventsEnd: boolean): WatchEvent {
  const annotations = initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const metadata = { resourceVersion: String(store.resourceVersion), ...annotations } as unknown as KubeObject['metadata'];
  return { type: 'BOOKMARK', object: { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata } };
}

function tooOld(wanted: number, current: number): StatusError {
  return new StatusError(410, 'Expired', `too old resource version: ${wanted} (${current})`);
}

function repeat({ clock }: ServerCore, act: () => void): () => void {
  let timer = clock.after(BOOKMARK_INTERVAL_MS, tick);
  function tick(): void {
    act();
    timer = clock.after(BOOKMARK_INTERVAL_MS, tick);
  }
  return () => timer.cancel();
}
