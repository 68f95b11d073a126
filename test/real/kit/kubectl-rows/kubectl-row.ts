/** One command line of kubectl, and what has to come of it. */

export type Expected = string | RegExp;

export interface KubectlRow {
  /** Arguments as in a shell; only single quotes quote. */
  readonly line: string;
  readonly stdin?: string;
  /** 0 when absent. */
  readonly code?: number;
  /** All of these are in standard output. */
  readonly out?: readonly Expected[];
  /** All of these are in standard error. */
  readonly err?: readonly Expected[];
  /** None of these is in either of them. */
  readonly not?: readonly Expected[];
  /** Whose kubeconfig; the administrator's when absent. `viewer` may read one namespace, `nobody` nothing. */
  readonly as?: 'viewer' | 'nobody';
  readonly env?: Readonly<Record<string, string>>;
  /** The command goes on for ever: it is ended once this was seen, and has no exit code of its own. */
  readonly until?: RegExp;
  /** Asks until it is as expected: something else has to happen first. */
  readonly retry?: boolean;
}

/** What the rows are about; the table does not know where it is played. */
export interface RowsInput {
  /** A namespace that is not there yet. */
  readonly ns: string;
  /** Of an application that answers HTTP at the port of its container. */
  readonly image: string;
  /** Of the same application, another one. */
  readonly otherImage: string;
  /** A node that may be emptied. */
  readonly node: string;
}

/** Words of a command line. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:'[^']*'|[^\s'])+/g)) words.push(word.replaceAll("'", ''));
  return words;
}

/** What is wrong with an outcome; empty when nothing is. */
export function complaintsAbout(
  row: KubectlRow,
  { code, stdout, stderr }: { readonly code: number | null; readonly stdout: string; readonly stderr: string },
): string[] {
  const complaints: string[] = [];
  const has = (text: string, expected: Expected): boolean => (typeof expected === 'string' ? text.includes(expected) : expected.test(text));
  if (row.until === undefined && code !== (row.code ?? 0)) complaints.push(`exit code ${code}, expected ${row.code ?? 0}`);
  if (row.until !== undefined && !row.until.test(stdout)) complaints.push(`${row.until} never came`);
  for (const expected of row.out ?? []) if (!has(stdout, expected)) complaints.push(`standard output has no ${expected}`);
  for (const expected of row.err ?? []) if (!has(stderr, expected)) complaints.push(`standard error has no ${expected}`);
  for (const expected of row.not ?? []) if (has(stdout + stderr, expected)) complaints.push(`there is ${expected}`);
  return complaints;
}
