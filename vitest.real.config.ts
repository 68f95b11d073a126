// Tests on a real cluster with a real Istio: one file at a time, in the order of their names.
import { defineConfig } from 'vitest/config';
import manifest from './package.json' with { type: 'json' };
import { ByNameSequencer } from './test/kit/by-name-sequencer.ts';
import { CiReporter } from './test/kit/ci-reporter.ts';

const TEN_MINUTES_MS = 10 * 60 * 1000;

export default defineConfig({
  define: { MESHLIFT_VERSION: JSON.stringify(manifest.version) },
  test: {
    include: ['test/real/**/*.test.ts'],
    reporters: ['default', new CiReporter()],
    fileParallelism: false,
    sequence: { sequencer: ByNameSequencer },
    testTimeout: TEN_MINUTES_MS,
    hookTimeout: TEN_MINUTES_MS,
    bail: 0,
  },
});
