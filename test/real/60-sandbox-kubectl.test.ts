/** The sandbox as the real kubectl meets it. It starts a cluster of its own; the one that other tests are given is not touched. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/start-sandbox.ts';
import { pause, start, type Outcome } from '../kit/child-process.ts';
import { definitionRows, nodeRows, peopleRows } from './kit/kubectl-rows/cluster-wide.ts';
import { complaintsAbout, wordsOf, type KubectlRow, type RowsInput } from './kit/kubectl-rows/kubectl-row.ts';
import { lookingRows } from './kit/kubectl-rows/looking.ts';
import { applyingRows, changingRows, creatingRows, deletingRows } from './kit/kubectl-rows/writing.ts';

const LONGEST_ROW_MS = 130_000;
const RETRY_FOR_MS = 20_000;

const home = mkdtempSync(join(tmpdir(), 'meshlift-kubectl-'));
let sandbox: Sandbox;
/** Paths by name of the user; the empty name is the administrator's. */
let kubeconfigs: Readonly<Record<string, string>>;

beforeAll(async () => {
  sandbox = await startSandbox({ scenario: 'bookinfo', time: { kind: 'real', factor: 5 } });
  kubeconfigs = {
    '': kubeconfigFile('admin', sandbox.kubeconfig),
    viewer: kubeconfigFile('viewer', await sandbox.kubeconfigOf('viewer', [])),
    nobody: kubeconfigFile('nobody', await sandbox.kubeconfigOf('nobody', [])),
  };
});

afterAll(async () => {
  await sandbox.stop();
});

function kubeconfigFile(name: string, text: string): string {
  const path = join(home, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

async function seen(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + RETRY_FOR_MS;
  while (!holds() && performance.now() < deadline) await pause(50);
}

async function play(row: KubectlRow): Promise<Outcome> {
  const env = { HOME: home, KUBECONFIG: kubeconfigs[row.as ?? ''] ?? '', ...row.env };
  const running = start('kubectl', wordsOf(row.line), { env, ...(row.stdin === undefined ? {} : { input: row.stdin }) });
  const alarm = setTimeout(() => running.child.kill('SIGKILL'), LONGEST_ROW_MS);
  const { until: awaited } = row;
  if (awaited !== undefined) {
    await seen(() => awaited.test(running.output()));
    running.child.kill('SIGINT');
  }
  const outcome = await running.done;
  clearTimeout(alarm);
  return outcome;
}

async function judge(row: KubectlRow): Promise<void> {
  const deadline = performance.now() + RETRY_FOR_MS;
  for (;;) {
    const outcome = await play(row);
    const complaints = complaintsAbout(row, outcome);
    if (complaints.length === 0) return;
    if (row.retry !== true || performance.now() > deadline)
      expect.fail([`kubectl ${row.line}`, ...complaints, `stdout: ${outcome.stdout}`, `stderr: ${outcome.stderr}`].join('\n'));
    await pause(200);
  }
}

const image = (app: string): string => `docker.io/istio/examples-bookinfo-${app}:1.20.3`;
const input: RowsInput = { ns: 'battery', image: image('details-v1'), otherImage: image('ratings-v1'), node: 'node-2' };

const chapters: readonly (readonly [string, readonly KubectlRow[]])[] = [
  ['looks', lookingRows],
  ['creates', creatingRows(input)],
  ['asks for other people', peopleRows(input)],
  ['changes', changingRows(input)],
  ['applies', applyingRows(input)],
  ['defines', definitionRows(input)],

  ['deletes', deletingRows(input)],
  ['looks after nodes', nodeRows(input)],
];

describe.each(chapters)('kubectl %s', (_chapter, rows) => {
  it.each(rows.map((row): [string, KubectlRow] => [`${row.as === undefined ? '' : `(${row.as}) `}kubectl ${row.line}`, row]))(
    '%s',
    async (_line, row) => {
      await judge(row);
    },
  );
});

describe('kubectl port-forward', () => {
  it('carries a request to a pod', async () => {
    const port = await freePort();
    const args = ['port-forward', '-n', 'bookinfo', 'service/details', `${port}:9080`];
    const running = start('kubectl', args, { env: { HOME: home, KUBECONFIG: kubeconfigs[''] ?? '' } });
    try {
      await seen(() => running.output().includes('Forwarding from 127.0.0.1'));
      const answer = await fetch(`http://127.0.0.1:${port}/details/0`);
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('details')]);
    } finally {
      running.child.kill('SIGINT');
      await running.done;
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
