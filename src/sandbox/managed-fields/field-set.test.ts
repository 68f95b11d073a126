import { describe, expect, it } from 'vitest';
import {
  decodeFields,
  difference,
  encodeFields,
  has,
  intersection,
  pathsOf,
  recursiveDifference,
  setOf,
  setsEqual,
  union,
} from './field-set.ts';
import { pathText } from './path-element.ts';

const texts = (set: Parameters<typeof pathsOf>[0]): readonly string[] => pathsOf(set).map(pathText);

describe('sets of fields', () => {
  const all = decodeFields({ 'f:spec': { '.': {}, 'f:a': {}, 'f:b': { 'k:{"name":"x"}': { '.': {}, 'f:image': {} } } } });

  it('reads FieldsV1: a dot for the field itself, an empty object for a field without parts', () => {
    expect(texts(all)).toEqual(['.spec', '.spec.a', '.spec.b[name="x"]', '.spec.b[name="x"].image']);
    expect(has(all, ['f:spec', 'f:b'])).toBe(false);
  });

  it('writes what it has read', () => {
    expect(encodeFields(all)).toEqual({ 'f:spec': { '.': {}, 'f:a': {}, 'f:b': { 'k:{"name":"x"}': { '.': {}, 'f:image': {} } } } });
  });

  it('takes keys in any order and spelling for the same item', () => {
    const left = decodeFields({ 'f:p': { 'k:{"port":80,"protocol":"TCP"}': {} } });
    const right = decodeFields({ 'f:p': { 'k:{ "protocol": "TCP", "port": 80 }': {} } });
    expect(setsEqual(left, right)).toBe(true);
  });

  it('writes fields by name, then items by their keys, then values, numbers by their size', () => {
    const set = decodeFields({
      'v:"b"': {},
      'v:10': {},
      'v:9': {},
      'v:true': {},
      'k:{"n":10}': {},
      'k:{"n":9}': {},
      'k:{"m":9}': {},
      'f:b': {},
      'f:a': {},
    });
    expect(Object.keys(encodeFields(set))).toEqual([
      'f:a',
      'f:b',
      'k:{"m":9}',
      'k:{"n":9}',
      'k:{"n":10}',
      'v:9',
      'v:10',
      'v:"b"',
      'v:true',
    ]);
  });

  it('drops steps of unknown kinds and refuses steps that cannot be read', () => {
    expect(texts(decodeFields({ 'z:new': {}, 'f:a': {} }))).toEqual(['.a']);
    for (const key of ['a', 'k:{', 'v:x', 'i:x', 'k:[1]x']) expect(() => decodeFields({ [key]: {} })).toThrow(SyntaxError);
  });

  it.each([
    ['union', union, ['.a', '.b', '.b.c']],
    ['intersection', intersection, ['.b']],
    ['difference', difference, ['.b.c']],
  ] as const)('%s', (_name, operate, expected) => {
    expect(texts(operate(setOf(['f:b'], ['f:b', 'f:c']), setOf(['f:a'], ['f:b'])))).toEqual(expected);
  });

  it('keeps what lies below a path that is taken out, unless told to take that, too', () => {
    const set = setOf(['f:status', 'f:ready'], ['f:spec']);
    expect(texts(difference(set, setOf(['f:status'])))).toEqual(['.spec', '.status.ready']);
    expect(texts(recursiveDifference(set, setOf(['f:status'])))).toEqual(['.spec']);
  });

  it('gives back an operand where nothing changes', () => {
    const part = setOf(['f:spec', 'f:a']);
    expect(union(all, part)).toBe(all);
    expect(difference(part, setOf(['f:other']))).toBe(part);
  });
});
