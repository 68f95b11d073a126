import { expect, test } from 'vitest';
import { builtInSchemas } from './built-in-schemas.ts';
import { findConversionProblem } from './conversion-problem.ts';

const container = (fields: Readonly<Record<string, unknown>>): unknown => ({
  spec: { template: { spec: { containers: [{ name: 'a', ...fields }] } } },
});

// What a real API server v1.34 says of the result of strategic merge patches.
test.each([
  [{ spec: { replicas: '3' } }, 'unrecognized type: int32'],
  [{ spec: { replicas: 1.5 } }, 'cannot convert float64 to int32'],
  [{ spec: { replicas: true } }, 'unrecognized type: int32'],
  [{ spec: { replicas: null } }, undefined],
  [{ spec: { paused: 1 } }, 'unrecognized type: bool'],
  [{ metadata: { labels: { a: 5 } } }, 'cannot convert int64 to string'],
  [{ metadata: { labels: { a: 1.5 } } }, 'unrecognized type: string'],
  [{ metadata: { labels: { a: true } } }, 'unrecognized type: string'],
  [{ metadata: { labels: 'x' } }, 'cannot restore map from string'],
  [{ metadata: { labels: ['x'] } }, 'cannot restore map from slice'],
  [{ metadata: { deletionTimestamp: 5 } }, 'json: cannot unmarshal number into Go value of type string'],
  [{ spec: { template: 5 } }, 'cannot restore struct from: int64'],
  [{ spec: { template: { spec: { containers: { a: 1 } } } } }, 'cannot restore slice from map'],
  [{ spec: { template: { spec: { restartPolicy: 5 } } } }, 'cannot convert int64 to v1.RestartPolicy'],
  [{ spec: { strategy: { rollingUpdate: { maxSurge: {} } } } }, 'json: cannot unmarshal object into Go value of type int32'],
  [container({ command: [5] }), 'cannot convert int64 to string'],
  [
    container({ resources: { limits: { cpu: 'abc' } } }),
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  ],
  [container({ env: [{ name: 'A', value: 'b' }], unknown: 5 }), undefined],
])('%j: %s', (body, problem) => {
  const schema = builtInSchemas('apps/v1', 'Deployment');
  expect(schema && findConversionProblem(body, schema)).toBe(problem);
});

test('bytes', () => {
  const schema = builtInSchemas('v1', 'Secret');
  const problemOf = (value: unknown): string | undefined => schema && findConversionProblem({ data: { a: value } }, schema);
  expect([problemOf('YQ=='), problemOf(5), problemOf('b!!')]).toEqual([
    undefined,
    'cannot restore slice from int64',
    'error decoding from json: illegal base64 data at input byte 1',
  ]);
});
