/** Where tools are, and what identifies their files. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** @param wanted a path, or a name on PATH @returns undefined when it is not there */
export function locateTool(wanted: string): string | undefined {
  if (isAbsolute(wanted) || wanted.includes('/')) return existsSync(wanted) ? resolve(wanted) : undefined;
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, wanted))
    .find((candidate) => existsSync(candidate));
}

/** SHA-256 in hexadecimal digits. */
export function digestOfFile(path: string): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    const hash = createHash('sha256');
    createReadStream(path)
      .on('data', (chunk) => hash.update(chunk))
      .on('error', reject)
      .on('end', () => resolvePromise(hash.digest('hex')));
  });
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
