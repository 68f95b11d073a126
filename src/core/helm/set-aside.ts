/** A record of a release, kept with a run until the run is forgotten: a Secret, since it holds values and manifests. */
import type { KubeObject, OwnerReference } from '../mesh/kube-objects.ts';
import { RECORD_TYPE, versionOf, type ReleaseName } from './release.ts';

const RUN_LABEL = 'meshlift.io/run';
const PIECE_LABEL = 'meshlift.io/piece';
/** Labels and name of the record as they were, JSON. */
const RECORD_ANNOTATION = 'meshlift.io/helm-record';

export interface SecretObject extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

export interface AsideOwner {
  readonly run: string;
  /** The Istio namespace, where the record of the run is. */
  readonly namespace: string;
  /** The MeshUpgrade, with which it goes; absent where it cannot be read. */
  readonly ownerReference?: OwnerReference;
}

export function asideName(run: string, release: ReleaseName): string {
  return `meshlift-${run}-helm-${release.namespace}-${release.name}`.slice(0, 253);
}

/** @param record the Secret of one version of the release, as it is */
export function setAside(record: SecretObject, release: ReleaseName, owner: AsideOwner): SecretObject {
  const { name, namespace, labels } = record.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: asideName(owner.run, release),
      namespace: owner.namespace,
      labels: { 'app.kubernetes.io/name': 'meshlift', [RUN_LABEL]: owner.run, [PIECE_LABEL]: 'helm' },
      annotations: { [RECORD_ANNOTATION]: JSON.stringify({ name, namespace, labels }) },
      ...(owner.ownerReference === undefined ? {} : { ownerReferences: [owner.ownerReference] }),
    },
    type: 'Opaque',
    data: record.data ?? {},
  };
}

/** @returns the record as it was; undefined when the Secret holds none */
export function recordOf(aside: SecretObject): SecretObject | undefined {
  try {
    const { name, namespace, labels } = JSON.parse(aside.metadata.annotations?.[RECORD_ANNOTATION] ?? '') as KubeObject['metadata'];
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...(labels === undefined ? {} : { labels }) },
      type: RECORD_TYPE,
      data: aside.data ?? {},
    };
  } catch {
    return undefined;
  }
}

/** Whether the records of a release are as they were when one was set aside: it is the newest, and says the same. */
export function isAsBefore(record: SecretObject, records: readonly KubeObject[]): boolean {
  const live = records.find(({ metadata }) => metadata.name === record.metadata.name);
  if (live === undefined || laterRecords(record, records).length > 0) return false;
  return (live as SecretObject).data?.['release'] === record.data?.['release'];
}

export function laterRecords(record: KubeObject, records: readonly KubeObject[]): KubeObject[] {
  return records.filter((one) => versionOf(one) > versionOf(record));
}
