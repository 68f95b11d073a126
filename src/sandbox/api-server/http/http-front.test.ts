import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StatusError } from '../../objects/status-error.ts';
import { startTestServer, type TestServer } from '../../../../test/kit/sandbox-api.ts';

let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
});

afterEach(() => server.close());

const MAPS = '/api/v1/namespaces/default/configmaps';

function configMap(name: string, labels: Readonly<Record<string, string>> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', labels }, data: { k: 'v' } };
}

interface List {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
  readonly metadata: { readonly continue?: string; readonly remainingItemCount?: number; readonly resourceVersion: string };
}

async function list(query: string): Promise<{ readonly names: readonly string[]; readonly metadata: List['metadata'] }> {
  const { items, metadata } = (await server.send('GET', `${MAPS}?${query}`)).body as unknown as List;
  return { names: items.map((item) => item.metadata.name), metadata };
}

async function fill(...names: readonly string[]): Promise<void> {
  for (const name of names) await server.writer.create('configmaps', configMap(name, { half: name < 'c' ? 'first' : 'second' }));
}

/** Waits until so many lines have come. */
async function lines(all: readonly string[], count: number): Promise<readonly string[]> {
  await expect.poll(() => all.length, { interval: 5 }).toBeGreaterThanOrEqual(count);
  return all;
}

const short = (line: string): string => {
  if (line === 'END' || line === 'CUT') return line;
  const { type, object } = JSON.parse(line) as { type: string; object: { metadata: { name?: string }; message?: string } };
  return `${type} ${object.metadata.name ?? object.message ?? ''}`.trim();
};

describe('paths and methods', () => {
  // Answers of a Kubernetes 1.34.3 server.
  it.each([
    ['GET', '/api/v1/foos', 404, 'the server could not find the requested resource'],
    ['GET', '/apis/apps/v1/deployments/x', 404, 'the server could not find the requested resource'],
    ['GET', '/api/v1/namespaces/default/nodes', 404, 'the server could not find the requested resource'],
    ['GET', `${MAPS}/x`, 404, 'configmaps "x" not found'],
    ['POST', '/api/v1/namespaces/default', 405, 'the server does not allow this method on the requested resource'],
    ['DELETE', '/api/v1/configmaps', 405, 'the server does not allow this method on the requested resource'],
    ['GET', '/api/v1/namespaces/default/pods/x/log', 404, 'pods "x" not found'],
    ['GET', `${MAPS}?limit=abc`, 400, 'strconv.ParseInt: parsing "abc": invalid syntax'],
    ['GET', `${MAPS}?resourceVersion=99999`, 504, /^Timeout: Too large resource version: 99999, current: \d+$/],
    ['GET', `${MAPS}?resourceVersion=1&resourceVersionMatch=Exact`, 410, 'The resourceVersion for the provided list is too old.'],
  ])('%s %s', async (method, path, code, message) => {
    const reply = await server.send(method, path);
    expect(reply.code).toBe(code);
    if (typeof message === 'string') expect(reply.body['message']).toBe(message);
    else expect(reply.body['message']).toMatch(message);
  });

  it('knows no other paths', async () => {
    for (const path of ['/foo', '/apis/foo/v1', '/apis/foo/v1/bars']) {
      const reply = await server.send('GET', path);
      expect([path, reply.code, reply.text]).toEqual([path, 404, '404 page not found\n']);
    }
    expect((await server.send('GET', '/version')).body['gitVersion']).toBe('v1.34.3');
    expect((await server.send('GET', '/readyz')).text).toBe('ok');
  });

  it('asks who it is, and whether they may', async () => {
    const nobody = await server.send('GET', MAPS, { headers: { Authorization: 'Bearer nobody-token' } });
    expect([nobody.code, nobody.body['message']]).toEqual([
      403,
      'configmaps is forbidden: User "nobody" cannot list resource "configmaps" in API group "" in the namespace "default"',
    ]);
    const stranger = await server.send('GET', MAPS, { headers: { Authorization: 'Bearer x' } });
    expect([stranger.code, stranger.body['reason']]).toEqual([401, 'Unauthorized']);
    const impersonated = await server.send('GET', MAPS, { headers: { 'Impersonate-User': 'eve' } });
    expect(impersonated.code).toBe(403);
    const anonymous = await server.send('GET', '/version', { headers: { Authorization: '' } });
    expect(anonymous.code).toBe(200);
  });
});

describe('bodies', () => {
  it.each([
    ['{bad', undefined, 400, /invalid character 'b' looking for beginning of object key string \(\{bad\)$/],
    ['a: [b', 'application/yaml', 400, /yaml: line 1: did not find expected ',' or ']' \(613a205b62\)$/],
    ['{}', 'text/plain', 415, /^the body of the request was in an unknown format/],
    [{ kind: 'Secret', apiVersion: 'v1' }, undefined, 400, /converting \(v1\.Secret\) to \(core\.ConfigMap\): unknown conversion$/],
    [{ metadata: { name: 'a', namespace: 'other' } }, undefined, 400, /does not match the namespace sent on the request$/],
    [{ metadata: {} }, undefined, 422, /^ConfigMap "" is invalid: metadata\.name: Required value: name or generateName is required$/],
    [`{"data":{"k":"${'x'.repeat(3_200_000)}"}}`, undefined, 413, /^Request entity too large: limit is 3145728$/],
  ])('%#', async (body, type, code, message) => {
    const reply = await server.send('POST', MAPS, { body, ...(type === undefined ? {} : { type }) });
    expect(reply.code).toBe(code);
    expect(reply.body['message']).toMatch(message);
  });

  it('warns of fields that it does not know, or refuses them', async () => {
    const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","name":"a"},"foo":1}';
    const warned = await server.send('POST', `${MAPS}?dryRun=All`, { body });
    expect([warned.code, warned.headers['warning']]).toEqual([
      201,
      String.raw`299 - "duplicate field \"metadata.name\"", 299 - "unknown field \"foo\""`,
    ]);
    expect(warned.body).not.toHaveProperty('foo');
    const refused = await server.send('POST', `${MAPS}?fieldValidation=Strict`, { body });
    expect([refused.code, refused.body['message']]).toEqual([
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "metadata.name", unknown field "foo"',
    ]);
    expect(server.api.cluster.list('configmaps')).toEqual([]);
  });

  it('reads YAML and answers in it', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ya\ndata:\n  "on": "1"\n';
    const reply = await server.send('POST', MAPS, {
      body: yaml,
      type: 'application/yaml',
      accept: 'application/yaml',
    });
    expect(reply.headers['content-type']).toBe('application/yaml');
    expect(reply.text).toContain('data:\n  "on": "1"\nkind: ConfigMap\n');
  });
});

describe('lists', () => {
  it('shows one moment page by page, and tells how much is left', async () => {
    await fill('a', 'b', 'c', 'd');
    const first = await list('limit=2');
    expect([first.names, first.metadata.remainingItemCount]).toEqual([['a', 'b'], 2]);
    await server.writer.delete('configmaps', 'c', 'default');
    await fill('e');
    const token = first.metadata.continue ?? '';
    const second = await list(`limit=2&continue=${token}`);
    expect([second.names, second.metadata.continue]).toEqual([['c', 'd'], undefined]);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    server.api.store.compact('configmaps');
    const expired = await server.send('GET', `${MAPS}?limit=2&continue=${token}`);
    expect(expired.code).toBe(410);
    const next = (expired.body['metadata'] as { readonly continue: string }).continue;
    expect((await list(`limit=9&continue=${next}`)).names).toEqual(['d', 'e']);
  });

  it('selects, and ignores limits at resourceVersion 0', async () => {
    await fill('a', 'b', 'c');
    expect((await list('labelSelector=half%3Dfirst')).names).toEqual(['a', 'b']);
    expect((await list('fieldSelector=metadata.name%3Dc')).names).toEqual(['c']);
    expect((await list('limit=1&resourceVersion=0')).names).toEqual(['a', 'b', 'c']);
  });

  it('leaves kind and apiVersion out of built-in items, and makes tables and metadata of them', async () => {
    await fill('a');
    const { items } = (await server.send('GET', MAPS)).body as unknown as List;
    expect(Object.keys(items[0] ?? {})).toEqual(['metadata', 'data']);
    const table = await server.send('GET', MAPS, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    expect(table.body).toMatchObject({ kind: 'Table', rows: [{ cells: ['a', 1, '0s'], object: { kind: 'PartialObjectMetadata' } }] });
    const partial = await server.send('GET', `${MAPS}/a`, { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' });
    expect(Object.keys(partial.body)).toEqual(['kind', 'apiVersion', 'metadata']);
    expect((await server.send('GET', MAPS, { accept: 'text/html' })).code).toBe(406);
  });
});

describe('watches', () => {
  it('starts with what there is, and sees objects come into the selection and leave it', async () => {
    await fill('a', 'd');
    const seen: string[] = [];
    const stop = await server.watch(`${MAPS}?watch=1&labelSelector=half%3Dfirst`, seen);
    await server.writer.patch('configmaps', 'd', 'default', { metadata: { labels: { half: 'first' } } });
    await server.writer.patch('configmaps', 'd', 'default', { data: { k: 'w' } });
    await server.writer.patch('configmaps', 'd', 'default', { metadata: { labels: { half: null } } });
    await server.writer.delete('configmaps', 'a', 'default');
    expect((await lines(seen, 5)).map(short)).toEqual(['ADDED a', 'ADDED d', 'MODIFIED d', 'DELETED d', 'DELETED a']);
    stop();
  });

  it('goes on from a resourceVersion, and says when it is too old', async () => {
    await fill('a', 'b');
    const from = server.api.cluster.get('configmaps', 'a', 'default')?.metadata.resourceVersion ?? '';
    const seen: string[] = [];
    const stop = await server.watch(`${MAPS}?watch=1&resourceVersion=${from}`, seen);
    expect((await lines(seen, 1)).map(short)).toEqual(['ADDED b']);
    stop();
    const late: string[] = [];
    await server.watch(`${MAPS}?watch=1&resourceVersion=1`, late);
    expect((await lines(late, 2)).map(short)).toEqual([`ERROR too old resource version: 1 (${server.api.store.resourceVersion})`, 'END']);
  });

  it('streams the state and marks its end, bookmarks by the minute and ends after its time', async () => {
    await fill('a');
    const seen: string[] = [];
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=90';
    await server.watch(`${MAPS}?${query}`, seen);
    await lines(seen, 2);
    expect(seen[1]).toContain('"annotations":{"k8s.io/initial-events-end":"true"}');
    server.clock.start();
    expect((await lines(seen, 5)).map(short)).toEqual(['ADDED a', 'BOOKMARK', 'BOOKMARK', 'BOOKMARK', 'END']);
  });

  it('ends when the server stops', async () => {
    const seen: string[] = [];
    await server.watch(`${MAPS}?watch=1`, seen);
    await server.api.stop();
    expect(await lines(seen, 1)).toEqual(['END']);
  });
});

describe('troubles between clients and server', () => {
  it('answers in the place of the server, cuts, and falls silent', async () => {
    await fill('a');
    const status = new StatusError(429, 'TooManyRequests', 'slow down', { retryAfterSeconds: 2 }).status;
    server.api.intercept(({ verb }) => (verb === 'get' ? { do: 'answer', status } : verb === 'list' ? { do: 'reset' } : { do: 'silence' }));
    const slowed = await server.send('GET', `${MAPS}/a`);
    expect([slowed.code, slowed.headers['retry-after']]).toEqual([429, '2']);
    await expect(server.send('GET', MAPS)).rejects.toThrow();
    const seen: string[] = [];
    const stop = await server.watch(`${MAPS}?watch=1`, seen);
    server.api.intercept(undefined);
    expect((await server.send('GET', `${MAPS}/a`)).code).toBe(200);
    expect(seen).toEqual([]);
    stop();
  });
});
