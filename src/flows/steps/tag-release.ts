/** The release of the new revision lists a tag that it took over, so that its next upgrade keeps it. */
import { refKey, refOf } from '../../core/controlplane/object-identity.ts';
import { isPending, newestRecord, type HelmRelease } from '../../core/helm/release.ts';
import { laterRecords } from '../../core/helm/set-aside.ts';
import type { StepOf } from '../../core/plan/step.ts';
import type { RunPorts } from '../flow-ports.ts';
import { keepRecord, type Effect, type RecordPorts, type RunHome } from './release-records.ts';

/** A tag, and the release that shall list it. */
export type TagListing = Pick<StepOf<'moveTag'>, 'tag' | 'heir'>;

export interface ListInput {
  readonly home: RunHome;
  readonly effect: Effect;
  /** Makes the release list exactly these tags. */
  readonly adopt: (tags: readonly string[]) => Promise<void>;
}

/** Why the release does not list the tag yet; undefined when it does, or when no release takes it over. */
export async function reasonUnlisted(ports: Pick<RunPorts, 'releases'>, step: TagListing): Promise<string | undefined> {
  if (step.heir === undefined) return undefined;
  const release = await findHeir(ports, step);
  if (release === undefined) return `the Helm release ${step.heir.name} cannot be read`;
  if (isPending(release)) return `the Helm release ${release.name} is ${release.status}`;
  return tagsOf(release).includes(step.tag) ? undefined : `the Helm release ${release.name} does not list it yet`;
}

/**
 * A version that a killed driver left pending is taken out of the records: helm's own rollback would delete what the version before
 * it did not list, which is the tag.
 */
export async function listInHeir(ports: RecordPorts, step: TagListing, { home, effect, adopt }: ListInput): Promise<void> {
  const { heir } = step;
  if (heir === undefined || (await reasonUnlisted(ports, step)) === undefined) return;
  const before = await keepRecord(ports, home, heir, effect);
  let release = await findHeir(ports, step);
  if (release !== undefined && isPending(release) && before !== undefined) {
    const pending = newestRecord(laterRecords(before, await ports.releases.readRecords(heir)));
    if (pending !== undefined) await effect(`drop ${refKey(refOf(pending))}`, () => ports.writer.deleteObject(refOf(pending)));
    release = await findHeir(ports, step);
  }
  const tags = [...new Set([...(release === undefined ? [] : tagsOf(release)), step.tag])];
  await effect('release', () => adopt(tags));
}

async function findHeir(ports: Pick<RunPorts, 'releases'>, { heir }: TagListing): Promise<HelmRelease | undefined> {
  if (heir === undefined) return undefined;
  return (await ports.releases.readReleases(heir.namespace))?.find(({ name }) => name === heir.name);
}

function tagsOf({ values }: HelmRelease): string[] {
  const tags = values['revisionTags'];
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : [];
}
