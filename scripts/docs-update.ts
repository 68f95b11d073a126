/**
 * Writes the reference pages from what they describe: every code from the catalogues, every command from its help.
 * With --check nothing is written, and a difference is exit code 1.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findingCatalogue, type FindingEntry } from '../src/core/findings/finding.ts';
import { problemCatalogue, type ProblemEntry } from '../src/core/problems/problem-catalogue.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'docs', 'reference');
const GENERATED = '<!-- Written by npm run docs:update; change what it is made from. -->\n';

export function codesPage(): string {
  const problems: readonly (readonly [string, ProblemEntry])[] = Object.entries(problemCatalogue);
  const findings: readonly (readonly [string, FindingEntry])[] = Object.entries(findingCatalogue);
  return [
    `${GENERATED}# Codes\n\nCodes are permanent. \`meshlift explain CODE\` prints the same text without a cluster.\n`,
    '## Problems\n\nWhat stops a command.\n',
    ...problems.map(([code, entry]) => section(code, entry, `exit code ${entry.exit}${entry.retired === true ? ', no longer used' : ''}`)),
    '## Findings\n\nWhat `meshlift check` and every plan look for. A finding of level error refuses a run, unless it is accepted by name.\n',
    ...findings.map(([code, entry]) => section(code, entry, entry.group)),
  ].join('\n');
}

function section(code: string, { title, meaning, remedy }: ProblemEntry | FindingEntry, kind: string): string {
  return `### ${code}\n\n**${title}** · ${kind}\n\n${meaning}\n\nWhat to do: ${remedy}\n`;
}

const helps = new Map<string, string>();

/** What `--help` of the built command line prints into a pipe. @param path names of commands; none for the program itself */
export function help(...path: readonly string[]): string {
  const key = path.join(' ');
  const text = helps.get(key) ?? printedHelp(path);
  helps.set(key, text);
  return text;
}

function printedHelp(path: readonly string[]): string {
  const { FORCE_COLOR: _color, ...env } = process.env;
  return execFileSync(process.execPath, [join(root, 'dist', 'meshlift.js'), ...path, '--help'], { encoding: 'utf8', env });
}

/** Names of the commands, in the order of the help. */
export function commandNames(programHelp: string): string[] {
  return [...programHelp.matchAll(/^ {2}([a-z][a-z-]*)(?:\|[a-z]+)? /gm)].map((match) => match[1] ?? '');
}

/** Every command, each before its own commands. */
export function commandPaths(programHelp: string): string[][] {
  return commandNames(programHelp).flatMap((name) => {
    const [, inner] = help(name).split('\nCOMMANDS');
    return [[name], ...(inner === undefined ? [] : commandNames(inner).map((one) => [name, one]))];
  });
}

export function commandsPage(): string {
  const program = help();
  const pages = commandPaths(program).map((path) => `## ${path.join(' ')}\n\n\`\`\`text\n${ownPart(help(...path))}\n\`\`\`\n`);
  const intro = 'The options below are those of every command; each command adds its own.';
  return `${GENERATED}# Commands\n\n${intro}\n\n\`\`\`text\n${program.trimEnd()}\n\`\`\`\n\n${pages.join('\n')}`;
}

/** The help of a command without the options that all commands share. */
function ownPart(text: string): string {
  return text.split(/\nGLOBAL OPTIONS/)[0]?.trimEnd() ?? '';
}

function main(args: readonly string[]): void {
  const pages = { 'codes.md': codesPage(), 'cli.md': commandsPage() };
  if (!args.includes('--check')) {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(pages)) writeFileSync(join(folder, name), text);
    return;
  }
  const stale = Object.entries(pages).flatMap(([name, text]) => {
    const path = join(folder, name);
    return existsSync(path) && readFileSync(path, 'utf8') === text ? [] : [`docs/reference/${name}`];
  });
  if (stale.length === 0) return;
  process.stderr.write(`not current: ${stale.join(', ')}; run npm run docs:update\n`);
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
