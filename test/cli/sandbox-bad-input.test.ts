/** `meshlift sandbox` when something is in its way, or was killed before it was done. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MESHLIFT, pause, start, until, type Outcome, type Running } from '../kit/child-process.ts';

const START_MS = 30_000;

let home: string;

const begin = (...args: string[]): Running => start(MESHLIFT, ['sandbox', ...args], { env: { MESHLIFT_SANDBOX_HOME: home } });
const sandbox = (...args: string[]): Promise<Outcome> => begin(...args).done;
const fileOf = (name: string, file: string): string => join(home, name, file);

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'meshlift-sandbox-'));
});

afterEach(async () => {
  for (const name of ['default', 'one', 'two']) if (existsSync(fileOf(name, 'running.json'))) await sandbox('stop', '--name', name);
});

function expectProblem(outcome: Outcome, code: string): void {
  expect(outcome.stderr).toContain(`✗ ${code}  `);
  expect(outcome.stderr).toMatch(/\n {2}what {3}/);
  expect(outcome.stderr).toMatch(/\n {2}next {3}/);
  expect(outcome.stderr).not.toMatch(/\n {4}at /);
}

const startEmpty = (...more: string[]): Promise<Outcome> => sandbox('start', '--name', 'one', '--scenario', 'empty', ...more);

/** Starts in the foreground and ends it again as Ctrl-C does. */
async function upAndDown(): Promise<void> {
  const running = begin('start', '--foreground', '--name', 'one', '--scenario', 'empty');
  await until('it is up', () => running.output().includes('is up at'), 20_000, 20);
  expect(readFileSync(fileOf('one', 'kubeconfig'), 'utf8')).toContain('current-context');
  process.kill(pidOf('one'), 'SIGTERM');
  expect((await running.done).code).toBe(0);
}

const pidOf = (name: string): number => (JSON.parse(readFileSync(fileOf(name, 'running.json'), 'utf8')) as { readonly pid: number }).pid;

describe('what makes no sense', () => {
  it.each([
    ['an unknown scenario', ['--scenario', 'nothing'], '--scenario nothing'],
    ['a size that is none', ['--scenario', 'big:many'], 'big[:NAMESPACESxWORKLOADS[xREPLICAS][,plain]]'],
    ['a mesh that is plane', ['--scenario', 'big:2x2,plane'], '--scenario big:2x2,plane'],
    ['a name that goes up', ['--name', '../elsewhere'], '--name ../elsewhere'],
    ['a name with capitals', ['--name', 'One'], '--name One'],
    ['a port that is none', ['--port', '70000'], '--port 70000'],
    ['time that stands still', ['--speed', '0'], '--speed 0'],
    ['a seed of words', ['--seed', 'luck'], '--seed luck'],
  ])('%s is refused', async (_what, args, says) => {
    const outcome = await sandbox('start', ...args);
    expect(outcome.code).toBe(2);
    expectProblem(outcome, 'ARGS-001');
    expect(outcome.stderr).toContain(says);
  });
});

describe('a sandbox that is not there', () => {
  it.each([[['stop']], [['kubeconfig']], [['trouble', 'watch-silent']]])('%j says so', async (args) => {
    const outcome = await sandbox(...args, '--name', 'two');
    expect(outcome.code).not.toBe(0);
    expect(outcome.stderr).toMatch(/✗ (SAND-002|ARGS-001) {2}/);
  });

  it('stop tells which ones run', async () => {
    const outcome = await sandbox('stop', '--name', 'two');
    expectProblem(outcome, 'SAND-002');
    expect(outcome.stderr).toContain('Running: none.');
  });
});

describe('in the way', () => {
  it('is another program at the port', { timeout: START_MS }, async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const [background, foreground] = [await startEmpty('--port', String(port)), await startEmpty('--port', String(port), '--foreground')];
    other.close();
    for (const outcome of [background, foreground]) {
      expectProblem(outcome, 'SAND-003');
      expect(outcome.stderr).toContain(`Port ${port} is taken.`);
      expect(outcome.code).toBe(1);
    }
    expect(existsSync(fileOf('one', 'running.json'))).toBe(false);
  });

  it.each([
    ['a file in place of the folder of all', (): void => writeFileSync((home = join(home, 'file')), '')],
    ['a file in place of its folder', (): void => writeFileSync(join(home, 'one'), '')],
  ])('is %s', async (_what, spoil) => {
    spoil();
    const outcome = await startEmpty();
    expectProblem(outcome, 'SAND-004');
    expect(outcome.code).toBe(1);
  });

  it('is itself; the one that runs goes on', { timeout: START_MS }, async () => {
    expect((await startEmpty()).code).toBe(0);
    const before = readFileSync(fileOf('one', 'running.json'), 'utf8');
    const again = await startEmpty();
    expectProblem(again, 'SAND-001');
    expect(again.code).not.toBe(0);
    expect(readFileSync(fileOf('one', 'running.json'), 'utf8')).toBe(before);
    expect((await sandbox('start', '--name', 'two', '--scenario', 'empty')).code).toBe(0);
    const status = await sandbox('status');
    expect(status.stdout).toMatch(/\bone\b[\s\S]*\btwo\b/);
    expect((await sandbox('stop', '--name', 'one')).code).toBe(0);
    expectProblem(await sandbox('stop', '--name', 'one'), 'SAND-002');
  });
});

describe('killed', () => {
  it('while it ran, it does not run, and starts again', { timeout: START_MS }, async () => {
    expect((await startEmpty()).code).toBe(0);
    process.kill(pidOf('one'), 'SIGKILL');
    await until('it is gone', async () => (await sandbox('status')).stdout.startsWith('No sandbox runs'), 10_000, 50);
    expectProblem(await sandbox('stop', '--name', 'one'), 'SAND-002');
    expect((await startEmpty()).code).toBe(0);
    expect((await sandbox('status')).stdout).toContain('one');
  });

  it('at any moment of its start, it starts again', { timeout: 60_000 }, async () => {
    for (const waitMs of [60, 150, 250, 350, 450, 600]) {
      const running = begin('start', '--foreground', '--name', 'one', '--scenario', 'empty');
      await pause(waitMs);
      running.child.kill('SIGKILL');
      await running.done;
    }
    await upAndDown();
  });

  it.each([
    ['half a description', 'running.json', '{"name": "one", "pid": '],
    ['an empty description', 'running.json', ''],
    ['a description of something else', 'running.json', '[1, 2]'],
    ['a description without a process', 'running.json', '{"name": "one", "pid": -1, "url": "x"}'],
    ['half a kubeconfig', 'kubeconfig.new', 'apiVersion: v1\nclus'],
    ['a file that tried out the folder', '.try.new', ''],
  ])('it left %s behind, and starts again', { timeout: START_MS }, async (_what, file, text) => {
    mkdirSync(join(home, 'one'), { recursive: true });
    writeFileSync(fileOf('one', file), text);
    expect((await sandbox('status')).stdout).toContain('No sandbox runs');
    await upAndDown();
  });

  it('softly in the foreground, it leaves nothing behind', { timeout: START_MS }, async () => {
    await upAndDown();
    expect([existsSync(fileOf('one', 'running.json')), existsSync(fileOf('one', 'kubeconfig'))]).toEqual([false, false]);
  });
});
