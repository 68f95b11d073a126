/** The scenario of the real cluster, in a sandbox: nothing but Node is needed. */
import { vi } from 'vitest';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import { killedDriver } from '../scenarios/killed-driver.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
killedDriver(new SandboxCluster({ speed: 6 }));
