/**
 * Expressions with which an EnvoyFilter chooses proxies by their version.
 * @source istio/istio pilot/pkg/model/envoyfilter.go (an RE2 search in the proxy's ISTIO_VERSION, without anchors; a longer
 *   expression than 1024 characters never matches) @86c9f01
 */
import { RE2JS } from 're2js';
import { parseIstioVersion } from '../versions/istio-version.ts';

/** `unknown`: the expression is no valid one, or the version is not known. */
export type VersionMatch = 'yes' | 'no' | 'unknown';

const LONGEST_EXPRESSION = 1024;

/**
 * @param expression as in `configPatches[].match.proxy.proxyVersion`; absent or empty: every proxy
 * @param version of a proxy, such as `1.28.2`
 */
export function matchesProxyVersion(expression: string | undefined, version: string): VersionMatch {
  if (expression === undefined || expression === '') return 'yes';
  if (expression.length > LONGEST_EXPRESSION) return 'no';
  if (version === '' || version === 'unknown') return 'unknown';
  try {
    return RE2JS.compile(expression).test(version) ? 'yes' : 'no';
  } catch {
    return 'unknown';
  }
}

/** Whether it matches any of them; a sure match beats an unknown one. */
export function matchesAnyVersion(expression: string | undefined, versions: readonly string[]): VersionMatch {
  const answers = versions.map((version) => matchesProxyVersion(expression, version));
  if (answers.includes('yes')) return 'yes';
  return answers.includes('unknown') || answers.length === 0 ? 'unknown' : 'no';
}

/** A dot as people write it: `\.`, `[.]` or plain. */
const DOT = String.raw`\\\.|\[\.\]|\.`;
/** What may follow a minor or a patch without saying anything about versions. */
const REST = String.raw`(?:\.[*+]|\\\.\.[*+]|\[\.\]\.[*+]|\\\.\*?|(?:\\\.|\[\.\])(?:\\d|\[0-9\])[+*]|\(\\\..*\)[?*])?\$?`;
const PLAIN = new RegExp(String.raw`^(\^?(?:\.\*)?)(\d+)(${DOT})(\d+)(?:(${DOT})(\d+))?(${REST})$`);

/**
 * The same expression for another version, when it is of a plain shape: major and minor, perhaps a patch, between an optional
 * `^` and an optional rest such as `.*`.
 * @param expression one that matches a version of `old`
 * @returns undefined when it is not of that shape, or would not tell the two versions apart
 */
export function expressionFor(expression: string, old: readonly string[], to: string): string | undefined {
  const match = PLAIN.exec(expression);
  const target = parseIstioVersion(to);
  if (!match || !target) return undefined;
  const [, start = '', major, dot = '', minor, secondDot, patch, rest = ''] = match;
  const isOfOld = old.some((text) => {
    const version = parseIstioVersion(text);
    if (!version || String(version.major) !== major || String(version.minor) !== minor) return false;
    return patch === undefined || String(version.patch ?? '') === patch;
  });
  if (!isOfOld || (patch !== undefined && target.patch === undefined)) return undefined;
  const tail = secondDot === undefined ? rest : `${secondDot}${target.patch ?? ''}${rest}`;
  const made = `${start}${target.major}${dot}${target.minor}${tail}`;
  return matchesProxyVersion(made, to) === 'yes' && matchesAnyVersion(made, old) === 'no' ? made : undefined;
}
