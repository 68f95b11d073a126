import { describe, expect, it } from 'vitest';
import type { KubeObject } from './objects/kube-object.ts';
import { writeEventLog } from './event-log.ts';
import { MemoryStore } from './store/memory-store.ts';

function logOf(objects: readonly KubeObject[], octets: readonly number[]): readonly string[] {
  const store = new MemoryStore();
  const lines: string[] = [];
  const [first, ...others] = objects;
  if (first !== undefined) store.put('configmaps', first);
  const clock = { nowMs: () => Date.UTC(2026, 0, 1) + 1500 };
  const stop = writeEventLog({ store, resources: ['configmaps'], clock, octets, write: (line) => lines.push(line) });
  for (const object of others) store.put('configmaps', object);
  store.remove('configmaps', 'shop', first?.metadata.name ?? '');
  stop();
  store.put('configmaps', objectWith('late', {}));
  return lines;
}

function objectWith(name: string, data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data };
}

const pem = (body: string): string => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('the event log', () => {
  it('has a line for what is there and for each write until it is stopped', () => {
    const lines = logOf([objectWith('a', {}), objectWith('b', {}), objectWith('b', { key: 'value' })], [64]);
    const at = '2026-01-01T00:00:01.500Z';
    expect(lines.map((line) => line.split(' ').slice(0, 5).join(' '))).toEqual([
      `1 ${at} ADDED configmaps shop/a`,
      `2 ${at} ADDED configmaps shop/b`,
      `3 ${at} MODIFIED configmaps shop/b`,
      `4 ${at} DELETED configmaps shop/a`,
    ]);
    expect(new Set(lines.map((line) => line.split(' ')[5])).size).toBe(4);
    expect(lines.every((line) => /^[\da-f]{32}$/.test(line.split(' ')[5] ?? ''))).toBe(true);
  });

  it('leaves out certificates, keys and which loopback addresses are used', () => {
    const one = objectWith('a', { root: pem('AAAA'), bundle: base64(pem('AAAA')), address: '127.64.0.7', balancer: '127.128.0.1' });
    const other = objectWith('a', { root: pem('BBBB'), bundle: base64(pem('BBBB')), address: '127.70.0.7', balancer: '127.134.0.1' });
    expect(logOf([one], [64, 128])).toEqual(logOf([other], [70, 134]));
  });

  it('tells everything else apart', () => {
    const base = { root: pem('AAAA'), address: '127.64.0.7', local: '127.0.0.1', text: 'x' };
    const logs = [base, { ...base, address: '127.64.0.8' }, { ...base, local: '127.0.0.2' }, { ...base, text: 'y' }].map((data) =>
      logOf([objectWith('a', data)], [64]).join(),
    );
    expect(new Set(logs).size).toBe(4);
  });
});
