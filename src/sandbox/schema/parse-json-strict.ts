/** Reads JSON as Go's decoder does: says which fields came twice, and what is wrong with a text in Go's own words. */

/** A field that came again in one object. */
export interface DuplicateField {
  readonly name: string;
  /** How many different fields the object had when it came again. */
  readonly after: number;
}

export interface ParsedJson {
  readonly value: unknown;
  /** `duplicate field "spec.replicas"`, in the order of the text. */
  readonly duplicates: readonly string[];
  /** The same by the object in which they came; what findFieldProblems needs to put all problems in one order. */
  readonly duplicateFields: ReadonlyMap<object, readonly DuplicateField[]>;
}

/**
 * Reads a text. Of fields that come twice the last one counts.
 * @throws SyntaxError with the words of Go's encoding/json, such as `invalid character '}' looking for beginning of object key string`
 */
export function parseJsonStrict(text: string): ParsedJson {
  const parser = new Parser(text);
  const value = parser.document();
  return { value, duplicates: parser.duplicates, duplicateFields: parser.duplicateFields };
}

/** Less than Go's 10,000, so that nothing that walks along a body runs out of stack. */
const MAX_DEPTH = 1_000;
const space = /[ \t\r\n]*/y;
/** The longest beginning of a number; what follows decides whether it is one. */
const number = /-?(?:0|[1-9]\d*)?(?:\.\d*)?(?:[eE][+-]?\d*)?/y;
const wholeNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** A string without escapes and control characters; others are read character by character. */
const plainString = /"[^"\\\p{Cc}]*"/uy;

class Parser {
  readonly duplicates: string[] = [];
  readonly duplicateFields = new Map<object, DuplicateField[]>();
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #skipSpace(): void {
    space.lastIndex = this.#position;
    space.exec(this.#text);
    this.#position = space.lastIndex;
  }

  /** The refusal of the present character, or of the end. */
  #unexpected(context: string): SyntaxError {
    const code = this.#text.codePointAt(this.#position);
    if (code === undefined) return new SyntaxError('unexpected end of JSON input');
    // Go looks at bytes.
    const byte = Buffer.from(String.fromCodePoint(code))[0] ?? 0;
    return new SyntaxError(`invalid character ${quoted(String.fromCharCode(byte))} ${context}`);
  }

  /** Inside of words, numbers and escapes Go takes the end for a space. */
  #unexpectedInside(context: string): SyntaxError {
    return this.#position < this.#text.length ? this.#unexpected(context) : new SyntaxError(`invalid character ' ' ${context}`);
  }

  document(): unknown {
    this.#skipSpace();
    const value = this.#readValue('', 0);
    this.#skipSpace();
    if (this.#position < this.#text.length) throw this.#unexpected('after top-level value');
    return value;
  }

  #readValue(path: string, depth: number): unknown {
    if (depth > MAX_DEPTH) throw new SyntaxError('exceeded max depth');
    const character = this.#text[this.#position];
    if (character === '{') return this.#readObject(path, depth);
    if (character === '[') return this.#readArray(path, depth);
    if (character === '"') return this.#readString();
    if (character === 't') return this.#readWord('true', true);
    if (character === 'f') return this.#readWord('false', false);
    if (character === 'n') return this.#readWord('null', null);
    if (character !== undefined && /[-0-9]/.test(character)) return this.#readNumber();
    throw this.#unexpected('looking for beginning of value');
  }

  #readObject(path: string, depth: number): unknown {
    const fields = new Map<string, unknown>();
    const repeated: DuplicateField[] = [];
    this.#position++;
    this.#skipSpace();
    while (this.#text[this.#position] !== '}' || fields.size > 0) {
      if (this.#text[this.#position] !== '"') throw this.#unexpected('looking for beginning of object key string');
      const name = this.#readString();
      const ownPath = path === '' ? name : `${path}.${name}`;
      if (fields.has(name)) {
        this.duplicates.push(`duplicate field ${JSON.stringify(ownPath)}`);
        repeated.push({ name, after: fields.size });
      }
      this.#skipSpace();
      if (this.#text[this.#position] !== ':') throw this.#unexpected('after object key');
      this.#position++;
      this.#skipSpace();
      fields.set(name, this.#readValue(ownPath, depth + 1));
      this.#skipSpace();
      if (this.#text[this.#position] === '}') break;
      if (this.#text[this.#position] !== ',') throw this.#unexpected('after object key:value pair');
      this.#position++;
      this.#skipSpace();
    }
    this.#position++;
    const object: unknown = Object.fromEntries(fields);
    if (repeated.length > 0) this.duplicateFields.set(object as object, repeated);
    return object;
  }

  #readArray(path: string, depth: number): unknown {
    const items: unknown[] = [];
    this.#position++;
    this.#skipSpace();
    while (this.#text[this.#position] !== ']' || items.length > 0) {
      items.push(this.#readValue(`${path}[${String(items.length)}]`, depth + 1));
      this.#skipSpace();
      if (this.#text[this.#position] === ']') break;
      if (this.#text[this.#position] !== ',') throw this.#unexpected('after array element');
      this.#position++;
      this.#skipSpace();
    }
    this.#position++;
    return items;
  }

  #readWord(word: string, value: unknown): unknown {
    for (const letter of word) {
      if (this.#text[this.#position] !== letter) throw this.#unexpectedInside(`in literal ${word} (expecting ${quoted(letter)})`);
      this.#position++;
    }
    return value;
  }

  #readNumber(): number {
    number.lastIndex = this.#position;
    const found = number.exec(this.#text)?.[0] ?? '';
    this.#position += found.length;
    if (wholeNumber.test(found)) return Number(found);
    if (found.endsWith('.')) throw this.#unexpectedInside('after decimal point in numeric literal');
    throw this.#unexpectedInside(/[eE]/.test(found) ? 'in exponent of numeric literal' : 'in numeric literal');
  }

  #readString(): string {
    plainString.lastIndex = this.#position;
    const plain = plainString.exec(this.#text)?.[0];
    if (plain !== undefined) {
      this.#position += plain.length;
      return plain.slice(1, -1);
    }
    const start = this.#position;
    this.#position++;
    while (this.#text[this.#position] !== '"') {
      const code = this.#text.charCodeAt(this.#position);
      if (Number.isNaN(code) || code < 0x20) throw this.#unexpected('in string literal');
      if (this.#text[this.#position] === '\\') this.#skipEscape();
      else this.#position++;
    }
    this.#position++;
    return JSON.parse(this.#text.slice(start, this.#position)) as string;
  }

  #skipEscape(): void {
    this.#position++;
    if (this.#text[this.#position] === 'u') {
      for (let digit = 0; digit < 4; digit++) {
        this.#position++;
        if (!/^[0-9a-fA-F]$/.test(this.#text[this.#position] ?? '')) throw this.#unexpectedInside('in \\u hexadecimal character escape');
      }
    } else if (!/^["\\/bfnrt]$/.test(this.#text[this.#position] ?? '')) throw this.#unexpectedInside('in string escape code');
    this.#position++;
  }
}

/** A character as Go's errors quote it. */
function quoted(character: string): string {
  if (character === "'") return String.raw`'\''`;
  if (character === '"') return `'"'`;
  return `'${JSON.stringify(character).slice(1, -1)}'`;
}
