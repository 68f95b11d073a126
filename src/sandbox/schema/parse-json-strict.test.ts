import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJsonStrict } from './parse-json-strict.ts';

test('reads what JSON.parse reads, in the same order', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(0, 2, '\t'), (text, indent) => {
      const written = JSON.stringify(JSON.parse(text), null, indent);
      expect(JSON.stringify(parseJsonStrict(written).value)).toBe(JSON.stringify(JSON.parse(written)));
    }),
    { numRuns: 500, seed: 1 },
  );
});

test.each([
  ['{"a":1,"a":2}', { a: 2 }, ['duplicate field "a"']],
  ['{"a":{"b":1,"b":2,"b":3}}', { a: { b: 3 } }, ['duplicate field "a.b"', 'duplicate field "a.b"']],
  ['{"l":[{"x":1},{"x":1,"x":{"y":2}}]}', { l: [{ x: 1 }, { x: { y: 2 } }] }, ['duplicate field "l[1].x"']],
  ['{"a":1,"\\u0061":2}', { a: 2 }, ['duplicate field "a"']],
  ['{"a":{"b":1},"c":2}', { a: { b: 1 }, c: 2 }, []],
])('%s', (text, value, duplicates) => {
  expect(parseJsonStrict(text)).toMatchObject({ value, duplicates });
});

test('a field may have any name', () => {
  const { value } = parseJsonStrict('{"__proto__":{"a":1},"constructor":2}');
  expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
});

// What a real API server v1.34 says of such bodies.
test.each([
  ['', 'unexpected end of JSON input'],
  ['{', 'unexpected end of JSON input'],
  ['{"a"', 'unexpected end of JSON input'],
  ['"abc', 'unexpected end of JSON input'],
  ['{"a"}', "invalid character '}' after object key"],
  ['{"a":}', "invalid character '}' looking for beginning of value"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
  ['[1 2', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['{"a":nul', "invalid character ' ' in literal null (expecting 'l')"],
  ['{"a":1.}', "invalid character '}' after decimal point in numeric literal"],
  ['{"a":1e}', "invalid character '}' in exponent of numeric literal"],
  ['{"a":-}', "invalid character '}' in numeric literal"],
  ['{"a":01}', "invalid character '1' after object key:value pair"],
  ['{"a":"x\ny"}', String.raw`invalid character '\n' in string literal`],
  ['{"a":"\\q"}', "invalid character 'q' in string escape code"],
  ['{"a":"\\u12g4"}', String.raw`invalid character 'g' in \u hexadecimal character escape`],
  ['{"a":1}}', "invalid character '}' after top-level value"],
  ["{'a':1}", String.raw`invalid character '\'' looking for beginning of object key string`],
  ['{"a":é}', "invalid character 'Ã' looking for beginning of value"],
])('%s: %s', (text, message) => {
  expect(() => parseJsonStrict(text)).toThrow(new SyntaxError(message));
});

test('a text that is nested without end is refused, not followed', () => {
  expect(() => parseJsonStrict('['.repeat(200_000))).toThrow(new SyntaxError('exceeded max depth'));
});

test('damaged text ends with a SyntaxError or a value', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom('{', '"', ',', '}', '\\', '0', 'e', '-', ' '), (text, at, character) => {
      const damaged = text.slice(0, at % (text.length + 1)) + character + text.slice((at % (text.length + 1)) + 1);
      let expected: unknown;
      try {
        expected = JSON.parse(damaged);
      } catch {
        expect(() => parseJsonStrict(damaged)).toThrow(SyntaxError);
        return;
      }
      expect(parseJsonStrict(damaged).value).toEqual(expected);
    }),
    { numRuns: 2000, seed: 1 },
  );
});
