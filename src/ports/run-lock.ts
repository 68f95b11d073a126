/** One run at a time changes a mesh. */

export interface LockHolder {
  readonly identity: string;
  /** Time since it last showed that it is alive. */
  readonly silentForMs: number;
  /** Time after which it counts as dead. */
  readonly expiresInMs: number;
  /** It runs on this machine and its process is gone, so nobody has to wait. */
  readonly knownDead: boolean;
}

export interface HeldLock {
  /** False while it could not be renewed for too long, and once it was lost; checked before every effect. */
  isHeld(): boolean;
  /** It is somebody else's by now, or gone, and does not come back. */
  isLost(): boolean;
  release(): Promise<void>;
}

export type LockAnswer = { readonly kind: 'held'; readonly lock: HeldLock } | { readonly kind: 'busy'; readonly holder: LockHolder };

export interface RunLock {
  readonly identity: string;
  /** Tries once. A holder that has expired, or is known to be dead, is taken over. */
  acquire(): Promise<LockAnswer>;
  holder(): Promise<LockHolder | undefined>;
}
