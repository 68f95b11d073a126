/** What a check found: a fact about the mesh that matters for an upgrade, with the objects it concerns. */

import { entry, type FindingEntry } from './finding-entry.ts';
import { workloadFindings } from './workload-findings.ts';

export type { FindingEntry, FindingGroup } from './finding-entry.ts';

export type FindingLevel = 'error' | 'warning' | 'info';

export interface Finding {
  readonly code: FindingCode;
  readonly level: FindingLevel;
  /** Names of what it concerns, such as `shop/deployment/cart`; empty when it concerns the whole mesh. */
  readonly objects: readonly string[];
  /** What was found, one or two lines, with figures. */
  readonly what: string;
  /** What happens when it is ignored. */
  readonly why: string;
  /** What to do; the first one is shown. */
  readonly next: readonly string[];
  /** Set when the request accepts it by name: it is told, and does not refuse the run. */
  readonly accepted?: boolean;
}

/** A check that could not look: it weakens the verdict. */
export interface CouldNotLook {
  readonly what: string;
  readonly why: string;
}

/** Every finding, as data. Codes are permanent. */
export const findingCatalogue = {
  'PLAT-001': entry(
    'platform',
    'A permission is missing',
    'The user that runs Meshlift lacks a permission that the plan needs.',
    'meshlift rbac prints the roles.',
  ),
  'PLAT-002': entry(
    'platform',
    'Istio does not support this Kubernetes version',
    "The Kubernetes version of the cluster is outside the range that Istio's support table gives for one of the two versions.",
    'Upgrade Kubernetes or choose another Istio version first.',
  ),
  'VERS-001': entry(
    'versions',
    'The step between the versions is not supported',
    'With revisions, Istio supports upgrades by at most two minor versions, and no downgrades.',
    'Go over a version in between.',
  ),
  'VERS-002': entry(
    'versions',
    'Proxies are too far from their control plane',
    'A control plane supports proxies of its own and of the previous minor version, and none that are newer.',
    'Restart these workloads before the upgrade.',
  ),
  'VERS-003': entry(
    'versions',
    'The target version is at its end of life',
    'It gets no more fixes, security fixes included.',
    'Choose a supported version, or plan the next upgrade soon.',
  ),
  'VERS-004': entry(
    'versions',
    'CRDs do not serve what the new control plane reads',
    'istiod 1.24 and later read version v1 of the networking, security and telemetry APIs. Without them it never becomes ready.',
    'Apply the CRDs of the target version first; an install by Meshlift does.',
  ),
  'VERS-005': entry(
    'versions',
    'The CRDs would stop serving a version',
    'The rendered CRDs serve fewer versions than the ones in the cluster, which are newer.',
    'Render the CRDs of the newest version in the cluster.',
  ),
  'CTRL-001': entry(
    'control planes',
    'Webhooks overlap',
    'Pods are matched by the injection webhooks of more than one revision, so they are injected twice and the last one wins.',
    'Deactivate or remove one of the webhooks.',
  ),
  'CTRL-002': entry(
    'control planes',
    'A webhook points to nothing',
    'The Service behind an injection webhook does not exist, so pods that it matches are refused.',
    'Remove the webhook configuration, or point it to a living revision.',
  ),
  'CTRL-003': entry(
    'control planes',
    'A webhook has no CA bundle',
    'istiod has not written its CA into the webhook, so the API server cannot call it.',
    'Look at the log of the istiod of that revision.',
  ),
  'CTRL-004': entry(
    'control planes',
    'Configuration differs in a key that must be equal',
    'Two revisions of one mesh must share trust domain, root namespace, mesh id, networks and CA; otherwise their proxies cannot talk.',
    'Set the same value for the new revision.',
  ),
  'CTRL-005': entry('control planes', 'A control plane is not ready', 'Not all of its istiod pods are ready.', 'Mend it first.'),
  'CTRL-006': entry(
    'control planes',
    'The installation would move the default revision',
    'istioctl makes a new revision the default when no default tag exists, although another control plane serves the default now.',
    'Make the present default explicit first, or install with rendered manifests.',
  ),
  'CTRL-007': entry(
    'control planes',
    'An istiod could not be asked',
    'Its debug endpoint did not answer, so it is unknown which proxies are connected to it.',
    'Check pods/portforward and the istiod pod.',
  ),
  'CTRL-008': entry(
    'control planes',
    'Values of the installed revision cannot be compared',
    'Istio keeps the values that a control plane was installed with since 1.26; of an older one only the mesh configuration can be compared and carried over.',
    'Pass the values of the installed revision to the new one.',
  ),
  'HELM-001': entry(
    'control planes',
    'A Helm release is in the middle of something',
    'A release that the plan would change or take away is pending: an installation, upgrade or rollback of it was begun and not ended, or still goes on.',
    'Wait for it, or take it back with helm rollback; where nothing was deployed before, the finding says how.',
  ),
  'HELM-002': entry(
    'control planes',
    'The name of the new Helm release is taken',
    'A release has the name that the new one would get, although no control plane of that revision exists.',
    'Remove the leftover, or give the new revision another name.',
  ),
  'HELM-003': entry(
    'control planes',
    'A GitOps tool applies the old control plane',
    'Flux or Argo CD would bring the old control plane back after it was removed.',
    'Take it out where the tool reads it.',
  ),
  'HELM-004': entry(
    'control planes',
    'The base release would move the default back',
    'The release of the base chart owns the webhook that validates for everybody. When the default moves and the release does not know of it, its next upgrade points the webhook back to a revision that is gone.',
    'Set defaultRevision of the base release, or upgrade with --with helm.',
  ),
  'HELM-006': entry(
    'control planes',
    'A GitOps tool keeps the default validator',
    'Flux or Argo CD applies the webhook that validates for everybody. After the default has moved, the tool would point it back to a revision that is gone.',
    'Commit the new default revision where the tool reads it, before the finish.',
  ),
  'CONF-001': entry(
    'configuration',
    'Objects are pinned to the old revision',
    'Istio objects with the label istio.io/rev are read by that revision only; the new control plane would not see them.',
    'A plan copies them for the new revision; the removal of a revision alone does not. Copy them, or remove the label.',
  ),
  'CONF-002': entry(
    'configuration',
    'A namespace has both injection labels',
    'While istio-injection is there, whatever its value, istio.io/rev has no effect.',
    'Keep one label; a plan replaces both in one patch.',
  ),
  'CONF-003': entry(
    'configuration',
    'A namespace asks for injection that nobody serves',
    'No webhook matches the label, so pods get no sidecar, without an error.',
    'Correct the label.',
  ),
  'CONF-004': entry(
    'configuration',
    'A GitOps tool or Helm owns the label',
    'The injection label of the namespace is written by a tool that would set it back.',
    'Change the label where the tool reads it, then make the plan.',
  ),
  'CONF-005': entry(
    'configuration',
    'Namespaces get a sidecar for the first time',
    'Nothing injects pods of this namespace now; after the relabelling, something does.',
    'Make sure that this is meant.',
  ),
  'CONF-006': entry(
    'configuration',
    'A gateway would be restarted by relabelling its namespace',
    'istiod itself makes the Deployments of the Gateway API. Such a gateway belongs to the revision in the label of its Gateway, else of its namespace, and is replaced at once when that changes.',
    'Label the Gateway with its present revision, so that it stays where it is, and move it by itself later.',
  ),
  'CONF-007': entry(
    'configuration',
    'No control plane reads an object',
    'The label istio.io/rev of an Istio object names a tag, or a revision that does not exist. Each istiod reads only objects with exactly its own revision, or without the label.',
    'Name the revision instead of the tag, or remove the label.',
  ),
  'CONF-008': entry(
    'configuration',
    'An EnvoyFilter does not match new proxies',
    'Its proxyVersion matches proxies of the old version and none of the new one, so that it silently stops to apply when a pod is restarted. A plan copies it where the expression is plain enough to be written for the new version.',
    'Write a filter for the new version, and leave this one out with --skip-pinned.',
  ),
  'CONF-009': entry(
    'configuration',
    'An EnvoyFilter begins to apply with new proxies',
    'Its proxyVersion matches proxies of the new version and none of the old one.',
    'Make sure that this is meant.',
  ),
  'CONF-010': entry(
    'configuration',
    'Somebody keeps a pinned object',
    'A GitOps tool, Helm or a controller made the object. A copy made beside it is not theirs, and the original would come back when it is removed.',
    'Commit a copy for the new revision where the tool reads it; accept the finding to have it copied all the same; or leave it out with --skip-pinned.',
  ),
  'CONF-011': entry(
    'configuration',
    'The name of a copy is taken',
    'An object that is not the wanted copy has the name that the copy of a pinned object would have.',
    'Rename or remove it, or leave the pinned object out with --skip-pinned.',
  ),
  'GATE-001': entry(
    'gateways',
    'A Service selects a revision',
    'The selector of a Service in front of a gateway, or of a workload whose own label is changed, names a label that changes with the revision. Pods of the new revision are not behind it then.',
    'Take the label out of the selector first; both revisions are behind the Service then.',
  ),
  'GATE-002': entry(
    'gateways',
    'A Service beside a gateway selects no pod',
    'A Service of type LoadBalancer in a namespace with gateways has a selector that no pod there matches.',
    'Mend its selector, or remove it.',
  ),
  'GATE-003': entry(
    'gateways',
    'A gateway has no address',
    'The Service of type LoadBalancer in front of a gateway was given no address.',
    'Find out why the load balancer gives none, or go on if nothing outside needs it.',
  ),
  'GATE-004': entry(
    'gateways',
    'A proxy image that nobody fills in',
    'The template has a container istio-proxy with the image auto, which only the injector replaces, and no webhook matches it.',
    'Label the pod template or its namespace with a revision that exists.',
  ),
  'GATE-005': entry(
    'gateways',
    'The selector of a workload names the revision',
    'A selector is immutable and must match the labels of the template, so that the revision of the workload cannot change.',
    'Make the workload anew without that label in its selector.',
  ),
  'GATE-006': entry(
    'gateways',
    'The name of the new gateway is taken',
    'With --gateways canary the new Deployment is called as the old one with the revision behind it. Something else has that name.',
    'Rename or remove it, choose another name for the revision, or move the gateway in place.',
  ),
  'GATE-007': entry(
    'gateways',
    'A tool keeps the gateway as it is in git',
    'Argo CD or Flux tracks the Deployment of the gateway. It would undo the change of its template or of its number of pods.',
    'Make the change where the tool reads it, and leave the gateway out with --gateways leave or --skip; or accept the finding.',
  ),
  'GATE-011': entry(
    'gateways',
    'An Istio Gateway selects no pod, or a revision',
    'A Gateway of Istio gives its hosts and ports to the pods that its selector matches. One that matches none has no effect; one that names a revision loses its pods when they move to another.',
    'Mend its selector; leave the revision out of it.',
  ),
  'GATE-012': entry(
    'gateways',
    'Two Helm releases have to do with one gateway Service',
    'The marks of a Service name one release, and its labels or the Deployment behind it name another. Whichever release has the Service in its manifest takes the address along when it is uninstalled.',
    'Let one release have the Service and the Deployment; do not uninstall the other one before.',
  ),
  'TAGS-021': entry(
    'configuration',
    'A tag belongs to a Helm release that nobody succeeds',
    'A plan moves the tags that point to the old revision. One that Helm owns changes hands in the same write, from the old release to the one of the new revision; without such a release it would be set back.',
    'Install with --with helm, move the tag by the command in the finding, or leave it with --keep-tags.',
  ),
  'TAGS-022': entry(
    'configuration',
    'A GitOps tool writes a tag',
    'The tool would point the tag back as soon as it looks.',
    'Change it where the tool reads it, and leave it to the tool with --keep-tags.',
  ),
  'TAGS-023': entry(
    'configuration',
    'Gateways follow a tag that the plan moves',
    'istiod makes the Deployments of the Gateway API. Those whose Gateway names the tag are replaced at once when the tag moves, while sidecars wait for their restart.',
    'Label these Gateways with the present revision, and move them by themselves later.',
  ),
  'GATE-008': entry(
    'gateways',
    'A gateway has too little time to drain',
    'When a pod ends, its proxy lets connections end for terminationDrainDuration, and the pod is killed after terminationGracePeriodSeconds. Load balancers need some seconds to forget it.',
    'Give it a terminationDrainDuration of at least 5 s, and a longer terminationGracePeriodSeconds.',
  ),
  'TAGS-024': entry(
    'configuration',
    'Workloads that the plan does not move follow a tag',
    'A tag moves only after everything behind it. These are outside of the plan, left out, or kept by a tool that would set their label back.',
    'Move them before the finish, or leave the tag with --keep-tags.',
  ),
  ...workloadFindings,
} as const satisfies Record<string, FindingEntry>;

export type FindingCode = keyof typeof findingCatalogue;
