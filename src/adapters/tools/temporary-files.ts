/** Files that a tool reads, for as long as it runs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Texts as files that only we can read, and that are gone afterwards. */
export async function withFiles<T>(
  files: readonly { readonly name: string; readonly text: string }[],
  use: (paths: readonly string[]) => Promise<T>,
): Promise<T> {
  if (files.length === 0) return use([]);
  const folder = mkdtempSync(join(tmpdir(), 'meshlift-'));
  try {
    const paths = files.map(({ name }) => join(folder, name));
    for (const [index, { text }] of files.entries()) writeFileSync(paths[index] ?? '', text, { mode: 0o600 });
    return await use(paths);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
