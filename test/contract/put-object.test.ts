/** Creating an object that an API server may refuse, as it answers. */
import { createServer, type Server } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import type { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';
import { loopbackClient } from '../kit/loopback-client.ts';
import { KubeClusterWriter } from '../../src/adapters/kubernetes/kube-cluster-writer.ts';
import { Problem, Transient } from '../../src/core/problems/problem.ts';
import { envoyFilter } from '../kit/pinned-objects.ts';

const open: { server: Server; client: KubeClient }[] = [];

afterEach(() => {
  for (const { server, client } of open.splice(0)) {
    client.close();
    server.close();
    server.closeAllConnections();
  }
});

const GROUP_VERSION = '/apis/networking.istio.io/v1alpha3';

/** A server without the object, which answers a creation so. */
async function writerThatGets(status: number, message: string, reason: string): Promise<KubeClusterWriter> {
  const server = createServer((request, response) => {
    request.resume();
    const answer = (code: number, body: unknown): void => {
      response.writeHead(code, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (request.url === GROUP_VERSION) answer(200, { resources: [{ name: 'envoyfilters', kind: 'EnvoyFilter', namespaced: true }] });
    else if (request.method === 'GET') answer(404, { kind: 'Status', code: 404, reason: 'NotFound', message: 'not found' });
    else answer(status, { kind: 'Status', code: status, reason, message });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = loopbackClient(server, { token: 'secret' });
  open.push({ server, client });
  return new KubeClusterWriter(client);
}

async function refusal(status: number, message: string, reason = ''): Promise<unknown> {
  const writer = await writerThatGets(status, message, reason);
  return writer.putObject(envoyFilter([undefined])).then(
    () => 'created',
    (error: unknown) => error,
  );
}

it('is created', async () => {
  expect(await refusal(201, '')).toBe('created');
});

it('refused by a webhook: a problem with its words', async () => {
  const words = 'admission webhook "rev.validation.istio.io" denied the request: configuration is invalid';
  const error = await refusal(400, words, 'BadRequest');
  expect(error).toBeInstanceOf(Problem);
  expect([(error as Problem).code, (error as Problem).details.what]).toEqual(['KUBE-006', expect.stringContaining(words)]);
});

it('without a namespace for it: a problem, too', async () => {
  expect(((await refusal(404, 'namespaces "shop" not found', 'NotFound')) as Problem).code).toBe('KUBE-006');
});

it('made by somebody else at the same moment, or with a webhook that is not there now: to be tried again', async () => {
  expect(await refusal(409, 'already exists', 'AlreadyExists')).toBeInstanceOf(Transient);
  expect(await refusal(500, 'failed calling webhook', 'InternalError')).toBeInstanceOf(Transient);
});
