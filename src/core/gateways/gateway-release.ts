/** A gateway that goes on as a Helm release of its own: what its chart is told, and whether what the chart renders can take its place. */
import { isRecord } from '../controlplane/diff-objects.ts';
import { refKey, refOf, refText } from '../controlplane/object-identity.ts';
import { MANAGED_BY, RELEASE_NAME, RELEASE_NAMESPACE, releaseOf } from '../helm/release-marks.ts';
import type { HelmRelease, ReleaseName } from '../helm/release.ts';
import type { KubeObject, PodController, Service } from '../mesh/kube-objects.ts';
import { selectsPod } from '../mesh/match-selector.ts';
import { autoscalerBounds, autoscalerOf, COPY_LABEL, copyName, selectorOf } from './copy-gateway.ts';
import { isOfRelease } from './release-marks.ts';
import { missingIn } from './template-diff.ts';

/** The release that takes the place of another one, and what its chart is told beyond the values of that one. None of it is a secret. */
export interface GatewayHeir {
  readonly old: ReleaseName;
  readonly release: ReleaseName;
  readonly overrides: Readonly<Record<string, unknown>>;
}

/** How a gateway of a Helm release goes on: as a release of its own, or as a copy that belongs to none, and why. */
export type GatewaySuccession =
  | (GatewayHeir & {
      readonly kind: 'release';
      /** Version of the chart that renders it. */
      readonly chart: string;
      /** As the chart renders it, with the marks of its release. */
      readonly deployment: PodController;
      /** What else the chart renders. */
      readonly others: readonly KubeObject[];
    })
  | { readonly kind: 'copy'; readonly why: string };

export interface SuccessionInput {
  readonly live: PodController;
  readonly revision: string;
  /** Value of `istio.io/rev` in the pods. */
  readonly label: string;
  /** Helm's releases in its namespace; undefined when they may not be read. */
  readonly releases: readonly HelmRelease[] | undefined;
  /** Objects of the kinds that charts of gateways make, and Istio's Gateways. */
  readonly surroundings: readonly KubeObject[];
}

/** Charts of Istio under whose selectors and values a second Deployment can stand beside the first. @source istio/istio manifests/charts/gateway 1.28.2, 1.29.1 */
const CHART = 'gateway';
/** @source helm/helm pkg/chart/common/util (maxReleaseNameLen) @ v3.17.4 */
const LONGEST_RELEASE_NAME = 53;

/** @returns undefined for a gateway of no Helm release */
export function heirOf(input: SuccessionInput): GatewayHeir | { readonly why: string } | undefined {
  const { live, revision, label, releases } = input;
  const old = releaseOf(live);
  if (old === undefined) return undefined;
  const name = copyName(live, revision);
  const selector = chartSelector(live);
  const why = reasonOfRecords(old, releases) ?? reasonOfName(name, releases);
  if (why !== undefined) return { why };
  if (selector === undefined) return { why: `the selector of deploy/${live.metadata.name} is not the one of the chart` };
  const account = (live.spec?.template?.spec as { serviceAccountName?: string } | undefined)?.serviceAccountName;
  return {
    old,
    release: { name, namespace: old.namespace },
    overrides: {
      name,
      revision: label,
      labels: { ...selector, [COPY_LABEL]: revision },
      service: { type: 'None' },
      serviceAccount: { name: account ?? 'default' },
      ...autoscalingOf(input, old),
    },
  };
}

function reasonOfRecords(old: ReleaseName, releases: readonly HelmRelease[] | undefined): string | undefined {
  if (releases === undefined) return `the records of ${old.name} may not be read`;
  const found = releases.find(({ name, namespace }) => name === old.name && namespace === old.namespace);
  if (found === undefined) return `${old.name} has no records`;
  if (found.chart?.name !== CHART) return `the chart of ${old.name} is ${found.chart?.name ?? 'unknown'}, not Istio's ${CHART}`;
  return found.status === 'deployed' ? undefined : `${old.name} is ${found.status}`;
}

function reasonOfName(name: string, releases: readonly HelmRelease[] = []): string | undefined {
  if (name.length > LONGEST_RELEASE_NAME) return `${name} is longer than the ${LONGEST_RELEASE_NAME} characters that Helm allows`;
  return releases.some((release) => release.name === name) ? `there is a release ${name} already` : undefined;
}

/** Undefined for a selector that the chart would not render. */
function chartSelector({ spec }: PodController): { readonly app: string; readonly istio: string } | undefined {
  const { matchLabels = {}, matchExpressions = [] } = spec?.selector ?? {};
  const { app, istio, ...more } = matchLabels;
  if (app === undefined || istio === undefined || Object.keys(more).length > 0 || matchExpressions.length > 0) return undefined;
  return { app, istio };
}

/** An autoscaler may have been changed since; the new one is as the old one is. */
function autoscalingOf({ live, surroundings }: SuccessionInput, old: ReleaseName): Record<string, unknown> {
  const autoscaler = autoscalerOf(live.metadata.name, inNamespace(surroundings, old));
  if (autoscaler === undefined || !isOfRelease(autoscaler, old)) return {};
  const { min, max } = autoscalerBounds(autoscaler);
  return { autoscaling: { minReplicas: min, maxReplicas: max } };
}

function inNamespace(objects: readonly KubeObject[], { namespace }: ReleaseName): KubeObject[] {
  return objects.filter((object) => object.metadata.namespace === namespace);
}

/** Values with others over them, map by map, as Helm merges them. */
export function mergeValues(
  values: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const merged: Record<string, unknown> = { ...values };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isRecord(below) && isRecord(value) ? mergeValues(below, value) : value;
  }
  return merged;
}

/** Kinds beside the Deployment that are looked at before the chart may make them. */
const KNOWN_KINDS = new Set(['ServiceAccount', 'Role', 'RoleBinding', 'HorizontalPodAutoscaler', 'PodDisruptionBudget', 'NetworkPolicy']);

export interface RenderedInput {
  readonly heir: GatewayHeir;
  readonly chart: string;
  readonly objects: readonly KubeObject[];
  readonly live: PodController;
  readonly services: readonly Service[];
  readonly surroundings: readonly KubeObject[];
}

/** Whether what the chart renders can stand beside the gateway and take its place, so that nothing is lost by it. */
export function judgeRendered(input: RenderedInput): GatewaySuccession {
  const { heir, objects, chart } = input;
  const deployment = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === heir.release.name);
  const others = objects.filter((object) => object !== deployment);
  if (deployment === undefined) return copy('the chart renders no Deployment of its name');
  const why = reasonUnlike(input, deployment) ?? reasonInTheWay(input, others);
  if (why !== undefined) return copy(why);
  return { kind: 'release', ...heir, chart, deployment: releasedDeployment(deployment, heir.release), others };
}

function copy(why: string): GatewaySuccession {
  return { kind: 'copy', why };
}

function reasonUnlike({ live, services, surroundings, heir }: RenderedInput, deployment: PodController): string | undefined {
  const before = live.spec?.template?.metadata?.labels ?? {};
  const after = deployment.spec?.template?.metadata?.labels ?? {};
  const { namespace } = heir.release;
  const selecting = [
    ...services.filter((s) => s.metadata.namespace === namespace).map((s) => ({ object: s, selector: s.spec?.selector ?? {} })),
    ...surroundings
      .filter((object) => object.kind === 'Gateway' || object.metadata.namespace === namespace)
      .map((object) => ({ object, selector: selectorOf(object) })),
  ];
  const lost = selecting.find(({ selector }) => selectsPod(selector, before) && !selectsPod(selector, after));
  if (lost !== undefined) return `${refText(refOf(lost.object))} selects the old pods by a label that the chart gives others`;
  const [missing] = missingIn(live.spec?.template, deployment.spec?.template, 'spec.template');
  return missing === undefined ? undefined : `deploy/${live.metadata.name} has ${missing}, which the chart does not render`;
}

function reasonInTheWay({ heir, live, surroundings }: RenderedInput, others: readonly KubeObject[]): string | undefined {
  const unknown = others.find(({ kind }) => !KNOWN_KINDS.has(kind));
  if (unknown !== undefined) return `the chart renders ${refText(refOf(unknown))} too`;
  const keys = new Set(others.map((object) => refKey(refOf(object))));
  const foreign = inNamespace(surroundings, heir.release).find(
    (object) => keys.has(refKey(refOf(object))) && !isOfRelease(object, heir.old),
  );
  if (foreign !== undefined) return `${refText(refOf(foreign))} is not of the release ${heir.old.name}`;
  const scales = others.some(({ kind }) => kind === 'HorizontalPodAutoscaler');
  const autoscaler = autoscalerOf(live.metadata.name, inNamespace(surroundings, heir.release));
  if (scales && autoscaler === undefined) return 'the chart renders an autoscaler, and the gateway has none';
  return undefined;
}

/** With the marks of its release from the start; the number of pods is counted by the shares, and by whoever counts them later. */
function releasedDeployment(rendered: PodController, release: ReleaseName): PodController {
  const { replicas: _replicas, ...spec } = (rendered.spec ?? {}) as NonNullable<PodController['spec']> & { replicas?: number };
  return withRelease({ ...rendered, spec }, release) as PodController;
}

/** An object with the marks by which Helm knows that it is of a release. */
export function withRelease(object: KubeObject, { name, namespace }: ReleaseName): KubeObject {
  const { metadata } = object;
  return {
    ...object,
    metadata: {
      ...metadata,
      namespace,
      labels: { ...metadata.labels, [MANAGED_BY]: 'Helm' },
      annotations: { ...metadata.annotations, [RELEASE_NAME]: name, [RELEASE_NAMESPACE]: namespace },
    },
  };
}

/**
 * The number of pods as a value of the chart, where it would change it: an upgrade must not.
 * @param rendered the Deployment as the chart renders it
 */
export function replicasOverride(rendered: KubeObject, live: KubeObject): Readonly<Record<string, unknown>> {
  const replicasOf = ({ spec }: KubeObject): number | undefined => (spec as { replicas?: number } | undefined)?.replicas;
  const wanted = replicasOf(rendered);
  return wanted === undefined || wanted === replicasOf(live) ? {} : { replicaCount: replicasOf(live) ?? 1 };
}
