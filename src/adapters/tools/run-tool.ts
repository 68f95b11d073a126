/** Runs a command-line tool that ends with us, however we end. */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { Problem } from '../../core/problems/problem.ts';

export interface ToolOptions {
  /** Gets the output line by line, stdout and stderr alike. */
  readonly onLine?: (line: string) => void;
  readonly timeoutMs?: number;
}

export interface ToolResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** Longest tail of output that is kept for a message. */
const KEPT_LINES = 15;
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * A shell waits for the tool, and beside it for the end of a pipe that only we hold open: when we are killed, the pipe
 * ends and the tool is told to stop. A later resume therefore never meets a tool that still works. The tool has a process
 * group of its own, since Ctrl-C at the terminal is for us, and we end between steps.
 */
const SUPERVISOR = `"$@" </dev/null 3<&- & tool=$!
{ cat <&3 >/dev/null; kill -TERM $tool; } >/dev/null 2>&1 & guard=$!
exec 3<&-
wait $tool; code=$?
kill $guard 2>/dev/null
exit $code`;

/** @throws Problem TOOL-003 with the end of the output when the tool fails, cannot be started or takes too long */
export function runTool(path: string, args: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', SUPERVISOR, 'meshlift', path, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    const lines: string[] = [];
    const collect = (name: 'stdout' | 'stderr') => (chunk: Buffer) => {
      output[name] += chunk.toString('utf8');
      if (options.onLine === undefined && name === 'stdout') return;
      for (const line of chunk
        .toString('utf8')
        .split(/[\r\n]+/)
        .filter((text) => text.trim() !== '')) {
        lines.push(line);
        options.onLine?.(line);
      }
    };
    child.stdout?.on('data', collect('stdout'));
    child.stderr?.on('data', collect('stderr'));
    const timer = setTimeout(() => child.kill('SIGTERM'), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const fail = (reason: string): void =>
      reject(
        new Problem('TOOL-003', {
          what: [`${path} ${args.slice(0, 2).join(' ')} ${reason}.`, ...lines.slice(-KEPT_LINES)].join('\n'),
          next: [{ label: 'try it by hand', command: [path, ...args].map(quote).join(' ') }],
        }),
      );
    child.on('error', (error) => fail(`cannot be started: ${error.message}`));
    // The guard still holds the other end of our pipe, and 'close' comes only when every pipe is closed.
    child.on('exit', () => (child.stdio[3] as Writable | null)?.destroy());
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(output);
      else fail(signal === null ? `ended with ${code ?? '?'}` : 'took too long and was stopped');
    });
  });
}

function quote(text: string): string {
  return /^[A-Za-z0-9_./:=@,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
