/**
 * Which steps between versions Istio supports.
 * @source istio/istio.io content/en/docs/releases/supported-releases (control plane and data plane skew) and
 *   content/en/docs/setup/upgrade/canary (a revision may jump two minors)
 */
import { compareIstioVersions, minorsBetween, parseIstioVersion } from './istio-version.ts';

export type HopVerdict =
  | { readonly kind: 'supported'; readonly minors: number }
  | { readonly kind: 'same' }
  | { readonly kind: 'downgrade' }
  | { readonly kind: 'too-far'; readonly minors: number }
  | { readonly kind: 'unknown'; readonly text: string };

/** Judges a move of a control plane beside another one. Patch upgrades are supported with 0 minors. */
export function assessHop(from: string, to: string): HopVerdict {
  const a = parseIstioVersion(from);
  const b = parseIstioVersion(to);
  if (!a || !b) return { kind: 'unknown', text: a ? to : from };
  const order = compareIstioVersions(a, b);
  if (order === 0) return { kind: 'same' };
  if (order > 0) return { kind: 'downgrade' };
  const minors = minorsBetween(a, b);
  return minors > 2 ? { kind: 'too-far', minors } : { kind: 'supported', minors };
}

export type ProxySkewVerdict = 'ok' | 'behind' | 'ahead' | 'unknown';

/** A control plane may be one minor ahead of its proxies; proxies may never be ahead of it (by a minor). */
export function assessProxySkew(controlPlane: string, proxy: string): ProxySkewVerdict {
  const cp = parseIstioVersion(controlPlane);
  const dp = parseIstioVersion(proxy);
  if (!cp || !dp) return 'unknown';
  const minors = minorsBetween(dp, cp);
  if (minors < 0) return 'ahead';
  return minors > 1 ? 'behind' : 'ok';
}
