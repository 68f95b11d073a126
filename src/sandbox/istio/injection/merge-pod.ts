/** Lays one part of a pod over another as a strategic merge patch does: lists of things with a key are merged by that key. */

type Json = Readonly<Record<string, unknown>>;

/** Fields of pods whose lists are merged, and by what; other lists are replaced. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  imagePullSecrets: 'name',
  env: 'name',
  ports: 'containerPort',
  volumeMounts: 'mountPath',
};

/** @returns `base` with `overlay` laid over it; null in the overlay takes a field away */
export function mergeOver(base: Json, overlay: Json): Json {
  const merged: Record<string, unknown> = { ...base };
  for (const [field, value] of Object.entries(overlay)) {
    if (value === undefined) continue;
    if (value === null) delete merged[field];
    else merged[field] = mergeField(field, base[field], value);
  }
  return merged;
}

function mergeField(field: string, base: unknown, value: unknown): unknown {
  const key = MERGE_KEYS[field];
  if (Array.isArray(value)) {
    if (key === undefined || !Array.isArray(base)) return value;
    return mergeList(base as readonly Json[], value as readonly Json[], key);
  }
  if (isRecord(value) && isRecord(base)) return mergeOver(base, value);
  return value;
}

/**
 * The overlay's items come in its order, before those that only the base has; an item of both keeps its place among the base's.
 * Source: apimachinery, pkg/util/strategicpatch/patch.go (mergeSortedSlice), v0.34.
 */
function mergeList(base: readonly Json[], overlay: readonly Json[], key: string): readonly Json[] {
  const placeInBase = new Map(base.map((item, index) => [item[key], index]));
  const laidOver = new Set(overlay.map((item) => item[key]));
  const left = overlay.map((item) => {
    const place = placeInBase.get(item[key]);
    return place === undefined ? item : mergeOver(base[place] ?? {}, item);
  });
  const right = base.filter((item) => !laidOver.has(item[key]));
  const merged: Json[] = [];
  let taken = 0;
  for (const item of left) {
    const place = placeInBase.get(item[key]);
    if (place !== undefined) {
      while (taken < right.length && (placeInBase.get(right[taken]?.[key]) ?? 0) < place) merged.push(right[taken++] ?? {});
    }
    merged.push(item);
  }
  return [...merged, ...right.slice(taken)];
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
