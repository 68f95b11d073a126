/** Running containers as streams see them: their logs and their commands. Kept by the kubelets. */

export interface LogLine {
  readonly atMs: number;
  /** Without its line end. */
  readonly text: string;
}

export interface LogFollower {
  readonly line: (line: LogLine) => void;
  /** The container has ended; no line follows. */
  readonly end: () => void;
}

export interface ContainerLog {
  /** What is kept of it, oldest first. */
  readonly lines: () => readonly LogLine[];
  /** Told of every line from now on; `end` at once when the container has ended already. @returns stops it */
  readonly follow: (follower: LogFollower) => () => void;
}

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface RunningContainer {
  readonly name: string;
  readonly running: () => boolean;
  /** What the runtime calls it, 64 hexadecimal digits; undefined before its first start. */
  readonly id: () => string | undefined;
  /** @param previous the log of the run before this one @returns undefined when there was no such run */
  readonly log: (previous: boolean) => ContainerLog | undefined;
  /** Asks the program; undefined when it answers no commands. */
  readonly exec: (command: readonly string[]) => CommandResult | Promise<CommandResult> | undefined;
}

export interface PodRuntimes {
  /** @returns undefined for a pod that no kubelet runs, and for a container that it does not have */
  readonly container: (podUid: string, name: string) => RunningContainer | undefined;
}
