/** A tag that moves: looked at, and written one object after the other, its webhooks first. */
import { refKey, refOf, withoutServerFields } from '../../core/controlplane/object-identity.ts';
import { buildInventory } from '../../core/mesh/build-inventory.ts';
import { revisionLabel, type WebhookObjects } from '../../core/mesh/find-revisions.ts';
import { workloadKey } from '../../core/mesh/mesh-inventory.ts';
import type { StepOf } from '../../core/plan/step.ts';
import type { InjectionProbe, StepObservation } from '../../core/run/observation.ts';
import type { Original } from '../../core/run/run-event.ts';
import { changesOf, tagMoves, type TagMove } from '../../core/tags/tag-moves.ts';
import { unmovedBehind } from '../../core/tags/tag-users.ts';
import type { RunPorts } from '../flow-ports.ts';
import { readWebhookObjects } from '../read-webhook-objects.ts';
import { listInHeir, reasonUnlisted, type ListInput } from './tag-release.ts';
import type { RecordPorts } from './release-records.ts';

type TagStep = StepOf<'moveTag'>;
type ObservingPorts = Pick<RunPorts, 'reader' | 'prober'>;

/** @returns undefined when the revision has nothing that the tag could point to */
function pendingMoves(objects: WebhookObjects, step: TagStep): TagMove[] | undefined {
  const moves = tagMoves(objects, { tag: step.tag, revision: step.revision, version: step.version });
  return moves && changesOf(moves);
}

/** Until the step begins, whatever follows the tag and was not moved counts: the tag would carry it along. */
export async function observeTag(
  ports: ObservingPorts & Pick<RunPorts, 'releases'>,
  step: TagStep,
  started: boolean,
): Promise<StepObservation> {
  const objects = await readWebhookObjects(ports);
  const configuration = objects.mutatingWebhooks.find((c) => c.metadata.labels?.['istio.io/tag'] === step.tag);
  if (!configuration) return { kind: 'tag', pending: [] };
  const pointsTo = revisionLabel(configuration);
  const pending = pendingMoves(objects, step);
  if (pending === undefined) return { kind: 'tag', pointsTo, pending };
  if (pending.length === 0) {
    const unlisted = await reasonUnlisted(ports, step);
    if (unlisted !== undefined) return { kind: 'tag', pointsTo, pending, unlisted };
    const probe = await probeTag(ports, step.tag);
    return { kind: 'tag', pointsTo, pending, ...(probe === undefined ? {} : { probe }) };
  }
  if (started) return { kind: 'tag', pointsTo, pending };
  const inventory = buildInventory(await ports.reader.readMesh('uses'));
  const unmoved = unmovedBehind(step.tag, step.revision, inventory).map((workload) => workloadKey(workload));
  return { kind: 'tag', pointsTo, pending, unmoved, unknown: inventory.unread.map(({ what, why }) => `${what}: ${why}`) };
}

/**
 * Tries a pod that follows the tag: by its own label, in a namespace that has none.
 * @returns undefined when there is no such namespace
 */
export async function probeTag(
  ports: ObservingPorts,
  tag: string,
  namespaces: readonly string[] = [],
): Promise<InjectionProbe | undefined> {
  const [following] = namespaces;
  if (following !== undefined) return ports.prober.dryRunPod(following, {});
  let last: InjectionProbe | undefined;
  for (const name of ['istio-system', 'default']) {
    const namespace = await ports.reader.readObject({ apiVersion: 'v1', kind: 'Namespace', name });
    const labels = namespace?.metadata.labels ?? {};
    if (!namespace || labels['istio-injection'] !== undefined || labels['istio.io/rev'] !== undefined) continue;
    last = await ports.prober.dryRunPod(name, { 'istio.io/rev': tag, 'sidecar.istio.io/inject': 'true' });
    if (last.inconclusive === undefined) return last;
  }
  return last;
}

/** The objects first: they name their new release, without which Helm would refuse to take them over. */
export async function performTag(ports: RecordPorts, step: TagStep, input: ListInput): Promise<void> {
  for (const { after } of pendingMoves(await readWebhookObjects(ports), step) ?? [])
    await input.effect(refKey(refOf(after)), () => ports.writer.putObject(after));
  await listInHeir(ports, step, input);
}

export async function originalsOfTag(ports: Pick<RunPorts, 'reader'>, step: TagStep): Promise<Original[]> {
  const moves = pendingMoves(await readWebhookObjects(ports), step) ?? [];
  return moves.map(({ before, after }) => ({
    ref: refOf(after),
    ...(before === undefined ? {} : { object: { ...withoutServerFields(before) } }),
  }));
}
