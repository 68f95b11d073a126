/** One run of a container, from the start of its program to its exit code. */
import type { CommandResult } from '../cluster/pod-runtime.ts';
import type { RequestListener } from 'node:http';
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { Cluster } from '../cluster/cluster-view.ts';
import type { PodNetwork } from '../cluster/pod-network.ts';
import type { ContainerProgram, PodContext } from '../cluster/pod-program.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { LineLog } from './container-log.ts';
import type { KubeletSurroundings } from './kubelet-node.ts';
import { PodListeners } from './pod-listeners.ts';
import type { PodContainer } from './pod-spec.ts';

export interface ContainerExit {
  readonly exitCode: number;
  readonly atMs: number;
}

export interface ContainerRunInput {
  readonly surroundings: KubeletSurroundings;
  readonly life: { pod(): KubeObject };
  readonly container: PodContainer;
  readonly ip: string;
  readonly program: ContainerProgram;
}

const KILLED = 137;
const FAILED = 1;

/** Is itself what its program is given, since there may be tens of thousands of runs at once. */
export class ContainerRun implements PodContext {
  readonly lines = new LineLog();
  readonly exited: Promise<ContainerExit>;
  readonly #life: ContainerRunInput['life'];
  readonly container: PodContainer;
  readonly ip: string;
  readonly #surroundings: KubeletSurroundings;
  readonly #program: ContainerProgram;
  #resolve: (exit: ContainerExit) => void = () => undefined;
  /** While it begins. */
  #begun: (() => void) | undefined;
  /** Made for those that serve. */
  #listeners: PodListeners | undefined;
  #state: 'new' | 'running' | 'terminating' | 'over' = 'new';

  constructor({ surroundings, life, container, ip, program }: ContainerRunInput) {
    this.#surroundings = surroundings;
    this.#program = program;
    this.#life = life;
    this.container = container;
    this.ip = ip;
    this.exited = new Promise((resolve) => (this.#resolve = resolve));
  }

  pod(): KubeObject {
    return this.#life.pod();
  }

  get cluster(): Cluster {
    return this.#surroundings.cluster;
  }

  get network(): PodNetwork {
    return this.#surroundings.network;
  }

  get clock(): SandboxClock {
    return this.#surroundings.clock;
  }

  get random(): () => number {
    return this.#surroundings.random;
  }

  log(line: string): void {
    this.lines.append(this.clock.nowMs(), line);
  }

  serveHttp(port: number, handler: RequestListener): Promise<void> {
    return this.#listening().serveHttp(port, handler);
  }

  serveHttps(port: number, tls: { readonly cert: string; readonly key: string }, handler: RequestListener): Promise<void> {
    return this.#listening().serveHttps(port, tls, handler);
  }

  closeListeners(): void {
    this.#listeners?.close();
  }

  /** Ends it with this code, as if by itself. */
  exit(exitCode: number): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#listeners?.destroy();
    this.lines.end();
    this.#resolve({ exitCode, atMs: this.clock.nowMs() });
    this.#begun?.();
  }

  /** Resolves when the program runs or has failed to, or when the run is over sooner. */
  async begin(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#begun = resolve;
      void this.#start().then(resolve);
    });
    this.#begun = undefined;
  }

  async #start(): Promise<void> {
    try {
      await this.#program.start(this);
      if (this.#state === 'new') this.#state = 'running';
    } catch (error) {
      this.#fail(error);
    }
  }

  ready(): boolean {
    return (this.#state === 'running' || this.#state === 'terminating') && this.#program.ready();
  }

  alive(): boolean {
    return this.#state !== 'over' && (this.#program.alive?.() ?? true);
  }

  /** SIGTERM. */
  terminate(): void {
    if (this.#state === 'over' || this.#state === 'terminating') return;
    this.#state = 'terminating';
    this.#program.stop().then(
      () => this.exit(0),
      (error: unknown) => this.#fail(error),
    );
  }

  /** SIGKILL. */
  kill(): void {
    if (this.#state === 'over') return;
    this.#program.kill();
    this.exit(KILLED);
  }

  exec(command: readonly string[]): CommandResult | Promise<CommandResult> | undefined {
    return this.#program.exec?.(command);
  }

  #fail(error: unknown): void {
    this.log(`fatal: ${error instanceof Error ? error.message : String(error)}`);
    this.exit(FAILED);
  }

  #listening(): PodListeners {
    this.#listeners ??= new PodListeners(this.ip, this.network, this.clock);
    // What a program opens after its end is closed again at once.
    if (this.#state === 'over') this.#listeners.destroy();
    return this.#listeners;
  }
}
