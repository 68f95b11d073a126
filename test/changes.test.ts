import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

const FOLDER = join(import.meta.dirname, '..', 'changes');

const Fragment = z.strictObject({
  kind: z.enum(['added', 'changed', 'fixed', 'removed', 'security']),
  room: z.string().min(1),
  text: z.string().trim().min(1),
  upgrade: z.string().trim().min(1).optional(),
});

test('every changelog fragment can be gathered', () => {
  const fragments = readdirSync(FOLDER).filter((file) => file !== 'README.md');
  expect(fragments.filter((file) => !/^[a-z0-9-]+\.yaml$/.test(file))).toEqual([]);
  expect(fragments.flatMap((file) => faults(readFileSync(join(FOLDER, file), 'utf8')).map((fault) => `${file}: ${fault}`))).toEqual([]);
});

test.each([
  ['kind: added\nroom: cli\ntext: status shows gateways', []],
  ['kind: better\nroom: cli\ntext: status shows gateways', ['kind']],
  ['kind: fixed\ntext: status shows gateways', ['room']],
  ['kind: fixed\nroom: cli\ntext: "  "', ['text']],
  ['kind: fixed\nroom: cli\ntext: a\nauthor: me', ['']],
  ['kind: [', ['not YAML']],
])('%j', (text, expected) => {
  expect(faults(text).map((fault) => fault.split(': ')[0])).toEqual(expected);
});

function faults(text: string): string[] {
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    return [`not YAML: ${String(error)}`];
  }
  return (Fragment.safeParse(content).error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`);
}
