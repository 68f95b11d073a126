/**
 * One step of a path into an object, as FieldsV1 spells it: `f:name` of a field, `k:{"name":"a"}` of an item of a list of type map,
 * `v:"a"` of an item of a set, `i:0` of an index. The text is canonical, so that equal steps have equal texts.
 * @source kubernetes-sigs/structured-merge-diff fieldpath/element.go and serialize-pe.go, v6.3
 */
import { goJson, isRecord } from './json-values.ts';

export type PathElement = string;

export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** @param keys fields and values of the item that name it, in any order */
export function keyElement(keys: readonly (readonly [string, unknown])[]): PathElement {
  const sorted = keys.length < 2 ? keys : keys.toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `k:{${sorted.map(([name, value]) => `${goJson(name)}:${goJson(value)}`).join(',')}}`;
}

export function valueElement(value: unknown): PathElement {
  return `v:${goJson(value)}`;
}

/**
 * The canonical form of a step that a client wrote.
 * @returns undefined for a kind of step that is not known; such steps are left out
 * @throws SyntaxError when it cannot be read
 */
export function readElement(text: string): PathElement | undefined {
  if (text.length < 2 || text[1] !== ':') throw new SyntaxError(`missing colon: ${text}`);
  switch (text[0]) {
    case 'f':
      return text;
    case 'k': {
      const keys: unknown = JSON.parse(text.slice(2));
      if (!isRecord(keys)) throw new SyntaxError(`not an object: ${text}`);
      return keyElement(Object.entries(keys));
    }
    case 'v':
      return valueElement(JSON.parse(text.slice(2)));
    case 'i':
      if (!/^-?\d+$/.test(text.slice(2))) throw new SyntaxError(`not a number: ${text}`);
      return text;
    default:
      return undefined;
  }
}

const ORDER_OF_TYPES = 'fkvi';

/** The order in which FieldsV1 and conflicts list steps: fields by name, then items by their keys, then values. */
export function compareElements(left: PathElement, right: PathElement): number {
  if (left === right) return 0;
  const leftType = left[0] ?? '';
  if (leftType !== right[0]) return ORDER_OF_TYPES.indexOf(leftType) - ORDER_OF_TYPES.indexOf(right[0] ?? '');
  if (leftType === 'f') return left < right ? -1 : 1;
  const [leftValue, rightValue] = [left, right].map((each) => JSON.parse(each.slice(2)) as unknown);
  return leftType === 'k' ? compareKeys(leftValue, rightValue) : compareValues(leftValue, rightValue);
}

function compareKeys(left: unknown, right: unknown): number {
  const [leftKeys, rightKeys] = [Object.entries(left ?? {}), Object.entries(right ?? {})];
  for (const [index, [name, value]] of leftKeys.entries()) {
    const other = rightKeys[index];
    if (other === undefined) return 1;
    if (name !== other[0]) return name < other[0] ? -1 : 1;
    const order = compareValues(value, other[1]);
    if (order !== 0) return order;
  }
  return leftKeys.length - rightKeys.length;
}

/** Numbers, then texts, then booleans, then all else. */
function compareValues(left: unknown, right: unknown): number {
  const [leftRank, rightRank] = [rank(left), rank(right)];
  if (leftRank !== rightRank) return leftRank - rightRank;
  if (left === right) return 0;
  if (leftRank === 3) return goJson(left) < goJson(right) ? -1 : 1;
  return (left as number | string | boolean) < (right as number | string | boolean) ? -1 : 1;
}

function rank(value: unknown): number {
  const at = ['number', 'string', 'boolean'].indexOf(typeof value);
  return at === -1 ? 3 : at;
}

/** A path as conflicts name it: `.spec.template.spec.containers[name="app"].image`. */
export function pathText(path: readonly PathElement[]): string {
  return path.map(elementText).join('');
}

function elementText(element: PathElement): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${rest}`;
    case 'k':
      return `[${Object.entries(JSON.parse(rest) as object)
        .map(([name, value]) => `${name}=${valueText(value)}`)
        .join(',')}]`;
    case 'v':
      return `[=${valueText(JSON.parse(rest))}]`;
    default:
      return `[${rest}]`;
  }
}

function valueText(value: unknown): string {
  return JSON.stringify(value);
}
