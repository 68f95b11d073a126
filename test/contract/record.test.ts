/** How a run is stored: pieces of bounded size, and a custom resource that an API server accepts. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildRecord } from '../../src/adapters/kubernetes/kube-run-store.ts';
import {
  fromPieces,
  journalPiece,
  journalText,
  LARGEST_PIECE_BYTES,
  toPieces,
  type PieceOwner,
} from '../../src/adapters/kubernetes/record-pieces.ts';
import { runCrd } from '../../src/adapters/kubernetes/run-crd.ts';
import { Problem } from '../../src/core/problems/problem.ts';
import { upgradeRequestSchema } from '../../src/core/request/upgrade-request.ts';
import { World } from '../kit/world.ts';

const owner: PieceOwner = {
  run: 'r',
  namespace: 'n',
  kind: 'ConfigMap',
  ownerReference: { apiVersion: 'x', kind: 'K', name: 'r', uid: 'u' },
};

describe('pieces', () => {
  it('any text comes back whole, in whatever order its pieces are read', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 2000 }),
        fc.constantFrom('ConfigMap' as const, 'Secret' as const),
        (text, kind) => {
          const pieces = toPieces('plan', text, { ...owner, kind });
          expect(fromPieces('plan', pieces.toReversed())).toBe(text);
        },
      ),
    );
  });

  it('a long text is cut into pieces below the limit of an object', () => {
    // Bytes that do not compress.
    const text = Array.from({ length: 140_000 }, (_, i) => Math.sin(i).toString(36)).join('');
    const pieces = toPieces('plan', text, owner);
    expect(pieces.length).toBeGreaterThan(1);
    for (const piece of pieces)
      expect(Buffer.from(piece.binaryData?.['gzip'] ?? '', 'base64').length).toBeLessThanOrEqual(LARGEST_PIECE_BYTES);
    expect(fromPieces('plan', pieces)).toBe(text);
    expect(() => fromPieces('plan', pieces.slice(1))).toThrow(/pieces of its plan are there/);
  });

  it('parts are kept apart, and each belongs to the run', () => {
    const pieces = [...toPieces('plan', 'a', owner), ...toPieces('back', 'b', owner)];
    expect([fromPieces('plan', pieces), fromPieces('back', pieces), fromPieces('events', pieces)]).toEqual(['a', 'b', undefined]);
    expect(pieces[0]?.metadata).toMatchObject({
      name: 'meshlift-r-plan-0',
      labels: { 'meshlift.io/run': 'r' },
      ownerReferences: [{ uid: 'u' }],
    });
  });

  it('a piece of the journal says who wrote it', () => {
    const piece = journalPiece(3, '[]', owner, { driver: 'd', transitions: 2 });
    expect([piece.metadata.name, piece.data, journalText(piece)]).toEqual(['meshlift-r-events-3', { driver: 'd', transitions: '2' }, '[]']);
  });
});

describe('a record', () => {
  it('is put together from its pieces, and a damaged one is a problem', async () => {
    const plan = await new World().withShop().plan();
    const events = [{ type: 'RunStarted', at: '2026-03-01T12:00:00Z', driver: 'd', planDigest: 'x' }];
    const pieces = [
      ...toPieces('plan', JSON.stringify(plan), owner),
      journalPiece(0, JSON.stringify(events), owner, { driver: 'd', transitions: 1 }),
    ];
    expect(buildRecord('r', pieces)).toMatchObject({ name: 'r', plan, state: { phase: 'running' } });
    for (const broken of [[], pieces.slice(1), toPieces('plan', '{"kind":"Other"}', owner)]) {
      expect(() => buildRecord('r', broken)).toThrow(Problem);
    }
  });
});

describe('the custom resource', () => {
  const schemas: [path: string, schema: Record<string, unknown>][] = [];
  const walk = (schema: Record<string, unknown>, path: string): void => {
    schemas.push([path, schema]);
    for (const [name, child] of Object.entries((schema['properties'] ?? {}) as Record<string, Record<string, unknown>>))
      walk(child, `${path}.${name}`);
    if (schema['items']) walk(schema['items'] as Record<string, unknown>, `${path}[]`);
  };
  const version = (runCrd()['spec'] as { versions: { schema: { openAPIV3Schema: Record<string, unknown> } }[] }).versions[0];
  walk(version?.schema.openAPIV3Schema ?? {}, '');

  it('has a structural schema', () => {
    expect(schemas.length).toBeGreaterThan(20);
    for (const [path, schema] of schemas) {
      expect([path, typeof schema['type']]).toEqual([path, 'string']);
      for (const forbidden of ['oneOf', 'anyOf', 'const', '$schema', '$ref', 'propertyNames'])
        expect([path, forbidden in schema]).toEqual([path, false]);
      expect([path, 'additionalProperties' in schema && 'properties' in schema]).toEqual([path, false]);
    }
  });

  it('keeps the labels of a wave', () => {
    const labels = schemas.find(([path]) => path === '.spec.order.waves[].labels')?.[1];
    expect(labels).toMatchObject({ type: 'object', additionalProperties: { type: 'string' } });
  });

  it('knows every field of a request, and the pause', () => {
    const paths = new Set(schemas.map(([path]) => path));
    for (const field of Object.keys(upgradeRequestSchema.shape)) expect(paths).toContain(`.spec.${field}`);
    for (const path of ['.spec.paused', '.spec.install.with', '.spec.install.set[]', '.spec.install.paths[]', '.status.phase'])
      expect(paths).toContain(path);
  });
});
