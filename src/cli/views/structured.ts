/** JSON and YAML output: the same value that the table was made from. */
import { stringify } from 'yaml';

export type OutputFormat = 'table' | 'wide' | 'json' | 'yaml' | 'name';

export const OUTPUT_FORMATS: readonly OutputFormat[] = ['table', 'wide', 'json', 'yaml', 'name'];

export function isStructured(format: OutputFormat): format is 'json' | 'yaml' {
  return format === 'json' || format === 'yaml';
}

export function renderStructured(value: unknown, format: 'json' | 'yaml'): string {
  // Through JSON, so that both formats hold the same and nothing shared turns into YAML anchors.
  const plain: unknown = JSON.parse(JSON.stringify(value));
  return format === 'json' ? JSON.stringify(plain, null, 2) : stringify(plain, { lineWidth: 0 });
}
