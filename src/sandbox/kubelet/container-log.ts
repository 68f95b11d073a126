/** The log of one run of a container; only its newest lines are kept. */
import type { ContainerLog, LogFollower, LogLine } from '../cluster/pod-runtime.ts';

/** Lines kept for each run. */
const KEPT_LINES = 1000;

export class LineLog implements ContainerLog {
  #lines: LogLine[] | undefined;
  #followers: Set<LogFollower> | undefined;
  #ended = false;

  /** A text of several lines makes several. */
  append(atMs: number, text: string): void {
    if (this.#ended) return;
    const lines = (this.#lines ??= []);
    for (const part of text.replace(/\n$/, '').split('\n')) {
      const line = { atMs, text: part };
      lines.push(line);
      for (const follower of this.#followers ?? []) follower.line(line);
    }
    // Cut in larger pieces: shifting at every line would move all of them each time.
    if (lines.length > 2 * KEPT_LINES) lines.splice(0, lines.length - KEPT_LINES);
  }

  end(): void {
    this.#ended = true;
    for (const follower of this.#followers ?? []) follower.end();
    this.#followers = undefined;
  }

  lines(): readonly LogLine[] {
    return this.#lines?.slice(-KEPT_LINES) ?? [];
  }

  follow(follower: LogFollower): () => void {
    if (this.#ended) {
      follower.end();
      return () => undefined;
    }
    this.#followers ??= new Set();
    this.#followers.add(follower);
    return () => void this.#followers?.delete(follower);
  }
}
