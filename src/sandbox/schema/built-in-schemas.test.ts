import { expect, test } from 'vitest';
import { builtInSchemas, builtInTypeName } from './built-in-schemas.ts';
import packed from './kubernetes-types.json' with { type: 'json' };
import type { TypeSchema } from './type-schema.ts';

/** A field by its path; `[]` stands for the items of a list, `{}` for the values of a map. */
function at(schema: TypeSchema | undefined, path: string): TypeSchema | undefined {
  let here = schema;
  for (const step of path.split('.')) {
    if (step === '[]') here = here?.items;
    else here = step === '{}' ? here?.additionalProperties : here?.properties?.[step];
  }
  return here;
}

test.each([
  ['apps/v1', 'Deployment', 'spec.replicas', { type: 'integer', format: 'int32', goType: 'int32' }],
  ['apps/v1', 'Deployment', 'spec.strategy', { type: 'object', patchStrategy: 'retainKeys', goType: 'v1.DeploymentStrategy' }],
  [
    'apps/v1',
    'Deployment',
    'spec.template.spec.containers',
    { type: 'array', listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name', goType: '[]v1.Container' },
  ],
  ['v1', 'Pod', 'spec.containers.[].ports', { listMapKeys: ['containerPort', 'protocol'], patchMergeKey: 'containerPort' }],
  ['v1', 'Pod', 'spec.containers.[].ports.[].protocol', { type: 'string', default: 'TCP', goType: 'v1.Protocol' }],
  ['v1', 'Pod', 'spec.containers.[].resources.limits', { type: 'object', goType: 'v1.ResourceList' }],
  ['v1', 'Pod', 'spec.containers.[].resources.limits.{}', { type: 'string', format: 'quantity' }],
  ['v1', 'Pod', 'spec.volumes', { patchStrategy: 'merge,retainKeys', patchMergeKey: 'name' }],
  ['v1', 'Pod', 'spec.nodeSelector', { type: 'object', mapType: 'atomic' }],
  ['v1', 'Pod', 'metadata.finalizers', { type: 'array', listType: 'set', patchStrategy: 'merge' }],
  ['v1', 'Pod', 'metadata.creationTimestamp', { type: 'string', format: 'date-time' }],
  ['v1', 'Pod', 'metadata.managedFields.[].fieldsV1', { type: 'object', preserveUnknownFields: true }],
  ['v1', 'Secret', 'data.{}', { type: 'string', format: 'byte', goType: '[]uint8' }],
  ['v1', 'Service', 'spec.ports.[].targetPort', { type: 'int-or-string' }],
  ['v1', 'Service', 'spec.selector', { mapType: 'atomic' }],
  ['networking.k8s.io/v1', 'NetworkPolicy', 'spec.podSelector', { type: 'object', mapType: 'atomic' }],
  ['authorization.k8s.io/v1', 'SubjectAccessReview', 'spec.extra.{}', { type: 'array' }],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'spec.versions.[].schema.openAPIV3Schema.items', { type: 'any' }],
  ['apps/v1', 'DeleteOptions', 'propagationPolicy', { type: 'string' }],
])('%s %s %s', (apiVersion, kind, path, expected) => {
  expect(at(builtInSchemas(apiVersion, kind), path)).toMatchObject(expected);
});

test.each([
  ['apps/v2', 'Deployment'],
  ['v1', 'Nothing'],
  ['example.com/v1', 'DeleteOptions'],
])('%s %s is not built in', (apiVersion, kind) => {
  expect(builtInSchemas(apiVersion, kind)).toBeUndefined();
});

test('required fields are listed, and absent attributes are absent', () => {
  const container = at(builtInSchemas('v1', 'Pod'), 'spec.containers.[]');
  expect(container?.required).toEqual(['name']);
  expect(at(container, 'command')).toEqual({ type: 'array', items: { type: 'string', goType: 'string' }, goType: '[]string' });
});

test('types that contain themselves can be walked as deep as one likes', () => {
  const schema = builtInSchemas('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
  const properties = at(schema, 'spec.versions.[].schema.openAPIV3Schema.properties.{}.properties.{}');
  expect(at(properties, 'not.not.type')).toMatchObject({ type: 'string' });
});

test('a type is laid out once', () => {
  expect(builtInSchemas('apps/v1', 'Deployment')).toBe(builtInSchemas('apps/v1', 'Deployment'));
  expect(at(builtInSchemas('v1', 'Pod'), 'spec.containers.[]')).toBe(
    at(builtInSchemas('apps/v1', 'Deployment'), 'spec.template.spec.containers.[]'),
  );
});

test('every field of every kind has a type that is known', () => {
  const unknown: string[] = [];
  const seen = new Set<TypeSchema>();
  const walk = (schema: TypeSchema, path: string): void => {
    if (seen.has(schema)) return;
    seen.add(schema);
    if (
      schema.type === 'object' &&
      schema.properties === undefined &&
      schema.additionalProperties === undefined &&
      schema.preserveUnknownFields !== true
    ) {
      unknown.push(path);
    }
    const emptyOnPurpose = schema.goType?.endsWith('SubresourceStatus') === true || path.endsWith('List');
    if (schema.properties !== undefined && Object.keys(schema.properties).length === 0 && !emptyOnPurpose) unknown.push(path);
    for (const [name, field] of Object.entries(schema.properties ?? {})) walk(field, `${path}.${name}`);
    if (schema.items !== undefined) walk(schema.items, `${path}[]`);
    if (schema.additionalProperties !== undefined) walk(schema.additionalProperties, `${path}{}`);
  };
  for (const [apiVersion, kinds] of Object.entries(packed.kinds)) {
    for (const kind of Object.keys(kinds)) {
      const schema = builtInSchemas(apiVersion === '*' ? 'v1' : apiVersion, kind);
      expect(schema, `${apiVersion} ${kind}`).toBeDefined();
      if (schema !== undefined) walk(schema, kind);
    }
  }
  expect(unknown).toEqual([]);
  expect(seen.size).toBeGreaterThan(900);
});

test('names of types are those of the protobuf messages', () => {
  expect(builtInTypeName('apps/v1', 'Deployment')).toBe('apps.v1.Deployment');
  expect(builtInTypeName('policy/v1', 'DeleteOptions')).toBe('meta.v1.DeleteOptions');
});
