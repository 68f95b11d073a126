/** Istio versions as they stand in image tags, `/version` answers and requests. */

export interface IstioVersion {
  readonly major: number;
  readonly minor: number;
  /** Absent for development builds such as `1.30-alpha.1a2b3c`. */
  readonly patch?: number;
  /** What follows the numbers: `-distroless`, `-solo`, `-alpha.…`; empty for plain releases. */
  readonly suffix: string;
  readonly text: string;
}

const VERSION = /^v?(\d+)\.(\d+)(?:\.(\d+))?([-+.].*)?$/;

/** Reads `1.29.1`, `v1.29.1`, `1.29.1-distroless`, `1.30-alpha.x`; undefined for digests, `latest` and the like. */
export function parseIstioVersion(text: string): IstioVersion | undefined {
  const match = VERSION.exec(text.trim());
  if (!match) return undefined;
  const [, major, minor, patch, suffix] = match;
  return {
    major: Number(major),
    minor: Number(minor),
    ...(patch === undefined ? {} : { patch: Number(patch) }),
    suffix: suffix ?? '',
    text: text.trim(),
  };
}

/** Order by numbers only: suffixes of vendors and variants do not count. A missing patch counts as 0. */
export function compareIstioVersions(a: IstioVersion, b: IstioVersion): number {
  return a.major - b.major || a.minor - b.minor || (a.patch ?? 0) - (b.patch ?? 0);
}

/** The same numbers; `1.29.1` and `1.29.1-distroless` are the same version, vendors' suffixes are data, not mismatches. */
export function sameIstioVersion(a: string, b: string): boolean {
  const [left, right] = [parseIstioVersion(a), parseIstioVersion(b)];
  if (!left || !right) return a === b;
  return compareIstioVersions(left, right) === 0;
}

/** Minor versions from `a` to `b`; negative when `b` is older. Majors other than 1 do not exist. */
export function minorsBetween(a: IstioVersion, b: IstioVersion): number {
  return (b.major - a.major) * 1000 + (b.minor - a.minor);
}

/** The version in an image reference's tag: `docker.io/istio/proxyv2:1.28.2-distroless` gives `1.28.2`; undefined for digests. */
export function versionOfImage(image: string): string | undefined {
  const withoutDigest = image.split('@')[0] ?? '';
  const lastPart = withoutDigest.slice(withoutDigest.lastIndexOf('/') + 1);
  const colon = lastPart.indexOf(':');
  if (colon < 0) return undefined;
  const version = parseIstioVersion(lastPart.slice(colon + 1));
  if (!version) return undefined;
  return version.patch === undefined
    ? `${version.major}.${version.minor}${version.suffix}`
    : `${version.major}.${version.minor}.${version.patch}`;
}

/** The usual revision name of a version: `1.29.1` gives `1-29-1`. */
export function revisionNameFor(version: string): string {
  return version
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '');
}
