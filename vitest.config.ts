import { defineConfig } from 'vitest/config';
import manifest from './package.json' with { type: 'json' };
import { CiReporter } from './test/kit/ci-reporter.ts';

export default defineConfig({
  define: { MESHLIFT_VERSION: JSON.stringify(manifest.version) },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // No test measures time; on a busy machine a process may take seconds to start.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    exclude: ['**/node_modules/**', 'test/real/**'],
    reporters: ['default', new CiReporter()],
  },
});
