/** Objects as rows for people: the columns that kubectl prints. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { age } from '../../resources/columns/cell-text.ts';
import type { PrinterColumn, ResourceDefinition } from '../../resources/resource-definition.ts';
import { inOrder } from '../object-metadata.ts';
import type { Representation } from './representation.ts';

export interface TableMetadata {
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

const DEFAULT_COLUMNS: readonly PrinterColumn[] = [
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'Name of the object, unique among its kind within a namespace.',
    priority: 0,
    cell: ({ metadata }) => metadata.name,
  },
  {
    name: 'Age',
    type: 'string',
    format: '',
    description: 'Time since the object was created.',
    priority: 0,
    cell: age,
  },
];

export interface TableRequest {
  readonly definition: ResourceDefinition;
  readonly objects: readonly KubeObject[];
  readonly metadata: TableMetadata;
  readonly rowObject: Representation['rowObject'];
  readonly nowMs: number;
  /** Only the first event of a watch carries the columns. */
  readonly withoutColumns?: boolean;
}

export function tableOf({ definition, objects, metadata, rowObject, nowMs, withoutColumns }: TableRequest): unknown {
  const columns = definition.columns.length === 0 ? DEFAULT_COLUMNS : definition.columns;
  const columnDefinitions = columns.map(({ name, type, format, description, priority }) => ({ name, type, format, description, priority }));
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: withoutColumns === true ? null : columnDefinitions,
    rows: objects.map((object) => ({ cells: columns.map(({ cell }) => cell(object, nowMs)), object: rowObjectOf(object, rowObject) })),
  };
}

function rowObjectOf(object: KubeObject, rowObject: Representation['rowObject']): unknown {
  if (rowObject === 'None') return null;
  return rowObject === 'Object' ? object : metadataOf(object);
}

export function metadataOf({ metadata }: KubeObject): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: inOrder(metadata) };
}
