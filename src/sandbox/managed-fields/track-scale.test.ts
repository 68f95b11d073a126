import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { builtInSchemas } from '../schema/built-in-schemas.ts';
import { deepFreeze } from '../store/share-structure.ts';
import { applyServerSide } from './apply-server-side.ts';
import { trackScale } from './track-scale.ts';
import { trackUpdate } from './track-update.ts';

const AT = '2026-01-01T00:00:00Z';
const schema = builtInSchemas('apps/v1', 'Deployment');

function deployment(replicas: number, live?: KubeObject): KubeObject {
  const metadata = live?.metadata ?? { name: 'd', uid: 'u' };
  return deepFreeze({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas, paused: true } });
}

const updated = deepFreeze(trackUpdate({ before: undefined, after: deployment(1), schema, manager: 'm', apiVersion: 'apps/v1', time: AT }));
const config = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 1 } };
const applied = deepFreeze(applyServerSide({ live: undefined, applied: config, schema, manager: 'm', force: false, time: AT }));

/** Entries as manager, subresource, time and fields of the spec. */
function scale(before: KubeObject, replicas: number): readonly unknown[] {
  const { metadata } = trackScale({ before, after: deployment(replicas, before), manager: 's' });
  return (metadata.managedFields ?? []).map(({ manager, subresource, time, fieldsV1 }) => [
    manager,
    subresource,
    time,
    Object.keys(fieldsV1['f:spec'] as object),
  ]);
}

describe('trackScale', () => {
  const scaler = ['s', 'scale', undefined, ['f:replicas']];
  const paused = ['m', undefined, AT, ['f:paused']];

  it.each([
    ['to another number', updated, 3, [scaler, paused]],
    ['to zero', updated, 0, [paused]],
    ['to the number that an update had set', updated, 1, [['m', undefined, undefined, ['f:replicas']], paused]],
    ['to another number than was applied', applied, 3, [scaler]],
    ['to the number that was applied', applied, 1, [['m', undefined, AT, ['f:replicas']]]],
  ])('%s', (_name, before, replicas, expected) => {
    expect(scale(before, replicas)).toEqual(expected);
  });

  it('gives the number to nobody when nobody had it', () => {
    const zero = deepFreeze(trackScale({ before: applied, after: deployment(0, applied), manager: 's' }));
    expect(zero.metadata.managedFields).toBeUndefined();
    expect(scale(zero, 2)).toEqual([]);
  });
});
