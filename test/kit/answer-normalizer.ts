/** Answers of API servers without what is another on every play: what is named by chance is named by the order in which it appears. */

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;
const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+/g;
/** Objects are quoted in messages, and written as YAML. */
const VERSION_IN_TEXT = /(resourceVersion\\*"?: ?\\*")(\d+)/g;
const IP = /^\d{1,3}(?:\.\d{1,3}){3}$|^[0-9a-f]*:[0-9a-f:]+$/;
const ADDRESS_FIELDS = new Set(['clusterIP', 'clusterIPs', 'podIP', 'podIPs', 'hostIP', 'hostIPs', 'ip']);

type Json = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One for all answers of a play, since the same uid must have the same name in all of them. */
export class AnswerNormalizer {
  readonly #names: readonly (readonly [text: string, name: string])[];
  readonly #known = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #generated: RegExp;

  /**
   * @param chosen names that were made up for this play: `{ ns: 'sbx-abc' }` becomes `<ns>` wherever it appears
   * @param prefixes of names to which the server adds five letters
   */
  constructor(chosen: Readonly<Record<string, string>>, prefixes: readonly string[] = []) {
    // Longer ones first, since one may be a part of another.
    this.#names = Object.entries(chosen)
      .toSorted(([, left], [, right]) => right.length - left.length)
      .map(([name, text]) => [text, `<${name}>`]);
    const any = ['kube-api-access-', ...prefixes].map((prefix) => prefix.replaceAll(/[^\w-]/g, '\\$&')).join('|');
    this.#generated = new RegExp(`(${any})([bcdfghjklmnpqrstvwxz2456789]{5})(?![a-z0-9])`, 'g');
  }

  normalize(value: unknown): unknown {
    return this.#walk(value, '');
  }

  #walk(value: unknown, field: string): unknown {
    if (typeof value === 'string') return this.#text(value, field);
    if (field === 'nodePort' && typeof value === 'number') return this.#nameOf('node-port', String(value));
    if (field === 'managedFields' && Array.isArray(value)) return value.toSorted(byOwner).map((entry) => this.#walk(entry, ''));
    if (Array.isArray(value)) return value.map((item) => this.#walk(item, field));
    if (!isRecord(value)) return value;
    const plain = withoutMoment(value['kind'] === 'Table' ? withoutAges(value) : value);
    return Object.fromEntries(Object.entries(plain).map(([key, each]) => [this.#text(key, ''), this.#walk(each, key)]));
  }

  #text(text: string, field: string): string {
    if (field === 'resourceVersion' && /^[1-9]\d*$/.test(text)) return this.#nameOf('rv', text);
    if (field === 'continue' && text !== '') return '<continue>';
    if (field === 'storageVersionHash') return '<hash>';
    if (ADDRESS_FIELDS.has(field) && IP.test(text)) return this.#nameOf('address', text);
    let out = text.replaceAll(this.#generated, (name, prefix: string) => `${prefix}${this.#nameOf('letters', name)}`);
    for (const [chosen, name] of this.#names) out = out.replaceAll(chosen, name);
    return out
      .replaceAll(UID, (uid) => this.#nameOf('uid', uid))
      .replaceAll(TIME, '<time>')
      .replaceAll(TOKEN, '<token>')
      .replaceAll(VERSION_IN_TEXT, (_all, before: string, version: string) => `${before}${this.#nameOf('rv', version)}`)
      .replaceAll(/(ResourceVersion in record \(|, current: |too old resource version: \d+ \()\d+/g, '$1<rv>');
  }

  #nameOf(kind: string, text: string): string {
    const key = `${kind} ${text}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const name = `<${kind}-${String(count)}>`;
    this.#known.set(key, name);
    return name;
  }
}

/** Entries are sorted by time, which is in whole seconds: their order depends on when a play crosses a second. */
function byOwner(left: unknown, right: unknown): number {
  const [leftKey, rightKey] = [left, right].map((entry) => {
    const { operation, manager, apiVersion, subresource } = isRecord(entry) ? entry : {};
    return JSON.stringify([operation, manager, apiVersion, subresource ?? '']);
  });
  if (leftKey === rightKey) return 0;
  return (leftKey ?? '') < (rightKey ?? '') ? -1 : 1;
}

/** The resourceVersion of a list or a bookmark is that of the whole cluster, in which others write at the same time. */
function withoutMoment(value: Json): Json {
  if (value['type'] === 'BOOKMARK' && isRecord(value['object']))
    return { ...value, object: { ...value['object'], metadata: momentless(value['object']) } };
  return 'items' in value || 'rows' in value ? { ...value, metadata: momentless(value) } : value;
}

function momentless({ metadata }: Json): unknown {
  return isRecord(metadata) && 'resourceVersion' in metadata ? { ...metadata, resourceVersion: '<now>' } : metadata;
}

/** Tables of later events of a watch do not name their columns any more. */
function isAge(cell: unknown): boolean {
  return typeof cell === 'string' && /^\d+s$/.test(cell);
}

function withoutAges(table: Json): Json {
  const columns = Array.isArray(table['columnDefinitions']) ? (table['columnDefinitions'] as readonly Json[]) : [];
  const ages = columns.flatMap(({ name }, index) => (name === 'Age' ? [index] : []));
  const rows = Array.isArray(table['rows']) ? (table['rows'] as readonly Json[]) : [];
  const aged = rows.map((row) => {
    const cells = Array.isArray(row['cells']) ? (row['cells'] as readonly unknown[]) : [];
    return { ...row, cells: cells.map((cell, index) => (ages.includes(index) || (columns.length === 0 && isAge(cell)) ? '<age>' : cell)) };
  });
  return { ...table, rows: aged };
}

export interface AnswerDifference {
  /** JSON pointer. */
  readonly at: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** Where two normalized answers differ; the order of keys does not matter. A part that is missing is undefined. */
export function answerDifferences(expected: unknown, actual: unknown, at = ''): readonly AnswerDifference[] {
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    return expected.flatMap((item, index) => answerDifferences(item, actual[index], `${at}/${String(index)}`));
  }
  if (isRecord(expected) && isRecord(actual)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
    return keys.flatMap((key) => answerDifferences(expected[key], actual[key], `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`));
  }
  return JSON.stringify(expected) === JSON.stringify(actual) ? [] : [{ at, expected, actual }];
}
