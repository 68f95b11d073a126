/** The scenario of the real cluster, in a sandbox. */
import { vi } from 'vitest';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import { restartSafety } from '../scenarios/restart-safety.ts';

vi.setConfig({ testTimeout: 200_000, hookTimeout: 120_000 });
restartSafety(new SandboxCluster({ speed: 10 }));
