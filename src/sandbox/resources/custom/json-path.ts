/** The JSONPath of printer columns and scale paths: fields, indexes, all items, and filters that compare with a text. */
import { isRecord, list } from '../json-tree.ts';

type Step = (value: unknown) => readonly unknown[];

/** @returns all that the path leads to; undefined where the path is none that is understood */
export function findJsonPath(path: string, object: unknown): readonly unknown[] | undefined {
  const steps = parseJsonPath(path);
  if (steps === undefined) return undefined;
  return steps.reduce<readonly unknown[]>((found, step) => found.flatMap(step), [object]);
}

function parseJsonPath(path: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  let rest = path
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .replace(/^\$/, '');
  while (rest !== '' && rest !== '.') {
    const parsed = parseStep(rest);
    if (parsed === undefined) return undefined;
    steps.push(parsed.step);
    rest = parsed.rest;
  }
  return steps;
}

function parseStep(path: string): { readonly step: Step; readonly rest: string } | undefined {
  const named = /^\.((?:[^.[\]\\]|\\.)+)/.exec(path);
  if (named !== null) {
    const field = (named[1] ?? '').replaceAll('\\', '');
    return { step: field === '*' ? allItems : (value) => fieldOf(value, field), rest: path.slice(named[0].length) };
  }
  const quoted = /^\.?\[['"]([^'"]*)['"]\]/.exec(path);
  if (quoted !== null) return { step: (value) => fieldOf(value, quoted[1] ?? ''), rest: path.slice(quoted[0].length) };
  const indexed = /^\.?\[(-?\d+|\*)\]/.exec(path);
  if (indexed !== null) {
    const index = indexed[1] ?? '';
    return { step: index === '*' ? allItems : (value) => present(list(value).at(Number(index))), rest: path.slice(indexed[0].length) };
  }
  return parseFilter(path);
}

function parseFilter(path: string): { readonly step: Step; readonly rest: string } | undefined {
  const filter = /^\.?\[\?\(\s*@\.?([^=!<>]*?)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\s*\)\]/.exec(path);
  if (filter === null) return undefined;
  const [whole, inner = '', operator, double, single, bare] = filter;
  const wanted = double ?? single ?? bare ?? '';
  const matches = (item: unknown): boolean => {
    const found = findJsonPath(inner === '' ? '' : `.${inner}`, item)?.[0];
    const same = found !== undefined && String(found as string) === wanted;
    return operator === '==' ? same : found !== undefined && !same;
  };
  return { step: (value) => list(value).filter(matches), rest: path.slice(whole.length) };
}

function fieldOf(value: unknown, field: string): readonly unknown[] {
  return isRecord(value) && Object.hasOwn(value, field) ? present(value[field]) : [];
}

function allItems(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? list(value) : isRecord(value) ? Object.values(value) : [];
}

function present(value: unknown): readonly unknown[] {
  return value === undefined ? [] : [value];
}
