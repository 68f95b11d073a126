/** What keeps a revision, in a sandbox. */
import { vi } from 'vitest';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import { whatKeepsARevision } from '../scenarios/in-use.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });
whatKeepsARevision(new SandboxCluster({ speed: 10 }));
