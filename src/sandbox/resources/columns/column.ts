/** Short ways to write a column down. */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { PrinterColumn } from '../resource-definition.ts';
import { age } from './cell-text.ts';

export type Cell = (object: KubeObject, nowMs: number) => string | number | boolean | null;

export const NAME: PrinterColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: '',
  priority: 0,
  cell: (object) => object.metadata.name,
};

export const AGE: PrinterColumn = column('Age', age);

/** Kinds without columns of their own show when they were made. */
export const CREATED_AT: PrinterColumn = {
  ...column('Created At', (object) => object.metadata.creationTimestamp ?? null),
  type: 'date',
};

export function column(name: string, cell: Cell): PrinterColumn {
  return { name, type: 'string', format: '', description: '', priority: 0, cell };
}

export function number(name: string, cell: Cell): PrinterColumn {
  return { ...column(name, cell), type: 'integer' };
}

export function boolean(name: string, cell: Cell): PrinterColumn {
  return { ...column(name, cell), type: 'boolean' };
}

/** Only with -o wide. */
export function wide(name: string, cell: Cell): PrinterColumn {
  return { ...column(name, cell), priority: 1 };
}
