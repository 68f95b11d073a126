/** Copies of pinned objects, and what becomes of the originals when the old control plane goes. */
import { diffWanted } from '../../core/controlplane/diff-objects.ts';
import { contentText, refKey, refOf, refText, withoutServerFields } from '../../core/controlplane/object-identity.ts';
import { buildInventory } from '../../core/mesh/build-inventory.ts';
import type { KubeObject, ObjectRef } from '../../core/mesh/kube-objects.ts';
import { stillMatched } from '../../core/pinned/still-matched.ts';
import type { PinnedRemoval } from '../../core/plan/pinned-step.ts';
import type { StepOf } from '../../core/plan/step.ts';
import { Problem } from '../../core/problems/problem.ts';
import { copyRefusedProblem } from '../../core/run/assess/assess-pinned.ts';
import type { CopiesObservation } from '../../core/run/pinned-observation.ts';
import type { Original } from '../../core/run/run-event.ts';
import type { RunState } from '../../core/run/run-state.ts';
import type { Usage } from '../../core/usage/usage.ts';
import type { RunPorts } from '../flow-ports.ts';

type CopyStep = StepOf<'copyRevisionedObjects'>;
type RemoveStep = StepOf<'removeControlPlane'>;
type Effect = (name: string, act: () => Promise<void>) => Promise<void>;

export async function observeCopies(ports: Pick<RunPorts, 'reader' | 'sha256'>, { copies }: CopyStep): Promise<CopiesObservation> {
  const looked = await Promise.all(
    copies.map(async ({ source, sourceDigest, object }) => {
      const copy = object as KubeObject;
      const [original, live] = await Promise.all([ports.reader.readObject(source), ports.reader.readObject(refOf(copy))]);
      const lines = live === undefined ? [] : diffWanted(copy, live);
      const hasChanged = original !== undefined && ports.sha256(contentText(original)) !== sourceDigest;
      return { source, ref: refOf(copy), isGone: original === undefined, hasChanged, isThere: live !== undefined, difference: lines[0] };
    }),
  );
  const wanted = looked.filter((one) => !one.isGone || one.isThere);
  return {
    kind: 'copies',
    wanted: wanted.length,
    pending: wanted.filter((one) => !one.isThere).map(({ ref }) => ref),
    differing: wanted.flatMap(({ ref, difference }) => (difference === undefined ? [] : [{ ref, difference }])),
    changedSources: wanted.filter((one) => one.hasChanged).map(({ source }) => source),
    goneSources: looked.filter((one) => one.isGone && !one.isThere).map(({ source }) => source),
  };
}

/** What has the name of a copy already is not this run's, so that a roll-back leaves it alone. */
export async function originalsOfCopies({ reader }: Pick<RunPorts, 'reader'>, { copies }: CopyStep): Promise<Original[]> {
  const refs = copies.map(({ object }) => refOf(object as KubeObject));
  const live = await Promise.all(refs.map((ref) => reader.readObject(ref)));
  return refs.filter((_, index) => live[index] === undefined).map((ref) => ({ ref }));
}

/** Only what is not there is written: an object that somebody else has made is never overwritten. */
export async function performCopies(
  { reader, writer }: Pick<RunPorts, 'reader' | 'writer'>,
  step: CopyStep,
  effect: Effect,
): Promise<void> {
  for (const { source, object } of step.copies) {
    const copy = object as KubeObject;
    const [original, live] = await Promise.all([reader.readObject(source), reader.readObject(refOf(copy))]);
    if (original === undefined || live !== undefined) continue;
    await effect(refKey(refOf(copy)), async () => {
      try {
        await writer.putObject(copy);
      } catch (error) {
        throw error instanceof Problem && (error.code === 'KUBE-006' || error.code === 'KUBE-005')
          ? copyRefusedProblem(refText(refOf(copy)), source, error)
          : error;
      }
    });
  }
}

/** What may stay when it has come to it; whether it goes is known once the step has begun. */
function conditional({ pinned }: RemoveStep): (PinnedRemoval['goes'][number] & { readonly expressions?: readonly string[] })[] {
  return [...(pinned?.goes ?? []), ...(pinned?.byVersion ?? [])];
}

function keysTaken({ id }: RemoveStep, state: RunState): Set<string> {
  return new Set((state.originals.get(id) ?? []).map(({ ref }) => refKey(ref)));
}

/**
 * What a removal takes with it. Pinned objects are in it only once the step has begun and found that they may go, which is why
 * they are among its originals.
 */
export function removedRefs(step: RemoveStep, state: RunState): ObjectRef[] {
  const mayStay = new Set(conditional(step).map(({ ref }) => refKey(ref)));
  const taken = keysTaken(step, state);
  return step.changes.map((change) => change.ref).filter((ref) => !mayStay.has(refKey(ref)) || taken.has(refKey(ref)));
}

/** What a removal takes with it whatever the mesh looks like. */
export function certainRefs(step: RemoveStep): ObjectRef[] {
  const mayStay = new Set(conditional(step).map(({ ref }) => refKey(ref)));
  return step.changes.map((change) => change.ref).filter((ref) => !mayStay.has(refKey(ref)));
}

/** What is pinned to the revision and goes with it, or stays on purpose, does not keep it in use. */
export function withoutPinned(usage: Usage, { pinned }: RemoveStep): Usage {
  if (pinned === undefined) return usage;
  const expected = new Set(
    [...pinned.goes.map(({ ref }) => ref), ...pinned.stays].map((ref) => `${ref.kind} ${ref.namespace ?? ''}/${ref.name}`),
  );
  return { ...usage, uses: usage.uses.filter((use) => use.kind !== 'pinned-object' || !expected.has(use.object)) };
}

/**
 * Originals of the pinned objects that go, as the mesh is at this moment: as their copies were made from them, and obeyed by no
 * proxy any more.
 */
export async function originalsOfPinned(ports: Pick<RunPorts, 'reader' | 'sha256'>, step: RemoveStep): Promise<Original[]> {
  const candidates = conditional(step);
  if (candidates.length === 0) return [];
  const inventory = buildInventory(await ports.reader.readMesh('uses'));
  const objects = await Promise.all(candidates.map(({ ref }) => ports.reader.readObject(ref)));
  return candidates.flatMap(({ digest, expressions = [] }, index): Original[] => {
    const object = objects[index];
    if (object === undefined || ports.sha256(contentText(object)) !== digest) return [];
    if (stillMatched(expressions, inventory).length > 0) return [];
    return [{ ref: refOf(object), object: { ...withoutServerFields(object) } }];
  });
}

/** Pinned objects that the removal left, in words. */
export async function keptPinned(ports: Pick<RunPorts, 'reader' | 'sha256'>, step: RemoveStep, state: RunState): Promise<string[]> {
  const taken = keysTaken(step, state);
  const left = conditional(step).filter(({ ref }) => !taken.has(refKey(ref)));
  const live = await Promise.all(left.map(({ ref }) => ports.reader.readObject(ref)));
  return left.flatMap(({ ref, digest, expressions = [] }, index) => {
    const object = live[index];
    if (object === undefined) return [];
    const why =
      ports.sha256(contentText(object)) === digest
        ? `there were proxies that ${expressions[0] ?? ''} matches, or of unknown version`
        : 'it was changed after its copy was planned';
    return [`${refText(ref)} stays: ${why}`];
  });
}
