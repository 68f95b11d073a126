/** Names and comparisons that depend on what an object says, not on the order of its fields. */

/** JSON with sorted keys; what is null, undefined or an empty list counts as absent, as in Kubernetes' semantic comparison. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => canonicalJson(one)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, field]) => !isAbsent(field));
  const parts = fields.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
  return `{${parts.join(',')}}`;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/** Whether both have the same `canonicalJson`. */
export function sameContent(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((one, index) => sameContent(one, b[index]));
  if (!isRecord(a) || !isRecord(b)) return !Array.isArray(b) && (a ?? null) === (b ?? null);
  for (const key of Object.keys(a)) if (!isAbsent(a[key]) && (isAbsent(b[key]) || !sameContent(a[key], b[key]))) return false;
  return Object.keys(b).every((key) => isAbsent(b[key]) || !isAbsent(a[key]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// No vowels and no digits that look like them, so that no words appear: `k8s.io/apimachinery/pkg/util/rand`.
const SAFE_CHARACTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** 32-bit FNV-1a, written as Kubernetes writes the hashes in names: up to ten safe characters. */
export function contentHash(value: unknown, collisionCount = 0): string {
  const text = `${canonicalJson(value)}${collisionCount === 0 ? '' : `#${collisionCount}`}`;
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return Array.from(String(hash), (digit) => SAFE_CHARACTERS.charAt(digit.charCodeAt(0) % SAFE_CHARACTERS.length)).join('');
}
