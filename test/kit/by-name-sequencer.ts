import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Runs test files in the order of their names: on a real cluster, one file may build on what an earlier one left. */
export class ByNameSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1));
  }
}
