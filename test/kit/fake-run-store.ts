import { Problem, Transient } from '../../src/core/problems/problem.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import { sameButLastTime, type RunEvent } from '../../src/core/run/run-event.ts';
import { applyEvent, foldEvents, type RunPhase, type RunRecord } from '../../src/core/run/run-state.ts';
import { summarizeRun } from '../../src/core/run/summarize-run.ts';
import type { RunControls, RunStore, RunSummary, RunWriter } from '../../src/ports/run-store.ts';

/** As a server would hold it: texts, so that nothing is shared with whoever wrote them. */
interface StoredRun {
  readonly plan: string;
  backPlan?: string;
  events: readonly string[];
  /** Raised with each write. */
  version: number;
  /** Who may write, and how often that changed. */
  driver: string;
  transitions: number;
  paused: boolean;
  readonly leftOut: string[];
}

export interface StoreHooks {
  /** Called before each write of an event; what it throws comes instead of the write. */
  beforeAppend?: (event: RunEvent) => void;
  /** Called after each write of an event; when it throws, the write stands, and its answer was lost. */
  afterAppend?: (event: RunEvent) => void;
}

/** Runs in memory, with the rule of the real store: only who took a run over last may write to it. */
export class FakeRunStore implements RunStore {
  readonly runs = new Map<string, StoredRun>();
  readonly hooks: StoreHooks = {};

  async list(): Promise<readonly RunSummary[]> {
    const summaries = [...this.runs].map(([name, run]): RunSummary => {
      const record = recordOf(name, run);
      const { phase, from, to, step, startedAt, updatedAt, message } = summarizeRun(record);
      const { action } = record.plan.request;
      return { name, action, phase: phase as RunPhase, paused: run.paused, from, to, step, startedAt, updatedAt, message };
    });
    return Promise.resolve(summaries.toReversed());
  }

  async load(name: string): Promise<RunRecord> {
    return Promise.resolve(recordOf(name, this.#run(name)));
  }

  async create(name: string, plan: Plan): Promise<void> {
    const fresh: StoredRun = { plan: JSON.stringify(plan), events: [], version: 0, driver: '', transitions: 0, paused: false, leftOut: [] };
    if (!this.runs.has(name)) this.runs.set(name, fresh);
    return Promise.resolve();
  }

  async open(name: string, driver: string): Promise<RunWriter> {
    const run = this.#run(name);
    run.driver = driver;
    run.transitions += 1;
    run.version += 1;
    return Promise.resolve(new FakeRunWriter(name, run, this.hooks));
  }

  async readControls(name: string): Promise<RunControls> {
    const { paused, leftOut } = this.#run(name);
    return Promise.resolve({ paused, leftOut: [...leftOut] });
  }

  async setPaused(name: string, paused: boolean): Promise<void> {
    this.#run(name).paused = paused;
    return Promise.resolve();
  }

  async leaveOut(name: string, workload: string): Promise<void> {
    this.#run(name).leftOut.push(workload);
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
  return {
    name,
    plan: JSON.parse(run.plan) as Plan,
    ...(run.backPlan === undefined ? {} : { backPlan: JSON.parse(run.backPlan) as Plan }),
    events,
    state: foldEvents(events),
  };
}

/** Knows the run as it was when this driver took it over, with what it wrote since. */
class FakeRunWriter implements RunWriter {
  readonly #run: StoredRun;
  readonly #hooks: StoreHooks;
  readonly #driver: string;
  readonly #transitions: number;
  #version: number;
  #events: readonly string[];
  record: RunRecord;

  constructor(name: string, run: StoredRun, hooks: StoreHooks) {
    this.#run = run;
    this.#hooks = hooks;
    this.#driver = run.driver;
    this.#transitions = run.transitions;
    this.#version = run.version;
    this.#events = run.events;
    this.record = recordOf(name, run);
  }

  async append(event: RunEvent): Promise<RunRecord> {
    this.#hooks.beforeAppend?.(event);
    const events = this.#write([...this.#events, JSON.stringify(event)]);
    this.#hooks.afterAppend?.(event);
    this.#version = this.#run.version;
    this.#events = events;
    const stored = JSON.parse(events.at(-1) ?? '') as RunEvent;
    this.record = { ...this.record, events: [...this.record.events, stored], state: applyEvent(this.record.state, stored) };
    return Promise.resolve(this.record);
  }

  /** Conditional on the version; when that is another one, it is somebody else, or an own write whose answer was lost. */
  #write(events: readonly string[]): readonly string[] {
    this.#expectMine();
    if (this.#run.version !== this.#version) {
      this.#version = this.#run.version;
      const parsed = (texts: readonly string[]): RunEvent[] => texts.map((text) => JSON.parse(text) as RunEvent);
      if (!sameButLastTime(parsed(this.#run.events), parsed(events))) throw new Transient('the record was written at the same moment');
      return this.#run.events;
    }
    this.#run.events = events;
    this.#run.version += 1;
    return events;
  }

  #expectMine(): void {
    if (this.#run.driver === this.#driver && this.#run.transitions === this.#transitions) return;
    throw new Problem('RUN-002', { what: `The run is driven by ${this.#run.driver} now.`, next: [] });
  }

  async storeBackPlan(plan: Plan): Promise<void> {
    this.#expectMine();
    this.#run.backPlan = JSON.stringify(plan);
    this.record = { ...this.record, backPlan: JSON.parse(this.#run.backPlan) as Plan };
    return Promise.resolve();
  }
}
