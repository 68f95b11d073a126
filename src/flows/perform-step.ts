/** Brings about the effect of one step. Every effect may be repeated: done twice, it changes nothing the second time. */
import { buildDefaultMove } from '../core/controlplane/default-pointers.ts';
import { refKey, refOf, withoutServerFields } from '../core/controlplane/object-identity.ts';
import { installOrder } from '../core/controlplane/own-objects.ts';
import type { KubeObject, ObjectRef } from '../core/mesh/kube-objects.ts';
import { marksPatch } from '../core/gateways/release-marks.ts';
import type { Plan } from '../core/plan/plan.ts';
import type { Step, StepOf } from '../core/plan/step.ts';
import type { Original } from '../core/run/run-event.ts';
import type { RunState } from '../core/run/run-state.ts';
import { DEFAULT_TAG } from '../core/tags/tag-objects.ts';
import type { ControlPlaneInstaller, InstallTarget } from '../ports/installer.ts';
import { digestsOf } from './observe-step.ts';
import { readWebhookObjects } from './read-webhook-objects.ts';
import { keepsItself, performGateway } from './steps/gateway.ts';
import { performGatewayRemoval, type GatewayHelm } from './steps/gateway-removal.ts';
import { certainRefs, originalsOfCopies, originalsOfPinned, performCopies, removedRefs } from './steps/pinned.ts';
import { originalsOfBase, performBase } from './steps/base-release.ts';
import { applyCrds } from './steps/crds.ts';
import { keepRecord, releasesBack, removeRecords, restoreRecords, type RunHome } from './steps/release-records.ts';
import { performRestart } from './steps/restart.ts';
import { originalsOfTag, performTag } from './steps/tag.ts';
import { listInHeir, type ListInput } from './steps/tag-release.ts';
import type { RunPorts } from './flow-ports.ts';

export type PerformingPorts = Pick<RunPorts, 'reader' | 'releases' | 'writer' | 'prober' | 'observer' | 'sha256' | 'installerFor'>;

export interface PerformInput {
  readonly run: string;
  readonly step: Step;
  /** The plan of the run; the one that the installer belongs to. */
  readonly plan: Plan;
  readonly state: RunState;
  readonly rendered: () => Promise<readonly KubeObject[]>;
  /** Brings about one effect of the step, named so that it is done once, and only with the lock in hand. */
  readonly effect: (name: string, act: () => Promise<void>) => Promise<void>;
}

export async function performStep(ports: PerformingPorts, input: PerformInput): Promise<void> {
  const { step, plan, state, effect } = input;
  switch (step.kind) {
    case 'crds':
      return applyCrds(
        ports,
        step,
        { with: plan.request.install?.with, istioNamespace: plan.mesh.istioNamespace, rendered: await input.rendered() },
        effect,
      );
    case 'installControlPlane':
      return effect('install', () =>
        installerOf(ports, plan).install(installTarget(plan), plan.pins, (line) => ports.observer.tell({ kind: 'output', line })),
      );
    case 'copyRevisionedObjects':
      return performCopies(ports, step, effect);
    case 'labelNamespace':
      return labelNamespace(ports, input, step);
    case 'restartWorkload':
    case 'restartGateway':
      return performRestart(ports, step, input);
    case 'addGateway':
    case 'shiftGateway':
      return performGateway(ports, step, effect);
    case 'removeGateway':
      return performGatewayRemoval(ports, step, { home: homeOf(input), helm: gatewayHelm(ports, plan), effect });
    case 'moveTag':
      return performTag(ports, step, listing(ports, input, step.heir));
    case 'moveDefault':
      for (const { after } of buildDefaultMove(await readWebhookObjects(ports), step.revision) ?? [])
        await effect(refKey(refOf(after)), () => ports.writer.putObject(after));
      await listInHeir(ports, { ...step, tag: DEFAULT_TAG }, listing(ports, input, step.heir));
      return bringBaseAlong(ports, input, step);
    case 'removeControlPlane':
      return removeControlPlane(ports, input, step);
    case 'restoreObject':
      return restore(ports, input, step, state.originals.get(step.originalsOf) ?? []);
  }
}

/** What has to be known before the effect, so that it can be taken back and judged. */
export async function originalsOf(ports: PerformingPorts, step: Step): Promise<{ originals: Original[]; digests: Record<string, string> }> {
  switch (step.kind) {
    case 'installControlPlane':
      return {
        originals: await present(
          ports,
          step.changes.filter((change) => change.action === 'update').map((change) => change.ref),
        ),
        digests: await digestsOf(ports, step.beside),
      };
    case 'copyRevisionedObjects':
      return { originals: await originalsOfCopies(ports, step), digests: {} };
    case 'moveTag':
      return { originals: await originalsOfTag(ports, step), digests: {} };
    case 'moveDefault': {
      const moves = buildDefaultMove(await readWebhookObjects(ports), step.revision) ?? [];
      const originals = moves.map(({ before, after }) => ({
        ref: refOf(after),
        ...(before === undefined ? {} : { object: plain(before) }),
      }));
      return { originals: [...originals, ...(await originalsOfBase(ports, step, originals))], digests: {} };
    }
    case 'removeControlPlane': {
      return { originals: [...(await present(ports, certainRefs(step))), ...(await originalsOfPinned(ports, step))], digests: {} };
    }
    case 'removeGateway': {
      const refsOf = (action: 'create' | 'other'): ObjectRef[] =>
        step.changes.filter((change) => (change.action === 'create') === (action === 'create')).map((change) => change.ref);
      return { originals: [...(await present(ports, refsOf('other'))), ...refsOf('create').map((ref) => ({ ref }))], digests: {} };
    }
    default:
      return { originals: [], digests: {} };
  }
}

async function present(ports: PerformingPorts, refs: readonly ObjectRef[]): Promise<Original[]> {
  const objects = await Promise.all(refs.map((ref) => ports.reader.readObject(ref)));
  return objects.flatMap((object) => (object === undefined ? [] : [{ ref: refOf(object), object: plain(object) }]));
}

function plain(object: KubeObject): Record<string, unknown> {
  return { ...withoutServerFields(object) };
}

export function installerOf(ports: Pick<RunPorts, 'installerFor'>, plan: Plan): ControlPlaneInstaller {
  const installer = ports.installerFor(plan.request);
  if (!installer) throw new Error('the plan installs a control plane, and its request names no installer');
  return installer;
}

export function installTarget(plan: Plan): InstallTarget {
  return {
    revision: plan.to?.revision ?? '',
    version: plan.to?.version,
    namespace: plan.mesh.istioNamespace,
    overlay: plan.carriedOver,
    kubernetes: plan.mesh.kubernetes,
  };
}

function homeOf({ run, plan }: PerformInput): RunHome {
  return { run, istioNamespace: plan.mesh.istioNamespace };
}

/** How a release is made to list tags. */
function listing(ports: PerformingPorts, input: PerformInput, heir: StepOf<'moveTag'>['heir']): ListInput {
  const { plan, effect } = input;
  return {
    home: homeOf(input),
    effect,
    adopt: async (tags) => {
      if (heir === undefined) return;
      const tell = (line: string): void => ports.observer.tell({ kind: 'output', line });
      await installerOf(ports, plan).adoptTags?.({ release: heir, target: installTarget(plan), tags }, plan.pins, tell);
    },
  };
}

/** Helm, for gateways that become releases: as the plan is pinned, with the chart of the target. */
function gatewayHelm(ports: PerformingPorts, plan: Plan): GatewayHelm {
  const target = installTarget(plan);
  return {
    render: async (gateway) => (await installerOf(ports, plan).renderGateways?.([gateway], target, plan.pins))?.objects[0] ?? [],
    install: async (gateway) =>
      installerOf(ports, plan).installGateway?.(gateway, target, plan.pins, (line) => ports.observer.tell({ kind: 'output', line })),
  };
}

async function bringBaseAlong(ports: PerformingPorts, input: PerformInput, step: StepOf<'moveDefault'>): Promise<void> {
  if (step.baseRelease === undefined) return;
  const { plan, effect } = input;
  const installer = installerOf(ports, plan);
  await performBase(ports, step, {
    home: homeOf(input),
    target: installTarget(plan),
    effect,
    upgrade: async (upgrade) => installer.upgradeBase?.(upgrade, plan.pins, (line) => ports.observer.tell({ kind: 'output', line })),
  });
}

/** What Helm keeps of the release goes last: until then it says what was there. */
async function removeControlPlane(ports: PerformingPorts, input: PerformInput, step: StepOf<'removeControlPlane'>): Promise<void> {
  const { state, effect } = input;
  if (step.release !== undefined) await keepRecord(ports, homeOf(input), step.release, effect);
  for (const ref of removedRefs(step, state)) await effect(refKey(ref), () => ports.writer.deleteObject(ref));
  if (step.release !== undefined) await removeRecords(ports, step.release, effect);
}

async function labelNamespace(ports: PerformingPorts, { effect }: PerformInput, step: StepOf<'labelNamespace'>): Promise<void> {
  const namespace = await ports.reader.readObject({ apiVersion: 'v1', kind: 'Namespace', name: step.namespace });
  if (namespace)
    await effect('labels', () => ports.writer.setNamespaceLabels(step.namespace, step.set, namespace.metadata.resourceVersion));
}

/** Objects come back in the order of an installation; what a step had created is deleted after that, so that pods are injected throughout. */
async function restore(
  ports: PerformingPorts,
  input: PerformInput,
  step: StepOf<'restoreObject'>,
  originals: readonly Original[],
): Promise<void> {
  const { effect } = input;
  const existed = originals.flatMap((original) => (original.object === undefined ? [] : [original.object as unknown as KubeObject]));
  for (const object of installOrder(existed)) {
    const live = keepsItself(step, refOf(object)) ? await ports.reader.readObject(refOf(object)) : undefined;
    await effect(refKey(refOf(object)), () =>
      live === undefined ? ports.writer.putObject(object) : ports.writer.patchObject(refOf(object), marksPatch(object, live)),
    );
  }
  for (const { ref } of originals.filter((o) => o.object === undefined)) await effect(refKey(ref), () => ports.writer.deleteObject(ref));
  for (const release of releasesBack(step)) await restoreRecords(ports, homeOf(input), release, effect);
  if (step.successor !== undefined) await removeRecords(ports, step.successor, effect);
}
