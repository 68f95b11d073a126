/** What the flows are given. Who only looks or plans gets `PlanningPorts`, in which nothing can write. */
import type { Clock } from '../ports/clock.ts';
import type { ClusterReader, ClusterWriter, PodProber } from '../ports/cluster.ts';
import type { ControlPlaneInstaller } from '../ports/installer.ts';
import type { HelmReleases } from '../ports/helm-releases.ts';
import type { RunLock } from '../ports/run-lock.ts';
import type { RunObserver } from '../ports/run-observer.ts';
import type { RunStore } from '../ports/run-store.ts';
import type { UpgradeRequest } from '../core/request/upgrade-request.ts';

export interface PlanningPorts {
  readonly reader: ClusterReader;
  readonly releases: HelmReleases;
  readonly clock: Clock;
  /** The installer that a request asks for; undefined when it asks for none. */
  readonly installerFor: (request: UpgradeRequest) => ControlPlaneInstaller | undefined;
  readonly sha256: (text: string) => string;
  /** Who sits at the keyboard, for records. */
  readonly user: string;
}

export interface RunPorts extends PlanningPorts {
  readonly writer: ClusterWriter;
  readonly prober: PodProber;
  readonly store: RunStore;
  readonly lock: RunLock;
  readonly observer: RunObserver;
}

/** RFC 3339 of an instant. */
export function instant(atMs: number): string {
  return new Date(atMs).toISOString();
}
