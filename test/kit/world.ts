/** A fake cluster with everything around it that a driver needs. */
import { createHash } from 'node:crypto';
import type { Plan } from '../../src/core/plan/plan.ts';
import { Problem } from '../../src/core/problems/problem.ts';
import { upgradeRequestSchema, type UpgradeRequest } from '../../src/core/request/upgrade-request.ts';
import { planUpgrade } from '../../src/flows/plan-upgrade.ts';
import { startRun } from '../../src/flows/start-run.ts';
import type { RunPorts } from '../../src/flows/flow-ports.ts';
import type { RunNews } from '../../src/ports/run-observer.ts';
import type { RunResult } from '../../src/flows/perform-run.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeCluster } from './fake-cluster.ts';
import { FakeInstaller } from './fake-installer.ts';
import { FakeLockState, FakeRunLock } from './fake-run-lock.ts';
import { FakeReleases } from './fake-releases.ts';
import { FakeRunStore } from './fake-run-store.ts';
import { controlPlaneObjects, crd, defaultObjects, sharedObjects } from './istio-objects.ts';
import { RecordingObserver } from './recording-observer.ts';

export const NEVER = new AbortController().signal;

export class World {
  readonly cluster = new FakeCluster();
  readonly clock = new FakeClock(() => this.cluster.tick());
  readonly store = new FakeRunStore();
  readonly lockState = new FakeLockState(this.clock);
  readonly observer = new RecordingObserver();
  readonly installer = new FakeInstaller(this.cluster);
  #drivers = 0;

  constructor() {
    this.cluster
      .namespace('istio-system')
      .put(
        crd('virtualservices.networking.istio.io', ['v1', 'v1beta1']),
        ...sharedObjects(),
        ...controlPlaneObjects({ revision: 'default', version: '1.28.2', webhooksDeactivated: true }),
        ...defaultObjects('default'),
      );
  }

  /** A shop that uses the old revision. */
  withShop(): this {
    this.cluster
      .namespace('shop', { 'istio-injection': 'enabled' })
      .workload('shop', 'web', 2)
      .workload('shop', 'cart', 1)
      .workload('shop', 'ledger', 2, 'StatefulSet');
    return this;
  }

  /** What every driver told. */
  get news(): readonly RunNews[] {
    return this.observer.news;
  }

  /** Ports of a new driver. */
  driver(): RunPorts {
    this.#drivers += 1;
    return {
      reader: this.cluster,
      releases: new FakeReleases(this.cluster),
      writer: this.cluster,
      prober: this.cluster,
      store: this.store,
      lock: new FakeRunLock(`driver-${this.#drivers}`, this.lockState),
      clock: this.clock,
      observer: this.observer,
      installerFor: (request) => (request.install === undefined ? undefined : this.installer),
      sha256: (text) => createHash('sha256').update(text).digest('hex'),
      user: 'tester',
    };
  }

  /** The process of the present driver is gone. */
  killDriver(): void {
    this.lockState.kill();
  }

  async plan(more: Record<string, unknown> = {}): Promise<Plan> {
    return (await planUpgrade(this.driver(), request(more))).plan;
  }

  async apply(more: Record<string, unknown> = {}, signal: AbortSignal = NEVER): Promise<RunResult> {
    return startRun(this.driver(), await this.plan(more), signal);
  }

  /** Name of the only run. */
  get run(): string {
    const [name = ''] = this.store.runs.keys();
    return name;
  }
}

export function request(more: Record<string, unknown> = {}): UpgradeRequest {
  return upgradeRequestSchema.parse({
    to: { revision: 'canary', version: '1.29.1' },
    install: { with: 'istioctl' },
    stepTimeoutSeconds: 60,
    ...more,
  });
}

/** The code of the problem that a promise ends with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return error instanceof Problem ? error.code : `not a problem: ${String(error)}`;
  }
}
