/** How far a server answers as the recorded one: by area, with the reason of each difference. */
import type { AnswerDifference } from '../../kit/answer-normalizer.ts';
import type { PlayTarget } from '../../kit/http-player.ts';
import { compareWithRecorded, type CaseResult, type RecordedCase } from '../../kit/recorded-case.ts';
import type { KnownDifference } from './known-differences.ts';

/** Cases that are played at the same time; most of a case is waiting for controllers. */
const PARALLEL = 6;

export interface FoundDifference extends AnswerDifference {
  readonly id: string;
  /** Undefined when nobody has written down why the server differs here. */
  readonly known: KnownDifference | undefined;
}

export interface AreaShare {
  readonly area: string;
  readonly cases: number;
  /** Without any difference. */
  readonly sameCases: number;
  readonly answers: number;
  readonly sameAnswers: number;
}

export interface FidelityReport {
  readonly areas: readonly AreaShare[];
  readonly differences: readonly FoundDifference[];
  /** Entries of the list that nothing differs by. */
  readonly stale: readonly KnownDifference[];
}

/** @returns in the order of the cases */
export async function playCases(cases: readonly RecordedCase[], target: PlayTarget): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  const waiting = cases.entries();
  const work = async (): Promise<void> => {
    for (const [index, each] of waiting) results[index] = await compareWithRecorded(each, target);
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return results;
}

export function fidelityReport(results: readonly CaseResult[], list: readonly KnownDifference[]): FidelityReport {
  const entries = list.map((known) => ({ known, cases: patternOf(known.cases), at: patternOf(known.at) }));
  const differences = results.flatMap(({ recorded, differences: found }) => {
    const id = `${recorded.area}/${recorded.name}`;
    return found.map((each): FoundDifference => ({
      ...each,
      id,
      known: entries.find(({ cases, at }) => cases.test(id) && at.test(each.at))?.known,
    }));
  });
  const areas = [...new Set(results.map(({ recorded }) => recorded.area))].map((area) => shareOf(area, results));
  return { areas, differences, stale: list.filter((known) => differences.every((each) => each.known !== known)) };
}

function shareOf(area: string, results: readonly CaseResult[]): AreaShare {
  const own = results.filter(({ recorded }) => recorded.area === area);
  const answers = own.reduce((sum, { recorded }) => sum + recorded.answers.length, 0);
  const differing = own.reduce((sum, result) => sum + differingAnswers(result), 0);
  return {
    area,
    cases: own.length,
    sameCases: own.filter(({ differences }) => differences.length === 0).length,
    answers,
    sameAnswers: answers - differing,
  };
}

/** A case that could not be played differs in all of its answers. */
function differingAnswers({ recorded, differences }: CaseResult): number {
  if (differences.some(({ at }) => at === '')) return recorded.answers.length;
  return new Set(differences.map(({ at }) => at.split('/')[1])).size;
}

function patternOf(text: string): RegExp {
  const parts = text.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
