/** The program of a container whose image nobody knows: it runs, and serves nothing. */
import type { Timer } from '../../clock/sandbox-clock.ts';
import type { ContainerProgram, ContainerSpec } from '../../cluster/pod-program.ts';

export interface PlainProgramOptions {
  /** Ends by itself after so long, when its command does not say another time; undefined when it runs until it is stopped. */
  readonly endsAfterMs?: number;
}

/** Understands `sleep N` and `exit N` in the command; every other command just runs. */
export function createPlainProgram(container: ContainerSpec, { endsAfterMs }: PlainProgramOptions = {}): ContainerProgram {
  const words = [...(container.command ?? []), ...(container.args ?? [])].join(' ');
  let timer: Timer | undefined;
  return {
    start: async (context) => {
      const runsMs = sleepMs(words) ?? (exitCode(words) === undefined ? endsAfterMs : 0);
      if (runsMs !== undefined) timer = context.clock.after(runsMs, () => context.exit(exitCode(words) ?? 0));
    },
    ready: () => true,
    stop: async () => timer?.cancel(),
    kill: () => timer?.cancel(),
  };
}

function sleepMs(words: string): number | undefined {
  const seconds = /\bsleep\s+(\d+(?:\.\d+)?)/.exec(words)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

function exitCode(words: string): number | undefined {
  const code = /\bexit\s+(\d+)/.exec(words)?.[1];
  if (code !== undefined) return Number(code);
  return /(^|\s)(\/bin\/)?false$/.test(words) ? 1 : undefined;
}
