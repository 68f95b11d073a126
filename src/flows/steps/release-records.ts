/** The records of Helm releases: set aside with the run, removed when their objects are gone, and put back as they were. */
import { standingRecord, type ReleaseName } from '../../core/helm/release.ts';
import { asideName, isAsBefore, laterRecords, recordOf, setAside, type SecretObject } from '../../core/helm/set-aside.ts';
import { refKey, refOf } from '../../core/controlplane/object-identity.ts';
import type { KubeObject, ObjectRef } from '../../core/mesh/kube-objects.ts';
import type { StepOf } from '../../core/plan/step.ts';
import type { RunPorts } from '../flow-ports.ts';

export type RecordPorts = Pick<RunPorts, 'reader' | 'writer' | 'releases'>;
export type Effect = (name: string, act: () => Promise<void>) => Promise<void>;

/** The run, and the namespace in which its record is. */
export interface RunHome {
  readonly run: string;
  readonly istioNamespace: string;
}

export async function presentRecords(ports: Pick<RunPorts, 'releases'>, release: ReleaseName | undefined): Promise<ObjectRef[]> {
  return release === undefined ? [] : (await ports.releases.readRecords(release)).map(refOf);
}

/** A release that a killed driver left behind is not made whole by objects that are there. */
export async function reasonNotDeployed(ports: Pick<RunPorts, 'releases'>, release: ReleaseName | undefined): Promise<string | undefined> {
  if (release === undefined) return undefined;
  const releases = await ports.releases.readReleases(release.namespace);
  if (releases === undefined) return `whether the Helm release ${release.name} is deployed may not be read`;
  const found = releases.find(({ name }) => name === release.name);
  return found?.status === 'deployed' ? undefined : `the Helm release ${release.name} is ${found?.status ?? 'not there'}`;
}

/** What was set aside of a release; undefined when nothing was. */
export async function readAside(ports: Pick<RunPorts, 'reader'>, home: RunHome, release: ReleaseName): Promise<SecretObject | undefined> {
  const ref = { apiVersion: 'v1', kind: 'Secret', namespace: home.istioNamespace, name: asideName(home.run, release) };
  const aside = (await ports.reader.readObject(ref)) as SecretObject | undefined;
  return aside && recordOf(aside);
}

/** Keeps the record that says what is in the cluster. Done once: later the release may say something else. */
export async function keepRecord(
  ports: RecordPorts,
  home: RunHome,
  release: ReleaseName,
  effect: Effect,
): Promise<SecretObject | undefined> {
  const kept = await readAside(ports, home, release);
  if (kept !== undefined) return kept;
  const record = standingRecord(await ports.releases.readRecords(release)) as SecretObject | undefined;
  if (record === undefined) return undefined;
  const { run, istioNamespace: namespace } = home;
  const upgrade = await ports.reader.readObject({ apiVersion: 'meshlift.io/v1alpha1', kind: 'MeshUpgrade', namespace, name: run });
  const { apiVersion, kind, metadata } = upgrade ?? {};
  const ownerReference =
    apiVersion === undefined || kind === undefined || metadata?.uid === undefined
      ? undefined
      : { apiVersion, kind, name: run, uid: metadata.uid };
  const aside = setAside(record, release, { run, namespace, ...(ownerReference === undefined ? {} : { ownerReference }) });
  await effect(`set aside ${release.name}`, () => ports.writer.putObject(aside));
  return record;
}

/** Oldest first, so that Helm sees the release as it was until the last one is gone. */
export async function removeRecords(ports: RecordPorts, release: ReleaseName, effect: Effect): Promise<void> {
  const records = await ports.releases.readRecords(release);
  const standing = standingRecord(records);
  const order = [...records.filter((record) => record !== standing), ...(standing === undefined ? [] : [standing])];
  for (const ref of order.map(refOf)) await effect(refKey(ref), () => ports.writer.deleteObject(ref));
}

/** The releases whose records a step puts back. */
export function releasesBack({ release, heir }: StepOf<'restoreObject'>): ReleaseName[] {
  return [release, heir].filter((one) => one !== undefined);
}

/** Records that are not as they were set aside, without what they hold; none when nothing was set aside. */
export async function pendingRecords(
  ports: Pick<RunPorts, 'reader' | 'releases'>,
  home: RunHome,
  release: ReleaseName,
): Promise<KubeObject[]> {
  const [record, records] = await Promise.all([readAside(ports, home, release), ports.releases.readRecords(release)]);
  if (record === undefined || isAsBefore(record, records)) return [];
  return [{ ...refOf(record), metadata: { name: record.metadata.name, namespace: release.namespace } }];
}

export async function restoreRecords(ports: RecordPorts, home: RunHome, release: ReleaseName, effect: Effect): Promise<void> {
  const [record, records] = await Promise.all([readAside(ports, home, release), ports.releases.readRecords(release)]);
  if (record === undefined || isAsBefore(record, records)) return;
  await effect(refKey(refOf(record)), () => ports.writer.putObject(record));
  for (const ref of laterRecords(record, records).map(refOf)) await effect(refKey(ref), () => ports.writer.deleteObject(ref));
}
