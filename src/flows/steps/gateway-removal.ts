/** The old Deployment of a gateway goes: its Helm release ends, or another one takes its place, without a pod being restarted for it. */
import { refKey, refOf } from '../../core/controlplane/object-identity.ts';
import { mergeValues, replicasOverride, withRelease } from '../../core/gateways/gateway-release.ts';
import { isOfRelease, withoutReleasePatch } from '../../core/gateways/release-marks.ts';
import { templateDiff } from '../../core/gateways/template-diff.ts';
import { isPending, type ReleaseName } from '../../core/helm/release.ts';
import type { KubeObject, ObjectRef } from '../../core/mesh/kube-objects.ts';
import type { StepOf } from '../../core/plan/step.ts';
import { Problem } from '../../core/problems/problem.ts';
import type { GatewayRemovalObservation } from '../../core/run/gateway-observation.ts';
import type { ApplyOptions } from '../../ports/cluster.ts';
import type { GatewayInstall } from '../../ports/installer.ts';
import type { RunPorts } from '../flow-ports.ts';
import { pendingProblem } from './base-release.ts';
import {
  keepRecord,
  presentRecords,
  reasonNotDeployed,
  removeRecords,
  type Effect,
  type RecordPorts,
  type RunHome,
} from './release-records.ts';

type RemoveStep = StepOf<'removeGateway'>;

/** What will be of a Helm release is Helm's in the eyes of the API server, so that helm 4 meets no conflict with it. */
export const HELM_WRITES: ApplyOptions = { fieldManager: 'helm', force: true };
/** Name under which the API server knows what Meshlift patched. */
const OWN_MANAGER = 'meshlift';

export interface GatewayHelm {
  readonly render: (gateway: GatewayInstall) => Promise<readonly KubeObject[]>;
  readonly install: (gateway: GatewayInstall) => Promise<void>;
}

export interface RemovalInput {
  readonly home: RunHome;
  readonly helm: GatewayHelm;
  readonly effect: Effect;
}

export async function observeGatewayRemoval(
  { reader, releases }: Pick<RunPorts, 'reader' | 'releases'>,
  step: RemoveStep,
): Promise<GatewayRemovalObservation> {
  const [gateway, deleted, shared, records, heir] = await Promise.all([
    reader.readWorkload(step.gateway),
    readAll(reader, refsOf(step, 'delete')),
    readAll(reader, refsOf(step, 'update')),
    presentRecords({ releases }, step.release),
    reasonNotDeployed({ releases }, step.heir),
  ]);
  return {
    kind: 'gateway-removal',
    ...(gateway === undefined ? {} : { gateway }),
    present: [...deleted.map(refOf), ...records],
    owned: shared.filter((object) => step.release !== undefined && isOfRelease(object, step.release)).map(refOf),
    ...(heir === undefined ? {} : { heir }),
  };
}

function refsOf(step: RemoveStep, action: 'delete' | 'update'): ObjectRef[] {
  return step.changes.filter((change) => change.action === action).map((change) => change.ref);
}

async function readAll(reader: RunPorts['reader'], refs: readonly ObjectRef[]): Promise<KubeObject[]> {
  return (await Promise.all(refs.map((ref) => reader.readObject(ref)))).filter((object) => object !== undefined);
}

/**
 * The record of its release is kept with the run; what is shared changes hands before anything is deleted; the records go last, since
 * until then they have the values of the next release. Helm itself would delete what the release made, the Service included.
 */
export async function performGatewayRemoval(ports: RecordPorts, step: RemoveStep, input: RemovalInput): Promise<void> {
  const { reader, writer } = ports;
  const { release } = step;
  const { home, effect } = input;
  const live = await reader.readWorkload(step.gateway);
  if ((live?.controller.spec?.replicas ?? 0) > 0 || (live?.pods.length ?? 0) > 0) return;
  if (release !== undefined) await keepRecord(ports, home, release, effect);
  const next = await nextRelease(ports, step, input);
  for (const object of await readAll(reader, refsOf(step, 'update'))) {
    const rendered = next?.objects.find((one) => refKey(refOf(one)) === refKey(refOf(object)));
    if (release === undefined || !isOfRelease(object, release)) continue;
    await effect(refKey(refOf(object)), () =>
      next === undefined || rendered === undefined
        ? writer.patchObject(refOf(object), withoutReleasePatch(object))
        : writer.applyObject(withRelease(rendered, next.gateway.release), HELM_WRITES),
    );
  }
  const deleted = refsOf(step, 'delete');
  // Without any policy nothing, or everything, might be let through.
  const policies = deleted.filter(({ kind }) => kind === 'NetworkPolicy');
  for (const ref of deleted.filter((one) => !policies.includes(one))) await effect(refKey(ref), () => writer.deleteObject(ref));
  if (next !== undefined) await makeRelease(ports, next, input);
  for (const ref of policies) await effect(refKey(ref), () => writer.deleteObject(ref));
  if (release !== undefined) await removeRecords(ports, release, effect);
}

interface NextRelease {
  readonly gateway: GatewayInstall;
  readonly objects: readonly KubeObject[];
  readonly deployment: KubeObject;
}

/**
 * What helm will be told and what it will make of it.
 * @returns undefined when no release takes the place of the old one, or it is deployed already
 * @throws Problem TOOL-006 when something was begun on the old release and not ended, RUN-072 when pods would be restarted
 */
async function nextRelease(ports: RecordPorts, step: RemoveStep, { helm }: RemovalInput): Promise<NextRelease | undefined> {
  const { heir, release } = step;
  if (heir === undefined || release === undefined || (await reasonNotDeployed(ports, heir)) === undefined) return undefined;
  const name: ReleaseName = { name: heir.name, namespace: heir.namespace };
  const old = (await ports.releases.readReleases(release.namespace))?.find((one) => one.name === release.name);
  if (old === undefined)
    throw differs(name, release.name, [`the records of the Helm release ${release.name}, which have its values, are gone`]);
  if (isPending(old)) throw pendingProblem(old);
  const gateway = { release: name, values: mergeValues(old.values, heir.overrides) };
  const objects = await helm.render(gateway);
  const rendered = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === heir.name);
  const deployment = await ports.reader.readObject({ apiVersion: 'apps/v1', kind: 'Deployment', ...name });
  if (deployment === undefined) throw differs(name, release.name, [`deploy/${heir.name} is gone`]);
  if (rendered === undefined) throw differs(name, release.name, [`the chart does not render with the values of ${release.name}`]);
  const lines = templateDiff(rendered, deployment);
  if (lines.length > 0)
    throw differs(name, release.name, [`the values of ${release.name} are others than when the plan was made:`, ...lines]);
  const values = mergeValues(gateway.values, replicasOverride(rendered, deployment));
  return { gateway: { release: name, values }, objects, deployment };
}

function differs({ name, namespace }: ReleaseName, old: string, lines: readonly string[]): Problem {
  return new Problem('RUN-072', {
    what: [`The Helm release ${name} in ${namespace} cannot be made from what runs:`, ...lines.slice(0, 8)].join('\n'),
    next: [
      { label: 'look', command: `helm list -n ${namespace}` },
      { label: 'what the old release had', command: `helm history ${old} -n ${namespace}` },
    ],
  });
}

/**
 * Records that a killed driver, or a helm that failed, left of it are taken out first, and the same is done again: helm's own way
 * back would delete the gateway that serves.
 */
async function makeRelease(ports: RecordPorts, { gateway, deployment }: NextRelease, { helm, effect }: RemovalInput): Promise<void> {
  const { release } = gateway;
  await effect(`hand ${release.name} over`, () => handOver(ports, deployment));
  for (const ref of (await ports.releases.readRecords(release)).map(refOf))
    await effect(`drop ${refKey(ref)}`, () => ports.writer.deleteObject(ref));
  await effect(`release ${release.name}`, () => helm.install(gateway));
}

/** The number of pods, which the shares have counted, is nobody's then: a person who sets it with helm 4 meets no conflict. */
async function handOver({ writer }: RecordPorts, deployment: KubeObject): Promise<void> {
  const { managedFields = [], resourceVersion } = deployment.metadata;
  const others = managedFields.filter(({ manager }) => manager !== OWN_MANAGER);
  if (others.length === managedFields.length) return;
  await writer.patchObject(refOf(deployment), { metadata: { managedFields: others, resourceVersion } });
}
