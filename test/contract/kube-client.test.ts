/** The request path against a server that answers as an API server does. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { afterEach, describe, expect, it } from 'vitest';
import { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';
import { KubeStatusError, ruleThatAllows } from '../../src/adapters/kubernetes/kube-errors.ts';
import { loadKubeConfig } from '../../src/adapters/kubernetes/load-kube-config.ts';
import { parseClusterz, parseSyncz, parseVersionAnswer } from '../../src/adapters/kubernetes/read-istiods.ts';
import { known, resourceRequest } from '../../src/adapters/kubernetes/resource-paths.ts';
import { Problem, Transient } from '../../src/core/problems/problem.ts';
import { loopbackConfig } from '../kit/loopback-client.ts';
import { codeOf } from '../kit/world.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;
const open: { server: Server; client: KubeClient }[] = [];

afterEach(() => {
  for (const { server, client } of open.splice(0)) {
    client.close();
    server.close();
    server.closeAllConnections();
  }
});

async function clientOf(handler: Handler): Promise<KubeClient> {
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    handler(request, response, count);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new KubeClient(configFor((server.address() as { port: number }).port));
  open.push({ server, client });
  return client;
}

function configFor(port: number): KubeConfig {
  return loopbackConfig(port, { token: 'secret' });
}

function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

const pods = known('v1', 'Pod');
const get = { method: 'GET', ...resourceRequest(pods, 'get', { namespace: 'shop', name: 'web' }) } as const;
const patch = {
  method: 'PATCH',
  ...resourceRequest(known('apps/v1', 'Deployment'), 'patch', { namespace: 'shop', name: 'web' }),
  body: {},
} as const;

describe('requests', () => {
  it('go to the right path with the credentials of the context', async () => {
    const seen: string[] = [];
    const client = await clientOf((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      answer(response, 200, {});
    });
    await client.request(get);
    await client.request({
      method: 'POST',
      ...resourceRequest(pods, 'create', { namespace: 'shop' }),
      query: { dryRun: 'All', nothing: undefined },
      body: {},
    });
    await client.request({
      method: 'PATCH',
      ...resourceRequest(known('meshlift.io/v1alpha1', 'MeshUpgrade'), 'patch', { namespace: 'n', name: 'r', subresource: 'status' }),
      body: {},
    });
    expect(seen).toEqual([
      'GET /api/v1/namespaces/shop/pods/web Bearer secret',
      'POST /api/v1/namespaces/shop/pods?dryRun=All Bearer secret',
      'PATCH /apis/meshlift.io/v1alpha1/namespaces/n/meshupgrades/r/status Bearer secret',
    ]);
  });

  it('lists come in pages, and items get their kind', async () => {
    const client = await clientOf((request, response) => {
      const next = new URL(request.url ?? '', 'http://x').searchParams.get('continue');
      answer(response, 200, {
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: next === null ? { continue: 'more' } : {},
        items: [{ metadata: { name: next ?? 'first' } }],
      });
    });
    expect(await client.list(resourceRequest(pods, 'list'))).toEqual([
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'first' } },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'more' } },
    ]);
  });

  it('fields that no model knows survive', async () => {
    const client = await clientOf((_request, response) =>
      answer(response, 200, { metadata: { creationTimestamp: '2026-01-01T00:00:00Z' }, fromTheFuture: { a: 1 } }),
    );
    expect(await client.request(get)).toEqual({ metadata: { creationTimestamp: '2026-01-01T00:00:00Z' }, fromTheFuture: { a: 1 } });
  });
});

describe('trouble', () => {
  it.each([
    [401, 'KUBE-004'],
    [403, 'KUBE-005'],
    [422, 'KUBE-006'],
    [400, 'KUBE-006'],
  ])('%i is problem %s, told at once', async (status, code) => {
    let count = 0;
    const client = await clientOf((_request, response) => {
      count += 1;
      answer(response, status, { message: 'the words of the server' });
    });
    const error: unknown = await client.request(patch).catch((thrown: unknown) => thrown);
    expect([(error as Problem).code, count]).toEqual([code, 1]);
    expect(`${(error as Problem).details.what} ${(error as Problem).details.why ?? ''}`).toContain('the words of the server');
  });

  it('a missing permission names verb and resource, and the rule that allows it', async () => {
    const client = await clientOf((_request, response) => answer(response, 403, { message: 'no' }));
    const error: unknown = await client.request(patch).catch((thrown: unknown) => thrown);
    expect((error as Problem).details.what).toBe('You may not patch deployments.apps in namespace shop.');
    expect((error as Problem).details.next[0]?.command).toBe('{apiGroups: ["apps"], resources: ["deployments"], verbs: ["patch"]}');
    expect(ruleThatAllows({ verb: 'get', group: '', resource: 'pods/portforward' })).toBe(
      '{apiGroups: [""], resources: ["pods/portforward"], verbs: ["get"]}',
    );
  });

  it.each([404, 409])('%i is left to the caller', async (status) => {
    const client = await clientOf((_request, response) => answer(response, status, { message: 'x' }));
    await expect(client.request(get)).rejects.toBeInstanceOf(KubeStatusError);
  });

  it('reads are tried again when the server is busy, as long as it asks', async () => {
    const times: number[] = [];
    const client = await clientOf((_request, response, count) => {
      times.push(performance.now());
      if (count === 1) answer(response, 429, { message: 'slow down' }, { 'retry-after': '1' });
      else if (count === 2) answer(response, 503, { message: 'not now' });
      else answer(response, 200, { ok: true });
    });
    expect(await client.request(get)).toEqual({ ok: true });
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(900);
  });

  it('of five answers one is bad: reads all come through', async () => {
    const client = await clientOf((_request, response, count) =>
      count % 5 === 0 ? answer(response, 500, { message: 'x' }) : answer(response, 200, { count }),
    );
    const answers = await Promise.all(Array.from({ length: 40 }, () => client.request(get)));
    expect(answers).toHaveLength(40);
  });

  it('writes are tried again, too: each of ours may be repeated', async () => {
    const client = await clientOf((_request, response, count) =>
      count < 3 ? answer(response, 503, { message: 'not now' }) : answer(response, 200, { count }),
    );
    expect(await client.request(patch)).toEqual({ count: 3 });
  });

  it('writes are begun only while the fence is open, at every attempt', async () => {
    let isOpen = true;
    let count = 0;
    const client = await clientOf((_request, response) => {
      count += 1;
      isOpen = false;
      response.destroy();
    });
    client.fence = () => {
      if (!isOpen) throw new Transient('closed');
    };
    await expect(client.request(patch)).rejects.toMatchObject({ reason: 'closed' });
    expect(count).toBe(1);
    const reads = await clientOf((_request, response) => answer(response, 200, {}));
    reads.fence = client.fence;
    expect(await reads.request(get)).toEqual({});
    expect(await reads.request({ ...patch, ofLock: true })).toEqual({});
  });

  it('a deletion whose answer was lost is done when it finds nothing; without that it is left to the caller', async () => {
    const del = { ...get, method: 'DELETE' } as const;
    const lost = await clientOf((_request, response, count) =>
      count === 1 ? response.destroy() : answer(response, 404, { message: 'x' }),
    );
    expect(await lost.request(del)).toBeUndefined();
    const refused = await clientOf((_request, response, count) => answer(response, count === 1 ? 429 : 404, { message: 'x' }));
    await expect(refused.request(del)).rejects.toBeInstanceOf(KubeStatusError);
  });

  it('what a webhook says is an answer, and not asked for again', async () => {
    let count = 0;
    const client = await clientOf((_request, response) => {
      count += 1;
      answer(response, 500, { message: 'Internal error occurred: failed calling webhook "a.istio.io"' });
    });
    await expect(client.request(patch)).rejects.toBeInstanceOf(Transient);
    expect(count).toBe(1);
  });

  it('who is asked to wait for longer than a request may take is told at once for how long', async () => {
    let count = 0;
    const client = await clientOf((_request, response) => {
      count += 1;
      answer(response, 429, { message: 'slow down' }, { 'retry-after': '30' });
    });
    await expect(client.request(get)).rejects.toMatchObject({ retryAfterMs: 30_000 });
    expect(count).toBe(1);
  });

  it('a server that goes on to fail is given up after ten seconds', async () => {
    const client = await clientOf((_request, response) => answer(response, 503, { message: 'not now' }));
    const before = performance.now();
    await expect(client.request(get)).rejects.toBeInstanceOf(Transient);
    expect(performance.now() - before).toBeLessThan(12_000);
  });

  it('a list whose next page is forgotten is read whole', async () => {
    const queries: string[] = [];
    const client = await clientOf((request, response, count) => {
      const { searchParams } = new URL(request.url ?? '', 'http://x');
      queries.push([...searchParams.keys()].join());
      if (count === 2) answer(response, 410, { message: 'the provided continue parameter is too old', reason: 'Expired' });
      else answer(response, 200, { kind: 'PodList', apiVersion: 'v1', metadata: count === 1 ? { continue: 'more' } : {}, items: [] });
    });
    expect(await client.list(resourceRequest(pods, 'list'))).toEqual([]);
    expect(queries).toEqual(['limit', 'limit,continue', '']);
  });

  it('a server that is not there is "try again", with its address', async () => {
    const client = new KubeClient(configFor(1));
    const error: unknown = await client.request(get).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Transient);
    expect((error as Transient).reason).toBe('http://127.0.0.1:1 does not answer: ECONNREFUSED');
  });
});

describe('the kubeconfig', () => {
  const folder = mkdtempSync(join(tmpdir(), 'meshlift-'));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const good =
    'apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: "https://x"}}]\nusers: [{name: u, user: {token: t}}]\ncontexts: [{name: a, context: {cluster: c, user: u}}, {name: b, context: {cluster: gone, user: u}}]\n';

  it.each([
    ['a file that is not there', { kubeconfig: '/does/not/exist' }, 'KUBE-001'],
    ['a file that is no kubeconfig', { kubeconfig: file('bad', 'clusters: 7') }, 'KUBE-001'],
    ['no current context', { kubeconfig: file('none', good) }, 'KUBE-002'],
    ['an unknown context', { kubeconfig: file('other', good), context: 'c' }, 'KUBE-002'],
    ['a context without a cluster', { kubeconfig: file('lost', good), context: 'b' }, 'KUBE-001'],
    ['a context that fits', { kubeconfig: file('good', good), context: 'a' }, 'none'],
  ])('%s', async (_name, selection, code) => {
    expect(await codeOf(Promise.resolve().then(() => loadKubeConfig(selection)))).toBe(code);
  });
});

describe('what istiod says', () => {
  it('syncz: flat fields become types, clients without a proxy name are left out', () => {
    const body = JSON.stringify([
      {
        proxy: 'a.b',
        proxy_type: 'sidecar',
        istio_version: '1.29.1',
        cluster_id: 'K',
        cluster_sent: 'n1',
        cluster_acked: 'n1',
        listener_sent: 'n2',
      },
      { cluster_id: 'x' },
    ]);
    expect(parseSyncz(body)).toEqual([
      {
        proxy: 'a.b',
        proxyType: 'sidecar',
        istioVersion: '1.29.1',
        clusterId: 'K',
        types: { CDS: { sent: 'n1', acked: 'n1' }, LDS: { sent: 'n2', acked: '' } },
      },
    ]);
    expect([parseSyncz('[]'), parseSyncz('null')]).toEqual([[], []]);
  });

  it.each([
    [
      '[{"id":"east","secretName":"","syncStatus":"synced"},{"id":"west","secretName":"istio-system/west","syncStatus":"timeout"},{}]',
      [
        { id: 'east', syncStatus: 'synced' },
        { id: 'west', secret: 'istio-system/west', syncStatus: 'timeout' },
      ],
    ],
    ['[]', []],
    ['null', undefined],
    ['<html>', undefined],
  ])('clusterz: %s', (body, clusters) => {
    expect(parseClusterz(body)).toEqual(clusters);
  });

  it.each([
    ['1.29.1-6991a379e1fc-Clean', '1.29.1'],
    ['1.29.1-acme-6991a379e1fc0123-Modified\n', '1.29.1-acme'],
    ['1.29.1', '1.29.1'],
    ['', undefined],
  ])('version %j', (text, version) => {
    expect(parseVersionAnswer(text)).toBe(version);
  });
});
