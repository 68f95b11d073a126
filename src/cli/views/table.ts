/** Tables without lines: words left, numbers right, a header, no trailing blanks. */
import Table from 'cli-table3';

export interface Column<T> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  cell(row: T): string;
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** @returns lines joined by newlines; the header alone when there are no rows; nothing when there are no columns */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  if (columns.length === 0) return '';
  const table = new Table({
    head: columns.map((column) => column.title),
    chars: NO_LINES,
    colAligns: columns.map((column) => column.align ?? 'left'),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(columns.map((column) => column.cell(row)));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Text of at most `width` characters: what does not fit is cut in the middle, since names differ at both ends. */
export function fit(text: string, width: number): string {
  if (text.length <= width || width < 5) return text;
  const head = Math.ceil((width - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
}
