/** What holds for all objects and managers, whatever they apply. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { builtInSchemas } from '../schema/built-in-schemas.ts';
import { deepFreeze } from '../store/share-structure.ts';
import { applyServerSide } from './apply-server-side.ts';
import { compareObjects } from './compare-objects.ts';
import { decodeFields, difference, EMPTY_SET, encodeFields, intersection, setsEqual, union, type FieldSet } from './field-set.ts';
import { mergeObjects } from './merge-objects.ts';
import { objectFieldSet } from './object-field-set.ts';
import { trackUpdate } from './track-update.ts';
import { rootSchema } from './value-shape.ts';

const schema = builtInSchemas('v1', 'Service');
const root = rootSchema(schema);
const value = fc.constantFrom('1', '2');

/** Some of the fields. */
function partial<T>(model: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
}

function portsOf(...numbers: readonly number[]): fc.Arbitrary<readonly unknown[]> {
  const rest = partial({
    protocol: fc.constantFrom('TCP', 'UDP'),
    name: value,
    targetPort: fc.constantFrom<number | string>(8080, 'http'),
  });
  return fc
    .uniqueArray(fc.tuple(fc.constantFrom(...numbers), rest), {
      maxLength: 4,
      selector: ([number, { protocol }]) => `${String(number)}/${protocol ?? 'TCP'}`,
    })
    .map((items) => items.map(([port, more]) => ({ port, ...more })));
}

interface Parts {
  readonly labels: Readonly<Record<string, string | undefined>>;
  readonly finalizers: readonly string[];
  readonly spec: Readonly<Record<string, unknown>>;
}

function service({ labels, finalizers, spec }: Partial<Parts>): KubeObject {
  const metadata = { name: 's', ...(labels && { labels }), ...(finalizers && { finalizers }) };
  return deepFreeze({ apiVersion: 'v1', kind: 'Service', metadata, ...(spec && { spec }) } as KubeObject);
}

const labels = partial({ a: value, b: value, 'c/d': value });

/** A Service as somebody might apply it, with empty and whole lists and maps. */
const configuration = partial<Parts>({
  labels,
  finalizers: fc.subarray(['x/a', 'x/b', 'x/c']),
  spec: partial({
    ports: portsOf(80, 81),
    selector: labels,
    sessionAffinity: value,
    externalIPs: fc.subarray(['a', 'b']),
    sessionAffinityConfig: fc.constant({}),
  }),
}).map(service);

/** One that shares no field with the others. */
const otherConfiguration = partial<Parts>({
  labels: partial({ x: value, y: value }),
  finalizers: fc.subarray(['y/a', 'y/b']),
  spec: partial({ ports: portsOf(90, 91), clusterIP: value, loadBalancerSourceRanges: fc.subarray(['c', 'd'], { minLength: 1 }) }),
}).map(service);

const AT = '2026-01-01T00:00:00Z';

function apply(live: KubeObject | undefined, applied: KubeObject, manager: string): KubeObject {
  return deepFreeze(applyServerSide({ live, applied, schema, manager, force: true, time: AT }));
}

function update(before: KubeObject | undefined, after: KubeObject, manager: string): KubeObject {
  return deepFreeze(trackUpdate({ before, after, schema, manager, apiVersion: 'v1', time: AT }));
}

function ownedBy(object: KubeObject, manager?: string): FieldSet {
  const entries = (object.metadata.managedFields ?? []).filter((entry) => manager === undefined || entry.manager === manager);
  return entries.reduce((set, { fieldsV1 }) => union(set, decodeFields(fieldsV1)), EMPTY_SET);
}

/** An object without its managers and without what is empty, which owners come and go with. */
function content({ metadata: { managedFields: _managedFields, ...metadata }, ...object }: KubeObject): unknown {
  return withoutEmpty({ ...object, metadata });
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(withoutEmpty);
  if (typeof value !== 'object') return value;
  const fields = Object.entries(value ?? {}).flatMap(([field, each]) => {
    const kept = withoutEmpty(each);
    return kept === undefined ? [] : [[field, kept] as const];
  });
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

const identity = decodeFields({ 'f:apiVersion': {}, 'f:kind': {}, 'f:metadata': { 'f:name': {} } });

describe('server-side apply', () => {
  it('changes nothing when the same is applied again', () => {
    fc.assert(
      fc.property(configuration, configuration, (first, second) => {
        const live = apply(apply(undefined, first, 'a'), second, 'b');
        expect(apply(live, second, 'b')).toEqual(live);
      }),
    );
  });

  it('takes everything back that it had added, when nothing is applied any more', () => {
    fc.assert(
      fc.property(configuration, otherConfiguration, (first, second) => {
        const live = apply(undefined, first, 'a');
        const both = apply(live, second, 'b');
        const after = apply(both, { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } }, 'b');
        expect(content(after)).toEqual(content(live));
        expect(setsEqual(ownedBy(after, 'b'), EMPTY_SET)).toBe(true);
      }),
    );
  });

  it('leaves each applier owning what it has applied, and the object holding it', () => {
    fc.assert(
      fc.property(configuration, configuration, (first, second) => {
        const both = apply(apply(undefined, first, 'a'), second, 'b');
        expect(setsEqual(ownedBy(both, 'b'), difference(objectFieldSet(second, root), identity))).toBe(true);
        expect(content(mergeObjects(both, second, root) as KubeObject)).toEqual(content(both));
      }),
    );
  });

  it('has no field without an owner', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(configuration, fc.constantFrom('a', 'b', 'c'), fc.boolean()), { minLength: 1, maxLength: 6 }),
        (steps) => {
          let live: KubeObject | undefined;
          for (const [config, manager, applies] of steps)
            live = applies ? apply(live, config, manager) : update(live, asUpdate(live, config), manager);
          if (live === undefined) return;
          const leaves = difference(objectFieldSet(content(live), root), identity);
          expect(encodeFields(difference(leaves, ownedBy(live)))).toEqual({});
        },
      ),
    );
  });
});

function asUpdate(live: KubeObject | undefined, config: KubeObject): KubeObject {
  return deepFreeze({
    ...config,
    metadata: { ...config.metadata, ...(live?.metadata.managedFields && { managedFields: live.metadata.managedFields }) },
  });
}

describe('comparison', () => {
  it('finds nothing in equal objects, and the way back in the way there', () => {
    fc.assert(
      fc.property(configuration, configuration, (left, right) => {
        const [there, back] = [compareObjects(left, right, root), compareObjects(right, left, root)];
        expect([encodeFields(there.added), encodeFields(there.removed)]).toEqual([encodeFields(back.removed), encodeFields(back.added)]);
        expect(encodeFields(there.modified)).toEqual(encodeFields(back.modified));
        const same = compareObjects(left, JSON.parse(JSON.stringify(left)), root);
        expect([same.added, same.modified, same.removed].map(encodeFields)).toEqual([{}, {}, {}]);
      }),
    );
  });
});

describe('sets', () => {
  const set = configuration.map((object) => objectFieldSet(object, root));

  it('obey the laws of sets', () => {
    fc.assert(
      fc.property(set, set, (left, right) => {
        expect(setsEqual(union(left, right), union(right, left))).toBe(true);
        expect(setsEqual(intersection(left, right), intersection(right, left))).toBe(true);
        expect(setsEqual(union(difference(left, right), intersection(left, right)), left)).toBe(true);
        expect(setsEqual(decodeFields(JSON.parse(JSON.stringify(encodeFields(left))) as Record<string, unknown>), left)).toBe(true);
      }),
    );
  });
});
