/** The copy of a pinned object for another revision or proxy version. */
import { isRecord } from '../controlplane/diff-objects.ts';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { withoutTracking } from './keeper.ts';
import { configPatches, withProxyVersion, type LostPatch } from './version-patches.ts';

/** Longest name of an object. */
const LONGEST_NAME = 253;
const DIGEST_LENGTH = 8;

export interface CopyNaming {
  readonly from: string;
  readonly to: string;
  readonly sha256: (text: string) => string;
}

/**
 * `<name>-<revision>`. A name that ends with the old revision, such as that of an earlier copy, gets the new one in its place;
 * one that would be too long is cut and keeps apart by a digest.
 */
export function copyName(name: string, { from, to, sha256 }: CopyNaming): string {
  const stem = name.endsWith(`-${from}`) && name.length > from.length + 1 ? name.slice(0, -from.length - 1) : name;
  const whole = `${stem}-${to}`;
  if (whole.length <= LONGEST_NAME) return whole;
  const kept = stem.slice(0, LONGEST_NAME - to.length - DIGEST_LENGTH - 2).replace(/[-.]+$/, '');
  return `${kept}-${sha256(name).slice(0, DIGEST_LENGTH)}-${to}`;
}

export interface CopyOptions extends CopyNaming {
  /** The label istio.io/rev of the copy; absent: it has none, as its source. */
  readonly label?: string;
  readonly lost: readonly LostPatch[];
  /** Somebody keeps the source in shape; the copy must not look like theirs. */
  readonly isKept: boolean;
}

/**
 * Everything that a person wrote is equal: labels, annotations, spec. Without a revision label every istiod reads the copy, so
 * that it holds only the patches that would no longer apply: the others still do, through the source.
 */
export function copyObject(source: KubeObject, options: CopyOptions): KubeObject {
  const { metadata, status: _status, ...rest } = source;
  const labels = {
    ...withoutTracking(metadata.labels ?? {}, options.isKept),
    ...(options.label === undefined ? {} : { 'istio.io/rev': options.label }),
  };
  const annotations = withoutTracking(metadata.annotations ?? {}, options.isKept);
  return {
    ...rest,
    metadata: {
      name: copyName(metadata.name, options),
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    ...specOf(source, options),
  } as KubeObject;
}

function specOf(source: KubeObject, { lost, label }: CopyOptions): { readonly spec?: unknown } {
  const spec = source['spec'];
  if (!isRecord(spec)) return {};
  if (lost.length === 0) return { spec };
  const rewritten = new Map(lost.map((patch) => [patch.index, patch.rewritten]));
  const patches = configPatches(source).flatMap((patch, index) => {
    const expression = rewritten.get(index);
    if (expression !== undefined) return [withProxyVersion(patch, expression)];
    return label === undefined ? [] : [patch];
  });
  return { spec: { ...spec, configPatches: patches } };
}
