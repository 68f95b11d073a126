/** `in-use`: every reason why a revision is still used, with names. */
import { usageVerdict, type Usage, type UseKind } from '../../core/usage/find-uses.ts';
import type { Terminal } from '../terminal.ts';
import { count, some } from './words.ts';

const KIND_WORDS: Readonly<Record<UseKind, readonly [one: string, many: string]>> = {
  connection: ['live proxy', 'live proxies'],
  pod: ['pod that is not connected', 'pods that are not connected'],
  template: ['workload template', 'workload templates'],
  namespace: ['namespace label', 'namespace labels'],
  tag: ['tag', 'tags'],
  default: ['default', 'defaults'],
  'pinned-object': ['object pinned to it', 'objects pinned to it'],
};

export function renderUsage(usage: Usage, version: string, terminal: Terminal, wide: boolean): string {
  const verdict = usageVerdict(usage);
  const name = `${usage.revision} (${version})`;
  const lines: string[] = [];
  if (verdict === 'used')
    lines.push(
      `${terminal.tone('bad', '✗')} ${terminal.tone('strong', `${name} is still used: ${count(usage.uses.length, 'reason')}`)}`,
      '',
    );
  if (verdict === 'unused')
    lines.push(
      `${terminal.tone('good', '✓')} ${terminal.tone('strong', `Nothing uses ${name}: no connection, no pod, no template, no label, no tag.`)}`,
    );
  if (verdict === 'unknown')
    lines.push(`${terminal.tone('warn', '?')} ${terminal.tone('strong', `Whether ${name} is used cannot be told.`)}`);
  for (const [kind, uses] of Map.groupBy(usage.uses, (use) => use.kind)) {
    const label = count(uses.length, ...KIND_WORDS[kind]).padEnd(26);
    if (wide) lines.push(`  ${label}`, ...uses.map((use) => `      ${use.object}: ${use.detail}`));
    else lines.push(`  ${label} ${some(uses.map((use) => use.object))}${uses.length === 1 ? ` (${uses[0]?.detail ?? ''})` : ''}`);
  }
  if (usage.unknown.length > 0)
    lines.push(
      '',
      ...usage.unknown.map((text) => `${terminal.tone('warn', '?')} unknown: ${text}`),
      'Removal is blocked while this is unknown.',
    );
  return lines.join('\n');
}
