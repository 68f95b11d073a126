/** Built-in resources against recorded answers of a real server. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { builtInResources } from './built-in-resources.ts';
import type { Allocator, ResourceDefinition } from './resource-definition.ts';

const DEFINITIONS = builtInResources();
const ALLOCATOR: Allocator = { clusterIp: () => '10.0.0.9', nodePort: () => 30_001 };

function recorded<T>(file: string): readonly T[] {
  const lines = readFileSync(new URL(`./recorded/${file}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

function definitionOf(apiVersion: string, kind: string): ResourceDefinition {
  const found = DEFINITIONS.find(
    ({ group, version, kind: own }) => own === kind && (group === '' ? version : `${group}/${version}`) === apiVersion,
  );
  if (found === undefined) throw new Error(`no definition of ${apiVersion} ${kind}`);
  return found;
}

/** What an API server does to an object before it judges it. */
function complete(object: KubeObject, previous?: KubeObject): { readonly definition: ResourceDefinition; readonly object: KubeObject } {
  const definition = definitionOf(object.apiVersion, object.kind);
  const { namespace = 'default' } = object.metadata;
  const uid = previous === undefined ? 'UID' : object.metadata.uid;
  const placed = {
    ...object,
    metadata: { ...object.metadata, ...(definition.namespaced ? { namespace } : {}), ...(uid === undefined ? {} : { uid }) },
  };
  const defaulted = definition.applyDefaults?.(placed) ?? placed;
  return { definition, object: definition.prepare?.(defaulted, previous, ALLOCATOR) ?? defaulted };
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
}

describe('objects are completed as by a real server', () => {
  test.each(
    recorded<{ object: KubeObject; answer: KubeObject }>('created.jsonl').map((entry, index) => [index, entry.object.kind, entry] as const),
  )('%i %s', (_index, _kind, { object, answer }) => {
    const { definition, object: completed } = complete(frozen(object));
    const { uid: _uid, ...metadata } = completed.metadata;
    expect({ ...completed, metadata }).toEqual(answer);
    expect(definition.validate?.(completed, undefined)).toEqual([]);
    expect(definition.applyDefaults?.(completed), 'defaults twice are the defaults once').toEqual(completed);
  });
});

describe('objects are refused in the words of a real server', () => {
  type Refusal = { readonly object: KubeObject; readonly previous?: KubeObject; readonly causes: readonly string[] };
  test.each(recorded<Refusal>('refused.jsonl').map((entry, index) => [index, entry.object.kind, entry.causes[0], entry] as const))(
    '%i %s %s',
    (_index, _kind, _first, { object, previous, causes }) => {
      const { definition, object: completed } = complete(frozen(object), frozen(previous));
      const found = definition.validate?.(completed, previous) ?? [];
      expect(found.map(({ field, message }) => `${field}: ${message}`).toSorted()).toEqual(causes);
    },
  );
});

describe('rows of tables', () => {
  test.each(
    recorded<{ object: KubeObject; nowMs: number; cells: readonly unknown[] }>('rows.jsonl').map(
      (row) => [row.object.kind, row.cells[0], row] as const,
    ),
  )('%s %s', (_kind, _name, { object, nowMs, cells }) => {
    const { columns } = definitionOf(object.apiVersion, object.kind);
    expect(columns.map(({ cell }) => cell(frozen(object), nowMs))).toEqual(cells);
  });
});

describe('the table of resources', () => {
  test('has every kind once in each version, with a schema and a column for the name', () => {
    const keys = DEFINITIONS.map(({ group, version, resource }) => `${group}/${version}/${resource}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { columns, schema } of DEFINITIONS) {
      expect(columns.filter(({ format, name }) => format === 'name' && name === 'Name')).toHaveLength(1);
      expect(schema?.type).toBe('object');
    }
  });

  test('resources that two groups or versions serve are stored once', () => {
    expect(definitionOf('events.k8s.io/v1', 'Event')).toMatchObject({ storage: 'events', storageApiVersion: 'v1' });
    expect(definitionOf('v1', 'Event')).toMatchObject({ storage: 'events', storageApiVersion: 'v1' });
    expect(definitionOf('autoscaling/v1', 'HorizontalPodAutoscaler').storageApiVersion).toBe('autoscaling/v2');
  });

  test.each([
    ['v1', 'Pod', 'eviction', { kind: 'Eviction', apiVersion: 'policy/v1', verbs: ['create'] }],
    ['apps/v1', 'Deployment', 'scale', { kind: 'Scale', apiVersion: 'autoscaling/v1', verbs: ['get', 'patch', 'update'] }],
    ['v1', 'ServiceAccount', 'token', { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', verbs: ['create'] }],
    ['v1', 'Namespace', 'finalize', { kind: 'Namespace', verbs: ['update'] }],
  ])('%s %s has %s', (apiVersion, kind, name, wanted) => {
    expect(definitionOf(apiVersion, kind).subresources.find((subresource) => subresource.name === name)).toEqual({ name, ...wanted });
  });

  test('reviews can only be created', () => {
    expect(definitionOf('authorization.k8s.io/v1', 'SelfSubjectAccessReview')).toMatchObject({ verbs: ['create'], namespaced: false });
  });
});

describe('updates', () => {
  const service = complete({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { type: 'NodePort', ports: [{ port: 80 }] },
  }).object;
  const prepare = (spec: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
    const { object } = complete({ ...service, spec }, frozen(service));
    return object['spec'] as Readonly<Record<string, unknown>>;
  };

  test('a service keeps its address and its ports when the client does not send them', () => {
    expect(prepare({ type: 'NodePort', ports: [{ port: 80 }, { port: 81, name: 'b' }] })).toMatchObject({
      clusterIP: '10.0.0.9',
      clusterIPs: ['10.0.0.9'],
      ports: [{ nodePort: 30_001 }, { nodePort: 30_001 }],
    });
  });

  test('a service that is only for the cluster again gives its port of the nodes back', () => {
    const before = service['spec'] as Readonly<Record<string, unknown>>;
    const after = prepare({ ...before, type: 'ClusterIP' });
    expect(after['ports']).toEqual([{ port: 80, protocol: 'TCP', targetPort: 80 }]);
    expect(after).not.toHaveProperty('externalTrafficPolicy');
  });

  test('a service that becomes a name loses its address', () => {
    const before = service['spec'] as Readonly<Record<string, unknown>>;
    expect(prepare({ ...before, type: 'ExternalName', externalName: 'a.example.com' })).not.toHaveProperty('clusterIP');
  });

  test('status is not the client’s', () => {
    const deployment = (status: unknown): KubeObject => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'a' },
      status,
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'b' }] } },
      },
    });
    expect(complete(deployment({ replicas: 3 })).object['status']).toEqual({});
    expect(complete(deployment({ replicas: 3 }), deployment({ replicas: 1 })).object['status']).toEqual({ replicas: 1 });
  });
});

describe('counts of a status', () => {
  const zeros = { replicas: 0, readyReplicas: 0, availableReplicas: 0, updatedReplicas: 0, observedGeneration: 1 };

  test.each([
    ['Deployment', { observedGeneration: 1 }],
    ['ReplicaSet', { replicas: 0, observedGeneration: 1 }],
    ['StatefulSet', { replicas: 0, availableReplicas: 0, observedGeneration: 1 }],
  ])('%s leaves out some that are 0', (kind, wanted) => {
    const object = { apiVersion: 'apps/v1', kind, metadata: { name: 'a' }, status: zeros };
    expect(definitionOf('apps/v1', kind).applyDefaults?.(object)['status']).toEqual(wanted);
  });
});

describe('versions of one resource', () => {
  const v1 = definitionOf('autoscaling/v1', 'HorizontalPodAutoscaler');
  const reference = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' }, maxReplicas: 3 };

  test('an autoscaler of v1 keeps what v1 does not know in annotations, and gets it back', () => {
    const stored = complete({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'x', namespace: 'default' },
      spec: {
        ...reference,
        metrics: [
          { type: 'Pods', pods: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '5' } } },
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
        ],
        behavior: { scaleUp: { selectPolicy: 'Disabled' } },
      },
    }).object;
    const served = v1.fromStorage?.(stored);
    expect(served?.['spec']).toEqual({ ...reference, minReplicas: 1, targetCPUUtilizationPercentage: 50 });
    expect(served?.metadata.annotations).toEqual({
      'autoscaling.alpha.kubernetes.io/metrics': '[{"type":"Pods","pods":{"metricName":"q","targetAverageValue":"5"}}]',
      'autoscaling.alpha.kubernetes.io/behavior': expect.stringContaining('"selectPolicy":"Disabled"') as string,
    });
    const back = v1.toStorage?.(served ?? stored);
    expect(back?.['spec']).toEqual(stored['spec']);
    expect(back?.metadata).toEqual(stored.metadata);
  });

  test('an event of events.k8s.io is the same event under other names', () => {
    const events = definitionOf('events.k8s.io/v1', 'Event');
    const event: KubeObject = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e', namespace: 'a' },
      regarding: { kind: 'Pod', name: 'x' },
      note: 'n',
      reportingController: 'a.b/c',
      deprecatedCount: 2,
      reason: 'r',
    };
    const stored = events.toStorage?.(event);
    expect(stored).toMatchObject({ apiVersion: 'v1', involvedObject: { name: 'x' }, message: 'n', reportingComponent: 'a.b/c', count: 2 });
    expect(events.fromStorage?.(stored ?? event)).toEqual(event);
  });
});
