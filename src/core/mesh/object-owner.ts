/** Who owns an object, as its marks tell: a Helm release, a GitOps tool, or istioctl. */
import type { KubeObject } from './kube-objects.ts';
import { isGitopsManager } from './owner-marks.ts';

export type ObjectOwner =
  | { readonly kind: 'helm'; readonly release: string; readonly namespace: string }
  /** A tool that would set a change back; `tool` is what its mark or its field manager is called. */
  | { readonly kind: 'gitops'; readonly tool: string }
  | { readonly kind: 'istioctl' }
  /** Applied by hand, by rendered manifests, or by somebody who leaves no mark. */
  | { readonly kind: 'nobody' };

const ISTIOCTL_MANAGERS = new Set(['istio-ci', 'istio-operator']);

/**
 * The Helm release that has an object in its manifest. The annotation alone is no proof of it: istioctl copies it to its
 * tags from the revision's own webhooks, and leaves out the label that the chart gives.
 * @source istio/istio istioctl/pkg/tag/generate.go (generateLabels) @ab413ac6; seen on a real 1.29.1
 */
export function helmReleaseOf(object: KubeObject): string | undefined {
  const release = object.metadata.annotations?.['meta.helm.sh/release-name'];
  if (release === undefined) return undefined;
  const byHelm = managersOf(object).some((manager) => manager === 'helm' || manager === 'helm-controller');
  return byHelm || object.metadata.labels?.['operator.istio.io/component'] !== undefined || !isIstiosTag(object) ? release : undefined;
}

function isIstiosTag(object: KubeObject): boolean {
  return object.metadata.labels?.['istio.io/tag'] !== undefined;
}

export function ownerOf(object: KubeObject): ObjectOwner {
  const gitops = gitopsTool(object);
  if (gitops !== undefined) return { kind: 'gitops', tool: gitops };
  const release = helmReleaseOf(object);
  if (release !== undefined)
    return { kind: 'helm', release, namespace: object.metadata.annotations?.['meta.helm.sh/release-namespace'] ?? 'istio-system' };
  const byIstioctl = managersOf(object).some((manager) => ISTIOCTL_MANAGERS.has(manager));
  return byIstioctl ? { kind: 'istioctl' } : { kind: 'nobody' };
}

/** A tracking mark counts only where it names this very object: istioctl copies those of the revision to its tags. */
function gitopsTool(object: KubeObject): string | undefined {
  const manager = managersOf(object).find(isGitopsManager);
  if (manager !== undefined) return manager;
  const tracked = object.metadata.annotations?.['argocd.argoproj.io/tracking-id'];
  if (tracked !== undefined && tracked.endsWith(`/${object.metadata.name}`)) return `Argo CD (${tracked.split(':')[0] ?? tracked})`;
  return undefined;
}

function managersOf(object: KubeObject): string[] {
  return (object.metadata.managedFields ?? []).flatMap(({ manager }) => (manager === undefined ? [] : [manager]));
}
