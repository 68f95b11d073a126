import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expressionFor, matchesAnyVersion, matchesProxyVersion, type VersionMatch } from './proxy-version.ts';

describe('which proxies an expression matches', () => {
  it.each<[string | undefined, string, VersionMatch]>([
    [undefined, '1.28.2', 'yes'],
    ['', '1.28.2', 'yes'],
    ['', 'unknown', 'yes'],
    [String.raw`^1\.28.*`, '1.28.2', 'yes'],
    [String.raw`^1\.28.*`, '1.29.1', 'no'],
    // A search, without anchors.
    [String.raw`1\.28`, '1.28.2', 'yes'],
    [String.raw`28`, '1.28.2', 'yes'],
    [String.raw`2$`, '1.28.2', 'yes'],
    [String.raw`^28`, '1.28.2', 'no'],
    // Dots that are not escaped, and numbers that go on.
    ['1.28', '1.28.2', 'yes'],
    ['1.2.*', '1.28.2', 'yes'],
    ['1.2.*', '1.29.1', 'yes'],
    ['1.2.*', '1.30.0', 'no'],
    [String.raw`^1\.2$`, '1.28.2', 'no'],
    [String.raw`^1\.(28|29)\.`, '1.29.1', 'yes'],
    [String.raw`^1\.2[0-8]`, '1.29.1', 'no'],
    ['(?i)SOLO', '1.28.2-solo', 'yes'],
    [String.raw`\d+\.\d+\.\d+$`, '1.28.2-solo', 'no'],
    [String.raw`^1\.28\.2$`, '1.28.2-distroless', 'no'],
    [String.raw`\pN`, '1.28.2', 'yes'],
    // What JavaScript knows and RE2 does not.
    ['^1(?!.29)', '1.28.2', 'unknown'],
    [String.raw`(1)\.28\.\1`, '1.28.2', 'unknown'],
    ['[', '1.28.2', 'unknown'],
    ['*', '1.28.2', 'unknown'],
    ['^1', 'unknown', 'unknown'],
    ['^1', '', 'unknown'],
    // The longest that may match, and one more.
    [`1|${'x'.repeat(1022)}`, '1.28.2', 'yes'],
    [`1|${'x'.repeat(1023)}`, '1.28.2', 'no'],
  ])('%s of %s: %s', (expression, version, match) => {
    expect(matchesProxyVersion(expression, version)).toBe(match);
  });

  it('of several versions, a sure match beats an unknown one, and none is unknown', () => {
    expect(matchesAnyVersion('^1[.]28', ['unknown', '1.28.0'])).toBe('yes');
    expect(matchesAnyVersion('^1[.]28', ['unknown', '1.27.0'])).toBe('unknown');
    expect(matchesAnyVersion('^1[.]28', ['1.27.0', '1.26.0'])).toBe('no');
    expect(matchesAnyVersion('^1[.]28', [])).toBe('unknown');
  });

  it('takes no time with expressions that make others slow', () => {
    expect(matchesProxyVersion('^(1+)+$', `${'1'.repeat(60)}x`)).toBe('no');
  });
});

describe('the same expression for the new version', () => {
  it.each<[string, string | undefined]>([
    [String.raw`^1\.28.*`, String.raw`^1\.29.*`],
    [String.raw`^1\.28`, String.raw`^1\.29`],
    [String.raw`1\.28`, String.raw`1\.29`],
    ['^1.28.*', '^1.29.*'],
    ['1.28.*', '1.29.*'],
    ['1.28', '1.29'],
    ['1[.]28', '1[.]29'],
    [String.raw`^1\.28\..*`, String.raw`^1\.29\..*`],
    [String.raw`^1\.28\..*$`, String.raw`^1\.29\..*$`],
    [String.raw`^1\.28\.`, String.raw`^1\.29\.`],
    [String.raw`^1\.28\.\d+$`, String.raw`^1\.29\.\d+$`],
    [String.raw`^1\.28\.[0-9]+`, String.raw`^1\.29\.[0-9]+`],
    [String.raw`^1\.28(\..*)?$`, String.raw`^1\.29(\..*)?$`],
    [String.raw`.*1\.28.*`, String.raw`.*1\.29.*`],
    [String.raw`^.*1\.28.*`, String.raw`^.*1\.29.*`],
    [String.raw`^1\.28\.2$`, String.raw`^1\.29\.1$`],
    [String.raw`^1\.28\.2.*`, String.raw`^1\.29\.1.*`],
    ['1.28.2', '1.29.1'],
    // Somebody meant something with these.
    [String.raw`^1\.2[78]`, undefined],
    [String.raw`^(1\.27|1\.28)`, undefined],
    [String.raw`^1\.28|^1\.27`, undefined],
    [String.raw`^1\.28\.[0-5]$`, undefined],
    [String.raw`^1\.(28).*`, undefined],
    [String.raw`^1\.2.*8`, undefined],
    [String.raw`(?i)^1\.28`, undefined],
    ['28', undefined],
    [String.raw`\.28\.`, undefined],
    [String.raw`^1\.28\.2-solo`, undefined],
    ['', undefined],
  ])('%s → %s', (expression, wanted) => {
    expect(expressionFor(expression, ['1.28.2'], '1.29.1')).toBe(wanted);
  });

  it('is only written when it tells the two apart', () => {
    // A proxy of the old revision that is ahead of it.
    expect(expressionFor(String.raw`^1\.28`, ['1.28.2', '1.29.1'], '1.29.1')).toBeUndefined();
    // A patch: the minor alone does not change.
    expect(expressionFor(String.raw`^1\.28\.2$`, ['1.28.2'], '1.28.3')).toBe(String.raw`^1\.28\.3$`);
    expect(expressionFor(String.raw`^1\.27`, ['1.28.2'], '1.29.1')).toBeUndefined();
    expect(expressionFor(String.raw`^1\.28\.5$`, ['1.28.2'], '1.29.1')).toBeUndefined();
    expect(expressionFor('1.28', ['unknown'], '1.29.1')).toBeUndefined();
    expect(expressionFor('1.28', ['1.28.2'], 'unknown')).toBeUndefined();
    expect(expressionFor(String.raw`1\.28\.2`, ['1.28.2'], '1.30-alpha.1')).toBeUndefined();
    expect(expressionFor(String.raw`1\.9.*`, ['1.9.4'], '1.10.0')).toBe(String.raw`1\.10.*`);
  });

  it('whatever the shape, what is written matches the new version and not the old one', () => {
    const minor = fc.integer({ min: 20, max: 32 });
    fc.assert(
      fc.property(
        minor,
        minor,
        fc.constantFrom('^', '', '.*', '^.*'),
        fc.constantFrom('\\.', '.', '[.]'),
        fc.constantFrom('', '.*', '\\.', '\\..*$'),
        (old, to, start, dot, rest) => {
          const made = expressionFor(`${start}1${dot}${old}${rest}`, [`1.${old}.3`], `1.${to}.0`);
          if (made === undefined) return old === to;
          return matchesProxyVersion(made, `1.${to}.0`) === 'yes' && matchesProxyVersion(made, `1.${old}.3`) === 'no';
        },
      ),
    );
  });
});
