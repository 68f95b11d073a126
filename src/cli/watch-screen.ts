/** `-w`: the same output again and again, redrawn in place on a terminal. */
import type { CommandContext } from './arguments/global-options.ts';
import { systemClock } from './system-clock.ts';

const INTERVAL_MS = 3000;

export async function watchScreen({ terminal }: CommandContext, draw: () => Promise<string>): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  // A reader that closes the pipe, such as head, ends the watching.
  process.stdout.once('error', () => stop.abort());
  while (!stop.signal.aborted) {
    const text = await draw();
    terminal.out(terminal.isInteractive ? `\u001B[2J\u001B[H${text}` : text);
    await systemClock.sleep(INTERVAL_MS, stop.signal);
  }
}
