/** From the options of `load attack` to an attack; every mistake is told at once. */
import { HIGHEST_RATE_PER_SECOND, parseDurationMs, parseRatePerSecond } from '../../core/load/rate.ts';
import { parseTargetJson, parseTargetLines, type ParsedTargets, type Target } from '../../core/load/target.ts';
import type { Attack } from '../../ports/traffic.ts';
import type { AttackOptions } from './add-load.ts';
import { usageProblem } from './build-request.ts';

/** @param targetText what was read of the file of targets; @param url where to, instead @throws Problem ARGS-001 */
export function buildAttack(options: AttackOptions, source: { readonly targetText: string } | { readonly url: string }): Attack {
  const mistakes: string[] = [];
  const extra = headersOf(options, mistakes);
  const targets = targetsOf(options, source, mistakes).map((target) => ({ ...target, headers: [...target.headers, ...extra] }));
  const ratePerSecond = parseRatePerSecond(options.rate);
  if (ratePerSecond === undefined) mistakes.push(`--rate ${options.rate}: it must be a rate such as 50, 50/1s or 600/m`);
  else if (ratePerSecond > HIGHEST_RATE_PER_SECOND) mistakes.push(`--rate ${options.rate}: the most is ${HIGHEST_RATE_PER_SECOND}/1s`);
  const attack: Attack = {
    name: options.name,
    targets,
    pace: { ratePerSecond: ratePerSecond ?? 1, durationMs: durationOf('--duration', options.duration, mistakes) },
    timeoutMs: durationOf('--timeout', options.timeout, mistakes),
    maxConnections: numberOf('--max-connections', options.maxConnections, 1, mistakes),
    keepAlive: options.keepalive,
    insecure: options.insecure === true,
    redirects: numberOf('--redirects', options.redirects, 0, mistakes),
  };
  if (mistakes.length > 0) throw usageProblem(mistakes, 'meshlift load attack --help');
  return attack;
}

function targetsOf(options: AttackOptions, source: Parameters<typeof buildAttack>[1], mistakes: string[]): readonly Target[] {
  const parsed = parse(options, source, mistakes);
  if ('targets' in parsed) return parsed.targets;
  mistakes.push(...parsed.mistakes.map(({ line, what }) => ('url' in source ? what : `targets, line ${line}: ${what}`)));
  return [];
}

function parse({ format }: AttackOptions, source: Parameters<typeof buildAttack>[1], mistakes: string[]): ParsedTargets {
  if ('url' in source) return parseTargetLines(`GET ${source.url}`);
  if (format === 'http') return parseTargetLines(source.targetText);
  if (format === 'json') return parseTargetJson(source.targetText);
  mistakes.push(`--format ${format}: it must be http or json`);
  return { targets: [] };
}

function headersOf({ header = [], host }: AttackOptions, mistakes: string[]): [string, string][] {
  const pairs = header.flatMap((text): [string, string][] => {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
    if (name !== undefined && value !== undefined) return [[name, value]];
    mistakes.push(`--header ${text}: it must be Name: value`);
    return [];
  });
  return host === undefined ? pairs : [...pairs, ['Host', host]];
}

function durationOf(option: string, text: string, mistakes: string[]): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms > 0) return ms;
  mistakes.push(`${option} ${text}: it must be a duration such as 500ms, 10s or 1m30s`);
  return 0;
}

function numberOf(option: string, text: string, least: number, mistakes: string[]): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least) return value;
  mistakes.push(`${option} ${text}: it must be a whole number, at least ${least}`);
  return least;
}
