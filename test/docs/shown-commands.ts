/** Command lines of Meshlift in documents, judged by the help of the built program. */
import { commandPaths, help } from '../../scripts/docs-update.ts';

interface CommandHelp {
  /** Every way to write an option, and whether a value follows it. */
  readonly options: ReadonlyMap<string, boolean>;
  /** Most arguments that it takes. */
  readonly most: number;
}

function parseHelp(helpText: string): CommandHelp {
  const options = new Map<string, boolean>();
  for (const [, short, long, value] of helpText.matchAll(/^ {2}(?:(-\w), )?(--[a-z-]+)( <[^>]+>)?/gm)) {
    for (const name of [short, long]) if (name !== undefined) options.set(name, value !== undefined);
  }
  const usage = /^USAGE .+$/m.exec(helpText)?.[0] ?? '';
  const places = [...usage.matchAll(/[<[]([a-z]+)(\.\.\.)?[>\]]/g)].filter((match) => match[1] !== 'options' && match[1] !== 'command');
  return { options, most: places.some((match) => match[2] !== undefined) ? Number.POSITIVE_INFINITY : places.length };
}

const program = help();
const globals = parseHelp(program);
const commands = new Map(commandPaths(program).map((path) => [path.join(' '), parseHelp(help(...path))]));
for (const [, name = '', alias = ''] of program.matchAll(/^ {2}([a-z-]+)\|([a-z]+) /gm)) {
  const aliased = commands.get(name);
  if (aliased) commands.set(alias, aliased);
}

export interface ShownCommand {
  readonly file: string;
  /** What follows `meshlift`. */
  readonly line: string;
}

/** Command lines in blocks of code, and in spans of code that begin with the program. */
export function shownCommands(file: string, markdown: string): ShownCommand[] {
  const blocks = [...markdown.matchAll(/^```\w*\n(.*?)^```$/gms)].flatMap((match) => (match[1] ?? '').split('\n'));
  const indented = [...markdown.matchAll(/^ {4}.*$/gm)].map((match) => match[0]);
  const spans = [...markdown.matchAll(/`([^`\n]+)`/g)]
    .map((match) => match[1] ?? '')
    .filter((span) => /^(\.?\/?bin\/)?meshlift\s/.test(span));
  return [...blocks, ...indented, ...spans].flatMap((line) =>
    [...line.matchAll(/(?:^|[\s|(])(?:\.?\/?bin\/)?meshlift((?:[ \t]+[^\s#|;&>)]+)+)/g)].map((match) => ({ file, line: match[1] ?? '' })),
  );
}

/** What is wrong with what follows `meshlift`; undefined when the program would take it. */
export function faultOf(line: string): string | undefined {
  // In running text a comma ends the command.
  const tokens = (line.trim().split(/,(?:\s|$)| {2,}/)[0] ?? '').split(/\s+/);
  const at = tokens.findIndex((token) => /^[a-z]/i.test(token));
  const name = tokens[at];
  if (name === undefined) return faultOfArguments(tokens, globals);
  if (/^[A-Z]+$/.test(name)) return undefined;
  const inner = commands.get(`${name} ${tokens[at + 1] ?? ''}`);
  if (inner !== undefined) return faultOfArguments(tokens.toSpliced(at, 2), inner);
  const command = commands.get(name);
  return command === undefined ? `no command ${name}` : faultOfArguments(tokens.toSpliced(at, 1), command);
}

function faultOfArguments(tokens: readonly string[], { options, most }: CommandHelp): string | undefined {
  const known = new Map([...globals.options, ...options]);
  const isOption = (token = ''): boolean => token.startsWith('-') && token !== '-';
  const unknown = tokens.find((token) => isOption(token) && !known.has(token));
  if (unknown !== undefined) return `no option ${unknown}`;
  const places = tokens.filter((token, index) => !isOption(token) && known.get(tokens[index - 1] ?? '') !== true);
  return places.length > most ? `too many arguments: ${places.join(' ')}` : undefined;
}
