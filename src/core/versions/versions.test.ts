import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareIstioVersions, parseIstioVersion, revisionNameFor, sameIstioVersion, versionOfImage } from './istio-version.ts';
import { assessHop, assessProxySkew } from './skew-rules.ts';
import { kubernetesMinor, supportRow, supportTable } from './support-table.ts';

describe('parseIstioVersion', () => {
  it.each([
    ['1.29.1', 1, 29, 1, ''],
    ['v1.29.1', 1, 29, 1, ''],
    ['1.29.1-distroless', 1, 29, 1, '-distroless'],
    ['1.29.1-solo.2', 1, 29, 1, '-solo.2'],
    ['1.29.1+build.5', 1, 29, 1, '+build.5'],
    ['1.29.1.2', 1, 29, 1, '.2'],
    ['1.30-alpha.0f3c', 1, 30, undefined, '-alpha.0f3c'],
    [' 1.29.1\n', 1, 29, 1, ''],
  ])('%s', (text, major, minor, patch, suffix) => {
    expect(parseIstioVersion(text)).toEqual({ major, minor, ...(patch === undefined ? {} : { patch }), suffix, text: text.trim() });
  });

  it.each(['latest', '', '1', 'sha256:abc', '1.x', 'proxy-1.29.1', '1.29_1'])('%s is no version', (text) => {
    expect(parseIstioVersion(text)).toBeUndefined();
  });
});

describe('comparing', () => {
  it.each([
    ['1.28.2', '1.29.1', -1],
    ['1.29.10', '1.29.9', 1],
    ['1.29.1-distroless', '1.29.1', 0],
    ['2.0.0', '1.99.0', 1],
    ['1.30-alpha.1', '1.30.0', 0],
    ['1.30-alpha.1', '1.30.1', -1],
    ['1.30.1', '1.30-alpha.1', 1],
  ])('%s and %s', (a, b, sign) => {
    const [left, right] = [parseIstioVersion(a), parseIstioVersion(b)];
    expect(Math.sign(left && right ? compareIstioVersions(left, right) : Number.NaN)).toBe(sign);
  });

  it('takes suffixes of vendors as data, and texts that are no versions as they are', () => {
    expect(sameIstioVersion('1.29.1', '1.29.1-acme')).toBe(true);
    expect(sameIstioVersion('1.29.1', '1.29.2')).toBe(false);
    expect(sameIstioVersion('unknown', 'unknown')).toBe(true);
    expect(sameIstioVersion('unknown', '1.29.1')).toBe(false);
    expect(sameIstioVersion('1.29.1', 'unknown')).toBe(false);
  });

  const numbers = fc.tuple(fc.nat(3), fc.nat(40), fc.nat(20));
  const suffix = fc.constantFrom('', '-distroless', '-debug', '-solo.2', '+build');
  const version = fc
    .tuple(numbers, suffix)
    .map(([[major, minor, patch], end]) => ({ major, minor, patch, text: `${major}.${minor}.${patch}${end}` }));
  const parsed = (text: string): NonNullable<ReturnType<typeof parseIstioVersion>> => {
    const result = parseIstioVersion(text);
    if (!result) throw new Error(`${text} is no version`);
    return result;
  };

  it('reads back every version that is written, in any order of its numbers', () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(parsed(a.text)).toMatchObject({ major: a.major, minor: a.minor, patch: a.patch });
        const wanted = Math.sign(a.major - b.major) || Math.sign(a.minor - b.minor) || Math.sign(a.patch - b.patch);
        expect(Math.sign(compareIstioVersions(parsed(a.text), parsed(b.text)))).toBe(wanted);
        expect(sameIstioVersion(a.text, b.text)).toBe(wanted === 0);
      }),
    );
  });

  it('reads a version off an image whatever registry, port and digest stand around it', () => {
    const registry = fc.constantFrom('', 'docker.io/istio/', 'registry.invalid:5000/', 'localhost:5000/a/b.c/', '10.0.0.1:443/istio/');
    const digest = fc.constantFrom('', '@sha256:0a1b2c');
    fc.assert(
      fc.property(registry, version, digest, (where, { major, minor, patch, text }, end) => {
        expect(versionOfImage(`${where}proxyv2:${text}${end}`)).toBe(`${major}.${minor}.${patch}`);
        expect(versionOfImage(`${where}proxyv2${end}`)).toBeUndefined();
      }),
    );
  });
});

it.each([
  ['docker.io/istio/proxyv2:1.28.2', '1.28.2'],
  ['registry.invalid:5000/istio/proxyv2:1.28.2-distroless', '1.28.2'],
  ['registry.invalid:5000/istio/proxyv2', undefined],
  ['istio/proxyv2@sha256:0123', undefined],
  ['istio/proxyv2:1.28.2@sha256:0123', '1.28.2'],
  ['istio/proxyv2:latest', undefined],
  ['istio/pilot:1.30-alpha.1', '1.30-alpha.1'],
  ['1.28.2', undefined],
  ['', undefined],
])('versionOfImage %s', (image, version) => {
  expect(versionOfImage(image)).toBe(version);
});

it.each([
  ['1.29.1', '1-29-1'],
  ['1.29.1+Build_7', '1-29-1-build-7'],
  ['v1.2', 'v1-2'],
  ['-1.29.1-', '1-29-1'],
  ['x'.repeat(70), 'x'.repeat(63)],
])('revisionNameFor %s', (version, name) => {
  expect(revisionNameFor(version)).toBe(name);
});

it.each([
  ['1.28.2', '1.28.2', 'same'],
  ['1.28.2', '1.28.3', 'supported'],
  ['1.28.2', '1.29.1', 'supported'],
  ['1.27.0', '1.29.1', 'supported'],
  ['1.26.0', '1.29.1', 'too-far'],
  ['1.29.1', '1.28.9', 'downgrade'],
  ['1.29.1', '1.29.0', 'downgrade'],
  ['1.29.1', '1.29.1-acme', 'same'],
  ['1.99.0', '2.0.0', 'too-far'],
  ['unknown', '1.29.1', 'unknown'],
])('assessHop %s → %s is %s', (from, to, kind) => {
  expect(assessHop(from, to).kind).toBe(kind);
});

it.each([
  ['1.28.2', '1.28.3', { kind: 'supported', minors: 0 }],
  ['1.28.2', '1.29.1', { kind: 'supported', minors: 1 }],
  ['1.27.0', '1.29.1', { kind: 'supported', minors: 2 }],
  ['1.26.0', '1.29.1', { kind: 'too-far', minors: 3 }],
  ['nightly', '1.29.1', { kind: 'unknown', text: 'nightly' }],
  ['1.28.2', 'nightly', { kind: 'unknown', text: 'nightly' }],
])('assessHop %s → %s says how far, or what it cannot read', (from, to, verdict) => {
  expect(assessHop(from, to)).toEqual(verdict);
});

it.each([
  ['1.29.1', '1.29.0', 'ok'],
  ['1.29.1', '1.28.0', 'ok'],
  ['1.29.1', '1.27.5', 'behind'],
  ['1.28.2', '1.29.1', 'ahead'],
  ['1.28.2', '1.28.9', 'ok'],
  ['1.28.2', 'unknown', 'unknown'],
  ['unknown', '1.28.2', 'unknown'],
])('assessProxySkew: control plane %s, proxy %s is %s', (controlPlane, proxy, verdict) => {
  expect(assessProxySkew(controlPlane, proxy)).toBe(verdict);
});

describe('the support table', () => {
  it.each([
    ['1.18', 24, 27],
    ['1.19', 25, 28],
    ['1.20', 25, 29],
    ['1.21', 26, 29],
    ['1.22', 27, 30],
    ['1.23', 27, 30],
    ['1.24', 28, 31],
    ['1.25', 29, 32],
    ['1.26', 29, 33],
    ['1.27', 29, 33],
    ['1.28', 30, 34],
    ['1.29', 31, 35],
    ['1.30', 32, 36],
  ])('Istio %s runs on Kubernetes 1.%i to 1.%i', (istio, lowest, highest) => {
    const [major = 0, minor = 0] = istio.split('.').map(Number);
    expect(supportRow({ major, minor })?.kubernetes).toEqual([lowest, highest]);
  });

  it('has one row for each minor, in order, with ranges that only move up', () => {
    const minors = supportTable.map((row) => Number(row.istio.split('.')[1]));
    expect(minors).toEqual(minors.map((_, index) => (minors[0] ?? 0) + index));
    for (const [index, row] of supportTable.entries()) {
      const before = supportTable[index - 1];
      expect(row.kubernetes[0]).toBeLessThanOrEqual(row.kubernetes[1]);
      if (before)
        expect([
          row.kubernetes[0] >= before.kubernetes[0],
          row.kubernetes[1] >= before.kubernetes[1],
          row.endOfLife > before.endOfLife,
        ]).toEqual([true, true, true]);
    }
  });

  it('is asked by minor, and does not know what it does not know', () => {
    expect(supportRow({ major: 1, minor: 29 })?.kubernetes).toEqual([31, 35]);
    expect(supportRow({ major: 1, minor: 99 })).toBeUndefined();
    expect([kubernetesMinor('v1.34.3'), kubernetesMinor('v1.34.3+k3s1'), kubernetesMinor('main')]).toEqual([34, 34, undefined]);
  });
});
