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
  /**
   * Does something that the machine takes part in, such as bytes over a socket or a key made by another thread, and that takes no time
   * of this clock. A virtual clock stands still meanwhile and lets only one of them go on at a time, in the order in which they were
   * asked for, since the machine would end them in any order.
   * @param act is given what it calls when the other side seems to wait for time to pass: time and the others then go on without it
   */
  outside<T>(act: (letGo: () => void) => Promise<T>): Promise<T>;
  /**
   * Says that somebody outside of the sandbox asks something, and may wait for something to happen: a virtual clock may stand still
   * while nobody does.
   * @returns says that it is answered; for a stream, that it has ended
   */
  attend?(): () => void;
}

/** RFC 3339 with whole seconds, as Kubernetes writes times. */
export function timestamp(clock: Pick<SandboxClock, 'nowMs'>): string {
  return `${new Date(clock.nowMs()).toISOString().slice(0, 19)}Z`;
}
