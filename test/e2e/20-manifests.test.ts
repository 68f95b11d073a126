/** The scenario of the real cluster, in a sandbox: nothing but Node is needed. */
import { vi } from 'vitest';
import { SandboxCluster } from '../kit/sandbox-cluster.ts';
import { renderedManifests } from '../scenarios/rendered-manifests.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
renderedManifests(new SandboxCluster({ speed: 10 }));
