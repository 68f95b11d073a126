import type { RunEvent } from '../../src/core/run/run-event.ts';
import type { RunNews, RunObserver } from '../../src/ports/run-observer.ts';

export class RecordingObserver implements RunObserver {
  readonly news: RunNews[] = [];

  tell(news: RunNews): void {
    this.news.push(news);
  }

  of<K extends RunNews['kind']>(kind: K): Extract<RunNews, { kind: K }>[] {
    return this.news.filter((one): one is Extract<RunNews, { kind: K }> => one.kind === kind);
  }

  get events(): RunEvent[] {
    return this.of('event').map((one) => one.event);
  }
}
