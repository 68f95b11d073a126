import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../objects/kube-object.ts';
import { StatusError } from '../../objects/status-error.ts';
import { startTestServer, type TestServer } from '../../../../test/kit/sandbox-api.ts';

let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
});

afterEach(() => server.close());

const NS = '/api/v1/namespaces/default';
const MAPS = `${NS}/configmaps`;

function configMap(name: string, more: Readonly<Record<string, unknown>> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { k: 'v' }, ...more };
}

function pod(name: string, labels: Readonly<Record<string, string>> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels },
    spec: { containers: [{ name: 'c', image: 'i' }], automountServiceAccountToken: false },
  };
}

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', namespace: 'default' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
};

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'not refused';
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return `${error.status.code} ${error.status.reason ?? ''}`;
  }
}

describe('writes in this process', () => {
  it('names, stamps and tracks what is created', async () => {
    const created = await server.writer.create('configmaps', {
      ...configMap(''),
      metadata: { name: '', generateName: 'x-', namespace: 'default' },
    });
    expect(created.metadata.name).toMatch(/^x-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(created.metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(created.metadata.managedFields).toMatchObject([{ manager: 'kube-controller-manager', operation: 'Update' }]);
    expect(
      await refusal(server.writer.create('configmaps', { ...created, metadata: { name: created.metadata.name, namespace: 'default' } })),
    ).toBe('409 AlreadyExists');
    expect(await refusal(server.writer.create('configmaps', { ...configMap('a'), metadata: { name: 'a', namespace: 'nowhere' } }))).toBe(
      '404 NotFound',
    );
  });

  it('keeps the resourceVersion when nothing changes and refuses one that is not the present one', async () => {
    const first = await server.writer.create('configmaps', configMap('a'));
    const same = await server.writer.update('configmaps', first);
    expect(same).toBe(first);
    const second = await server.writer.update('configmaps', { ...first, data: { k: 'w' } });
    expect(Number(second.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion));
    expect(await refusal(server.writer.update('configmaps', { ...first, data: {} }))).toBe('409 Conflict');
  });

  it('counts generations of specs, and lets only the status subresource write a status', async () => {
    const created = await server.writer.create('deployments.apps', deployment);
    expect(created.metadata.generation).toBe(1);
    const withStatus = await server.writer.updateStatus('deployments.apps', { ...created, status: { replicas: 2 }, spec: {} });
    expect([withStatus.metadata.generation, withStatus['status'], withStatus['spec']]).toEqual([1, { replicas: 2 }, created['spec']]);
    const labelled = await server.writer.patch('deployments.apps', 'd', 'default', {
      metadata: { labels: { x: 'y' } },
      status: { replicas: 9 },
    });
    expect([labelled.metadata.generation, labelled['status']]).toEqual([1, { replicas: 2 }]);
    const scaled = await server.writer.patch('deployments.apps', 'd', 'default', { spec: { replicas: 3 } });
    expect(scaled.metadata.generation).toBe(2);
  });

  it('tries again when somebody else has written in between, unless the client named a resourceVersion', async () => {
    const first = await server.writer.create('configmaps', configMap('a'));
    const patches = ['x', 'y', 'z'].map((key) => server.writer.patch('configmaps', 'a', 'default', { data: { [key]: '1' } }));
    await Promise.all(patches);
    expect(server.api.cluster.get('configmaps', 'a', 'default')?.['data']).toEqual({ k: 'v', x: '1', y: '1', z: '1' });
    expect(
      await refusal(server.writer.patch('configmaps', 'a', 'default', { metadata: { resourceVersion: first.metadata.resourceVersion } })),
    ).toBe('409 Conflict');
  });

  it('lets a pod go when its kubelet says so', async () => {
    await server.writer.create('serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: 'default' },
    });
    await server.writer.create('pods', pod('p'));
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'node-1' } };
    await server.writer.patch('pods', 'p', 'default', binding, 'binding');
    expect(await refusal(server.writer.patch('pods', 'p', 'default', binding, 'binding'))).toBe('409 Conflict');
    const seen: string[] = [];
    server.api.cluster.onChange('pods', ({ type, object }) => seen.push(`${type} ${object.metadata.deletionGracePeriodSeconds ?? '-'}`));
    await server.writer.delete('pods', 'p', 'default');
    await server.writer.delete('pods', 'p', 'default');
    await server.writer.delete('pods', 'p', 'default', { gracePeriodSeconds: 5 });
    await server.writer.delete('pods', 'p', 'default', { gracePeriodSeconds: 0 });
    expect(seen).toEqual(['MODIFIED 30', 'MODIFIED 5', 'MODIFIED 0', 'DELETED 0']);
    await server.writer.create('pods', pod('q'));
    await server.writer.delete('pods', 'q', 'default');
    expect(server.api.cluster.get('pods', 'q', 'default')).toBeUndefined();
  });

  it('waits for finalizers, and says how dependents are to be treated', async () => {
    await server.writer.create('configmaps', { ...configMap('a'), metadata: { name: 'a', namespace: 'default', finalizers: ['ex.io/f'] } });
    await server.writer.delete('configmaps', 'a', 'default', { propagationPolicy: 'Foreground' });
    const waiting = server.api.cluster.get('configmaps', 'a', 'default');
    expect(waiting?.metadata).toMatchObject({ deletionGracePeriodSeconds: 0, finalizers: ['ex.io/f', 'foregroundDeletion'] });
    await server.writer.patch('configmaps', 'a', 'default', { metadata: { finalizers: null } });
    expect(server.api.cluster.get('configmaps', 'a', 'default')).toBeUndefined();
    await server.writer.create('configmaps', configMap('b'));
    expect(await refusal(server.writer.delete('configmaps', 'b', 'default', { uid: 'other' }))).toBe('409 Conflict');
  });

  it('evicts no more pods than their budget allows', async () => {
    await server.writer.create('serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: 'default' },
    });
    for (const name of ['p', 'q']) {
      const created = await server.writer.create('pods', pod(name, { app: 'web' }));
      await server.writer.updateStatus('pods', {
        ...created,
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      });
    }
    const budget = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'b', namespace: 'default' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
    };
    const created = await server.writer.create('poddisruptionbudgets.policy', budget);
    expect(await refusal(server.writer.evict('p', 'default'))).toBe('429 TooManyRequests');
    const status = { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2, observedGeneration: 1 };
    await server.writer.updateStatus('poddisruptionbudgets.policy', { ...created, status });
    await server.writer.evict('p', 'default');
    expect(await refusal(server.writer.evict('q', 'default'))).toBe('429 TooManyRequests');
    expect(server.api.cluster.list('pods').map(({ metadata }) => metadata.name)).toEqual(['q']);
  });
});

describe('patches over HTTP', () => {
  it('applies, conflicts, and takes fields over when forced', async () => {
    const apply = (manager: string, value: string, query = '') =>
      server.send('PATCH', `${MAPS}/a?fieldManager=${manager}${query}`, { type: 'apply', body: { ...configMap('a'), data: { k: value } } });
    expect((await apply('one', '1')).code).toBe(201);
    const refused = await apply('two', '2');
    expect([refused.code, refused.body['message']]).toEqual([409, 'Apply failed with 1 conflict: conflict with "one": .data.k']);
    expect((await apply('two', '2', '&force=true')).body['data']).toEqual({ k: '2' });
    const nameless = await server.send('PATCH', `${MAPS}/b?fieldManager=one`, {
      type: 'apply',
      body: { apiVersion: 'v1', kind: 'ConfigMap' },
    });
    expect(nameless.body['message']).toBe('the name of the object (b based on URL) was undeterminable: name must be provided');
  });

  // Texts of a Kubernetes 1.34.3 server.
  it.each([
    ['merge', '{bad', 400, "error decoding patch: invalid character 'b' looking for beginning of object key string"],
    ['merge', '[]', 400, 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}'],
    ['json', '{}', 400, 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
    ['merge', '{"metadata":{"name":"z"}}', 400, 'the name of the object (z) does not match the name on the URL (a)'],
    ['apply', '[]', 422, 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'],
    ['application/foo', '{}', 415, '415: Unsupported Media Type'],
    ['json', '[{"op":"test","path":"/data/x","value":"1"}]', 422, 'the server rejected our request due to an error in our request'],
    ['merge', '{"metadata":{"uid":"x"}}', 422, 'ConfigMap "a" is invalid: metadata.uid: Invalid value: "x": field is immutable'],
  ])('%s %s', async (type, body, code, message) => {
    await server.writer.create('configmaps', configMap('a'));
    const reply = await server.send('PATCH', `${MAPS}/a`, { type, body });
    expect([reply.code, reply.body['message']]).toEqual([code, message]);
  });

  it('scales through the subresource of workloads', async () => {
    await server.writer.create('deployments.apps', deployment);
    const path = '/apis/apps/v1/namespaces/default/deployments/d/scale';
    const scaled = await server.send('PATCH', path, { type: 'merge', body: { spec: { replicas: 5 } } });
    expect(scaled.body).toMatchObject({ kind: 'Scale', spec: { replicas: 5 }, status: { replicas: 0, selector: 'a=b' } });
    const stored = server.api.cluster.get('deployments.apps', 'd', 'default');
    expect(stored?.metadata.managedFields?.find(({ subresource }) => subresource === 'scale')).toMatchObject({
      manager: 'probe',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    });
    const refused = await server.send('PATCH', path, { type: 'merge', body: { spec: { replicas: -1 } } });
    expect(refused.body['message']).toBe(
      'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    );
  });
});
