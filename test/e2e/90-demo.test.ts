/** What a stranger sees first: `meshlift demo` from its first line to its proof, as a process of its own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CLI = fileURLToPath(new URL('../../dist/meshlift.js', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'meshlift-demo-test-'));
const env = { ...process.env, MESHLIFT_SANDBOX_HOME: home, NO_COLOR: '1' };

afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

function run(
  words: readonly string[],
  onText: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    const hear = (chunk: Buffer): void => {
      out += chunk.toString('utf8');
      onText(out, (signal) => child.kill(signal));
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('close', (code) => resolve({ code, out }));
  });
}

describe('the demo', () => {
  let ended: Ended;

  beforeAll(async () => {
    ended = await run(['demo']);
  }, 240_000);

  it('ends well, and cleans up', async () => {
    expect([ended.code, ended.code === 0 ? '' : ended.out.slice(-3000)]).toEqual([0, '']);
    expect((await run(['sandbox', 'status'])).out).toContain('No sandbox runs on this machine.');
  });

  it('proves that the first upgrade lost nothing, and that the second one was noticed and taken back', () => {
    const [, failed, sent] = /The upgrade to 1\.29\.1: (\d+) of (\d+) requests failed\./.exec(ended.out) ?? [];
    expect([failed, Number(sent) > 200]).toEqual(['0', true]);
    expect(ended.out).toMatch(/The upgrade to 1\.30\.0: \d+ of the last 100 requests failed; it was taken back by itself\./);
    expect(ended.out).toMatch(/After the roll-back: 0 of \d+ requests failed\.\s*$/);
  });

  it('shows each command before it runs, and what it says', () => {
    const commands = [...ended.out.matchAll(/^\$ meshlift (\S+)/gm)].map((match) => match[1]);
    expect(commands).toEqual([
      'sandbox',
      'status',
      'check',
      'sandbox',
      'plan',
      'load',
      'apply',
      'load',
      'status',
      'sandbox',
      'sandbox',
      'plan',
      'load',
      'apply',
      'rollback',
      'status',
      'sandbox',
    ]);
    expect(ended.out).toContain('14 of 14 pods on 1-29-1 (1.29.1)');
    expect(ended.out).toContain('Success       [ratio]                           100.00%');
  });
});

it('that is interrupted says so, and leaves nothing behind', async () => {
  let presses = 0;
  // Ctrl-C, and once more while it cleans up.
  const { code, out } = await run(['demo'], (text, kill) => {
    const isDue = presses === 0 ? text.includes('$ meshlift plan') : presses === 1 && text.includes('$ meshlift sandbox stop');
    if (isDue) kill('SIGINT');
    if (isDue) presses += 1;
  });
  expect(presses).toBe(2);
  expect([code, out.includes('DEMO-001'), out.includes('It was interrupted.')]).toEqual([1, true, true]);
  expect((await run(['sandbox', 'status'])).out).toContain('No sandbox runs on this machine.');
  const pid = /process (\d+)/.exec(out)?.[1];
  expect(pid === undefined || !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/cmdline`, 'utf8') === '').toBe(true);
}, 120_000);
