/**
 * Two upgrades in a sandbox, as a person would type them: every command line is shown before it runs, and each is a process
 * of its own. The first one goes well; the second one brings a bad revision, which the load notices.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeHit, type Hit } from '../../core/load/hit.ts';
import { isSuccess } from '../../core/load/load-summary.ts';
import { Problem } from '../../core/problems/problem.ts';
import type { DemoOptions } from '../arguments/add-sandbox.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { ExitCode } from '../exit-codes.ts';
import { filesOf, readRunning } from '../sandbox-folder.ts';
import type { Terminal } from '../terminal.ts';

const SANDBOX = 'demo';
/** The sandbox's time passes faster, and the waits of the commands with it, so that the demo takes a minute. */
const SPEED = '4';
const GATEWAY = 'istio-ingress/istio-ingressgateway';
/** The load is judged over so many requests, and a revision that fails this share of them is taken back. */
const JUDGED_HITS = 100;
const MOST_FAILED_RATIO = 0.02;

export async function demoCommand({ terminal }: CommandContext, options: DemoOptions): Promise<ExitCode> {
  const folder = mkdtempSync(join(tmpdir(), 'meshlift-demo-'));
  const stage = new Stage(terminal, folder);
  const interrupted = (): void => stage.interrupt();
  process.on('SIGINT', interrupted);
  let proof: readonly string[];
  try {
    proof = await play(stage);
  } finally {
    // Until all is cleaned up: whoever presses Ctrl-C twice wants it to end, not to be left with a sandbox.
    await stage.end(options.keep === true);
    process.off('SIGINT', interrupted);
  }
  if (options.keep === true) stage.leave();
  terminal.out(`\n${terminal.tone('strong', proof.join('\n'))}`);
  return ExitCode.done;
}

async function play(stage: Stage): Promise<string[]> {
  stage.chapter('1  A cluster to try it on', [
    'Kubernetes with Istio 1.28.2 and a shop, in one process of this machine. What follows are ordinary commands, as you would',
    'type them against your own cluster.',
  ]);
  await stage.run('sandbox', 'start', '--name', SANDBOX, '--scenario', 'bookinfo', '--speed', SPEED);
  await stage.run('status');

  stage.chapter('2  An upgrade to 1.29.1, under load', [
    'The plan comes first, and changes nothing. Then the new control plane is installed beside the old one, and workloads move',
    'one at a time, while the shop gets 50 requests a second. A step is done when the mesh shows it.',
  ]);
  await stage.run('check', '--to', '1.29.1');
  await stage.manifests('1-29-1', '1.29.1');
  await stage.run('plan', '--to', '1.29.1', '--manifests', '1-29-1.yaml', '-o', 'to-1.29.1.yaml');
  const first = await stage.attack('first.ndjson');
  await stage.run('apply', 'to-1.29.1.yaml', '--finish', '--yes');
  await first.stop();
  await stage.run('load', 'report', 'first.ndjson');
  await stage.run('status');

  stage.chapter('3  An upgrade to 1.30.0 that goes wrong', [
    'The proxies of this revision fail one request of twenty. The demo watches the answers to the load; when too many fail, it',
    'stops the run and takes it back.',
  ]);
  await stage.run('sandbox', 'trouble', 'failing-proxies', '--name', SANDBOX, '--set', 'revision=1-30-0', '--set', 'ratio=0.05');
  await stage.manifests('1-30-0', '1.30.0');
  await stage.run('plan', '--to', '1.30.0', '--manifests', '1-30-0.yaml', '-o', 'to-1.30.0.yaml');
  const second = await stage.attack('second.ndjson');
  const noticed = await stage.applyGuarded('to-1.30.0.yaml', second);
  await stage.run('rollback', '--yes');
  const backAtMs = Date.now();
  await stage.pause(4000);
  await second.stop();
  await stage.run('status');
  return proofOf(first.hits(), second.hits(), { noticed, backAtMs });
}

interface Moments {
  readonly noticed: string;
  /** When the roll-back had ended. */
  readonly backAtMs: number;
}

/** @throws Problem DEMO-001 when it did not go as it should: nobody shall be shown a proof that is none */
function proofOf(first: readonly Hit[], second: readonly Hit[], { noticed, backAtMs }: Moments): string[] {
  const failed = (hits: readonly Hit[]): number => hits.filter((hit) => !isSuccess(hit)).length;
  const after = second.filter((hit) => hit.dueAtMs > backAtMs);
  const lines = [
    `The upgrade to 1.29.1: ${failed(first)} of ${first.length} requests failed.`,
    `The upgrade to 1.30.0: ${noticed}; it was taken back by itself.`,
    `After the roll-back: ${failed(after)} of ${after.length} requests failed.`,
  ];
  if (first.length > 0 && after.length > 0 && failed(first) + failed(after) === 0) return lines;
  throw new Problem('DEMO-001', {
    what: lines.join('\n'),
    next: [{ label: 'look around in it', command: 'meshlift demo --keep' }],
  });
}

/** A running attack. */
interface Attack {
  readonly stop: () => Promise<void>;
  readonly hits: () => readonly Hit[];
}

class Stage {
  readonly #terminal: Terminal;
  readonly #folder: string;
  readonly #children = new Set<ChildProcess>();
  #interrupted = false;

  constructor(terminal: Terminal, folder: string) {
    this.#terminal = terminal;
    this.#folder = folder;
  }

  chapter(title: string, lines: readonly string[]): void {
    this.#terminal.out(`\n\n${this.#terminal.tone('strong', title)}\n${lines.join('\n')}`);
  }

  interrupt(): void {
    if (this.#interrupted) return;
    this.#interrupted = true;
    for (const child of this.#children) child.kill('SIGTERM');
  }

  async pause(ms: number): Promise<void> {
    await new Promise((resolve) => void setTimeout(resolve, ms));
  }

  /** Runs a command line of Meshlift, shown first, with what it prints. @throws Problem DEMO-001 unless it ends with 0 */
  async run(...words: string[]): Promise<void> {
    const code = await this.#ended(this.#start(words, 'inherit'));
    if (code !== 0) throw this.#failed(words, code);
  }

  async manifests(revision: string, version: string): Promise<void> {
    const file = join(this.#folder, `${revision}.yaml`);
    const words = ['sandbox', 'manifests', '--revision', revision, '--version', version];
    const target = openSync(file, 'w');
    const code = await this.#ended(this.#start(words, target, `> ${revision}.yaml`));
    closeSync(target);
    if (code !== 0) throw this.#failed(words, code);
  }

  async attack(results: string): Promise<Attack> {
    const words = ['load', 'attack', '--gateway', GATEWAY, '--port', '8080', '--path', '/productpage'];
    const pace = ['--rate', '50/1s', '--duration', '10m', '--quiet', '-o', results];
    const child = this.#start([...words, ...pace], 'inherit', '&');
    const ended = this.#ended(child);
    const file = join(this.#folder, results);
    // A second of it, so that nothing begins before the load is there.
    await this.pause(1000);
    return {
      hits: () => readHits(file),
      stop: async () => {
        child.kill('SIGTERM');
        await ended;
      },
    };
  }

  /** Applies a plan until it has ended, or the load fails: then the run is left to the roll-back. @returns what was noticed */
  async applyGuarded(plan: string, load: Attack): Promise<string> {
    const child = this.#start(['apply', plan, '--yes'], 'inherit');
    let ended = false;
    const end = this.#ended(child).finally(() => (ended = true));
    while (!ended && !this.#interrupted) {
      await this.pause(250);
      const latest = load.hits().slice(-JUDGED_HITS);
      const failed = latest.filter((hit) => !isSuccess(hit)).length;
      if (latest.length < JUDGED_HITS || failed / latest.length < MOST_FAILED_RATIO) continue;
      const noticed = `${failed} of the last ${latest.length} requests failed`;
      this.#terminal.out(`\n${this.#terminal.tone('bad', `! ${noticed}`)}`);
      // Ctrl-C, as a person would: the present step is brought to its end.
      child.kill('SIGINT');
      await end;
      return noticed;
    }
    await end;
    throw new Problem('DEMO-001', {
      what: 'The bad revision was not noticed.',
      next: [{ label: 'look around in it', command: 'meshlift demo --keep' }],
    });
  }

  leave(): void {
    this.#terminal.out(
      [
        '',
        'The sandbox stays up. Next:',
        `  export KUBECONFIG=${filesOf(SANDBOX).kubeconfig} MESHLIFT_SANDBOX_SPEED=${SPEED}`,
        '  meshlift status',
        '  kubectl get pods -A',
        `  meshlift sandbox stop --name ${SANDBOX}`,
      ].join('\n'),
    );
  }

  async end(keep: boolean): Promise<void> {
    this.interrupt();
    if (!keep && readRunning(SANDBOX) !== undefined) await this.#ended(this.#start(['sandbox', 'stop', '--name', SANDBOX], 'inherit'));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #start(words: readonly string[], out: 'inherit' | number, after = ''): ChildProcess {
    this.#terminal.out(`\n${this.#terminal.tone('dim', `$ meshlift ${words.join(' ')}${after === '' ? '' : ` ${after}`}`)}`);
    const child = spawn(process.execPath, [process.argv[1] ?? '', ...words], {
      cwd: this.#folder,
      stdio: ['ignore', out, 'inherit'],
      // The last command is out of the reach of Ctrl-C.
      detached: words[1] === 'stop',
      env: { ...process.env, KUBECONFIG: filesOf(SANDBOX).kubeconfig, MESHLIFT_SANDBOX_SPEED: SPEED },
    });
    this.#children.add(child);
    return child;
  }

  #ended(child: ChildProcess): Promise<number> {
    return new Promise((resolve) => {
      child.once('exit', (code) => {
        this.#children.delete(child);
        resolve(code ?? 1);
      });
    });
  }

  #failed(words: readonly string[], code: number): Problem {
    return new Problem('DEMO-001', {
      what: this.#interrupted ? 'It was interrupted.' : `meshlift ${words.join(' ')} ended with exit code ${code}.`,
      next: [{ label: 'look around in it', command: 'meshlift demo --keep' }],
    });
  }
}

function readHits(file: string): Hit[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => decodeHit(line) ?? []);
}
