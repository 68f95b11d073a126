/** What applying rendered CRDs would change, and whether that is safe for the control plane that runs now. */
import type { KubeObject } from '../mesh/kube-objects.ts';
import { diffWanted } from './diff-objects.ts';

interface CrdVersion {
  readonly name: string;
  readonly served?: boolean;
  readonly storage?: boolean;
}

export interface CrdChange {
  readonly name: string;
  readonly rendered: KubeObject;
  /** Absent when the CRD is new. */
  readonly live?: KubeObject;
  /** Short lines: versions that come, schemas that change. */
  readonly diff: readonly string[];
  /** Versions that are served now and would not be any more: applying it could break the running control plane. */
  readonly lostVersions: readonly string[];
}

/** Compares rendered CRDs with the live ones; CRDs that would not change are left out. */
export function crdChanges(rendered: readonly KubeObject[], live: readonly KubeObject[]): CrdChange[] {
  const liveByName = new Map(live.map((crd) => [crd.metadata.name, crd]));
  return rendered.flatMap((crd): CrdChange[] => {
    const there = liveByName.get(crd.metadata.name);
    if (!there)
      return [{ name: crd.metadata.name, rendered: crd, diff: [`+ versions ${servedVersions(crd).join(', ')}`], lostVersions: [] }];
    const diff = diffWanted(crd['spec'], there['spec'], 'spec');
    if (diff.length === 0) return [];
    const lost = servedVersions(there).filter((version) => !servedVersions(crd).includes(version));
    return [{ name: crd.metadata.name, rendered: crd, live: there, diff: summarize(crd, there, diff), lostVersions: lost }];
  });
}

export function servedVersions(crd: KubeObject): string[] {
  const versions = (crd['spec'] as { versions?: readonly CrdVersion[] } | undefined)?.versions ?? [];
  return versions.filter((v) => v.served !== false).map((v) => v.name);
}

/** Schemas are long: the versions are named, the changed schema fields only counted. */
function summarize(crd: KubeObject, live: KubeObject, diff: readonly string[]): string[] {
  const added = servedVersions(crd).filter((v) => !servedVersions(live).includes(v));
  const fields = new Set(diff.map((line) => line.slice(2).split(':')[0])).size;
  return [...added.map((version) => `+ version ${version}`), `~ ${fields} ${fields === 1 ? 'field' : 'fields'} of its schema or names`];
}

/** Whether a CRD is established, as the API server says. */
export function isEstablished(crd: KubeObject): boolean {
  const conditions = (crd['status'] as { conditions?: readonly { type: string; status: string }[] } | undefined)?.conditions ?? [];
  return conditions.some((c) => c.type === 'Established' && c.status === 'True');
}
