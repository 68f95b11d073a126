/** Evicting a pod, as an API server answers it. */
import { createServer, type Server } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import type { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';
import { KubeClusterWriter } from '../../src/adapters/kubernetes/kube-cluster-writer.ts';
import { Problem, Transient } from '../../src/core/problems/problem.ts';
import { loopbackClient } from '../kit/loopback-client.ts';

const open: { server: Server; client: KubeClient }[] = [];

afterEach(() => {
  for (const { server, client } of open.splice(0)) {
    client.close();
    server.close();
    server.closeAllConnections();
  }
});

async function eviction(status: number, message = '', reason = ''): Promise<{ readonly asked: unknown; readonly end: unknown }> {
  let asked: unknown;
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      asked = [request.method, request.url, body];
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ kind: 'Status', code: status, reason, message }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = loopbackClient(server, { token: 'secret' });
  open.push({ server, client });
  const end = await new KubeClusterWriter(client).evictPod({ namespace: 'shop', name: 'db-1', uid: 'u1' }).then(
    () => 'done',
    (error: unknown) => error,
  );
  return { asked, end };
}

it('asks for this very pod, by its uid', async () => {
  const { asked, end } = await eviction(201);
  expect([end, asked]).toEqual([
    'done',
    [
      'POST',
      '/api/v1/namespaces/shop/pods/db-1/eviction',
      {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { namespace: 'shop', name: 'db-1' },
        deleteOptions: { preconditions: { uid: 'u1' } },
      },
    ],
  ]);
});

it('a pod that is gone, or is another one by now, is evicted', async () => {
  expect((await eviction(404, 'pods "db-1" not found', 'NotFound')).end).toBe('done');
  expect((await eviction(409, 'the UID in the precondition (u1) does not match', 'Conflict')).end).toBe('done');
});

it('a missing permission is a problem', async () => {
  const { end } = await eviction(403, 'pods "db-1" is forbidden', 'Forbidden');
  expect([end instanceof Problem, (end as Problem).code]).toEqual([true, 'KUBE-005']);
});

it('a budget that does not allow it is waited for, with its words', { timeout: 30_000 }, async () => {
  const words = "Cannot evict pod as it would violate the pod's disruption budget.";
  const { end } = await eviction(429, words, 'TooManyRequests');
  expect(end).toBeInstanceOf(Transient);
  expect((end as Transient).reason).toContain(words);
});
