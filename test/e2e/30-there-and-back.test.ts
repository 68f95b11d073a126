/** The scenario of the real cluster, in a sandbox: nothing but Node is needed. */
import { vi } from 'vitest';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import { thereAndBack } from '../scenarios/there-and-back.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
thereAndBack(new SandboxCluster({ speed: 6 }));
