/**
 * Sets of paths into an object, as tries. They never change; an operation gives back one of its operands, or parts of it, wherever
 * that is the answer. A path may belong to a set without the paths above or below it.
 * @source kubernetes-sigs/structured-merge-diff fieldpath/set.go and serialize.go, v6.3
 */
import { RecentMemory } from '../objects/recent-memory.ts';
import { isRecord, type JsonRecord } from './json-values.ts';
import { compareElements, readElement, type PathElement } from './path-element.ts';

export interface FieldNode {
  /** Whether the path that ends here belongs to the set. */
  readonly member: boolean;
  /** Paths that go on from here. */
  readonly children: FieldSet;
}

/** Nodes without a member and without children do not occur. */
export type FieldSet = ReadonlyMap<PathElement, FieldNode>;

export const EMPTY_SET: FieldSet = new Map();
const LEAF: FieldNode = { member: true, children: EMPTY_SET };

export function isEmpty(set: FieldSet): boolean {
  return set.size === 0;
}

/** Collects paths; what has been built must not be added to. */
export class FieldSetBuilder {
  readonly #nodes = new Map<PathElement, FieldNode>();

  /** @param member whether the step itself belongs to the set @param children below it */
  add(element: PathElement, member: boolean, children: FieldSet = EMPTY_SET): void {
    const known = this.#nodes.get(element);
    const node = known === undefined ? makeNode(member, children) : makeNode(known.member || member, union(known.children, children));
    if (node !== undefined) this.#nodes.set(element, node);
  }

  build(): FieldSet {
    return this.#nodes.size === 0 ? EMPTY_SET : this.#nodes;
  }
}

function makeNode(member: boolean, children: FieldSet): FieldNode | undefined {
  if (children.size === 0) return member ? LEAF : undefined;
  return { member, children };
}

export function setOf(...paths: readonly (readonly PathElement[])[]): FieldSet {
  let set = EMPTY_SET;
  for (const path of paths) {
    let branch: FieldSet = EMPTY_SET;
    for (const [index, element] of path.toReversed().entries()) branch = new Map([[element, { member: index === 0, children: branch }]]);
    set = union(set, branch);
  }
  return set;
}

export function has(set: FieldSet, path: readonly PathElement[]): boolean {
  let node: FieldNode | undefined;
  let at: FieldSet = set;
  for (const element of path) {
    node = at.get(element);
    if (node === undefined) return false;
    at = node.children;
  }
  return node?.member ?? false;
}

export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right || right.size === 0) return left;
  if (left.size === 0) return right;
  let out: Map<PathElement, FieldNode> | undefined;
  for (const [element, added] of right) {
    const node = left.get(element);
    const next = node === undefined ? added : unionOfNodes(node, added);
    if (next !== node) (out ??= new Map(left)).set(element, next);
  }
  return out ?? left;
}

function unionOfNodes(left: FieldNode, right: FieldNode): FieldNode {
  const children = union(left.children, right.children);
  const member = left.member || right.member;
  if (children === left.children && member === left.member) return left;
  return { member, children };
}

export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right) return left;
  const out = new Map<PathElement, FieldNode>();
  for (const [element, node] of left) {
    const other = right.get(element);
    if (other === undefined) continue;
    const next = makeNode(node.member && other.member, intersection(node.children, other.children));
    if (next !== undefined) out.set(element, next);
  }
  return out.size === 0 ? EMPTY_SET : out;
}

/** Paths of the first set that are not in the second; those below a path of the second stay. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  return subtract(left, right, (node, other) => makeNode(node.member && !other.member, difference(node.children, other.children)));
}

/** As `difference`, but without all that is below paths of the second set. */
export function recursiveDifference(left: FieldSet, right: FieldSet): FieldSet {
  return subtract(left, right, (node, other) =>
    other.member ? undefined : makeNode(node.member, recursiveDifference(node.children, other.children)),
  );
}

function subtract(left: FieldSet, right: FieldSet, rest: (node: FieldNode, other: FieldNode) => FieldNode | undefined): FieldSet {
  if (left.size === 0 || right.size === 0) return left;
  let out: Map<PathElement, FieldNode> | undefined;
  for (const [element, other] of right) {
    const node = left.get(element);
    if (node === undefined) continue;
    const next = rest(node, other);
    if (next !== undefined && next.member === node.member && next.children === node.children) continue;
    out ??= new Map(left);
    if (next === undefined) out.delete(element);
    else out.set(element, next);
  }
  if (out === undefined) return left;
  return out.size === 0 ? EMPTY_SET : out;
}

export function setsEqual(left: FieldSet, right: FieldSet): boolean {
  if (left === right) return true;
  if (left.size !== right.size) return false;
  for (const [element, node] of left) {
    const other = right.get(element);
    if (other === undefined || other.member !== node.member || !setsEqual(node.children, other.children)) return false;
  }
  return true;
}

/** All paths of the set, those that end at a level before those that go on, each in the order of the steps. */
export function pathsOf(set: FieldSet): readonly (readonly PathElement[])[] {
  const sorted = sortedNodes(set);
  return [
    ...sorted.filter(([, node]) => node.member).map(([element]) => [element]),
    ...sorted.flatMap(([element, node]) => pathsOf(node.children).map((path) => [element, ...path])),
  ];
}

function sortedNodes(set: FieldSet): readonly (readonly [PathElement, FieldNode])[] {
  if (set.size === 1) return [...set];
  return [...set].toSorted(([left], [right]) => compareElements(left, right));
}

/** Sets of each kind. */
const REMEMBERED = 2_000;

/** What has been read or written lately is remembered by the FieldsV1 object, which must not change; stored objects are frozen. */
const setsByFields = new RecentMemory<JsonRecord, FieldSet>(REMEMBERED);
const fieldsBySet = new RecentMemory<FieldSet, JsonRecord>(REMEMBERED);

/** @throws SyntaxError when a step cannot be read */
export function decodeFields(fields: JsonRecord): FieldSet {
  const known = setsByFields.get(fields);
  if (known !== undefined) return known;
  const set = decodeLevel(fields);
  if (Object.isFrozen(fields)) setsByFields.set(fields, set);
  return set;
}

function decodeLevel(fields: JsonRecord): FieldSet {
  const out = new FieldSetBuilder();
  for (const [key, below] of Object.entries(fields)) {
    if (key === '.') continue;
    const element = readElement(key);
    if (element === undefined) continue;
    const children = isRecord(below) ? decodeLevel(below) : EMPTY_SET;
    out.add(element, children.size === 0 || (isRecord(below) && '.' in below), children);
  }
  return out.build();
}

/** The set as FieldsV1, in the order of the API server. */
export function encodeFields(set: FieldSet): JsonRecord {
  const known = fieldsBySet.get(set);
  if (known !== undefined) return known;
  const fields = encodeLevel(set, false);
  fieldsBySet.set(set, fields);
  setsByFields.set(fields, set);
  return fields;
}

const NO_FIELDS: JsonRecord = Object.freeze({});
/** Sets below the top, as they are written without their own path and with it. */
const levels = new RecentMemory<FieldSet, JsonRecord>(REMEMBERED);
const memberLevels = new RecentMemory<FieldSet, JsonRecord>(REMEMBERED);

function encodeLevel(set: FieldSet, isMember: boolean): JsonRecord {
  if (set.size === 0) return NO_FIELDS;
  const remembered = isMember ? memberLevels : levels;
  const known = remembered.get(set);
  if (known !== undefined) return known;
  const fields: Record<string, JsonRecord> = isMember ? { '.': NO_FIELDS } : {};
  for (const [element, node] of sortedNodes(set)) fields[element] = encodeLevel(node.children, node.member);
  remembered.set(set, Object.freeze(fields));
  return fields;
}
