/**
 * What becomes of workloads whose own pod template names the revision, in namespaces without a label of Istio's: only there it counts.
 * @source istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml (rev.object) @86c9f01
 */
import { pinnedProxyImage } from '../injection/resolve-injection.ts';
import { isInjectedGateway } from '../mesh/build-gateways.ts';
import { runningPods, workloadKey, type MeshNamespace, type Workload } from '../mesh/mesh-inventory.ts';
import { ownerOf } from '../mesh/object-owner.ts';
import { trackingMark } from '../mesh/owner-marks.ts';
import { namesWorkload } from '../request/upgrade-request.ts';
import { reasonNotRestartable } from './restartable.ts';
import {
  isWithin,
  labelChange,
  revisionOf,
  REVISION_LABEL,
  runsOn,
  selectsByRevision,
  withTemplateLabel,
  type GatewayScope,
  type OutsideJudgement,
  type TemplateLabel,
} from './select-gateways.ts';
import type { WorkloadMove } from './select-moves.ts';

/** Kinds whose template can be changed so that their pods are made anew. */
const RELABELLED_KINDS: readonly string[] = ['Deployment', 'StatefulSet', 'DaemonSet'];

/**
 * Judges a workload that is no gateway. It gets the label of the new revision together with its restart, also where it followed a tag:
 * that moves when everything behind it has, and giving the label back would restart the pods once more.
 */
export function judgeLabelled(workload: Workload, namespace: MeshNamespace, scope: GatewayScope): OutsideJudgement {
  if (!isConcerned(workload, namespace, scope)) return { kind: 'other' };
  const change = labelChange(workload, scope);
  const template = withTemplateLabel(workload.template, change?.to ?? null, change !== undefined);
  if (revisionOf(template, namespace, scope.webhooks) !== scope.to.revision) return { kind: 'other' };
  const reason = reasonStays(workload, change !== undefined, scope);
  return reason === undefined
    ? { kind: 'moves', move: moveOf(workload, scope.to.revision, change) }
    : { kind: 'stays', why: { workload, reason, keepsOldInUse: true } };
}

/** Whether its own label leads to the old revision, or its pods are still there; a tag that is kept leads nowhere else. */
function isConcerned(workload: Workload, namespace: MeshNamespace, scope: GatewayScope): boolean {
  const { from, to, webhooks } = scope;
  const label = workload.template.metadata?.labels?.[REVISION_LABEL];
  if (from === undefined || label === undefined || !RELABELLED_KINDS.includes(workload.kind)) return false;
  if (isInjectedGateway(workload) || !isWithin(namespace, scope)) return false;
  if (scope.moveTags !== true && label !== from && webhooks.some((webhook) => webhook.tag === label)) return false;
  const now = revisionOf(workload.template, namespace, webhooks);
  return now === from || (now === to.revision && runsOn(workload, from));
}

function moveOf(workload: Workload, revision: string, change: TemplateLabel | undefined): WorkloadMove {
  const pinnedImage = pinnedProxyImage(workload.template);
  const pods = runningPods(workload);
  return {
    workload,
    revision,
    gateway: false,
    firstSidecar: pods.length > 0 && pods.every((pod) => pod.proxy === undefined),
    ...(pinnedImage === undefined ? {} : { pinnedImage }),
    ...(change === undefined ? {} : { templateLabel: change }),
  };
}

function reasonStays(workload: Workload, isRelabelled: boolean, { skip, to }: GatewayScope): string | undefined {
  if (skip.some((entry) => namesWorkload(entry, workload))) return 'left out by the request';
  const reason = reasonNotRestartable(workload);
  if (reason !== undefined || !isRelabelled) return reason;
  if (selectsByRevision(workload))
    return `its selector names ${REVISION_LABEL}, which cannot change: make ${workloadKey(workload)} anew without it`;
  const tool = toolOf(workload);
  return tool === undefined ? undefined : `${tool} keeps its pod template: commit ${REVISION_LABEL}: ${to.label} there`;
}

/** A tool that would set the label back at once. */
function toolOf({ controller }: Workload): string | undefined {
  if (controller === undefined) return undefined;
  const owner = ownerOf(controller);
  return trackingMark(controller)?.tool ?? (owner.kind === 'gitops' ? owner.tool : undefined);
}
