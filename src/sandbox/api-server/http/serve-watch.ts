/** A watch over HTTP: one line of JSON for each event, for as long as the client reads them. */
import type { ServerResponse } from 'node:http';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { JSON_TYPE } from './http-answers.ts';
import { readListOptions } from '../pipeline/list-options.ts';
import { objectText } from './present-objects.ts';
import { presentationOf, selectableOf, type Exchange, type FrontParts } from './exchange.ts';
import { watchObjects, type WatchEvent } from '../pipeline/watch-objects.ts';

/** A client that is so far behind is cut off; it starts again with a list. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

/** @throws StatusError before anything is written */
export function serveWatch(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): void {
  const { response, query, info, release, silent } = exchange;
  const presentation = presentationOf(parts, exchange);
  const options = readListOptions(query, selectableOf(parts, definition), true);
  const target = { definition, ...(info.namespace === '' || !definition.namespaced ? {} : { namespace: info.namespace }) };
  let headed = false;
  const text = (event: WatchEvent): string => {
    if (event.type === 'ERROR') return JSON.stringify(event.object);
    if (event.type === 'BOOKMARK' && presentation.representation.form === 'object') return JSON.stringify(event.object);
    const json = objectText({ ...presentation, nowMs: parts.core.clock.nowMs() }, definition, event.object, headed);
    headed = true;
    return json;
  };
  let stop = (): void => undefined;
  const end = (): void => {
    stop();
    parts.open.delete(end);
    response.end();
  };
  const sink = {
    send: (event: WatchEvent): void => {
      if (silent) return;
      openStream(response);
      response.write(`{"type":"${event.type}","object":${text(event)}}\n`);
      if (response.writableLength <= MAX_UNREAD_BYTES) return;
      stop();
      response.destroy();
    },
    end,
  };
  stop = watchObjects(parts.core, target, options, sink);
  openStream(response);
  if (response.writableEnded) return;
  release();
  parts.open.add(end);
  response.once('close', () => {
    stop();
    parts.open.delete(end);
  });
}

/** Headers go out at once: a client waits for them before it believes that it watches. */
function openStream(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(200, { 'Content-Type': JSON_TYPE, 'Cache-Control': 'no-cache, private' });
  response.flushHeaders();
}
