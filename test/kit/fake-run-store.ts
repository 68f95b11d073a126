import { Problem } from '../../src/core/problems/problem.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import type { RunEvent } from '../../src/core/run/run-event.ts';
import { foldEvents, type RunRecord } from '../../src/core/run/run-state.ts';
import { summarizeRun } from '../../src/core/run/summarize-run.ts';
import type { HeldLock, LockAnswer, LockHolder, RunLock } from '../../src/ports/run-lock.ts';
import type { RunControls, RunStore, RunSummary, RunWriter } from '../../src/ports/run-store.ts';

interface StoredRun {
  plan: Plan;
  backPlan?: Plan;
  /** As text, so that nothing is shared with whoever wrote it. */
  events: string[];
  driver: string;
  paused: boolean;
}

/** Runs in memory, with the rule of the real store: only who took a run over last may write to it. */
export class FakeRunStore implements RunStore {
  readonly runs = new Map<string, StoredRun>();
  /** Called before each write of an event, and after it. */
  readonly hooks: { beforeAppend?: (event: RunEvent) => void; afterAppend?: (event: RunEvent) => void } = {};

  async list(): Promise<readonly RunSummary[]> {
    return Promise.resolve(
      [...this.runs].toReversed().map(([name, run]) => {
        const { phase, from, to, step, startedAt, updatedAt, message } = summarizeRun(recordOf(name, run));
        return {
          name,
          action: run.plan.request.action,
          phase: phase as RunSummary['phase'],
          paused: run.paused,
          from,
          to,
          step,
          startedAt,
          updatedAt,
          message,
        };
      }),
    );
  }

  async load(name: string): Promise<RunRecord> {
    return Promise.resolve(recordOf(name, this.#run(name)));
  }

  async create(name: string, plan: Plan): Promise<void> {
    if (!this.runs.has(name)) this.runs.set(name, { plan: structuredClone(plan), events: [], driver: '', paused: false });
    return Promise.resolve();
  }

  async open(name: string, driver: string): Promise<RunWriter> {
    const run = this.#run(name);
    run.driver = driver;
    return Promise.resolve(new FakeRunWriter(name, run, driver, this.hooks));
  }

  async readControls(name: string): Promise<RunControls> {
    return Promise.resolve({ paused: this.#run(name).paused });
  }

  async setPaused(name: string, paused: boolean): Promise<void> {
    this.#run(name).paused = paused;
    return Promise.resolve();
  }

  async forget(name: string): Promise<void> {
    this.#run(name);
    this.runs.delete(name);
    return Promise.resolve();
  }

  async forgetEverything(): Promise<void> {
    this.runs.clear();
    return Promise.resolve();
  }

  #run(name: string): StoredRun {
    const run = this.runs.get(name);
    if (!run) throw new Problem('RUN-003', { what: `There is no run ${name}.`, next: [] });
    return run;
  }
}

function recordOf(name: string, run: StoredRun): RunRecord {
  const events = run.events.map((text) => JSON.parse(text) as RunEvent);
  return { name, plan: run.plan, ...(run.backPlan === undefined ? {} : { backPlan: run.backPlan }), events, state: foldEvents(events) };
}

class FakeRunWriter implements RunWriter {
  readonly #name: string;
  readonly #run: StoredRun;
  readonly #driver: string;
  readonly #hooks: FakeRunStore['hooks'];

  constructor(name: string, run: StoredRun, driver: string, hooks: FakeRunStore['hooks']) {
    this.#name = name;
    this.#run = run;
    this.#driver = driver;
    this.#hooks = hooks;
  }

  get record(): RunRecord {
    return recordOf(this.#name, this.#run);
  }

  async append(event: RunEvent): Promise<RunRecord> {
    this.#hooks.beforeAppend?.(event);
    if (this.#run.driver !== this.#driver) throw new Problem('RUN-002', { what: `The run is driven by ${this.#run.driver}.`, next: [] });
    this.#run.events.push(JSON.stringify(event));
    this.#hooks.afterAppend?.(event);
    return Promise.resolve(this.record);
  }

  async storeBackPlan(plan: Plan): Promise<void> {
    this.#run.backPlan = structuredClone(plan);
    return Promise.resolve();
  }
}

/** One lock for all drivers of a test. */
export class FakeLockState {
  holder: { identity: string; alive: boolean } | undefined;
}

export class FakeRunLock implements RunLock {
  readonly identity: string;
  readonly #state: FakeLockState;

  constructor(identity: string, state: FakeLockState) {
    this.identity = identity;
    this.#state = state;
  }

  async acquire(): Promise<LockAnswer> {
    const holder = await this.holder();
    if (holder) return { kind: 'busy', holder };
    const mine = { identity: this.identity, alive: true };
    this.#state.holder = mine;
    const lock: HeldLock = {
      isHeld: () => this.#state.holder === mine && mine.alive,
      release: () => {
        if (this.#state.holder === mine) this.#state.holder = undefined;
        return Promise.resolve();
      },
    };
    return { kind: 'held', lock };
  }

  async holder(): Promise<LockHolder | undefined> {
    const { holder } = this.#state;
    return Promise.resolve(
      holder?.alive === true ? { identity: holder.identity, silentForMs: 2000, expiresInMs: 13_000, knownDead: false } : undefined,
    );
  }
}
