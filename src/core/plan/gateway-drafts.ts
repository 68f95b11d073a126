/** The steps by which a gateway moves to a new Deployment beside it. */
import { refOf } from '../controlplane/object-identity.ts';
import { autoscalerBounds, autoscalerOf, copyName, labelsToLeaveOut, trialName } from '../gateways/copy-gateway.ts';
import type { GatewaySuccession } from '../gateways/gateway-release.ts';
import { templateDiff } from '../gateways/template-diff.ts';
import type { HelmRelease } from '../helm/release.ts';
import { shareCounts, type ShareCounts } from '../gateways/share-counts.ts';
import type { KubeObject, PodController, Service } from '../mesh/kube-objects.ts';
import { selectsPod } from '../mesh/match-selector.ts';
import type { WorkloadMove } from '../moves/select-moves.ts';
import type { StepDraft } from './build-steps.ts';
import type { AutoscalerBounds, GatewayRef } from './gateway-step.ts';
import type { ObjectChange } from './step.ts';

export interface CanaryInput {
  readonly move: WorkloadMove;
  readonly shares: readonly number[];
  readonly services: readonly Service[];
  /** What a chart of a gateway may have made in its namespace: the autoscaler is found here, and what a release shares. */
  readonly surroundings: readonly KubeObject[];
  /** Helm's releases in its namespace; undefined when they may not be read. */
  readonly releases?: readonly HelmRelease[] | undefined;
  /** How its Helm release goes on; undefined for a gateway of none. */
  readonly succession?: GatewaySuccession | undefined;
}

type Released = Extract<GatewaySuccession, { kind: 'release' }>;

export interface Canary {
  readonly gateway: GatewayRef;
  readonly copy: GatewayRef;
  readonly live: PodController;
  readonly pods: number;
  readonly revision: string;
  readonly label: string | undefined;
  readonly services: readonly Service[];
  readonly autoscaler: KubeObject | undefined;
  readonly counts: readonly ShareCounts[];
  /** Labels that a pod must not have to be behind no Service; undefined when it needs them all. */
  readonly without: readonly string[] | undefined;
  readonly succession: GatewaySuccession | undefined;
}

export function releasedOf({ succession }: Pick<Canary, 'succession'>): Released | undefined {
  return succession?.kind === 'release' ? succession : undefined;
}

export function canaryOf({ move, shares, services, surroundings, succession }: CanaryInput): Canary {
  const { workload } = move;
  const live = workload.controller as PodController;
  const revision = move.revision ?? '';
  const { namespace, name } = workload;
  const inNamespace = surroundings.filter((object) => object.metadata.namespace === namespace);
  const labels = workload.template.metadata?.labels ?? {};
  const ofNew = releasedOf({ succession })?.deployment.spec?.template?.metadata?.labels ?? labels;
  const serving = services.filter((s) => s.metadata.namespace === namespace && selectsPod(s.spec?.selector, labels));
  return {
    gateway: { kind: 'Deployment', namespace, name },
    copy: { kind: 'Deployment', namespace, name: copyName(live, revision) },
    live,
    pods: workload.desiredPods,
    revision,
    label: move.templateLabel?.to ?? undefined,
    services: serving,
    autoscaler: autoscalerOf(name, inNamespace),
    counts: shareCounts(workload.desiredPods, shares),
    without: labelsToLeaveOut(ofNew, serving, [...surroundings.filter((object) => object.kind === 'Gateway'), ...inNamespace]),
    succession,
  };
}

/** @returns the step that adds the new Deployment, and one for each share that whole pods can make */
export function canaryDrafts(input: CanaryInput): StepDraft[] {
  const canary = canaryOf(input);
  const [first, ...rest] = canary.counts;
  if (first === undefined) return [];
  return [addDraft(canary, first), ...rest.map((counts, index) => shiftDraft(canary, canary.counts[index] ?? first, counts))];
}

function askedText({ asked, percent }: ShareCounts): string {
  const differing = asked.filter((share) => share !== percent);
  return differing.length === 0 ? `${percent} %` : `${percent} % (asked: ${asked.join(' and ')} %)`;
}

function addDraft(canary: Canary, counts: ShareCounts): StepDraft {
  const { gateway, copy, pods, revision, label, services, autoscaler, without } = canary;
  const released = releasedOf(canary);
  return {
    slug: `add-${copy.namespace}-${copy.name}`,
    kind: 'addGateway',
    title: `add deploy/${copy.name} beside deploy/${gateway.name} in ${gateway.namespace}: 1 of ${counts.oldPods + 1} pods, ${askedText(counts)}`,
    phase: 'move',
    preconditions: [
      { holds: 'workload-exists', workload: gateway },
      { holds: 'workload-pods', workload: gateway, pods },
    ],
    changes: [
      {
        action: 'create',
        ref: { apiVersion: 'apps/v1', ...copy },
        diff: addedLines(canary),
      },
      ...(autoscaler === undefined ? [] : [boundsChange(autoscaler, pods, pods)]),
    ],
    ...notesOf(canary),
    doneWhen: `${without === undefined ? '' : `a pod ${trialName(copy.name)} without ${without.join(', ')}, which has no traffic, has proven all of this first: `}its pod is ready, injected by ${revision}, its proxy connected to ${revision} and synced, steadily; every Service has it among its endpoints, and it answers HTTP as the old pods do`,
    undo: `delete deploy/${copy.name}; ${serviceText(services)} and the address stay as they are throughout`,
    gateway,
    copy,
    revision,
    ...(label === undefined ? {} : { label }),
    ...(released === undefined ? {} : { heir: { ...released.release }, deployment: { ...released.deployment } }),
    services: services.map((s) => s.metadata.name),
    ...(without === undefined ? {} : { trial: { pod: trialName(copy.name), without: [...without] } }),
    httpPorts: httpPorts(services, canary.live),
    bounds: autoscaler === undefined ? [] : [{ name: autoscaler.metadata.name, min: pods, max: pods, when: 'first' }],
  };
}

function addedLines({ gateway, copy, revision, label, live, succession }: Canary): string[] {
  const released = releasedOf({ succession });
  const own = [`+ metadata.name: ${copy.name}`, '+ spec.replicas: 1'];
  if (released !== undefined)
    return [
      `  as chart gateway ${released.chart} renders it with the values of the Helm release ${released.old.name}, and`,
      ...own,
      ...templateDiff(released.deployment, live),
    ];
  return [
    `  as deploy/${gateway.name} is, and`,
    ...own,
    ...(label === undefined ? [] : [`+ spec.template.metadata.labels."istio.io/rev": ${label}`]),
    `+ spec.selector.matchLabels."meshlift.io/revision": ${revision}`,
  ];
}

function notesOf({ copy, live, succession, services, without, autoscaler, pods }: Canary): { notes?: string[] } {
  const notes = [
    ...(without === undefined
      ? ['no pod can prove itself before it has traffic: its Service selects nothing that a Gateway does not need too']
      : []),
    ...(autoscaler === undefined
      ? []
      : [`autoscaler ${autoscaler.metadata.name} keeps to the counts of the shares, from ${pods} pods on, until the last one`]),
    ...successionNotes(copy.name, succession, services),
    ...differenceNotes(releasedOf({ succession }), live),
  ];
  return notes.length === 0 ? {} : { notes };
}

/** Which Helm release it becomes, or why none, and what then. */
function successionNotes(name: string, succession: GatewaySuccession | undefined, services: readonly Service[]): string[] {
  if (succession === undefined) return [];
  if (succession.kind === 'release')
    return [
      `at the finish it becomes the Helm release ${succession.release.name}, in the place of ${succession.old.name}; ${serviceText(services)} ${services.length === 1 ? 'belongs' : 'belong'} to no release then`,
    ];
  return [
    `deploy/${name} belongs to no Helm release: ${succession.why}; its selector is not a chart's, so that no chart can take it over. To keep a release: --with helm --charts CHARTS where that is what is missing, else --gateways inPlace`,
  ];
}

/** What of the pods is not as it runs now, labels apart: by hand, or since the chart is another one. */
function differenceNotes(released: Released | undefined, live: PodController): string[] {
  const lines = released === undefined ? [] : templateDiff(released.deployment, live);
  const paths = lines
    .map((line) => line.slice(2).replace(/: .*/s, ''))
    .filter((path) => path !== '' && !path.startsWith('spec.template.metadata.labels'));
  const differing = [...new Set(paths)];
  return differing.length === 0
    ? []
    : [`the chart renders these otherwise than deploy/${live.metadata.name} has them: ${differing.join(', ')}`];
}

/** `1 pod`, `2 pods`. */
export function podsText(pods: number): string {
  return `${pods} ${pods === 1 ? 'pod' : 'pods'}`;
}

function serviceText(services: readonly Service[]): string {
  return `${services.length === 1 ? 'Service' : 'Services'} ${services.map((s) => s.metadata.name).join(', ')}`;
}

function shiftDraft(canary: Canary, before: ShareCounts, after: ShareCounts): StepDraft {
  const { gateway, copy, revision, services, autoscaler, pods } = canary;
  const total = after.oldPods + after.newPods;
  const bounds = shiftBounds(canary, after);
  return {
    slug: `shift-${gateway.namespace}-${gateway.name}-${after.percent}`,
    kind: 'shiftGateway',
    title: `shift gateway ${gateway.name} in ${gateway.namespace} to ${askedText(after)}: ${after.newPods} of ${podsText(total)} ${total === 1 ? 'is' : 'are'} of deploy/${copy.name}`,
    phase: 'move',
    preconditions: [],
    changes: [
      replicasChange(copy, before.newPods, after.newPods),
      replicasChange(gateway, before.oldPods, after.oldPods),
      ...(autoscaler === undefined || after.oldPods === 0 ? [] : [boundsChange(autoscaler, after.oldPods, after.oldPods)]),
      ...(autoscaler === undefined || after.oldPods > 0 ? [] : [lastAutoscalerChange(canary, autoscaler)]),
    ],
    doneWhen: `new pods are ready on ${revision} and among the endpoints of ${serviceText(services)} before old ones go, and the old ones have drained and ended`,
    undo: `${podsText(pods)} of deploy/${gateway.name} ${pods === 1 ? 'comes' : 'come'} back first, and ${pods === 1 ? 'serves' : 'serve'} before those of deploy/${copy.name} go`,
    gateway,
    up: { workload: copy, from: before.newPods, to: after.newPods, revision },
    down: { workload: gateway, from: before.oldPods, to: after.oldPods },
    services: services.map((s) => s.metadata.name),
    bounds,
  };
}

function lastAutoscalerChange({ gateway, copy, succession }: Canary, autoscaler: KubeObject): ObjectChange {
  if (releasedOf({ succession }) === undefined)
    return { action: 'create', ref: { ...refOf(autoscaler), name: copy.name }, diff: [`  as ${autoscaler.metadata.name} was`] };
  const { min, max } = autoscalerBounds(autoscaler);
  return {
    action: 'update',
    ref: refOf(autoscaler),
    diff: [
      `- spec.scaleTargetRef.name: ${gateway.name}`,
      `+ spec.scaleTargetRef.name: ${copy.name}`,
      `  spec: ${min} to ${max} pods, as before`,
    ],
  };
}

/**
 * While pods are counted out, autoscalers keep to the counts; at the end the new gateway has one as the old one had. One that a chart
 * renders has the selector of the old one: two autoscalers over the same pods would both stop, so that the one that is there goes along.
 * @source kubernetes/kubernetes pkg/controller/podautoscaler/horizontal.go (AmbiguousSelector) @ v1.34.3
 */
function shiftBounds({ autoscaler, copy, succession }: Canary, { oldPods }: ShareCounts): AutoscalerBounds[] {
  if (autoscaler === undefined) return [];
  const { name } = autoscaler.metadata;
  // One without pods is switched off by the autoscaler itself.
  if (oldPods > 0) return [{ name, min: oldPods, max: oldPods, when: 'shrink' }];
  const bounds = { ...autoscalerBounds(autoscaler), when: 'last' as const };
  return releasedOf({ succession }) === undefined ? [{ name: copy.name, ...bounds, like: name }] : [{ name, ...bounds, target: copy.name }];
}

function replicasChange(ref: GatewayRef, from: number, to: number): ObjectChange {
  return {
    action: 'update',
    ref: { apiVersion: 'apps/v1', ...ref },
    diff: from === to ? [] : [`- spec.replicas: ${from}`, `+ spec.replicas: ${to}`],
  };
}

function boundsChange(autoscaler: KubeObject, min: number, max: number): ObjectChange {
  const now = autoscalerBounds(autoscaler);
  return {
    action: 'update',
    ref: refOf(autoscaler),
    diff: [
      `- spec: ${now.min} to ${now.max} pods`,
      `+ spec: ${min === max ? min : `${min} to ${max}`} pods, while the shares are counted out`,
    ],
  };
}

/** Ports of the pods behind ports of Services that speak HTTP without TLS, by name or `appProtocol` as Istio reads them. */
export function httpPorts(services: readonly Service[], { spec }: PodController): number[] {
  const named = new Map(
    (spec?.template?.spec?.containers ?? [])
      .flatMap((c) => (c.ports ?? []) as { name?: string; containerPort: number }[])
      .map((p) => [p.name, p.containerPort]),
  );
  const ports = services.flatMap((s) => s.spec?.ports ?? []) as readonly {
    name?: string;
    appProtocol?: string;
    port: number;
    targetPort?: number | string;
  }[];
  const numbers = ports
    .filter(({ name = '', appProtocol = name.split('-')[0] ?? '' }) => /^(http|http2|grpc)$/.test(appProtocol))
    .flatMap(({ port, targetPort = port }) => (typeof targetPort === 'number' ? targetPort : (named.get(targetPort) ?? [])));
  return [...new Set(numbers)];
}
