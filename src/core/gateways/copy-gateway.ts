/** The Deployment that stands beside a gateway, made from it as it lives; and what of an owner's marks may not be copied. */
import { withoutServerFields } from '../controlplane/object-identity.ts';
import type { KubeObject, LabelSelector, Labels, PodController, Service } from '../mesh/kube-objects.ts';
import { selectsPod } from '../mesh/match-selector.ts';
import { isOwnerMark } from '../mesh/owner-marks.ts';
import { REVISION_LABEL, withTemplateLabel } from '../moves/select-gateways.ts';

/**
 * Label in the selector and in the pods of a Deployment that Meshlift made: it keeps the two Deployments of a gateway apart for
 * everything that counts pods by selector, such as an autoscaler. Its value is the revision.
 */
export const COPY_LABEL = 'meshlift.io/revision';

/** `app.kubernetes.io/managed-by` of whoever manages it by such marks. */
const MANAGED_BY = 'app.kubernetes.io/managed-by';

function withoutOwnerMarks(marks: Labels | undefined): Labels {
  return Object.fromEntries(Object.entries(marks ?? {}).filter(([key]) => !isOwnerMark(key) && key !== MANAGED_BY));
}

/** The revision for which Meshlift made a Deployment beside a gateway; one that a chart renders has the label in no selector. */
export function madeFor({ spec, metadata }: PodController): string | undefined {
  return spec?.selector?.matchLabels?.[COPY_LABEL] ?? metadata.labels?.[COPY_LABEL];
}

/** Name of the gateway without the revision that an earlier upgrade put behind it. */
export function baseName(gateway: PodController): string {
  const { name } = gateway.metadata;
  const revision = madeFor(gateway);
  return revision !== undefined && name.endsWith(`-${revision}`) ? name.slice(0, -revision.length - 1) : name;
}

export function copyName(gateway: PodController, revision: string): string {
  return `${baseName(gateway)}-${revision}`;
}

export interface CopyOptions {
  readonly revision: string;
  readonly replicas: number;
  /** Value of the label `istio.io/rev` of its template; absent: the namespace decides, and the label stays as it is. */
  readonly label?: string;
}

/**
 * The same pods under another name: every label that a Service selects, the same account, volumes, resources and probes. What differs
 * is the revision, the name, the number of pods, and the label that keeps the two apart.
 */
export function copyGateway(gateway: PodController, { revision, replicas, label }: CopyOptions): PodController {
  const clean = withoutServerFields(gateway) as PodController;
  const { ownerReferences: _owners, finalizers: _finalizers, labels, annotations, ...metadata } = clean.metadata;
  const { [REVISION_LABEL]: _rev, ...objectLabels } = withoutOwnerMarks(labels);
  const template = withTemplateLabel(clean.spec?.template ?? {}, label ?? null, label !== undefined);
  return {
    ...clean,
    metadata: {
      ...metadata,
      name: copyName(gateway, revision),
      labels: { ...objectLabels, [COPY_LABEL]: revision },
      annotations: withoutOwnerMarks(annotations),
    },
    spec: {
      ...clean.spec,
      replicas,
      selector: copiedSelector(clean.spec?.selector, revision),
      template: {
        ...template,
        metadata: {
          ...template.metadata,
          labels: { ...withoutPruned(template.metadata?.labels, clean.spec?.selector), [COPY_LABEL]: revision },
          annotations: withoutRestarts(template.metadata?.annotations),
        },
      },
    },
  };
}

/** istioctl prunes pods, too, by the labels of an IstioOperator: nobody selects pods by them, unless the selector itself does. */
function withoutPruned(labels: Labels | undefined, selector: LabelSelector | undefined): Labels {
  const isPruned = (key: string): boolean => /^(install\.)?operator\.istio\.io\//.test(key) && selector?.matchLabels?.[key] === undefined;
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => !isPruned(key)));
}

/** A selector that names the revision would no longer match once an injector writes that label. */
function copiedSelector(selector: LabelSelector | undefined, revision: string): LabelSelector {
  const { [REVISION_LABEL]: _rev, ...matchLabels } = selector?.matchLabels ?? {};
  const expressions = (selector?.matchExpressions ?? []).filter(({ key }) => key !== REVISION_LABEL);
  return {
    matchLabels: { ...matchLabels, [COPY_LABEL]: revision },
    ...(expressions.length === 0 ? {} : { matchExpressions: expressions }),
  };
}

function withoutRestarts(annotations: Labels | undefined): Labels {
  return Object.fromEntries(
    Object.entries(annotations ?? {}).filter(([key]) => key !== 'meshlift.io/restart' && key !== 'kubectl.kubernetes.io/restartedAt'),
  );
}

export function trialName(copy: string): string {
  return `${copy}-trial`;
}

/** One pod as the copy makes them, that nothing owns and no Service selects. */
export function trialPod(copy: PodController, without: readonly string[]): KubeObject {
  const { namespace, name } = copy.metadata;
  const { metadata, spec } = copy.spec?.template ?? {};
  const labels = Object.fromEntries(Object.entries(metadata?.labels ?? {}).filter(([key]) => !without.includes(key)));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: trialName(name),
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      annotations: metadata?.annotations ?? {},
    },
    spec,
  };
}

/**
 * Labels without which a pod is behind none of the Services, and still gets the listeners of the same Istio Gateways and is let through by the same
 * NetworkPolicies.
 * @param services all Services that select the pods
 * @param others Gateways of Istio of all namespaces, NetworkPolicies of this one; objects of other kinds do not matter
 * @returns undefined when a Service selects nothing but what one of these selects too
 */
export function labelsToLeaveOut(labels: Labels, services: readonly Service[], others: readonly KubeObject[]): string[] | undefined {
  const needed = new Set([REVISION_LABEL, 'sidecar.istio.io/inject']);
  for (const selector of others.map(selectorOf)) if (selectsPod(selector, labels)) for (const key of Object.keys(selector)) needed.add(key);
  const chosen = services.map(({ spec }) => Object.keys(spec?.selector ?? {}).find((key) => !needed.has(key)));
  return chosen.every((key) => key !== undefined) && chosen.length > 0 ? [...new Set(chosen)] : undefined;
}

/** Labels of the pods that a Gateway of Istio or a NetworkPolicy is about; none for objects of other kinds. */
export function selectorOf({ kind, spec }: KubeObject): Labels {
  const { selector, podSelector } = (spec ?? {}) as { selector?: Labels; podSelector?: { matchLabels?: Labels } };
  return (kind === 'Gateway' ? selector : kind === 'NetworkPolicy' ? podSelector?.matchLabels : undefined) ?? {};
}

/** The autoscaler of a gateway for the Deployment beside it. */
export function copyAutoscaler(
  autoscaler: KubeObject,
  gateway: string,
  bounds: { readonly min: number; readonly max: number },
): KubeObject {
  const clean = withoutServerFields(autoscaler);
  const { ownerReferences: _owners, finalizers: _finalizers, labels, annotations, ...metadata } = clean.metadata;
  const spec = clean['spec'] as Record<string, unknown> & { scaleTargetRef?: object };
  return {
    ...clean,
    metadata: {
      ...metadata,
      name: gateway,
      labels: Object.fromEntries(Object.entries(withoutOwnerMarks(labels)).filter(([key]) => key !== REVISION_LABEL)),
      annotations: withoutOwnerMarks(annotations),
    },
    spec: { ...spec, minReplicas: bounds.min, maxReplicas: bounds.max, scaleTargetRef: { ...spec.scaleTargetRef, name: gateway } },
  };
}

/** Of the objects of a namespace, the autoscaler whose target is this Deployment. */
export function autoscalerOf(deployment: string, objects: readonly KubeObject[]): KubeObject | undefined {
  return objects.find((object) => object.kind === 'HorizontalPodAutoscaler' && autoscalerTarget(object) === deployment);
}

/** Name of the Deployment that an autoscaler scales; undefined when it scales something else. */
export function autoscalerTarget(autoscaler: KubeObject): string | undefined {
  const target = (autoscaler['spec'] as { scaleTargetRef?: { kind?: string; name?: string } } | undefined)?.scaleTargetRef;
  return target?.kind === 'Deployment' ? target.name : undefined;
}

export function autoscalerBounds(autoscaler: KubeObject): { readonly min: number; readonly max: number } {
  const { minReplicas = 1, maxReplicas = 1 } = (autoscaler['spec'] ?? {}) as { minReplicas?: number; maxReplicas?: number };
  return { min: minReplicas, max: maxReplicas };
}
