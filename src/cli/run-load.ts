/** Requests that are sent throughout a run, by a process of their own, and what they say of it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { StringDecoder } from 'node:string_decoder';
import { decodeHit, type Hit } from '../core/load/hit.ts';
import { isSuccess, LoadSummarizer, type LoadSummary } from '../core/load/load-summary.ts';
import { RecentHits, type RecentFailures } from '../core/load/recent-hits.ts';
import { buildInventory } from '../core/mesh/build-inventory.ts';
import { fileTrouble } from '../core/problems/file-trouble.ts';
import { Problem } from '../core/problems/problem.ts';
import type { LoadRequest } from '../core/request/upgrade-request.ts';
import type { ClusterReader } from '../ports/cluster.ts';
import { buildAttack } from './arguments/build-attack.ts';
import { composeTraffic } from './compose-load.ts';

/** Longer than any run should need a load; a forgotten one ends. */
const LONGEST = '24h';
const LOOK_EVERY_MS = 500;
/** The load is there before the run begins, and for a moment after it. */
const LEAD_MS = 1000;
const LONGEST_LEAD_MS = 10_000;
const LEAD_LOOK_EVERY_MS = 100;
/** Failures that are kept with their instant. */
const MOST_FAILURES = 100_000;

export type LoadTrouble =
  /** Too many of the latest requests failed. */
  | { readonly kind: 'failing'; readonly failures: RecentFailures }
  /** The process that sends them is gone. */
  | { readonly kind: 'ended'; readonly words: string };

export interface RunLoad {
  readonly file: string;
  readonly request: LoadRequest;
  /** Aborted when the run should not go on; `trouble` says why. */
  readonly signal: AbortSignal;
  trouble(): LoadTrouble | undefined;
  /** Ends the load and adds it up. */
  stop(): Promise<{ readonly summary: LoadSummary; readonly failedAtMs: readonly number[] }>;
}

const attackDefaults = { format: 'http', path: '/', timeout: '30s', maxConnections: '1000', keepalive: true, redirects: '10', name: '' };

/** One request, before anything is changed. @throws Problem LOAD-001 unless it succeeds */
export async function expectTargetAnswers({ target, host }: LoadRequest): Promise<void> {
  const once = { ...attackDefaults, rate: '1/1s', duration: '1s', timeout: '10s', ...(host === undefined ? {} : { host }) };
  const hits: Hit[] = [];
  await composeTraffic().attack(buildAttack(once, { url: target }), (hit) => void hits.push(hit), new AbortController().signal);
  const [hit] = hits;
  if (hit !== undefined && isSuccess(hit)) return;
  throw new Problem('LOAD-001', {
    what: `${target} does not answer as it should: ${hit?.error ?? 'no answer'}.`,
    why: 'Requests that fail before the run has begun would say nothing about the run.',
    next: [{ label: 'try it', command: `curl -i ${host === undefined ? '' : `-H 'Host: ${host}' `}${target}` }],
  });
}

/** @returns what to ask a person when no gateway of this mesh has the address of the target; undefined when one has */
export async function strangeTarget({ target }: LoadRequest, reader: ClusterReader): Promise<string | undefined> {
  const { gateways } = buildInventory(await reader.readMesh('status'));
  const { hostname } = new URL(target);
  const bare = hostname.replaceAll(/[[\]]/g, '');
  const addresses = await lookup(bare, { all: true }).catch(() => []);
  const meant = new Set([bare, ...addresses.map(({ address }) => address)]);
  if (gateways.some((gateway) => gateway.addresses.some((address) => meant.has(address)))) return undefined;
  const known = gateways.flatMap((g) => g.addresses.map((address) => `${g.namespace}/${g.name} ${address}`));
  return `${target} is no address of a gateway of this mesh (${known.join(', ') || 'none has one'}). Send load there?`;
}

/** @param file where the results go, one JSON object a line @throws Problem ARGS-003 when it cannot be written */
export async function startRunLoad(request: LoadRequest, name: string, file: string): Promise<RunLoad> {
  expectWritable(file);
  const load = new LoadProcess(request, name, file);
  await load.lead();
  return load;
}

function expectWritable(file: string): void {
  const mistake = (why: string): Problem =>
    new Problem('ARGS-003', {
      what: `The results of the load cannot be written to ${file}: ${why}.`,
      next: [{ label: 'another file', command: '--load-results FILE' }],
    });
  let descriptor: number;
  try {
    descriptor = openSync(file, 'w', 0o644);
  } catch (error) {
    throw mistake(fileTrouble(error));
  }
  const isFile = fstatSync(descriptor).isFile();
  closeSync(descriptor);
  // The results are read again while they are written.
  if (!isFile) throw mistake('it is no file');
}

class LoadProcess implements RunLoad {
  readonly file: string;
  readonly request: LoadRequest;
  readonly #abort = new AbortController();
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #results: ResultsReader;
  readonly #timer: NodeJS.Timeout;
  #trouble: LoadTrouble | undefined;
  #stopping = false;

  constructor(request: LoadRequest, name: string, file: string) {
    this.request = request;
    this.file = file;
    this.#results = new ResultsReader(file, request.stopAt);
    const { child, ended } = spawnAttack(request, name, file, (words) => this.#tell({ kind: 'ended', words }));
    this.#child = child;
    this.#ended = ended;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Until there is a first result, or trouble: a slow machine takes its time to start the process. */
  async lead(): Promise<void> {
    await pause(LEAD_MS);
    const untilMs = Date.now() + LONGEST_LEAD_MS;
    while (this.#trouble === undefined && statSync(this.file).size === 0 && Date.now() < untilMs) await pause(LEAD_LOOK_EVERY_MS);
  }

  trouble(): LoadTrouble | undefined {
    return this.#trouble;
  }

  async stop(): ReturnType<RunLoad['stop']> {
    if (this.#trouble?.kind !== 'ended') await pause(LEAD_MS);
    this.#stopping = true;
    clearInterval(this.#timer);
    this.#child.kill('SIGTERM');
    await this.#ended;
    this.#results.read();
    this.#results.close();
    return { summary: this.#results.summary(), failedAtMs: this.#results.failedAtMs };
  }

  #look(): void {
    this.#results.read();
    const failures = this.#results.recent.tooManyFailures();
    if (failures !== undefined) this.#tell({ kind: 'failing', failures });
  }

  #tell(trouble: LoadTrouble): void {
    if (this.#stopping || this.#trouble !== undefined) return;
    this.#trouble = trouble;
    this.#abort.abort();
  }
}

/** Out of the reach of Ctrl-C, which is for the run; it ends with its standard input, and so with us, however we end. */
function spawnAttack(
  { target, rate, host }: LoadRequest,
  name: string,
  file: string,
  onEnd: (words: string) => void,
): { readonly child: ChildProcess; readonly ended: Promise<void> } {
  const words = ['load', 'attack', target, '--rate', rate, '--duration', LONGEST, '--name', name, '--quiet', '--until-input-ends'];
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...words, ...(host === undefined ? [] : ['--host', host]), '-o', file], {
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString('utf8')}`.slice(0, 2000)));
  const ended = new Promise<void>((resolve) => {
    const end = (words: string): void => {
      onEnd(words);
      resolve();
    };
    child.once('error', (error) => end(error.message));
    child.once('close', (code) => end(said.trim() === '' ? `it ended with exit code ${code ?? '?'}` : said.trim()));
  });
  return { child, ended };
}

/** Reads on from where it stopped, so that a long load costs no more than what is new. */
class ResultsReader {
  readonly recent: RecentHits;
  readonly failedAtMs: number[] = [];
  readonly #summarizer = new LoadSummarizer();
  readonly #descriptor: number;
  readonly #chunk = Buffer.alloc(64 * 1024);
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(file: string, stopAt: LoadRequest['stopAt']) {
    this.recent = new RecentHits(stopAt);
    this.#descriptor = openSync(file, 'r');
  }

  read(): void {
    for (let length = this.#next(); length > 0; length = this.#next()) {
      const lines = `${this.#rest}${this.#decoder.write(this.#chunk.subarray(0, length))}`.split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        const hit = decodeHit(line);
        if (hit !== undefined) this.#add(hit);
      }
    }
  }

  summary(): LoadSummary {
    return this.#summarizer.summary();
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #next(): number {
    return readSync(this.#descriptor, this.#chunk, 0, this.#chunk.length, null);
  }

  #add(hit: Hit): void {
    this.#summarizer.add(hit);
    this.recent.add(hit);
    if (!isSuccess(hit) && this.failedAtMs.length < MOST_FAILURES) this.failedAtMs.push(hit.dueAtMs);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
