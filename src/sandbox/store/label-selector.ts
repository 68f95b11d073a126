/** Label selectors as they stand in a query: `a=b,c!=d,e in (f,g),!h`. Refusals have the words of apimachinery (pkg/labels/selector.go, v0.34). */
import { badRequest } from '../objects/status-error.ts';
import { labelKeyProblem, labelValueProblem } from './label-syntax.ts';

type Operator = 'exists' | '!' | '=' | '==' | '!=' | 'in' | 'notin' | '>' | '<';

interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: ReadonlySet<string>;
}

export type Labels = Readonly<Record<string, string>>;

/** Whether an object with these labels is selected. */
export type LabelMatcher = (labels: Labels | undefined) => boolean;

const BINARY_OPERATORS: readonly string[] = ['in', 'notin', '=', '==', '!=', 'gt', 'lt'];

/**
 * @returns undefined for a selector that is empty and selects everything
 * @throws StatusError 400 when it cannot be read
 */
export function parseLabelSelector(text: string): LabelMatcher | undefined {
  const requirements = new Parser(text).parse();
  if (requirements.length === 0) return undefined;
  return (labels) => requirements.every((requirement) => satisfies(requirement, labels ?? {}));
}

function satisfies({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case '=':
    case '==':
    case 'in':
      return value !== undefined && values.has(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.has(value);
    default:
      return value !== undefined && compares(operator, value, [...values][0] ?? '');
  }
}

function compares(operator: '>' | '<', value: string, bound: string): boolean {
  if (!/^[+-]?\d+$/.test(value)) return false;
  return operator === '>' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}

const SYMBOLS = /\s*(?:(==|!=|[=!<>(),])|([^=!<>(),\s]+))/y;

/** A symbol, or a name; undefined at the end. */
interface Token {
  readonly text: string;
  readonly kind: 'symbol' | 'name' | 'end';
}

const END: Token = { text: '', kind: 'end' };

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  parse(): readonly Requirement[] {
    const requirements: Requirement[] = [];
    if (this.#peek().kind === 'end') return requirements;
    let { kind, text } = this.#peek();
    if (kind !== 'name' && text !== '!') throw badRequest(`found '${text}', expected: !, identifier, or 'end of string'`);
    for (;;) {
      requirements.push(this.#requirement());
      ({ kind, text } = this.#next());
      if (kind === 'end') return requirements;
      if (text !== ',' || kind !== 'symbol') throw badRequest(`found '${text}', expected: ',' or 'end of string'`);
      ({ kind, text } = this.#peek());
      if (kind !== 'name' && text !== '!') throw badRequest(`found '${text}', expected: identifier after ','`);
    }
  }

  #requirement(): Requirement {
    const negated = this.#peek().text === '!';
    if (negated) this.#next();
    const { kind, text: key } = this.#next();
    if (kind !== 'name') throw unreadable(`found '${key}', expected: identifier`);
    const problem = labelKeyProblem(key);
    if (problem !== undefined) throw unreadable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${problem}`);
    if (negated) return { key, operator: '!', values: new Set() };
    if (this.#peek().kind === 'end' || this.#peek().text === ',') return { key, operator: 'exists', values: new Set() };
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()];
    checkValues(key, operator, values);
    return { key, operator, values: new Set(values) };
  }

  #operator(): Operator {
    const { text } = this.#next();
    switch (text) {
      case '=':
      case '==':
      case '!=':
      case 'in':
      case 'notin':
      case '>':
      case '<':
        return text;
      default:
        throw unreadable(`found '${text}', expected: ${BINARY_OPERATORS.join(', ')}`);
    }
  }

  #values(): readonly string[] {
    const opening = this.#next();
    if (opening.text !== '(') throw unreadable(`found '${opening.text}' expected: '('`);
    const { kind, text } = this.#peek();
    if (text === ')') {
      this.#next();
      return [];
    }
    if (kind !== 'name' && text !== ',') throw unreadable(`found '${text}', expected: ',', ')' or identifier`);
    return this.#listedValues();
  }

  /** Values up to the closing parenthesis; an empty place between commas is the empty value. */
  #listedValues(): readonly string[] {
    const values: string[] = [];
    for (;;) {
      const value = this.#next();
      if (value.kind === 'name') values.push(value.text);
      else if (value.text === ',' || value.text === ')') values.push('');
      else throw unreadable(`found '${value.text}', expected: ',', or identifier`);
      const separator = value.kind === 'name' ? this.#next() : value;
      if (separator.text === ')') return values;
      if (separator.text !== ',') throw unreadable(`found '${separator.text}', expected: ',' or ')'`);
      if (this.#peek().kind === 'end') throw unreadable("found '', expected: ',', or identifier");
    }
  }

  #exactValue(): string {
    const { kind, text } = this.#peek();
    if (kind === 'end' || text === ',') return '';
    this.#next();
    if (kind !== 'name') throw unreadable(`found '${text}', expected: identifier`);
    return text;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  SYMBOLS.lastIndex = 0;
  for (let match = SYMBOLS.exec(text); match !== null; match = SYMBOLS.exec(text)) {
    const [, symbol, name] = match;
    tokens.push(symbol === undefined ? { text: name ?? '', kind: 'name' } : { text: symbol, kind: 'symbol' });
  }
  return tokens;
}

function checkValues(key: string, operator: Operator, values: readonly string[]): void {
  const [bound = ''] = values;
  if ((operator === '>' || operator === '<') && !/^[+-]?\d+$/.test(bound))
    throw unreadable(`values[0]: Invalid value: ${JSON.stringify(bound)}: for 'Gt', 'Lt' operators, the value must be an integer`);
  for (const [index, value] of [...values].toSorted().entries()) {
    const problem = labelValueProblem(value);
    if (problem !== undefined) throw unreadable(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${problem}`);
  }
}

function unreadable(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`);
}
