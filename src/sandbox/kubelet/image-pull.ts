/** Pulls of images: how long they take, how they fail, and the words of both. */
import { sha256 } from './container-status.ts';
import { imageMatches, type KubeletSettings, type PullRule } from './kubelet-knobs.ts';
import type { PodContainer } from './pod-spec.ts';

export interface PullPlan {
  readonly pullMs: number;
  /** What the runtime says; undefined when it succeeds. */
  readonly error?: string;
}

/** @returns undefined when the image need not be pulled */
export function planPull(container: PodContainer, present: boolean, settings: KubeletSettings): PullPlan | undefined {
  if (present && container.imagePullPolicy !== 'Always') return undefined;
  const rule = settings.pulls.find(({ image }) => imageMatches(image, container.image));
  const pullMs = present ? 0 : (rule?.pullMs ?? settings.pullMs);
  return rule?.error === undefined ? { pullMs } : { pullMs, error: pullError(container.image, rule.error) };
}

/** @source what containerd 1.6 answers, as a kubelet v1.34.3 writes it */
function pullError(image: string, error: NonNullable<PullRule['error']>): string {
  const full = fullReference(image);
  const resolve = `failed to pull and unpack image "${full}": failed to resolve reference "${full}"`;
  const { host, path, tag } = splitReference(full);
  switch (error) {
    case 'not-found':
      return `rpc error: code = NotFound desc = ${resolve}: ${full}: not found`;
    case 'unauthorized':
      return `rpc error: code = Unknown desc = ${resolve}: pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials`;
    case 'unreachable':
      return `rpc error: code = Unknown desc = ${resolve}: failed to do request: Head "https://${host}/v2/${path}/manifests/${tag}": dial tcp: lookup ${host}: i/o timeout`;
  }
}

/** With the registry and the tag that are meant when they are left out. */
export function fullReference(image: string): string {
  const slash = image.indexOf('/');
  const first = slash < 0 ? '' : image.slice(0, slash);
  const hasHost = first.includes('.') || first.includes(':') || first === 'localhost';
  const path = hasHost ? image : `docker.io/${slash < 0 ? 'library/' : ''}${image}`;
  const hasTag = path.includes('@') || path.lastIndexOf(':') > path.lastIndexOf('/');
  return hasTag ? path : `${path}:latest`;
}

function splitReference(full: string): { readonly host: string; readonly path: string; readonly tag: string } {
  const slash = full.indexOf('/');
  const colon = full.lastIndexOf(':');
  const host = full.slice(0, slash);
  return { host: host === 'docker.io' ? 'registry-1.docker.io' : host, path: full.slice(slash + 1, colon), tag: full.slice(colon + 1) };
}

/** `Successfully pulled image "x" in 1.2s (1.2s including waiting). Image size: 100 bytes.` */
export function pulledMessage(image: string, pullMs: number): string {
  const took = pullMs < 1000 ? `${Math.round(pullMs)}ms` : `${pullMs / 1000}s`;
  return `Successfully pulled image "${image}" in ${took} (${took} including waiting). Image size: ${imageBytes(image)} bytes.`;
}

/** Between 10 and 200 MB, always the same for one image. */
export function imageBytes(image: string): number {
  return 10_000_000 + (Number.parseInt(sha256(image).slice(0, 8), 16) % 190_000_000);
}
