/** Objects and lists in the form that the client asked for. */
import { stringify } from 'yaml';
import type { KubeObject } from '../../objects/kube-object.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { JSON_TYPE, type Answer } from './http-answers.ts';
import type { ObjectPage } from '../pipeline/list-objects.ts';
import type { ObjectSerializer } from './object-serializer.ts';
import type { Representation } from './representation.ts';
import { apiVersionOf } from '../resource-registry.ts';
import { metadataOf, tableOf } from './table.ts';

export interface Presentation {
  readonly serializer: ObjectSerializer;
  readonly representation: Representation;
  readonly nowMs: number;
}

/** Items of custom resources carry kind and apiVersion, those of built-in resources do not. */
export interface Presented {
  readonly definition: ResourceDefinition;
  readonly custom: boolean;
}

export function presentObject(presentation: Presentation, { definition }: Presented, object: KubeObject, code = 200): Answer {
  return answer(presentation, code, objectText(presentation, definition, object));
}

/** An object as the text of its form; a table has one row. */
export function objectText(
  { serializer, representation, nowMs }: Presentation,
  definition: ResourceDefinition,
  object: KubeObject,
  withoutColumns = false,
): string {
  const { form, rowObject } = representation;
  if (form === 'metadata') return JSON.stringify(metadataOf(object));
  if (form === 'object') return serializer.serialize(object);
  const { resourceVersion } = object.metadata;
  const metadata = resourceVersion === undefined ? {} : { resourceVersion };
  return JSON.stringify(tableOf({ definition, objects: [object], metadata, rowObject, nowMs, withoutColumns }));
}

export function presentList(presentation: Presentation, { definition, custom }: Presented, page: ObjectPage): Answer {
  const { serializer, representation, nowMs } = presentation;
  const { resourceVersion, continueToken, remaining, items } = page;
  const metadata = {
    resourceVersion,
    ...(continueToken === undefined ? {} : { continue: continueToken }),
    ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
  };
  if (representation.form === 'table') {
    const table = tableOf({ definition, objects: items, metadata, rowObject: representation.rowObject, nowMs });
    return answer(presentation, 200, JSON.stringify(table));
  }
  if (representation.form === 'metadata') {
    // The real server leaves a list of metadata that holds nothing without one.
    const list = {
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      items: items.length === 0 ? null : items.map(metadataOf),
    };
    return answer(presentation, 200, JSON.stringify(list));
  }
  const listMetadata = custom ? { continue: '', ...metadata } : metadata;
  const head = { kind: `${definition.kind}List`, apiVersion: apiVersionOf(definition), metadata: listMetadata };
  const opening = `${JSON.stringify(head).slice(0, -1)},"items":[`;
  const itemText = (item: KubeObject): string => (custom ? serializer.serialize(item) : serializer.serializeItem(item));
  if (representation.yaml) return answer(presentation, 200, `${opening}${items.map(itemText).join(',')}]}`);
  if (items.length <= SHORT_LIST) return { code: 200, contentType: JSON_TYPE, body: `${opening}${items.map(itemText).join(',')}]}` };
  return { code: 200, contentType: JSON_TYPE, body: pieces(opening, items, itemText) };
}

/** Lists up to here go out in one piece. */
const SHORT_LIST = 100;
const PIECE_LENGTH = 250_000;

/** A long list in pieces that are made one by one: as a whole it would need its length in memory several times over. */
function* pieces(opening: string, items: readonly KubeObject[], itemText: (item: KubeObject) => string): Generator<string> {
  let piece = opening;
  for (const [index, item] of items.entries()) {
    piece += index === 0 ? itemText(item) : `,${itemText(item)}`;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}]}`;
}

function answer({ representation }: Presentation, code: number, json: string): Answer {
  if (!representation.yaml) return { code, contentType: JSON_TYPE, body: json };
  return {
    code,
    contentType: 'application/yaml',
    body: yamlText(JSON.parse(json)),
  };
}

/** As the server's own library writes YAML: keys in order, lists not indented, the key `.` without quotes. */
function yamlText(value: unknown): string {
  const text = stringify(value, { version: '1.1', sortMapEntries: true, lineWidth: 0, indentSeq: false });
  return text.replaceAll(/^(\s*)"\.": /gm, '$1.: ');
}
