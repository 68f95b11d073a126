/** Which ReplicaSet is the new one, which are old, and the annotations that say so. */
import type { Deployment, Labels, LabelSelector, PodTemplate, ReplicaSet } from '../base/workload-shapes.ts';
import { controllerReference } from '../base/ownership.ts';
import { sameContent } from '../base/stable-hash.ts';
import { byCreation, DESIRED_REPLICAS, desiredReplicas, fenceposts, MAX_REPLICAS, numberAnnotation } from './rollout-arithmetic.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const TEMPLATE_HASH = 'pod-template-hash';

/** Longest list of former revisions, in characters. */
const HISTORY_CHARACTERS = 2000;

const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);

/** Whether two templates are the same but for the hash label. */
export function sameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  return sameContent(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplate): unknown {
  const { [TEMPLATE_HASH]: _, ...labels } = template.metadata?.labels ?? {};
  const { creationTimestamp: __, ...metadata } = template.metadata ?? {};
  return { ...template, metadata: { ...metadata, labels } };
}

/** The oldest ReplicaSet that has the deployment's template. */
export function findNewSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return sets.toSorted(byCreation).find((set) => sameTemplate(set.spec.template, deployment.spec.template));
}

export function maxRevision(sets: readonly ReplicaSet[]): number {
  return Math.max(0, ...sets.map((set) => numberAnnotation(set, REVISION) ?? 0));
}

/** Annotations of the new ReplicaSet: those of the deployment, its revision, and the revisions that it had before. */
export function newSetAnnotations(deployment: Deployment, present: Labels | undefined, revision: number): Labels {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key));
  const annotations: Record<string, string> = { ...present, ...Object.fromEntries(copied) };
  const before = annotations[REVISION];
  if (Number(before ?? 0) >= revision) return annotations;
  annotations[REVISION] = String(revision);
  if (before !== undefined) annotations[REVISION_HISTORY] = historyWith(annotations[REVISION_HISTORY], before);
  return annotations;
}

function historyWith(history: string | undefined, revision: string): string {
  const revisions = [...(history === undefined || history === '' ? [] : history.split(',')), revision];
  while (revisions.length > 1 && revisions.join(',').length > HISTORY_CHARACTERS) revisions.shift();
  return revisions.join(',');
}

/** The annotations that tell a ReplicaSet how large its deployment is, with which scaling is told from rollouts. */
export function sizeAnnotations(deployment: Deployment): Labels {
  const wanted = desiredReplicas(deployment);
  return { [DESIRED_REPLICAS]: String(wanted), [MAX_REPLICAS]: String(wanted + fenceposts(deployment).maxSurge) };
}

export interface NewSet {
  readonly deployment: Deployment;
  readonly hash: string;
  readonly revision: number;
  readonly replicas: number;
}

export function buildNewSet({ deployment, hash, revision, replicas }: NewSet): ReplicaSet {
  const { metadata, spec } = deployment;
  const labels = { ...spec.template.metadata?.labels, [TEMPLATE_HASH]: hash };
  const selector: LabelSelector = { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [TEMPLATE_HASH]: hash } };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${metadata.name}-${hash}`,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels,
      annotations: { ...newSetAnnotations(deployment, {}, revision), ...sizeAnnotations(deployment) },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector,
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}
