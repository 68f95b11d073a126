/** What every problem that a user meets must look like. */
import { expect } from 'vitest';
import type { Outcome } from '../kit/child-process.ts';

export function expectProblem(outcome: Outcome, code: string, exit: number): void {
  expect(outcome.stderr).toContain(`✗ ${code}  `);
  expect(outcome.stderr).toMatch(/\n {2}what {3}/);
  expect(outcome.stderr).toMatch(/\n {2}state {2}/);
  expect(outcome.stderr).toMatch(/\n {2}next {3}/);
  expect(outcome.stderr).not.toMatch(/\n {4}at /);
  expect(outcome.code).toBe(exit);
}
