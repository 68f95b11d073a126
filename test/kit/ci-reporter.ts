/** Prints the counts of a run as its last line, for whoever reads logs by machine: `.ci/run` adds them up. */
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export class CiReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
    const passed = tests.filter((state) => state === 'passed').length;
    const skipped = tests.filter((state) => state === 'skipped').length;
    // A test still pending at the end never ran: that is no pass. Neither is a file or a hook that broke.
    const failed =
      tests.length - passed - skipped + modules.map(brokenSuites).reduce((sum, count) => sum + count, 0) + unhandledErrors.length;
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  }
}

/** Files that could not be loaded, and suites whose hooks failed: their tests count as skipped, or do not count at all. */
function brokenSuites(module: TestModule): number {
  return [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length;
}
