/** Paths that are about no resource: versions, health, discovery, schemas. */
import type { IncomingMessage } from 'node:http';
import {
  JSON_TYPE,
  jsonAnswer,
  methodNotAllowed,
  noSuchResource,
  pageNotFound,
  textAnswer,
  TEXT_TYPE,
  type Answer,
} from '../http/http-answers.ts';
import { createDiscovery } from './discovery.ts';
import { createOpenApi } from './open-api.ts';
import type { ServerCore } from '../server-core.ts';

export type AnswerPath = (message: IncomingMessage, path: string, query: URLSearchParams) => Answer;

/** What a server of this version says of itself. */
const VERSION = {
  major: '1',
  minor: '34',
  emulationMajor: '1',
  emulationMinor: '34',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '33',
  gitVersion: 'v1.34.3',
  gitCommit: 'unknown',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'meshlift-sandbox',
  compiler: 'none',
  platform: 'linux/amd64',
};

const HEALTH = /^\/(healthz|livez|readyz)(?:\/(ping|log|etcd))?$/;

export function createPathAnswers(core: ServerCore): AnswerPath {
  const discovery = createDiscovery(core.registry);
  const openApi = createOpenApi(core);
  return (message, path, query) => {
    const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    const [, health, check] = HEALTH.exec(trimmed) ?? [];
    if (health !== undefined) return healthAnswer(health, check, query);
    if (trimmed === '/version') return onlyGet(message) ?? { code: 200, contentType: JSON_TYPE, body: JSON.stringify(VERSION, null, 2) };
    if (trimmed === '/openapi/v2') return onlyGet(message) ?? emptyOpenApiV2(message.headers.accept);
    if (trimmed === '/openapi/v3' || trimmed.startsWith('/openapi/v3/')) return openApi(trimmed.slice('/openapi/v3'.length));
    if (trimmed === '/') return { code: 200, contentType: JSON_TYPE, body: JSON.stringify({ paths: discovery.paths() }, null, 2) };
    const found = discovery.answer(trimmed, message.headers.accept);
    if (found !== undefined) return onlyGet(message) ?? found;
    if (trimmed.startsWith('/api/')) throw noSuchResource();
    return pageNotFound();
  };
}

const OPEN_API_V2 = /application\/com\.github\.proto-openapi\.spec\.v2[.@]v1\.0\+protobuf/;

/** Clients turn to the old form for kinds that the new one does not have; it knows none, and they go on without a schema. */
function emptyOpenApiV2(accept = ''): Answer {
  const swagger = '2.0';
  if (!OPEN_API_V2.test(accept))
    return jsonAnswer(200, { swagger, info: { title: 'Kubernetes', version: VERSION.gitVersion }, paths: {}, definitions: {} });
  // Clients ask with an @, which has no place in a media type. The body is the first field of the message, a text of three bytes.
  return { code: 200, contentType: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf', body: `\n\u0003${swagger}` };
}

function onlyGet(message: IncomingMessage): undefined {
  if (message.method !== 'GET' && message.method !== 'HEAD') throw methodNotAllowed();
  return undefined;
}

function healthAnswer(name: string, check: string | undefined, query: URLSearchParams): Answer {
  if (check !== undefined) return { code: 200, contentType: TEXT_TYPE, body: 'ok' };
  if (!query.has('verbose')) return textAnswer(200, 'ok');
  return textAnswer(200, `[+]ping ok\n[+]log ok\n[+]etcd ok\n${name} check passed\n`);
}
