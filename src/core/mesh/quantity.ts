/** Quantities of Kubernetes as numbers. */

const SUFFIXES: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * @param value as it stands in an object: `250m`, `1.5Gi`, `1e3`, or a bare number
 * @returns cores, bytes or a count; undefined for what is no quantity
 * @source kubernetes/apimachinery pkg/api/resource/quantity.go (the grammar), v0.34
 */
export function parseQuantity(value: string | number | undefined): number | undefined {
  if (typeof value === 'number') return value;
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$/.exec(value ?? '');
  if (match === null) return undefined;
  const [, digits = '', exponent = '', suffix = ''] = match;
  return Number(`${digits}${exponent}`) * (SUFFIXES[suffix] ?? Number.NaN);
}
