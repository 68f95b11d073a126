/** Recorded answers of a real API server, and how another server's answers compare with them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { answerDifferences, type AnswerDifference } from './answer-normalizer.ts';
import { playSequence, type PlayTarget, type PlayedAnswer, type RequestSequence } from './http-player.ts';

export interface RecordedCase extends RequestSequence {
  readonly answers: readonly PlayedAnswer[];
}

export interface CaseResult {
  readonly recorded: RecordedCase;
  /** Empty when the server answers as the recorded one. Pointers begin with the number of the request. */
  readonly differences: readonly AnswerDifference[];
}

/** All cases under a folder, `<area>/<name>.json`, in the order of their names. */
export function readRecordedCases(folder: string): readonly RecordedCase[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
  return files.toSorted().map((file) => {
    const [area = '', name = ''] = file
      .replaceAll('\\', '/')
      .replace(/\.json$/, '')
      .split('/');
    return { ...(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Omit<RecordedCase, 'area' | 'name'>), area, name };
  });
}

/** Plays a case; a server that does not answer at all differs as a whole. */
export async function compareWithRecorded(recorded: RecordedCase, target: PlayTarget): Promise<CaseResult> {
  try {
    const answers: unknown = JSON.parse(JSON.stringify(await playSequence(recorded, target)));
    return { recorded, differences: withoutConsequences(answerDifferences(recorded.answers, answers)) };
  } catch (error) {
    return { recorded, differences: [{ at: '', expected: 'answers', actual: error instanceof Error ? error.message : String(error) }] };
  }
}

/** Where the status is another one, the body is of another kind: only its message is worth comparing. */
function withoutConsequences(differences: readonly AnswerDifference[]): readonly AnswerDifference[] {
  const answerOf = (at: string): string => /^\/\d+(?:\/meanwhile\/\d+)?/.exec(at)?.[0] ?? '';
  const others = new Set(differences.filter(({ at }) => at === `${answerOf(at)}/status`).map(({ at }) => answerOf(at)));
  return differences.filter(({ at }) => {
    const answer = answerOf(at);
    return !others.has(answer) || at === `${answer}/status` || at === `${answer}/body/message`;
  });
}
