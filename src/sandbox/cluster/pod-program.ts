/** What runs inside of simulated pods. A kubelet starts the program of each container by the container's image. */
import type { IncomingMessage, RequestListener } from 'node:http';
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { Cluster } from './cluster-view.ts';
import type { PodNetwork } from './pod-network.ts';

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly containerPort: number; readonly name?: string; readonly protocol?: string }[];
  readonly [field: string]: unknown;
}

/** What a program may do in its pod. */
export interface PodContext {
  /** The pod as it is now. */
  pod(): KubeObject;
  readonly container: ContainerSpec;
  readonly ip: string;
  readonly cluster: Cluster;
  readonly network: PodNetwork;
  readonly clock: SandboxClock;
  /** 0 to 1, from the seed of the sandbox. */
  readonly random: () => number;
  /** A line of the container's log. */
  log(line: string): void;
  /** Serves HTTP on a port of the pod until the program stops. */
  serveHttp(port: number, handler: RequestListener): Promise<void>;
  /** Serves HTTPS with a certificate (PEM). */
  serveHttps(port: number, tls: { readonly cert: string; readonly key: string }, handler: RequestListener): Promise<void>;
  /** Ends the container with an exit code; the kubelet restarts it as the pod's policy says. */
  exit(code: number): void;
  /**
   * Closes the listeners to new connections, as a server that shuts down gracefully does; requests that are under way are
   * answered and their connections closed. Without it a listener is open until the program has ended.
   */
  closeListeners?(): void;
}

export interface ContainerProgram {
  /** Resolves when the container runs; it may still not be ready. */
  start(context: PodContext): Promise<void>;
  /** Asked by the kubelet in place of a startup or readiness probe. */
  ready(): boolean;
  /** Asked in place of a liveness probe; a program without it is alive as long as it runs. */
  alive?(): boolean;
  /** The pod terminates: SIGTERM. Resolves when the program has ended by itself; the kubelet kills it after the grace period. */
  stop(): Promise<void>;
  /** What was cut off: listeners closed, connections destroyed. */
  kill(): void;
  /** A command in the container. */
  exec?(command: readonly string[]): ProgramAnswer | Promise<ProgramAnswer>;
}

/** What a command said, exit code 127 for one that there is not. */
export interface ProgramAnswer {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Makes the program of a container; undefined for an image that it does not know. */
export type ProgramFactory = (pod: KubeObject, container: ContainerSpec) => ContainerProgram | undefined;

export type { IncomingMessage };
