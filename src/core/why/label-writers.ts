/** Who writes a label, as the object that carries it tells: its field managers, and the marks that tools leave. */
import type { KubeObject } from '../mesh/kube-objects.ts';
import { ownerOf } from '../mesh/object-owner.ts';
import type { DecidingLabel } from './why-answer.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Where the labels of a pod template stand in each kind. */
const TEMPLATE_PATHS = [
  ['f:spec', 'f:template', 'f:metadata', 'f:labels'],
  ['f:spec', 'f:jobTemplate', 'f:spec', 'f:template', 'f:metadata', 'f:labels'],
];
const OWN_PATH = ['f:metadata', 'f:labels'];

/** @param carrier the namespace, or what holds the pod template; undefined when it was not read whole: then nobody is named */
export function labelWriters(
  carrier: KubeObject | undefined,
  on: DecidingLabel['on'],
  label: string,
): Pick<DecidingLabel, 'managers' | 'tool'> {
  if (carrier === undefined) return { managers: [] };
  const paths = on === 'namespace' || carrier.kind === 'Pod' ? [OWN_PATH] : TEMPLATE_PATHS;
  const managers = (carrier.metadata.managedFields ?? [])
    .filter(({ fieldsV1 }) => paths.some((path) => `f:${label}` in fieldsAt(fieldsV1, path)))
    .flatMap(({ manager }) => (manager === undefined ? [] : [manager]));
  const tool = toolOf(carrier);
  return { managers: [...new Set(managers)], ...(tool === undefined ? {} : { tool }) };
}

function fieldsAt(fields: unknown, path: readonly string[]): Fields {
  const found = path.reduce<unknown>((at, key) => (at as Fields | undefined)?.[key], fields);
  return typeof found === 'object' && found !== null ? (found as Fields) : {};
}

/**
 * The tool that has the object among what it deploys.
 * @source argoproj/argo-cd docs/user-guide/resource_tracking.md; fluxcd/kustomize-controller and helm-controller, labels of ownership
 */
function toolOf(object: KubeObject): string | undefined {
  const { labels = {}, annotations = {} } = object.metadata;
  const argo = annotations['argocd.argoproj.io/tracking-id']?.split(':')[0] ?? labels['argocd.argoproj.io/instance'];
  if (argo !== undefined) return `Argo CD (${argo})`;
  const kustomization = labels['kustomize.toolkit.fluxcd.io/name'];
  if (kustomization !== undefined) return `Flux Kustomization ${kustomization}`;
  const flux = labels['helm.toolkit.fluxcd.io/name'];
  if (flux !== undefined) return `Flux HelmRelease ${flux}`;
  const owner = ownerOf(object);
  if (owner.kind === 'helm') return `Helm release ${owner.release}`;
  return owner.kind === 'gitops' ? owner.tool : undefined;
}
