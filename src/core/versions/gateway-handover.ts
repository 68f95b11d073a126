/**
 * Versions of istiod that send empty configuration to the pods of a Gateway (Gateway API) as soon as another revision owns
 * it, while those pods still run: routes are gone until they are replaced. What counts is the version that loses the Gateway.
 * @source istio/istio issues 56321 and 59959; repaired in 1.29.5 and 1.30.2
 */
import { compareIstioVersions, parseIstioVersion } from './istio-version.ts';

const RANGES: readonly (readonly [first: string, last: string])[] = [
  ['1.24.3', '1.29.4'],
  ['1.30.0', '1.30.1'],
];

/** @returns true also for a version that cannot be read: unknown is not good */
export function emptiesLostGateways(version: string): boolean {
  const found = parseIstioVersion(version);
  if (!found) return true;
  return RANGES.some(([first, last]) => isBetween(found, first, last));
}

function isBetween(version: NonNullable<ReturnType<typeof parseIstioVersion>>, first: string, last: string): boolean {
  const [low, high] = [parseIstioVersion(first), parseIstioVersion(last)];
  return low !== undefined && high !== undefined && compareIstioVersions(version, low) >= 0 && compareIstioVersions(version, high) <= 0;
}
