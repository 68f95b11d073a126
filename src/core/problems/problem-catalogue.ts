/* oxlint-disable max-lines -- a data table */
/**
 * Every problem that Meshlift can tell a person, as data. Codes are permanent: a code that is no longer used keeps its
 * line with `retired: true`. `explain CODE` and docs/reference/codes.md are made from this list.
 */

import { tagProblems } from './tag-problems.ts';

export interface ProblemEntry {
  readonly title: string;
  /** What it means and how it comes about. */
  readonly meaning: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Exit code of the command: 1 failed, 2 wrong usage, 3 refused. */
  readonly exit: 1 | 2 | 3;
  readonly retired?: true;
}

const failed = 1;
const usage = 2;
const refused = 3;

function entry(exit: 1 | 2 | 3, title: string, meaning: string, remedy: string): ProblemEntry {
  return { exit, title, meaning, remedy };
}

export const problemCatalogue = {
  'ARGS-001': entry(
    usage,
    'The command line is not understood',
    'A command, option or value is unknown, missing or of the wrong shape.',
    'Look at the help of the command: meshlift COMMAND --help.',
  ),
  'ARGS-002': entry(
    usage,
    'A file cannot be read',
    'A file or folder that was named does not exist or may not be read.',
    'Check the path and its permissions.',
  ),
  'ARGS-003': entry(
    usage,
    'A file cannot be written',
    'The output file or its folder does not exist or may not be written.',
    'Check the path and its permissions.',
  ),
  'KUBE-001': entry(
    failed,
    'No cluster is configured',
    'No kubeconfig file was found, it is not valid, or it names no cluster. Meshlift reads --kubeconfig, then KUBECONFIG, then ~/.kube/config, then the service account of the pod it runs in.',
    'Set KUBECONFIG or pass --kubeconfig; kubectl config view shows what is there.',
  ),
  'KUBE-002': entry(
    usage,
    'The context does not exist',
    'The kubeconfig has no context of that name.',
    'kubectl config get-contexts lists them.',
  ),
  'KUBE-003': entry(
    failed,
    'The cluster does not answer',
    'No connection to the API server could be made, or it was lost and did not come back.',
    'kubectl version shows whether the server answers at all; check network, VPN and the server address of the context.',
  ),
  'KUBE-004': entry(
    failed,
    'The credentials are not accepted',
    'The API server answered 401: the certificate or token is missing, expired or unknown; or the credential plugin of the context failed.',
    'Log in again the way your cluster wants it, then try kubectl auth whoami.',
  ),
  'KUBE-005': entry(
    failed,
    'A permission is missing',
    'The API server answered 403. The message names verb and resource, and the RBAC rule that would allow it.',
    'meshlift rbac prints the roles that Meshlift needs; meshlift rbac --check shows which rules you lack.',
  ),
  'KUBE-006': entry(
    failed,
    'The API server refuses an object',
    'An object is not valid for this API server, or another field manager owns a field that it sets.',
    'The message holds the words of the server. For a conflict, it names the manager and the field.',
  ),
  'KUBE-007': entry(
    failed,
    'The certificate of the API server is not trusted',
    'TLS failed: the certificate authority of the kubeconfig does not fit the server.',
    'Check certificate-authority(-data) and the server address of the context.',
  ),
  'MESH-001': entry(
    failed,
    'No Istio control plane is found',
    'No Deployment with the label app=istiod was found in any namespace that may be read.',
    'Is this the right context? The first control plane is installed with istioctl or helm; Meshlift installs the next one beside it.',
  ),
  'MESH-002': entry(
    usage,
    'The revision does not exist',
    'No control plane of that revision and no tag of that name was found.',
    'meshlift status lists revisions and tags.',
  ),
  'MESH-003': entry(
    usage,
    'The namespace does not exist',
    'The cluster has no namespace of that name, or it is being deleted.',
    'kubectl get namespaces.',
  ),
  'MESH-004': entry(
    usage,
    'The workload does not exist',
    'No workload of that name was found in that namespace.',
    'meshlift status -o wide lists the workloads of the mesh.',
  ),
  'MESH-005': entry(usage, 'No such proxy', 'No proxy and no pod of that name was found.', 'meshlift proxy-status lists all proxies.'),
  'MESH-006': entry(
    refused,
    'Several revisions could be meant',
    'More than one control plane could be the one to move away from, so it must be named.',
    'Name it with --from.',
  ),
  'MESH-007': entry(
    refused,
    'What is in the mesh could not be read completely',
    'Something that the decision needs could not be read. What is unknown is never taken for good.',
    'The message names what could not be read and why; meshlift rbac --check shows missing permissions.',
  ),
  'MESH-008': entry(
    usage,
    'The gateway cannot be reached',
    'No gateway of that name was found, or it has no address.',
    'meshlift status lists gateways with their addresses; or give a URL.',
  ),
  'MESH-010': entry(
    usage,
    'The pinned object does not exist',
    'The request leaves out an object that no revision label and no proxy version pins, or that does not exist.',
    'Name it KIND/NAMESPACE/NAME; meshlift check --to VERSION lists what is pinned.',
  ),
  'MESH-011': entry(
    usage,
    'Several objects could be meant',
    'More than one workload, pod or namespace has that name, so the kind or the namespace must be said.',
    'Name it KIND/NAME -n NAMESPACE; the message lists what fits.',
  ),
  'SAND-001': entry(
    refused,
    'The sandbox runs already',
    'A sandbox of that name runs on this machine. There is one process for each name.',
    'Use it, stop it, or start another one under its own --name.',
  ),
  'SAND-002': entry(
    usage,
    'No such sandbox',
    'No sandbox of that name runs on this machine.',
    'meshlift sandbox status lists those that run.',
  ),
  'SAND-003': entry(
    failed,
    'The sandbox did not start',
    'Its process ended before it could be reached, or its port is taken.',
    'The message says why; --foreground shows everything that it says.',
  ),
  'SAND-004': entry(
    failed,
    'The folder of the sandbox cannot be written',
    'A sandbox keeps its kubeconfig, its log and the number of its process in a folder of its own.',
    'Set MESHLIFT_SANDBOX_HOME to a folder that may be written.',
  ),
  'LOAD-001': entry(
    failed,
    'The target of the load does not answer as it should',
    'Before a run begins, one request is sent to the target of its load. It got no answer, or one that is no success, so that failures during the run would prove nothing.',
    'Try the URL with curl from this machine; --load-host sets the Host header where the target is an address.',
  ),
  'LOAD-002': entry(
    failed,
    'Too many requests of the load failed',
    'Of the latest requests so many failed that the run should not go on: 2 of 100, or what --load-stop-at says. It was stopped between two steps, and taken back where the request says so.',
    'meshlift load report FILE shows the errors. Mend the cause and resume, or roll back.',
  ),
  'LOAD-003': entry(
    failed,
    'The load stopped before the run',
    'The process that sends requests ended, for example because the disk is full. Without it the run would prove nothing, so it was stopped between two steps.',
    'Make room or choose another file with --load-results, then resume.',
  ),
  'DEMO-001': entry(
    failed,
    'The demo did not go as it should',
    'A command of the demo failed, it was interrupted, or its proof does not hold.',
    'meshlift demo --keep leaves the sandbox up, to look around in it.',
  ),
  'TOOL-001': entry(
    failed,
    'istioctl or helm is not found',
    'The binary that the plan needs is not where it was looked for.',
    'Pass --istioctl PATH or --helm PATH, or put it on PATH.',
  ),
  'TOOL-002': entry(
    refused,
    'istioctl or helm is of another version',
    'A control plane is installed with the istioctl of its own version, or with helm 3 or 4; the binary found has another version. A plan goes on with the major version of helm that it was made with.',
    'Pass --istioctl or --helm with the path of the right version.',
  ),
  'TOOL-003': entry(
    failed,
    'istioctl or helm failed',
    'The tool ended with an error. Its output is shown and kept in the record of the run.',
    'Read the output; run the same command by hand if needed.',
  ),
  'TOOL-004': entry(
    refused,
    'The installation would change more than the new control plane',
    'The rendered installation contains gateways, CNI, ztunnel or other things that are shared with the running mesh, or would move the default revision. They would change at once, for everybody.',
    'Use a profile without gateways (minimal) and without cni; shared parts get steps of their own.',
  ),
  'TOOL-005': entry(
    failed,
    'Helm meets fields that somebody else wrote',
    'Helm 4 applies on the server side, which refuses fields that another field manager owns. Fields that istiod writes into its own webhooks are taken over; these belong to somebody else.',
    'Decide who owns them: give them up there, or run the shown command with --force-conflicts, then go on.',
  ),
  'TOOL-006': entry(
    refused,
    'A Helm release is in the middle of something',
    'The release is pending: an installation, upgrade or rollback of it was begun and not ended, or still goes on. Helm refuses every further change.',
    'Wait for it, or take it back with helm rollback; then go on.',
  ),
  'REVN-001': entry(
    usage,
    'The revision name is not valid',
    'A revision name is a DNS label: lower case letters, digits and dashes, at most 63 characters, no dots. default is reserved for the unrevisioned control plane.',
    'For version 1.29.1 the usual name is 1-29-1.',
  ),
  'REVN-002': entry(
    refused,
    'The revision name is taken',
    'A control plane or a tag of that name exists.',
    'Choose another name with --revision, or look at meshlift status.',
  ),
  'PLAN-001': entry(
    refused,
    'Istio does not support this step of versions',
    'With revisions, Istio supports an upgrade by one or two minor versions. A downgrade is not supported: proxies may not be newer than their control plane.',
    'Go over a version in between, or roll back a run with meshlift rollback.',
  ),
  'PLAN-002': entry(
    usage,
    'The request is not complete',
    'Something that the plan needs was not said.',
    'The message names what is missing.',
  ),
  'PLAN-003': entry(
    refused,
    'The rendered control plane does not fit the request',
    'The manifests hold no istiod, or one of another revision or version than asked for.',
    'Render them again with the right revision and version.',
  ),
  'PLAN-010': entry(
    usage,
    'This is not a plan',
    'The file is not YAML, or does not have the shape of a plan. The message names the place.',
    'Make a new one with meshlift plan -o FILE.',
  ),
  'PLAN-011': entry(
    usage,
    'The plan is of another format',
    'The plan was written by a newer Meshlift.',
    'Use that version of Meshlift, or make a new plan with this one.',
  ),
  'PLAN-012': entry(
    refused,
    'The plan was changed after it was made',
    'Its content does not match its digest. A plan is made, reviewed and applied as it is; what should be different is said to meshlift plan.',
    'Make a new plan with the options that give what you want.',
  ),
  'PLAN-013': entry(
    refused,
    'The plan no longer fits the mesh',
    'Something that the remaining steps rely on has changed since the plan was made. The differences are named.',
    'Make a new plan.',
  ),
  'PLAN-014': entry(
    refused,
    'The plan is for another cluster',
    'The plan was made from a cluster with another identity.',
    'Pass the right --context, or make a new plan here.',
  ),
  'PLAN-015': entry(
    refused,
    'A file of the plan has changed',
    'A manifest or options file is not the one that the plan was made from.',
    'Put the old file back, or make a new plan.',
  ),
  'PLAN-016': entry(
    usage,
    'A workload cannot be treated as the request says',
    'The request wants a workload restarted that no restart moves, or wants two different things for one workload.',
    'Take the override out. The message says what keeps the workload where it is.',
  ),
  'CHEK-001': entry(
    refused,
    'The check found errors',
    'Before anything is changed, the mesh is checked. Findings of level error refuse the run unless they are accepted by name.',
    'Mend them, leave the objects out with --skip, or accept them by name with --accept CODE[:OBJECT].',
  ),
  'RUN-001': entry(
    refused,
    'Another run is in progress',
    'One run at a time may change a mesh. Its holder renews a Lease in the Istio namespace; a dead holder loses it after 15 seconds.',
    'Wait, or ask the holder named in the message; meshlift pause stops that run between two steps.',
  ),
  'RUN-002': entry(
    refused,
    'The run was taken over',
    'Another driver holds the run now, so this one stopped without changing anything further.',
    'meshlift status and the other driver show where the run stands.',
  ),
  'RUN-003': entry(usage, 'There is no such run', 'No run that fits was found in the cluster.', 'meshlift runs lists them.'),
  'RUN-004': entry(
    refused,
    'An earlier run is not finished',
    'A run that was started is neither finished nor rolled back nor forgotten.',
    'Continue it with meshlift resume, take it back with meshlift rollback, or meshlift forget RUN.',
  ),
  'RUN-005': entry(
    refused,
    'The run is not in a state for this',
    'The command does not fit where the run stands.',
    'The message says where it stands and what is possible.',
  ),
  'RUN-006': entry(
    refused,
    'The plan was not confirmed',
    'Changes need a yes: on a terminal by answering, in scripts by --yes.',
    'Run the command again and confirm, or pass --yes.',
  ),
  'RUN-007': entry(
    failed,
    'The record of the run is damaged',
    'The pieces of the record in the cluster do not fit together.',
    'Look at the ConfigMaps with the label meshlift.io/run; meshlift forget RUN removes them.',
  ),
  'RUN-010': entry(
    failed,
    'The new control plane did not become ready',
    'The istiod of the new revision was not Ready in time. The message says what its pods say.',
    'Mend the cause and resume, or roll back.',
  ),
  'RUN-011': entry(
    failed,
    'The new control plane does not inject',
    'A dry run of a pod was not injected by the new revision, although its istiod is Ready.',
    'Look at the webhooks of the revision and at the log of its istiod; then resume, or roll back.',
  ),
  'RUN-012': entry(
    failed,
    'Something of the old revision changed',
    'Installing the new control plane changed objects of the old one. That must not be.',
    'The message names the objects. Look at them before you resume.',
  ),
  'RUN-013': entry(
    failed,
    'CRDs are not established',
    'The API server did not take up the CRDs in time.',
    'kubectl describe crd shows why; then resume.',
  ),
  'RUN-020': entry(
    failed,
    'The labels of a namespace were changed by somebody else',
    'The labels are neither as the plan found them nor as the plan wants them.',
    'See who changed them; make a new plan, or set them back and resume.',
  ),
  'RUN-021': entry(
    failed,
    'A workload did not become ready',
    'Not all new pods were Ready in time after the restart.',
    'Look at the pods; then resume, skip the workload in a new plan, or roll back.',
  ),
  'RUN-022': entry(
    failed,
    'New pods are not injected by the wanted revision',
    'The pods were restarted, and another revision injected them, or none.',
    'Check the labels of the pod template and of the namespace, and the webhooks; then resume, or roll back.',
  ),
  'RUN-023': entry(
    failed,
    'The state of the proxies is unknown',
    'An istiod could not be asked which proxies are connected. Unknown is not good, so the run stopped.',
    'Check pods/portforward and the istiod pods; then resume.',
  ),
  'RUN-024': entry(
    failed,
    'Proxies are not connected and synced',
    'New pods are Ready, but their proxies are not steadily connected to the wanted istiod with everything acknowledged.',
    'meshlift proxy-status shows what is missing; then resume, or roll back.',
  ),
  'RUN-025': entry(
    failed,
    'A workload cannot be restarted',
    'The workload is paused or was changed in a way that stops a rollout.',
    'Mend it and resume, or roll back.',
  ),
  'RUN-026': entry(
    failed,
    'The default revision was not moved',
    'The webhooks that serve the default revision do not show the wanted state.',
    'Look at the webhook configurations; then resume, or roll back.',
  ),
  'RUN-028': entry(
    failed,
    'A restart waited in vain',
    'The plan waits with this restart for a budget, an autoscaler or a quota, which did not let it go in time. The workload was not touched.',
    'Make room or wait longer, then resume; --step-timeout says how long a step waits.',
  ),
  'RUN-030': entry(
    refused,
    'The revision is still used',
    'Objects or live connections still use the revision. It is removed only when nothing does.',
    'meshlift in-use REVISION lists every reason.',
  ),
  'RUN-031': entry(
    refused,
    'It is unknown whether the revision is used',
    'Something that could show a use could not be read. Unknown is never unused.',
    'meshlift in-use REVISION lists what could not be read.',
  ),
  'RUN-032': entry(
    failed,
    'The old control plane was not removed completely',
    'Some of its objects are still there.',
    'The message names them; finalizers are the usual reason.',
  ),
  'RUN-033': entry(
    failed,
    'Objects were not restored',
    'Objects of the control plane that is put back do not show the wanted state.',
    'The message names them; then resume.',
  ),
  'RUN-034': entry(
    failed,
    'A copy of a pinned object was refused',
    'The API server, a validation webhook or a policy does not accept the copy that the new revision needs.',
    'The message has the words. Mend the original so that the new version accepts it, or plan again with --skip-pinned.',
  ),
  'RUN-035': entry(
    failed,
    'A pinned object or its copy is not what the plan says',
    'The original was changed after the plan was made, or another object has the name of the copy. Nothing is overwritten.',
    'Put it as it was and resume, or roll back and make a new plan.',
  ),
  'RUN-040': entry(
    refused,
    'There is nothing to take back',
    'The run has changed nothing that can be taken back.',
    'meshlift runs shows what it did.',
  ),
  'RUN-041': entry(
    refused,
    'What the run came from is gone',
    'The control plane that workloads would go back to is not there any more, and this run did not remove it, so that it cannot put it back. Pods that went back would get no sidecar.',
    'Install it again under the same revision, then roll back; or leave the workloads where they are.',
  ),
  'RUN-050': entry(
    failed,
    'The cluster did not answer, or said not now, for too long',
    'The API server was not reachable, or refused for the moment, for longer than the run waits: a PodDisruptionBudget does so while it allows no eviction. What was done stands and is recorded.',
    'When it answers again: meshlift resume, or meshlift rollback.',
  ),
  'RUN-070': entry(
    failed,
    'A gateway did not move to its new Deployment',
    'The pods of the new gateway, its Services or its autoscaler do not show what the step wants. No old pod goes before the new ones serve.',
    'Look at the Deployments and endpoints of the gateway; then resume, or roll back.',
  ),
  'RUN-071': entry(
    refused,
    'A gateway that is to be removed still has pods',
    'Its Deployment wants pods or has some, so that it may have traffic.',
    'Find out who scaled it. Scale it to zero and resume, or roll back.',
  ),
  'RUN-072': entry(
    refused,
    'A gateway cannot become its Helm release without a restart',
    'The values of the old release, or the Deployment, are others than when the plan was made. Helm would replace pods that serve, so that it was not started.',
    'Bring the old release back to the values that the plan was made from, with `helm rollback`, and resume; or roll back.',
  ),
  ...tagProblems,
  'MELT-001': entry(
    failed,
    'Meshlift made a mistake',
    'A condition that must hold inside Meshlift did not.',
    'Please report it with the text shown.',
  ),
} as const satisfies Record<string, ProblemEntry>;

export type ProblemCode = keyof typeof problemCatalogue;

/** The entry of a code. */
export function problemEntry(code: ProblemCode): ProblemEntry {
  return problemCatalogue[code];
}
