/** Quantities (`100m`, `1Gi`): reading, comparing, and the canonical text that a server answers with. */

const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
const NANO = 1_000_000_000n;
const SYNTAX = /^([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/;

export interface Quantity {
  /** In billionths, rounded away from zero. */
  readonly nano: bigint;
  readonly format: 'BinarySI' | 'DecimalSI' | 'DecimalExponent';
}

/** @returns undefined where the text is no quantity */
export function parseQuantity(text: string): Quantity | undefined {
  const match = SYNTAX.exec(text);
  if (match === null) return undefined;
  const [, sign = '', digits = '0', suffix = ''] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const mantissa = BigInt(`${whole}${fraction}` || '0');
  const scaled = scale(mantissa * NANO, suffix);
  const divisor = 10n ** BigInt(fraction.length) * scaled.divisor;
  const nano = (scaled.value + divisor - 1n) / divisor;
  return { nano: sign === '-' ? -nano : nano, format: formatOf(suffix) };
}

function formatOf(suffix: string): Quantity['format'] {
  if (suffix.endsWith('i')) return 'BinarySI';
  return /^[eE][+-]?\d/.test(suffix) ? 'DecimalExponent' : 'DecimalSI';
}

function scale(value: bigint, suffix: string): { readonly value: bigint; readonly divisor: bigint } {
  const binary = BINARY.findIndex((unit) => unit === suffix);
  if (suffix !== '' && binary > 0) return { value: value * 1024n ** BigInt(binary), divisor: 1n };
  const power = /^[eE]([+-]?\d+)$/.exec(suffix)?.[1];
  const exponent = power === undefined ? (DECIMAL.findIndex((unit) => unit === suffix) - 3) * 3 : Number(power);
  return exponent >= 0 ? { value: value * 10n ** BigInt(exponent), divisor: 1n } : { value, divisor: 10n ** BigInt(-exponent) };
}

/**
 * The text of a quantity as the server writes it: no fraction, the largest unit that keeps it whole.
 * @source k8s.io/apimachinery pkg/api/resource/quantity.go (CanonicalizeBytes) of 1.34
 */
export function canonicalQuantity(value: string | number): string {
  const given = String(value);
  const known = canonicalTexts.get(given);
  if (known !== undefined) return known;
  const quantity = parseQuantity(given);
  const canonical = quantity === undefined ? given : formatQuantity(quantity);
  if (canonicalTexts.size < MOST_REMEMBERED_TEXTS) canonicalTexts.set(given, canonical);
  return canonical;
}

/** Thousands of pods ask for the same few amounts; what is remembered here never changes. */
const canonicalTexts = new Map<string, string>();
const MOST_REMEMBERED_TEXTS = 1000;

export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return '0';
  const negative = nano < 0n;
  const size = negative ? -nano : nano;
  const sign = negative ? '-' : '';
  if (format === 'BinarySI' && size >= 1024n * NANO) return `${sign}${binaryText((size + NANO - 1n) / NANO)}`;
  let mantissa = size;
  let step = 0;
  while (mantissa % 1000n === 0n && step < DECIMAL.length - 1) {
    mantissa /= 1000n;
    step += 1;
  }
  const exponent = (step - 3) * 3;
  if (format === 'DecimalExponent') return `${sign}${mantissa}${exponent === 0 ? '' : `e${exponent}`}`;
  return `${sign}${mantissa}${DECIMAL[step] ?? ''}`;
}

function binaryText(size: bigint): string {
  let mantissa = size;
  let step = 0;
  while (mantissa % 1024n === 0n && step < BINARY.length - 1) {
    mantissa /= 1024n;
    step += 1;
  }
  return `${mantissa}${BINARY[step] ?? ''}`;
}

/** Less than 0, 0, or more, as for sort. Texts that are no quantities count as 0. */
export function compareQuantities(one: unknown, other: unknown): number {
  const difference = nanoOf(one) - nanoOf(other);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function nanoOf(value: unknown): bigint {
  return typeof value === 'string' || typeof value === 'number' ? (parseQuantity(String(value))?.nano ?? 0n) : 0n;
}
