/** Where output goes: what can be shown there, and how wide it is. */
import { styleText } from 'node:util';

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'strong';

const STYLES: Readonly<Record<Tone, Parameters<typeof styleText>[0]>> = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  dim: 'dim',
  strong: 'bold',
};
/** Width that everything but wide output fits. */
const NARROW = 80;

export interface Terminal {
  readonly isInteractive: boolean;
  readonly columns: number;
  /** Colour only repeats what the text says. */
  tone(tone: Tone, text: string): string;
  out(text: string): void;
  err(text: string): void;
}

export interface TerminalOptions {
  readonly color: boolean;
  readonly quiet: boolean;
}

/** Colour follows --no-color, NO_COLOR and what the terminal can do; output into pipes has none. */
export function openTerminal(options: TerminalOptions): Terminal {
  const { stdout, stderr, env } = process;
  const isInteractive = stdout.isTTY === true && env['TERM'] !== 'dumb';
  const hasColor = isInteractive && options.color && (env['NO_COLOR'] ?? '') === '';
  return {
    isInteractive,
    // A terminal that does not know its width says 0.
    columns: isInteractive && stdout.columns > 0 ? stdout.columns : NARROW,
    tone: (tone, text) => (hasColor ? styleText(STYLES[tone], text, { validateStream: false }) : text),
    out: (text) => {
      stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    err: (text) => {
      if (!options.quiet) stderr.write(text.endsWith('\n') ? text : `${text}\n`);
    },
  };
}
