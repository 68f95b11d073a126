import type { HeldLock, LockAnswer, LockHolder, RunLock } from '../../src/ports/run-lock.ts';
import type { FakeClock } from './fake-clock.ts';

const LEASE_MS = 15_000;

interface Holding {
  readonly identity: string;
  /** Absent while it lives; since when it is silent, else. */
  silentSinceMs?: number;
  /** Its process is known to be gone, as on the same machine. */
  knownDead: boolean;
}

/** The lock of one mesh, for all drivers of a test. */
export class FakeLockState {
  readonly clock: FakeClock;
  holder: Holding | undefined;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  /** The process of the holder is gone, and whoever asks is on its machine. */
  kill(): void {
    this.#silence(true);
  }

  /** The holder is silent, and nobody knows whether it lives. */
  freeze(): void {
    this.#silence(false);
  }

  #silence(knownDead: boolean): void {
    if (!this.holder) return;
    this.holder.silentSinceMs ??= this.clock.nowMs();
    this.holder.knownDead = knownDead;
  }

  present(): LockHolder | undefined {
    if (!this.holder) return undefined;
    const { identity, silentSinceMs, knownDead } = this.holder;
    const silentForMs = silentSinceMs === undefined ? 2000 : this.clock.nowMs() - silentSinceMs;
    if (knownDead || silentForMs >= LEASE_MS) return undefined;
    return { identity, silentForMs, expiresInMs: LEASE_MS - silentForMs, knownDead };
  }
}

export class FakeRunLock implements RunLock {
  readonly identity: string;
  readonly #state: FakeLockState;

  constructor(identity: string, state: FakeLockState) {
    this.identity = identity;
    this.#state = state;
  }

  async acquire(): Promise<LockAnswer> {
    const holder = this.#state.present();
    if (holder) return Promise.resolve({ kind: 'busy', holder });
    const mine: Holding = { identity: this.identity, knownDead: false };
    this.#state.holder = mine;
    const lock: HeldLock = {
      isHeld: () => this.#state.holder === mine && mine.silentSinceMs === undefined,
      isLost: () => this.#state.holder !== mine,
      release: () => {
        if (this.#state.holder === mine) this.#state.holder = undefined;
        return Promise.resolve();
      },
    };
    return { kind: 'held', lock };
  }

  async holder(): Promise<LockHolder | undefined> {
    return Promise.resolve(this.#state.present());
  }
}
