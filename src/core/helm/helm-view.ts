/** What Helm has to do with an upgrade: the releases that it makes, brings along and takes away. */
import { DEFAULT_VALIDATOR, isIstiod, revisionOfDeployment } from '../mesh/find-revisions.ts';
import type { PodController } from '../mesh/kube-objects.ts';
import type { MeshObjects } from '../mesh/mesh-objects.ts';
import { ownerOf } from '../mesh/object-owner.ts';
import { findBaseRelease, validatorOwner } from './base-release.ts';
import type { HelmRelease, ReleaseName } from './release.ts';
import { releaseOf } from './release-marks.ts';

export interface HelmView {
  /** Releases of the Istio namespace; absent when they may not be read. */
  readonly releases?: readonly HelmRelease[];
  /** The release that the old control plane is, as its Deployment says. */
  readonly old?: ReleaseName;
  /** A tool that applies the old control plane and would bring it back. */
  readonly oldOwner?: string;
  /** The release that the new control plane becomes. */
  readonly fresh?: ReleaseName;
  /** The release of the base chart. */
  readonly base?: HelmRelease;
  /** Name of the release that has the default validator in its manifest. */
  readonly validatorOwner?: string;
  /** A tool that applies the default validator and would point it back. */
  readonly validatorKeeper?: string;
}

export interface HelmViewInput {
  readonly objects: Pick<MeshObjects, 'deployments' | 'validatingWebhooks' | 'istioNamespace'>;
  /** Undefined when they may not be read. */
  readonly releases: readonly HelmRelease[] | undefined;
  readonly from: string | undefined;
  /** The revision that helm installs unless it is there; undefined when it installs none. */
  readonly installs: string | undefined;
}

export function viewReleases({ objects, releases, from, installs }: HelmViewInput): HelmView {
  const deploymentOf = (revision: string | undefined): PodController | undefined =>
    objects.deployments.find((d) => isIstiod(d) && revisionOfDeployment(d) === revision);
  const istiod = deploymentOf(from);
  const old = istiod && releaseOf(istiod);
  const oldOwner = istiod && toolOf(istiod);
  const base = findBaseRelease(releases ?? [], objects.validatingWebhooks);
  const owner = validatorOwner(objects.validatingWebhooks);
  const validator = objects.validatingWebhooks.find(({ metadata }) => metadata.name === DEFAULT_VALIDATOR);
  const keeper = validator && toolOf(validator);
  return {
    ...(releases === undefined ? {} : { releases }),
    ...(old === undefined ? {} : { old }),
    ...(oldOwner === undefined ? {} : { oldOwner }),
    ...(installs === undefined || deploymentOf(installs) !== undefined
      ? {}
      : { fresh: { name: `istiod-${installs}`, namespace: objects.istioNamespace } }),
    ...(base === undefined ? {} : { base }),
    ...(owner === undefined ? {} : { validatorOwner: owner }),
    ...(keeper === undefined ? {} : { validatorKeeper: keeper }),
  };
}

/** @source fluxcd/helm-controller internal/postrender/origin_labels.go: the labels that it puts on what it installs */
function toolOf(object: Parameters<typeof ownerOf>[0]): string | undefined {
  const flux = object.metadata.labels?.['helm.toolkit.fluxcd.io/name'];
  if (flux !== undefined) return `Flux (HelmRelease ${object.metadata.labels?.['helm.toolkit.fluxcd.io/namespace'] ?? ''}/${flux})`;
  const instance = object.metadata.labels?.['argocd.argoproj.io/instance'];
  if (instance !== undefined) return `Argo CD (${instance})`;
  const owner = ownerOf(object);
  return owner.kind === 'gitops' ? owner.tool : undefined;
}

const CONTROL_PLANE_CHARTS = new Set(['istiod', 'istio-discovery']);

/**
 * The release whose records go with the old control plane: only one that is the control plane and nothing else. A chart that
 * holds more, such as one around several, keeps its records.
 */
export function releaseToRemove({ releases, old }: HelmView): ReleaseName | undefined {
  const release = old && releases?.find(({ name, namespace }) => name === old.name && namespace === old.namespace);
  return release && CONTROL_PLANE_CHARTS.has(release.chart?.name ?? '') ? { name: release.name, namespace: release.namespace } : undefined;
}

/** Why the records of the old release stay; undefined when they go, or there are none. */
export function reasonRecordsStay(view: HelmView): string | undefined {
  const { old, releases } = view;
  if (old === undefined || releaseToRemove(view) !== undefined) return undefined;
  if (releases === undefined) return `the records of the Helm release ${old.name} stay: they may not be read`;
  const release = releases.find(({ name }) => name === old.name);
  if (release === undefined) return undefined;
  return `the records of the Helm release ${old.name} stay: its chart is ${release.chart?.name ?? 'unknown'}, which may hold more than the control plane`;
}
