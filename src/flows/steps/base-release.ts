/** The release of the base chart, brought along when the default moves, so that its next upgrade does not move it back. */
import { refKey, refOf, withoutServerFields } from '../../core/controlplane/object-identity.ts';
import { baseDisagreement } from '../../core/helm/base-release.ts';
import { isPending, newestRecord, type HelmRelease } from '../../core/helm/release.ts';
import { laterRecords } from '../../core/helm/set-aside.ts';
import { releaseOf } from '../../core/helm/release-marks.ts';
import type { Original } from '../../core/run/run-event.ts';
import type { StepOf } from '../../core/plan/step.ts';
import type { BaseUpgrade, ControlPlaneInstaller, InstallTarget } from '../../ports/installer.ts';
import { Problem } from '../../core/problems/problem.ts';
import type { RunPorts } from '../flow-ports.ts';
import { keepRecord, readAside, type Effect, type RecordPorts, type RunHome } from './release-records.ts';

type DefaultStep = StepOf<'moveDefault'>;

/** Why the base release does not agree yet; undefined when it does, or there is none. */
export async function observeBase(ports: Pick<RunPorts, 'releases'>, step: DefaultStep): Promise<string | undefined> {
  if (step.baseRelease === undefined) return undefined;
  const releases = await ports.releases.readReleases(step.baseRelease.namespace);
  if (releases === undefined) return `the Helm release ${step.baseRelease.name} cannot be read`;
  const release = find(releases, step);
  return release && baseDisagreement(release, { revision: step.revision, version: step.baseRelease.target });
}

function find(releases: readonly HelmRelease[], { baseRelease }: DefaultStep): HelmRelease | undefined {
  return releases.find(({ name }) => name === baseRelease?.name);
}

/** What else is in the base release, such as the reader's service account: its upgrade changes their labels. CRDs are not taken back. */
export async function originalsOfBase(
  { reader }: Pick<RunPorts, 'reader'>,
  { baseRelease }: DefaultStep,
  taken: readonly Original[],
): Promise<Original[]> {
  if (baseRelease === undefined) return [];
  const known = new Set(taken.map(({ ref }) => refKey(ref)));
  const objects = await reader.readControlPlaneObjects();
  return objects
    .filter((object) => releaseOf(object)?.name === baseRelease.name && !known.has(refKey(refOf(object))))
    .map((object) => ({ ref: refOf(object), object: { ...withoutServerFields(object) } }));
}

export interface PerformBaseInput {
  readonly home: RunHome;
  readonly target: InstallTarget;
  readonly upgrade: (input: BaseUpgrade) => ReturnType<NonNullable<ControlPlaneInstaller['upgradeBase']>>;
  readonly effect: Effect;
}

/**
 * A version that a killed driver left pending is taken out of the records; what was deployed before it is what stands. A rollback by
 * helm would bring the old CRDs back, which the new control plane must not meet.
 */
export async function performBase(ports: RecordPorts, step: DefaultStep, input: PerformBaseInput): Promise<void> {
  const { baseRelease } = step;
  if (baseRelease === undefined || (await observeBase(ports, step)) === undefined) return;
  const { home, effect, target } = input;
  const before = await readAside(ports, home, baseRelease);
  let release = find((await ports.releases.readReleases(baseRelease.namespace)) ?? [], step);
  if (release === undefined) return;
  if (before === undefined) {
    if (isPending(release)) throw pendingProblem(release);
    await keepRecord(ports, home, baseRelease, effect);
  } else if (isPending(release)) {
    await dropPending(ports, step, before, effect);
    release = find((await ports.releases.readReleases(baseRelease.namespace)) ?? [], step) ?? release;
  }
  const { values } = release;
  await effect('base release', () =>
    input.upgrade({ release: { name: baseRelease.name, namespace: baseRelease.namespace }, target, values }),
  );
}

async function dropPending(
  ports: RecordPorts,
  { baseRelease }: DefaultStep,
  before: Parameters<typeof laterRecords>[0],
  effect: Effect,
): Promise<void> {
  if (baseRelease === undefined) return;
  const pending = newestRecord(laterRecords(before, await ports.releases.readRecords(baseRelease)));
  if (pending !== undefined) await effect(`drop ${refKey(refOf(pending))}`, () => ports.writer.deleteObject(refOf(pending)));
}

export function pendingProblem({ name, namespace, status }: HelmRelease): Problem {
  return new Problem('TOOL-006', {
    what: `The Helm release ${name} in ${namespace} is ${status}.`,
    why: 'Helm refuses every change of a release in which something was begun and not ended.',
    next: [
      { label: 'look', command: `helm history ${name} -n ${namespace}` },
      { label: 'take it back', command: `helm rollback ${name} -n ${namespace}` },
    ],
  });
}
