import { describe, expect, it } from 'vitest';
import type { CaseResult } from '../../kit/recorded-case.ts';
import { fidelityReport } from './fidelity-report.ts';

const answer = { status: 200, headers: {}, body: {} };

function result(area: string, name: string, pointers: readonly string[]): CaseResult {
  const recorded = { area, name, about: '', requests: [], answers: [answer, answer, answer, answer] };
  return { recorded, differences: pointers.map((at) => ({ at, expected: 1, actual: 2 })) };
}

describe('fidelityReport', () => {
  it('counts answers and sequences that agree, by area', () => {
    const { areas } = fidelityReport([result('a', 'x', ['/1/body/p', '/1/body/q']), result('a', 'y', []), result('b', 'z', [''])], []);
    expect(areas).toEqual([
      { area: 'a', cases: 2, sameCases: 1, answers: 8, sameAnswers: 7 },
      { area: 'b', cases: 1, sameCases: 0, answers: 4, sameAnswers: 0 },
    ]);
  });

  it('gives differences their reasons, and names reasons that nothing needs', () => {
    const known = { cases: 'a/*', at: '*/body/p', reason: 'r' };
    const stale = { cases: 'b/*', at: '*', reason: 's' };
    const report = fidelityReport([result('a', 'x', ['/1/body/p', '/1/body/q.p'])], [known, stale]);
    expect(report.differences.map((each) => each.known)).toEqual([known, undefined]);
    expect(report.stale).toEqual([stale]);
  });
});
