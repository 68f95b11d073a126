/**
 * Helm releases as their records tell. A record is a Secret for each version of a release; what it holds is JSON, gzip and base64.
 * @source helm/helm pkg/storage/driver/secrets.go (newSecretsObject), pkg/storage/driver/util.go (encodeRelease), pkg/release/v1/release.go @ v4.1.4
 */
import type { KubeObject } from '../mesh/kube-objects.ts';

export const RECORD_TYPE = 'helm.sh/release.v1';

/** A release by its name and the namespace of its records. */
export interface ReleaseName {
  readonly name: string;
  readonly namespace: string;
}

/** The newest version of a release. */
export interface HelmRelease extends ReleaseName {
  /** Helm's own count of changes, from 1 on. */
  readonly version: number;
  /** Helm's word: `deployed`, `failed`, `superseded`, `uninstalled`, `uninstalling`, `pending-install`, `pending-upgrade`, `pending-rollback`, `unknown`. */
  readonly status: string;
  /** Absent when the content of the record cannot be read. */
  readonly chart?: { readonly name: string; readonly version: string };
  /** What the user set, without the defaults of the chart. It may hold credentials: never shown, never stored. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The newest version that is or was `deployed`; absent when there never was one. */
  readonly deployedVersion?: number;
}

/** What a record says outside of its content. */
interface RecordLabels {
  readonly name: string;
  readonly version: number;
  readonly status: string;
}

/** @returns undefined for a Secret that is no record of a release */
export function recordLabels(secret: KubeObject): RecordLabels | undefined {
  const { name, version, status, owner } = secret.metadata.labels ?? {};
  const count = Number(version);
  if (owner !== 'helm' || name === undefined || status === undefined || !Number.isInteger(count)) return undefined;
  return { name, version: count, status };
}

/**
 * @param records all versions of one release, in any order; not empty
 * @param content the JSON text inside the newest one; undefined when it cannot be unpacked
 */
export function readRelease(records: readonly KubeObject[], content: string | undefined): HelmRelease | undefined {
  const versions = records.flatMap((secret) => recordLabels(secret) ?? []).toSorted((a, b) => b.version - a.version);
  const [newest] = versions;
  if (newest === undefined) return undefined;
  const deployed = versions.find(({ status }) => status === 'deployed') ?? versions.find(({ status }) => status === 'superseded');
  const inside = parseContent(content);
  return {
    name: newest.name,
    namespace: records[0]?.metadata.namespace ?? '',
    version: newest.version,
    status: newest.status,
    ...(inside.chart === undefined ? {} : { chart: inside.chart }),
    values: inside.values,
    ...(deployed === undefined ? {} : { deployedVersion: deployed.version }),
  };
}

/** The newest record among those of one release. */
export function newestRecord(records: readonly KubeObject[]): KubeObject | undefined {
  return records.toSorted((a, b) => versionOf(b) - versionOf(a))[0];
}

/** The record that says what is in the cluster: the newest deployed one, else the newest. */
export function standingRecord(records: readonly KubeObject[]): KubeObject | undefined {
  return newestRecord(records.filter((secret) => recordLabels(secret)?.status === 'deployed')) ?? newestRecord(records);
}

export function versionOf(record: KubeObject): number {
  return recordLabels(record)?.version ?? 0;
}

/** Something was begun on it and not ended; Helm refuses every further change. */
export function isPending({ status }: Pick<HelmRelease, 'status'>): boolean {
  return status.startsWith('pending-') || status === 'uninstalling';
}

interface Content {
  readonly chart?: { readonly name: string; readonly version: string };
  readonly values: Readonly<Record<string, unknown>>;
}

function parseContent(text: string | undefined): Content {
  try {
    const parsed = JSON.parse(text ?? '') as {
      chart?: { metadata?: { name?: unknown; version?: unknown } };
      config?: Record<string, unknown> | null;
    };
    const { name, version } = parsed.chart?.metadata ?? {};
    return {
      values: parsed.config ?? {},
      ...(typeof name === 'string' && typeof version === 'string' ? { chart: { name, version } } : {}),
    };
  } catch {
    return { values: {} };
  }
}
