/** Looks at the target of one step, and at nothing else. */
import { crdChanges, isEstablished } from '../core/controlplane/crd-changes.ts';
import { buildDefaultMove } from '../core/controlplane/default-pointers.ts';
import { diffWanted } from '../core/controlplane/diff-objects.ts';
import { contentText, refOf, refText, withoutServerFields } from '../core/controlplane/object-identity.ts';
import { ownObjects } from '../core/controlplane/own-objects.ts';
import { hasSameMarks } from '../core/gateways/release-marks.ts';
import { buildInventory } from '../core/mesh/build-inventory.ts';
import type { KubeObject, ObjectRef, PodController, WebhookConfiguration } from '../core/mesh/kube-objects.ts';
import type { Step, StepOf } from '../core/plan/step.ts';
import type { ControlPlaneObservation, InjectionProbe, StepObservation } from '../core/run/observation.ts';
import { rolloutStatus } from '../core/run/assess/rollout-status.ts';
import type { RunState } from '../core/run/run-state.ts';
import type { ClusterReader } from '../ports/cluster.ts';
import { findUses } from '../core/usage/find-uses.ts';
import { usesBeforeDefault } from '../core/usage/usage.ts';
import { DEFAULT_TAG } from '../core/tags/tag-objects.ts';
import { keepsItself, observeGateway } from './steps/gateway.ts';
import { observeGatewayRemoval } from './steps/gateway-removal.ts';
import type { RunPorts } from './flow-ports.ts';
import { observeRestart, observeWay } from './steps/observe-restart.ts';
import { readWebhookObjects } from './read-webhook-objects.ts';
import { keptPinned, observeCopies, removedRefs, withoutPinned } from './steps/pinned.ts';
import { observeBase } from './steps/base-release.ts';
import { reasonUnlisted } from './steps/tag-release.ts';
import { pendingRecords, presentRecords, reasonNotDeployed, releasesBack } from './steps/release-records.ts';
import { observeTag } from './steps/tag.ts';

export type ObservingPorts = Pick<RunPorts, 'reader' | 'releases' | 'prober' | 'sha256'>;

export interface ObserveInput {
  /** Name of the run, and the Istio namespace: where what was set aside is found again. */
  readonly home: { readonly run: string; readonly istioNamespace: string };
  readonly step: Step;
  readonly state: RunState;
  /** Objects that the installer renders; only asked for by steps that install. */
  rendered(): Promise<readonly KubeObject[]>;
  /** What istiods tell; absent: they are asked anew. */
  readonly readIstiods?: ClusterReader['readIstiods'];
}

export async function observeStep(ports: ObservingPorts, input: ObserveInput): Promise<StepObservation> {
  const { step, state } = input;
  switch (step.kind) {
    case 'crds':
      return observeCrds(ports, step, await input.rendered());
    case 'installControlPlane':
      return observeInstall(ports, step, state);
    case 'copyRevisionedObjects':
      return observeCopies(ports, step);
    case 'labelNamespace':
      return observeNamespace(ports, step);
    case 'restartWorkload':
    case 'restartGateway':
      return observeWorkload(ports.reader, step, input);
    case 'addGateway':
    case 'shiftGateway':
      return observeGateway(ports, step);
    case 'removeGateway':
      return observeGatewayRemoval(ports, step);
    case 'moveDefault':
      return observeDefault(ports, step, state);
    case 'moveTag':
      return observeTag(ports, step, state.steps.get(step.id) === 'started');
    case 'removeControlPlane':
      return observeRemoval(ports, step, state);
    case 'restoreObject':
      return observeRestore(ports, step, state, input.home);
  }
}

async function observeCrds(ports: ObservingPorts, step: StepOf<'crds'>, rendered: readonly KubeObject[]): Promise<StepObservation> {
  const names = new Set(step.changes.map((change) => change.ref.name));
  const wanted = rendered.filter((o) => o.kind === 'CustomResourceDefinition' && names.has(o.metadata.name));
  const live = (await Promise.all(wanted.map((crd) => ports.reader.readObject(refOf(crd))))).filter((crd) => crd !== undefined);
  const changing = new Map(crdChanges(wanted, live).map((change) => [change.name, change]));
  const pending = wanted.flatMap((crd) => {
    const name = crd.metadata.name;
    const there = live.find((l) => l.metadata.name === name);
    if (!there) return [{ name, why: 'is not there yet' }];
    if (changing.has(name)) return [{ name, why: 'is not updated yet' }];
    return isEstablished(there) ? [] : [{ name, why: 'is not established yet' }];
  });
  return { kind: 'crds', pending };
}

async function observeInstall(ports: ObservingPorts, step: StepOf<'installControlPlane'>, state: RunState): Promise<StepObservation> {
  const own = step.changes.filter((change) => change.action === 'create' && change.shared !== true).map((change) => change.ref);
  const deployment = await readDeployment(ports, own);
  if (!deployment) return { kind: 'control-plane', controlPlane: { pods: [], webhooks: [] }, missing: own };
  const controlPlane = await observeControlPlane(ports, deployment, own, step.revision);
  const isUp = controlPlane.probe?.revision === step.revision;
  if (!isUp) return { kind: 'control-plane', controlPlane, missing: [] };
  const [missing, changedBeside, release] = await Promise.all([
    missingOf(ports, own),
    changedSince(ports, step.beside, state.digests.get(step.id)),
    reasonNotDeployed(ports, step.release),
  ]);
  return {
    kind: 'control-plane',
    controlPlane: { ...controlPlane, changedBeside },
    missing,
    ...(release === undefined ? {} : { release }),
  };
}

async function readDeployment(ports: ObservingPorts, refs: readonly ObjectRef[]): Promise<PodController | undefined> {
  const ref = refs.find((r) => r.kind === 'Deployment');
  return ref && ((await ports.reader.readObject(ref)) as PodController | undefined);
}

async function observeControlPlane(
  ports: ObservingPorts,
  deployment: PodController,
  own: readonly ObjectRef[],
  revision: string,
): Promise<ControlPlaneObservation> {
  const webhookRefs = own.filter((ref) => ref.kind === 'MutatingWebhookConfiguration');
  const [pods, webhooks] = await Promise.all([
    ports.reader.readIstiodPods(revision),
    Promise.all(webhookRefs.map((ref) => ports.reader.readObject(ref))),
  ]);
  const configurations = webhooks.filter((w) => w !== undefined) as WebhookConfiguration[];
  const ready =
    rolloutStatus(deployment).kind === 'complete' && (deployment.status?.readyReplicas ?? 0) >= (deployment.spec?.replicas ?? 1);
  const hasBundle =
    configurations.length > 0 &&
    configurations.every((c) =>
      (c.webhooks ?? []).every((w) => w.clientConfig?.url !== undefined || (w.clientConfig?.caBundle ?? '') !== ''),
    );
  const probe = ready && hasBundle ? await probeRevision(ports, deployment.metadata.namespace ?? 'istio-system', revision) : undefined;
  return { deployment, pods, webhooks: configurations, ...(probe === undefined ? {} : { probe }) };
}

/** A pod's own revision label counts only in namespaces without labels, so a few of them are tried. */
async function probeRevision(ports: ObservingPorts, istioNamespace: string, revision: string): Promise<InjectionProbe> {
  let last: InjectionProbe = {};
  for (const name of [istioNamespace, 'default']) {
    const namespace = await ports.reader.readObject({ apiVersion: 'v1', kind: 'Namespace', name });
    const labels = namespace?.metadata.labels ?? {};
    if (!namespace || labels['istio-injection'] !== undefined || labels['istio.io/rev'] !== undefined) continue;
    last = await ports.prober.dryRunPod(name, { 'istio.io/rev': revision, 'sidecar.istio.io/inject': 'true' });
    if (last.inconclusive === undefined) return last;
  }
  return last;
}

async function missingOf(ports: ObservingPorts, refs: readonly ObjectRef[]): Promise<ObjectRef[]> {
  const found = await Promise.all(refs.map((ref) => ports.reader.readObject(ref)));
  return refs.filter((_, index) => found[index] === undefined);
}

/** Digests of the objects of a revision, to show afterwards that none of them changed. */
export async function digestsOf(ports: ObservingPorts, revision: string | undefined): Promise<Record<string, string>> {
  if (revision === undefined) return {};
  const own = ownObjects(revision, await ports.reader.readControlPlaneObjects());
  return Object.fromEntries(own.map((object) => [refText(refOf(object)), ports.sha256(contentText(object)).slice(0, 16)]));
}

async function changedSince(
  ports: ObservingPorts,
  revision: string | undefined,
  before: Readonly<Record<string, string>> | undefined,
): Promise<string[]> {
  if (before === undefined) return [];
  const now = await digestsOf(ports, revision);
  return Object.keys(before).filter((name) => now[name] !== before[name]);
}

async function observeNamespace(ports: ObservingPorts, step: StepOf<'labelNamespace'>): Promise<StepObservation> {
  const namespace = await ports.reader.readObject({ apiVersion: 'v1', kind: 'Namespace', name: step.namespace });
  if (!namespace || namespace.metadata.deletionTimestamp !== undefined) return { kind: 'namespace' };
  const labels = namespace.metadata.labels ?? {};
  const isSet = Object.entries(step.set).every(([key, value]) => (labels[key] ?? null) === value);
  if (!isSet || step.revision === null) return { kind: 'namespace', labels };
  return { kind: 'namespace', labels, probe: await ports.prober.dryRunPod(step.namespace, {}) };
}

async function observeWorkload(
  reader: ClusterReader,
  step: StepOf<'restartWorkload' | 'restartGateway'>,
  { state, readIstiods }: ObserveInput,
): Promise<StepObservation> {
  const seen = await observeRestart(reader, step, readIstiods);
  return { kind: 'workload', ...seen, ...(await observeWay(reader, step, state, seen.pods)) };
}

/** Until the step begins, whoever still gets the old revision through the default counts: a move would carry them along. */
async function observeDefault(ports: ObservingPorts, step: StepOf<'moveDefault'>, state: RunState): Promise<StepObservation> {
  const pending = buildDefaultMove(await readWebhookObjects(ports), step.revision);
  const base = await observeBase(ports, step);
  const unlisted = await reasonUnlisted(ports, { ...step, tag: DEFAULT_TAG });
  if (state.steps.get(step.id) === 'started' || pending === undefined || pending.length === 0)
    return { kind: 'default', pending, base, unlisted };
  const usage = findUses(step.from, buildInventory(await ports.reader.readMesh('uses')));
  return { kind: 'default', pending, usage: usesBeforeDefault(usage) };
}

async function observeRemoval(ports: ObservingPorts, step: StepOf<'removeControlPlane'>, state: RunState): Promise<StepObservation> {
  const refs = removedRefs(step, state);
  const found = await Promise.all(refs.map((ref) => ports.reader.readObject(ref)));
  const present = [...refs.filter((_, index) => found[index] !== undefined), ...(await presentRecords(ports, step.release))];
  if (state.steps.get(step.id) === 'started' || present.length === 0)
    return { kind: 'removal', present, ...(present.length === 0 ? { kept: await keptPinned(ports, step, state) } : {}) };
  const inventory = buildInventory(await ports.reader.readMesh('uses'));
  return { kind: 'removal', present, usage: withoutPinned(findUses(step.revision, inventory), step) };
}

async function observeRestore(
  ports: ObservingPorts,
  step: StepOf<'restoreObject'>,
  state: RunState,
  home: ObserveInput['home'],
): Promise<StepObservation> {
  const originals = state.originals.get(step.originalsOf) ?? [];
  const objects = (
    await Promise.all(
      originals.map(async ({ ref, object }): Promise<KubeObject[]> => {
        const live = await ports.reader.readObject(ref);
        if (object === undefined) return live === undefined ? [] : [live];
        const wanted = withoutServerFields(object as unknown as KubeObject);
        if (live !== undefined && keepsItself(step, ref)) return hasSameMarks(wanted, live) ? [] : [wanted];
        return live !== undefined && diffWanted(wanted, live).length === 0 ? [] : [wanted];
      }),
    )
  ).flat();
  const records = await Promise.all(releasesBack(step).map((release) => pendingRecords(ports, home, release)));
  const pending = [
    ...objects,
    ...records.flat(),
    ...(await presentRecords(ports, step.successor)).map(({ name, ...ref }): KubeObject => ({ ...ref, metadata: { name } })),
  ];
  if (step.expect !== 'control-plane') return { kind: 'restore', pending };
  const refs = originals.map((original) => original.ref);
  const deployment = await readDeployment(ports, refs);
  return {
    kind: 'restore',
    pending,
    ...(deployment === undefined ? {} : { controlPlane: await observeControlPlane(ports, deployment, refs, step.revision) }),
  };
}
