import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { startTestServer, type TestServer } from '../../../test/kit/sandbox-api.ts';
import { DEFINITIONS } from './custom-definitions.ts';

let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
});

afterEach(() => server.close());

const WIDGETS = '/apis/ex.io/v1/namespaces/default/widgets';
const size = {
  type: 'object',
  properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } }, status: { type: 'object' } },
};

function definition(plural = 'widgets', kind = 'Widget'): KubeObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.ex.io` },
    spec: {
      group: 'ex.io',
      scope: 'Namespaced',
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [
        { name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: size } },
        { name: 'v1beta1', served: true, storage: false, schema: { openAPIV3Schema: size } },
      ],
    },
  };
}

const widget = (name: string, more: Readonly<Record<string, unknown>> = {}): KubeObject => ({
  apiVersion: 'ex.io/v1',
  kind: 'Widget',
  metadata: { name, namespace: 'default', ...more },
  spec: { size: 3 },
});

const conditionsOf = (name: string): readonly string[] => {
  const { conditions = [] } = (server.api.cluster.get(DEFINITIONS, name)?.['status'] ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  return conditions.map(({ type, status }) => `${type}=${status}`);
};

describe('custom resource definitions', () => {
  it('are served at once, in all their versions, and become established', async () => {
    await server.writer.create(DEFINITIONS, definition());
    expect((await server.send('POST', WIDGETS, { body: widget('a') })).code).toBe(201);
    const other = await server.send('GET', '/apis/ex.io/v1beta1/namespaces/default/widgets/a');
    expect([other.body['apiVersion'], other.body['spec']]).toEqual(['ex.io/v1beta1', { size: 3 }]);
    expect(conditionsOf('widgets.ex.io')).toEqual(['NamesAccepted=True', 'Established=True']);
    expect(server.api.cluster.get(DEFINITIONS, 'widgets.ex.io')?.['status']).toMatchObject({
      storedVersions: ['v1'],
      acceptedNames: { kind: 'Widget' },
    });
    const group = await server.send('GET', '/apis/ex.io');
    expect(group.body).toMatchObject({ preferredVersion: { version: 'v1' }, versions: [{ version: 'v1' }, { version: 'v1beta1' }] });
    const schema = await server.send('GET', '/openapi/v3/apis/ex.io/v1');
    expect(schema.text).toContain('"x-kubernetes-group-version-kind":[{"group":"ex.io","version":"v1","kind":"Widget"}]');
  });

  it('do not take a kind that another one has', async () => {
    await server.writer.create(DEFINITIONS, definition());
    await server.writer.create(DEFINITIONS, definition('gadgets'));
    await expect.poll(() => conditionsOf('gadgets.ex.io')).toEqual(['NamesAccepted=False', 'Established=False']);
    expect((await server.send('GET', '/apis/ex.io/v1/gadgets')).code).toBe(404);
  });

  it('take their objects with them, and wait for those with finalizers', async () => {
    await server.writer.create(DEFINITIONS, definition());
    await server.writer.create('widgets.ex.io', widget('a'));
    await server.writer.create('widgets.ex.io', widget('b', { finalizers: ['ex.io/f'] }));
    await server.writer.delete(DEFINITIONS, 'widgets.ex.io', undefined);
    await expect.poll(() => server.api.cluster.list('widgets.ex.io').map(({ metadata }) => metadata.name)).toEqual(['b']);
    expect(conditionsOf('widgets.ex.io')).toContain('Terminating=True');
    await server.writer.patch('widgets.ex.io', 'b', 'default', { metadata: { finalizers: null } });
    await expect.poll(() => server.api.cluster.get(DEFINITIONS, 'widgets.ex.io')).toBeUndefined();
    expect((await server.send('GET', WIDGETS)).text).toBe('404 page not found\n');
  });

  it('refuse writes that do not say which state they replace', async () => {
    await server.writer.create(DEFINITIONS, definition());
    await server.writer.create('widgets.ex.io', widget('a'));
    const blind = await server.send('PUT', `${WIDGETS}/a`, { body: widget('a') });
    expect([blind.code, blind.body['message']]).toEqual([
      422,
      'widgets.ex.io "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    ]);
    const strategic = await server.send('PATCH', `${WIDGETS}/a`, { type: 'strategic', body: {} });
    expect(strategic.code).toBe(415);
  });
});
