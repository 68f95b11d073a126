/** A run as it happens: redrawn in place on a terminal, one line an event elsewhere. */
import { activeSteps, stepStatus, type RunRecord } from '../../core/run/run-state.ts';
import type { RunEvent } from '../../core/run/run-event.ts';
import type { Step } from '../../core/plan/step.ts';
import type { RunNews, RunObserver } from '../../ports/run-observer.ts';
import type { Terminal } from '../terminal.ts';
import { fit } from './table.ts';
import { count, duration } from './words.ts';

export interface RunView extends RunObserver {
  /** Says something that is not about a step, without disturbing what is redrawn. */
  note(text: string): void;
  close(): void;
}

export function openRunView(terminal: Terminal, nowMs: () => number): RunView {
  return terminal.isInteractive ? new LiveView(terminal, nowMs) : new LineView(terminal);
}

/** One line an event, with an instant that a program can read. */
class LineView implements RunView {
  readonly #terminal: Terminal;
  /** What was told last of each step. */
  readonly #lastDetails = new Map<string, string>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  tell(news: RunNews): void {
    const line = this.#line(news);
    const at = news.kind === 'event' ? news.event.at : new Date().toISOString();
    if (line !== undefined) this.#terminal.out(`${at} ${line}`);
  }

  note(text: string): void {
    this.#terminal.err(text);
  }

  close(): void {
    // Nothing is held back.
  }

  #line(news: RunNews): string | undefined {
    switch (news.kind) {
      case 'event':
        if ('step' in news.event) this.#lastDetails.delete(news.event.step);
        return eventText(news.event, news.record);
      case 'progress': {
        const text = `waiting ${news.step.id}: ${news.detail}`;
        if (text === this.#lastDetails.get(news.step.id)) return undefined;
        this.#lastDetails.set(news.step.id, text);
        return text;
      }
      case 'output':
        return `output ${news.line}`;
      case 'trouble':
        return `trouble ${news.reason}; again in ${duration(news.waitMs)}`;
    }
  }
}

function stepOf(id: string, record: RunRecord): Step | undefined {
  return [...record.plan.steps, ...(record.backPlan?.steps ?? [])].find((step) => step.id === id);
}

export function eventText(event: RunEvent, record: RunRecord): string {
  const title = 'step' in event ? (stepOf(event.step, record)?.title ?? '') : '';
  switch (event.type) {
    case 'RunStarted':
      return `started run ${record.name}, ${count(record.plan.steps.length, 'step')}`;
    case 'DriverChanged':
      return `taken over by ${event.driver}`;
    case 'StepStarted':
      return `step ${event.step} started: ${title}`;
    case 'StepDone':
      return `step ${event.step} done: ${title} (${event.evidence.join('; ')})`;
    case 'StepSkipped':
      return `step ${event.step} skipped: ${event.reason}`;
    case 'StepFailed':
      return `step ${event.step} failed: ${event.problem.code} ${event.problem.what.split('\n')[0] ?? ''}`;
    case 'Paused':
      return 'paused between two steps';
    case 'Resumed':
      return `resumed by ${event.by}`;
    case 'FinishAsked':
      return 'finish asked for';
    case 'RollbackStarted':
      return `rolling back: ${event.reason}`;
    case 'RunEnded':
      return `ended: ${event.outcome}`;
  }
}

const BAR_WIDTH = 48;
const REDRAW_MS = 250;
const MOST_LIVE_STEPS = 5;

/** A step that is under way, or waited for. */
interface LiveStep {
  readonly sinceMs: number;
  readonly detail: string;
}

/** The last lines of the screen are redrawn; what is done scrolls up. */
class LiveView implements RunView {
  readonly #terminal: Terminal;
  readonly #nowMs: () => number;
  readonly #timer: NodeJS.Timeout;
  #drawnLines = 0;
  #record: RunRecord | undefined;
  readonly #live = new Map<string, LiveStep>();
  #beganAtMs: number;

  constructor(terminal: Terminal, nowMs: () => number) {
    this.#terminal = terminal;
    this.#nowMs = nowMs;
    this.#beganAtMs = nowMs();
    this.#timer = setInterval(() => this.#redraw(), REDRAW_MS);
    this.#timer.unref();
  }

  tell(news: RunNews): void {
    switch (news.kind) {
      case 'event':
        this.#onEvent(news.event, news.record);
        break;
      case 'progress':
        this.#record = news.record;
        this.#say(news.step.id, news.detail);
        break;
      case 'output':
        this.#sayOfAll(news.line.trim());
        break;
      case 'trouble':
        this.#sayOfAll(`${news.reason}; again in ${duration(news.waitMs)}`);
        break;
    }
    this.#redraw();
  }

  #say(step: string, detail: string): void {
    this.#live.set(step, { sinceMs: this.#live.get(step)?.sinceMs ?? this.#nowMs(), detail });
  }

  #sayOfAll(detail: string): void {
    for (const step of this.#live.keys()) this.#say(step, detail);
  }

  note(text: string): void {
    this.#clear();
    this.#terminal.out(this.#terminal.tone('warn', text));
    this.#redraw();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#clear();
    this.#record = undefined;
  }

  #onEvent(event: RunEvent, record: RunRecord): void {
    this.#record = record;
    this.#clear();
    if (event.type === 'StepStarted') {
      this.#live.set(event.step, { sinceMs: Date.parse(event.at), detail: '' });
    } else if (event.type !== 'RunEnded' && event.type !== 'DriverChanged') {
      this.#terminal.out(this.#settledLine(event, record));
      if ('step' in event) this.#live.delete(event.step);
    }
  }

  #settledLine(event: RunEvent, record: RunRecord): string {
    const step = 'step' in event ? stepOf(event.step, record) : undefined;
    const sinceMs = step === undefined ? undefined : this.#live.get(step.id)?.sinceMs;
    const took = duration(sinceMs === undefined ? 0 : this.#nowMs() - sinceMs);
    const width = Math.max(20, this.#terminal.columns - 12);
    switch (event.type) {
      case 'StepDone':
        return `${this.#terminal.tone('good', '✓')} ${fit(step?.title ?? event.step, width).padEnd(width)} ${took.padStart(7)}`;
      case 'StepSkipped':
        return `${this.#terminal.tone('dim', '○')} ${fit(`${step?.title ?? event.step}: ${event.reason}`, width)}`;
      case 'StepFailed':
        return `${this.#terminal.tone('bad', '✗')} ${fit(step?.title ?? event.step, width).padEnd(width)} ${took.padStart(7)}`;
      default:
        return this.#terminal.tone('dim', eventText(event, record));
    }
  }

  #redraw(): void {
    if (!this.#record) return;
    this.#clear();
    const lines = this.#liveLines(this.#record);
    process.stdout.write(`${lines.join('\n')}\n`);
    this.#drawnLines = lines.length;
  }

  #liveLines(record: RunRecord): string[] {
    const steps = activeSteps(record);
    const settled = steps.filter((step) => ['done', 'skipped'].includes(stepStatus(record.state, step))).length;
    const elapsed = duration(this.#nowMs() - this.#beganAtMs);
    const filled = steps.length === 0 ? BAR_WIDTH : Math.round((settled / steps.length) * BAR_WIDTH);
    const bar = `${this.#terminal.tone('good', '━'.repeat(filled))}${this.#terminal.tone('dim', '━'.repeat(BAR_WIDTH - filled))}`;
    const live = steps.filter((step) => this.#live.has(step.id));
    const more = live.length - MOST_LIVE_STEPS;
    return [
      ...live.slice(0, MOST_LIVE_STEPS).map((step) => this.#liveLine(step)),
      ...(more > 0 ? [this.#terminal.tone('dim', `  and ${more} more`)] : []),
      `${bar}  step ${Math.min(settled + 1, steps.length)} of ${steps.length} · ${elapsed}`,
      this.#terminal.tone('dim', live.length > 1 ? 'Ctrl-C stops after these steps' : 'Ctrl-C stops after this step'),
    ];
  }

  #liveLine(step: Step): string {
    const { sinceMs, detail } = this.#live.get(step.id) ?? { sinceMs: this.#nowMs(), detail: '' };
    const text = `${fit(step.title, 44)}${detail === '' ? '' : `  ${detail}`} (${duration(this.#nowMs() - sinceMs)})`;
    const width = this.#terminal.columns - 1;
    return `${this.#terminal.tone('warn', '●')} ${text.length > width - 2 ? `${text.slice(0, width - 3)}…` : text}`;
  }

  #clear(): void {
    if (this.#drawnLines > 0) process.stdout.write(`\r\u001B[${this.#drawnLines}A\u001B[0J`);
    this.#drawnLines = 0;
  }
}
