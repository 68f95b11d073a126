/** A look at a mesh whose server fails to give a part of it: told as unread where an answer is of use all the same. */
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMeshObjects } from '../../src/adapters/kubernetes/read-mesh-objects.ts';
import type { MeshObjects } from '../../src/core/mesh/mesh-objects.ts';
import type { LookOptions, MeshScope } from '../../src/ports/cluster.ts';
import { loopbackClient } from '../kit/loopback-client.ts';

const NETWORKING = '/apis/networking.istio.io';
const GATEWAYS = '/apis/gateway.networking.k8s.io';
const resource = (name: string, kind: string, namespaced = true): object => ({ name, kind, namespaced });

/** Answers of discovery; any other path is an empty list. */
const ANSWERS: Readonly<Record<string, object>> = {
  '/version': { gitVersion: 'v1.34.3' },
  [NETWORKING]: { versions: [{ version: 'v1' }] },
  [`${NETWORKING}/v1`]: { resources: [resource('workloadentries', 'WorkloadEntry'), resource('sidecars', 'Sidecar')] },
  [GATEWAYS]: { versions: [{ version: 'v1' }] },
  [`${GATEWAYS}/v1`]: {
    resources: [
      resource('gateways', 'Gateway'),
      resource('gateways/status', 'Gateway'),
      resource('gatewayclasses', 'GatewayClass', false),
      resource('httproutes', 'HTTPRoute'),
    ],
  },
  [`${NETWORKING}/v1/workloadentries`]: { items: [{ metadata: { name: 'vm', namespace: 'fleet' }, spec: {} }] },
  [`${GATEWAYS}/v1/gatewayclasses`]: { items: [{ metadata: { name: 'istio' }, spec: { controllerName: 'istio.io/gateway-controller' } }] },
};
const NOT_SERVED = ['/apis/security.istio.io', '/apis/telemetry.istio.io', '/apis/extensions.istio.io'];

let server: Server;
let asked: string[];
let failing: string | undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
    asked.push(`${pathname}${search.replace(/[?&]limit=\d+/, '')}`);
    const fails = pathname === failing;
    const status = fails ? 422 : NOT_SERVED.includes(pathname) ? 404 : 200;
    const body = fails ? { kind: 'Status', message: 'conversion webhook failed' } : (ANSWERS[pathname] ?? { metadata: {}, items: [] });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ metadata: {}, ...body }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

async function read(scope: MeshScope, fails?: string, options: LookOptions = {}): Promise<MeshObjects> {
  asked = [];
  failing = fails;
  return readMeshObjects(
    { client: loopbackClient(server), istioNamespace: 'istio-system', clusterName: 'c', nowMs: () => 0 },
    scope,
    options,
  );
}

it('a look for status asks for nothing of it', async () => {
  await read('status', NETWORKING);
  expect(asked.filter((path) => path.startsWith('/apis/networking.istio.io'))).toEqual([]);
});

describe('a look for uses', () => {
  it('reads machines and classes whole, and of other kinds what bears a revision', async () => {
    const mesh = await read('plan');
    expect(mesh.virtualMachines.map((vm) => [vm.kind, vm.apiVersion, vm.metadata.name])).toEqual([
      ['WorkloadEntry', 'networking.istio.io/v1', 'vm'],
    ]);
    expect(mesh.gatewayClasses.map((c) => [c.kind, c.spec?.controllerName])).toEqual([['GatewayClass', 'istio.io/gateway-controller']]);
    expect([mesh.pinnedObjects, mesh.revisionedRoutes, mesh.unread]).toEqual([[], [], []]);
    const selected = asked.filter((path) => path.includes('labelSelector=istio.io%2Frev')).map((path) => path.split('?')[0]);
    expect(selected).toEqual(expect.arrayContaining([`${NETWORKING}/v1/sidecars`, `${GATEWAYS}/v1/httproutes`]));
    expect(asked.filter((path) => path.endsWith('/gateways'))).toEqual([`${GATEWAYS}/v1/gateways`, `${GATEWAYS}/v1beta1/gateways`]);
  });

  it.each([
    ['a list', `${NETWORKING}/v1/workloadentries`, 'workloadentries.networking.istio.io in all namespaces'],
    ['pods', '/api/v1/pods', 'pods in all namespaces'],
    ['Gateways', `${GATEWAYS}/v1/gateways`, 'gateways.gateway.networking.k8s.io in all namespaces'],
    ['the kinds of a group', NETWORKING, 'kinds of networking.istio.io'],
  ])('notes %s that the server fails to give', async (_name, path, what) => {
    const mesh = await read('plan', path, { noteFailures: true });
    expect(mesh.unread).toEqual([{ what, why: expect.stringContaining('conversion webhook failed') as string }]);
  });
});

it('a look for a plan throws what fails, so that a run waits for it', async () => {
  await expect(read('plan', `${NETWORKING}/v1/workloadentries`)).rejects.toThrow();
});
