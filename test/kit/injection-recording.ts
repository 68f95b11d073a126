/** Recorded answers to injection cases as files: each distinct value stands in a file once. */
import { createHash } from 'node:crypto';
import type { InjectionAnswer, StampedFields } from './injection-answer.ts';
import type { InjectionCase } from './injection-cases.ts';

type PooledStamp = Readonly<Record<keyof StampedFields, number>>;
type PooledAnswer =
  | Exclude<InjectionAnswer, { kind: 'injected' }>
  | (Omit<InjectionAnswer & { kind: 'injected' }, 'stamped'> & { readonly stamped: PooledStamp });

export interface InjectionRecording {
  /** Of the cases that were played: another generator needs other answers. */
  readonly cases: string;
  /** Texts and lists that the stamped fields refer to by number. */
  readonly values: readonly unknown[];
  /** By the name of the case. */
  readonly answers: Readonly<Record<string, PooledAnswer>>;
}

export function casesDigest(cases: readonly InjectionCase[]): string {
  return createHash('sha256').update(JSON.stringify(cases)).digest('hex').slice(0, 12);
}

export function packAnswers(cases: readonly InjectionCase[], answers: readonly InjectionAnswer[]): InjectionRecording {
  const numbers = new Map<string, number>();
  const values: unknown[] = [];
  const numberOf = (value: unknown): number => {
    const text = JSON.stringify(value);
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, values.length);
    return values.push(value) - 1;
  };
  const pooled = answers.map((answer): PooledAnswer => {
    if (answer.kind !== 'injected') return answer;
    const { env, ...rest } = answer.stamped;
    const variables = Object.entries(env).map((pair) => numberOf(pair));
    const stamped = Object.fromEntries(Object.entries({ ...rest, env: variables }).map(([field, value]) => [field, numberOf(value)]));
    return { ...answer, stamped: stamped as PooledStamp };
  });
  return {
    cases: casesDigest(cases),
    values,
    answers: Object.fromEntries(cases.map(({ name }, index) => [name, pooled[index] as PooledAnswer])),
  };
}

/** @throws Error when the recording has no answer to the case */
export function unpackAnswer({ values, answers }: InjectionRecording, name: string): InjectionAnswer {
  const answer = answers[name];
  if (answer === undefined) throw new Error(`${name} was not recorded`);
  if (answer.kind !== 'injected') return answer;
  const fields = Object.entries(answer.stamped).map(([field, number]): [string, unknown] => [field, values[number]]);
  const { env, ...stamped } = Object.fromEntries(fields) as Record<string, unknown>;
  const variables = (env as readonly number[]).map((number) => values[number] as [string, unknown]);
  return { ...answer, stamped: { ...stamped, env: Object.fromEntries(variables) } as unknown as StampedFields };
}
