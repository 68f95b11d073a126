export interface Clock {
  nowMs(): number;
  /** Ends early, without an error, when the signal is given. */
  sleep(waitMs: number, signal?: { readonly aborted: boolean; addEventListener(type: 'abort', listener: () => void): void }): Promise<void>;
}
