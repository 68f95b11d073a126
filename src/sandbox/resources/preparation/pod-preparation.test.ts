import { expect, test } from 'vitest';
import { qosClass } from './pod-preparation.ts';

const small = { cpu: '100m', memory: '64Mi' };

test.each([
  ['BestEffort', [{}]],
  ['BestEffort', [{ requests: { 'example.com/gpu': '1' } }]],
  ['Burstable', [{ requests: small }]],
  ['Burstable', [{ requests: small, limits: { ...small, cpu: '1' } }]],
  ['Burstable', [{ requests: small, limits: small }, {}]],
  ['Guaranteed', [{ requests: { cpu: '0.1', memory: '65536Ki' }, limits: small }]],
])('%s', (wanted, resources) => {
  expect(qosClass({ containers: resources.map((given) => ({ resources: given })) })).toBe(wanted);
});
