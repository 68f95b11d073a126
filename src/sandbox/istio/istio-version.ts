/** What differs between the versions of Istio that the sandbox plays, 1.26 to 1.31. */

export interface IstioVersion {
  /** `1.28.2`, or what the image's tag says when that is no version. */
  readonly text: string;
  /** 28 for 1.28.2; the newest that is known for tags that are no version. */
  readonly minor: number;
  readonly patch: number;
}

const NEWEST_MINOR = 31;

/** The version in an image such as `docker.io/istio/pilot:1.28.2-distroless`; digests and other tags count as the newest. */
export function versionOfImage(image: string): IstioVersion {
  const tag = /:([^:/@]+)(?:@.*)?$/.exec(image)?.[1] ?? 'unknown';
  return parseIstioVersion(tag.replace(/-(?:distroless|debug)$/, ''));
}

export function parseIstioVersion(text: string): IstioVersion {
  const match = /^1\.(\d+)(?:\.(\d+))?/.exec(text);
  return { text, minor: match === null ? NEWEST_MINOR : Number(match[1]), patch: Number(match?.[2] ?? 0) };
}

/**
 * A proxy as an init container that keeps running: off until 1.26, since 1.27 by itself when every kubelet is new enough.
 * Source: istio/istio, pilot/pkg/features (ENABLE_NATIVE_SIDECARS), tags 1.26.8 and 1.27.9.
 */
export function nativeSidecarMode(version: IstioVersion, setting: string | undefined): 'on' | 'off' | 'auto' {
  if (setting === 'true') return 'on';
  if (setting === 'false') return 'off';
  return version.minor >= 27 ? 'auto' : 'off';
}

/** Since 1.27 istiod keeps a list of revoked certificates in every namespace. */
export function hasRevocationList(version: IstioVersion): boolean {
  return version.minor >= 27;
}

/** Since 1.27 each revision has a leader of its own for the status of Gateway API objects; before, one for all. */
export function hasGatewayStatusLeaderPerRevision(version: IstioVersion): boolean {
  return version.minor >= 27;
}

/** Since 1.30 images come from another registry. */
export function defaultHub(version: IstioVersion): string {
  return version.minor >= 30 ? 'registry.istio.io/release' : 'docker.io/istio';
}
