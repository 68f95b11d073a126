/** The time of a sandbox: that of the machine, faster, or virtual, where hours pass in seconds and a seed gives the same events again. */

export interface Timer {
  cancel(): void;
}

export interface SandboxClock {
  /** Milliseconds since the epoch, by this clock. */
  nowMs(): number;
  /** Calls once after so much time of this clock. Callbacks of one instant run in the order in which they were asked for. */
  after(delayMs: number, act: () => void): Timer;
  sleep(delayMs: number): Promise<void>;
  /**
   * Says that something is under way that takes no time of this clock, such as a request between two parts of the sandbox:
   * a virtual clock stands still until it is released.
   */
  hold(): () => void;
}

/** RFC 3339 with whole seconds, as Kubernetes writes times. */
export function timestamp(clock: Pick<SandboxClock, 'nowMs'>): string {
  return `${new Date(clock.nowMs()).toISOString().slice(0, 19)}Z`;
}
