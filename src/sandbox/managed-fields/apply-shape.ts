/**
 * Whether an applied configuration has the structure of its kind.
 * @source kubernetes-sigs/structured-merge-diff typed/validate.go, v6.3
 */
import type { TypeSchema } from '../schema/type-schema.ts';
import { isRecord } from './json-values.ts';
import { pathText, fieldElement, type PathElement } from './path-element.ts';
import { UnnamedItemError, fieldSchema, itemElement, shapeOf, type ListShape, type MapShape } from './value-shape.ts';

/** What is wrong, in the words of structured-merge-diff: `.spec.replicas: expected numeric (int or float), got string`. */
export function shapeErrors(value: unknown, schema: TypeSchema): readonly string[] {
  const errors: string[] = [];
  checkValue({ errors, path: [] }, value, schema);
  return errors;
}

interface At {
  readonly errors: string[];
  readonly path: readonly PathElement[];
}

function report({ errors, path }: At, message: string): void {
  const at = pathText(path);
  errors.push(at === '' ? message : `${at}: ${message}`);
}

function checkValue(at: At, value: unknown, schema: TypeSchema): void {
  if (value === null) return;
  const shape = shapeOf(schema, value);
  if (shape.kind === 'scalar') {
    const message = scalarError(value, schema);
    if (message !== undefined) report(at, message);
  } else if (shape.kind === 'list') {
    if (Array.isArray(value)) checkItems(at, value, shape);
    else report(at, `expected list, got ${goValue(value)}`);
  } else if (isRecord(value)) {
    checkFields(at, value, shape);
  } else {
    report(at, `expected map, got ${goValue(value)}`);
  }
}

function checkFields(at: At, fields: Readonly<Record<string, unknown>>, shape: MapShape): void {
  for (const field of Object.keys(fields).toSorted()) {
    const schema = fieldSchema(shape, field);
    const below: At = { errors: at.errors, path: [...at.path, fieldElement(field)] };
    if (schema === undefined) {
      report(below, 'field not declared in schema');
      return;
    }
    checkValue(below, fields[field], schema);
  }
}

function checkItems(at: At, items: readonly unknown[], shape: ListShape): void {
  const seen = new Set<PathElement>();
  for (const [index, item] of items.entries()) {
    let element = `i:${String(index)}`;
    if (!shape.atomic) {
      try {
        element = itemElement(shape, item);
      } catch (error) {
        if (!(error instanceof UnnamedItemError)) throw error;
        report(at, `element ${String(index)}: ${error.message}`);
        return;
      }
      if (seen.has(element)) report(at, `duplicate entries for key ${pathText([element])}`);
      seen.add(element);
    }
    checkValue({ errors: at.errors, path: [...at.path, element] }, item, shape.items);
  }
}

function scalarError(value: unknown, { type, format }: TypeSchema): string | undefined {
  switch (type) {
    case 'integer':
    case 'number':
      return typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goTypeOf(value)}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got &{${plainGo(value)}}`;
    case 'string':
      if (format === undefined || format === 'byte') {
        return typeof value === 'string' ? undefined : `expected string, got &value.valueUnstructured{Value:${goLiteral(value)}}`;
      }
      return isScalar(value) ? undefined : `expected any scalar, got &{${plainGo(value)}}`;
    default:
      return isScalar(value) ? undefined : `expected any scalar, got &{${plainGo(value)}}`;
  }
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

function goTypeOf(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

function goValue(value: unknown): string {
  return `&{${plainGo(value)}}`;
}

/** A value as Go's %v prints it. */
function plainGo(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plainGo).join(' ')}]`;
  if (isRecord(value)) {
    const fields = Object.keys(value).toSorted();
    return `map[${fields.map((field) => `${field}:${plainGo(value[field])}`).join(' ')}]`;
  }
  return value === null ? '<nil>' : scalarText(value);
}

/** A value as Go's %#v prints it. */
function goLiteral(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goLiteral).join(', ')}}`;
  if (isRecord(value)) {
    const fields = Object.keys(value).toSorted();
    return `map[string]interface {}{${fields.map((field) => `${JSON.stringify(field)}:${goLiteral(value[field])}`).join(', ')}}`;
  }
  return value === null ? 'interface {}(nil)' : scalarText(value);
}

function scalarText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
