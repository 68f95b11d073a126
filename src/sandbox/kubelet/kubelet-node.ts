/** One node and what its kubelet shares between its pods. */
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { Cluster, ClusterWriter } from '../cluster/cluster-view.ts';
import type { PodNetwork } from '../cluster/pod-network.ts';
import type { ProgramFactory } from '../cluster/pod-program.ts';
import type { KubeletKnobs } from './kubelet-knobs.ts';
import type { EventRecorder } from './pod-events.ts';
import type { ProbeWheel } from './probe-wheel.ts';

/** What all kubelets of a sandbox share. */
export interface KubeletSurroundings {
  readonly cluster: Cluster;
  readonly clock: SandboxClock;
  readonly network: PodNetwork;
  readonly random: () => number;
  readonly programs: readonly ProgramFactory[];
  readonly knobs: KubeletKnobs;
  readonly wheel: ProbeWheel;
}

export interface KubeletNode {
  readonly name: string;
  readonly ip: string;
  /** Writes as `system:node:NAME`. */
  readonly writer: ClusterWriter;
  readonly events: EventRecorder;
  /** Images that are on the node. */
  readonly images: Set<string>;
}
