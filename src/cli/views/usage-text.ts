/** `in-use`: every reason why a revision is still used, with names, what shows it and what ends it. */
import { usageVerdict, type Usage, type Use, type UseKind } from '../../core/usage/usage.ts';
import type { Terminal } from '../terminal.ts';
import { count, some } from './words.ts';

const KIND_WORDS: Readonly<Record<UseKind, readonly [one: string, many: string]>> = {
  connection: ['live proxy', 'live proxies'],
  remote: ['proxy of another cluster', 'proxies of other clusters'],
  pod: ['pod not connected', 'pods not connected'],
  template: ['workload template', 'workload templates'],
  ztunnel: ['ztunnel', 'ztunnels'],
  gateway: ['gateway', 'gateways'],
  waypoint: ['waypoint', 'waypoints'],
  'virtual-machine': ['virtual machine', 'virtual machines'],
  namespace: ['namespace label', 'namespace labels'],
  tag: ['tag', 'tags'],
  default: ['default', 'defaults'],
  webhook: ['webhook of another', 'webhooks of others'],
  'pinned-object': ['object pinned to it', 'objects pinned to it'],
};
const NAMES_SHOWN = 3;
const LABEL_WIDTH = 24;

/** @param version of its istiod; undefined when it has none */
export function renderUsage(usage: Usage, version: string | undefined, terminal: Terminal, wide: boolean): string {
  const groups = [...Map.groupBy(usage.uses, (use) => use.kind)];
  const lines = [headline(usage, version, terminal)];
  if (!usage.gone && usage.uses.length > 0 && usage.others.length === 0)
    lines.push('  It is the only control plane: meshlift plan --to VERSION makes another beside it.');
  for (const [kind, uses] of groups) lines.push('', ...(wide ? wideGroup(kind, uses) : shortGroup(kind, uses, terminal.columns)));
  if (usage.unknown.length > 0)
    lines.push(
      '',
      ...usage.unknown.map((text) => `${terminal.tone('warn', '?')} unknown: ${text}`),
      'Removal is blocked while this is unknown.',
    );
  if (usage.notes.length > 0) lines.push('', 'No reason to keep it:', ...usage.notes.map((text) => `  ${text}`));
  if (!wide && groups.some(([, uses]) => uses.length > 1)) lines.push('', `Every reason: meshlift in-use ${usage.revision} -o wide`);
  return lines.join('\n');
}

function headline(usage: Usage, version: string | undefined, terminal: Terminal): string {
  const name = version === undefined || usage.gone ? usage.revision : `${usage.revision} (${version})`;
  const said = (tone: 'good' | 'bad' | 'warn', sign: string, text: string): string =>
    `${terminal.tone(tone, sign)} ${terminal.tone('strong', text)}`;
  const verdict = usageVerdict(usage);
  const reasons = count(usage.uses.length, 'reason');
  if (verdict === 'used')
    return usage.gone
      ? said('bad', '✗', `There is no control plane ${name}, and ${count(usage.uses.length, 'thing still names', 'things still name')} it`)
      : said('bad', '✗', `${name} is still used: ${reasons}`);
  if (verdict === 'unknown') return said('warn', '?', `Whether ${name} is used cannot be told.`);
  if (usage.gone) return said('good', '✓', `There is no control plane ${name}, and nothing names it.`);
  return said('good', '✓', `Nothing uses ${name}: no connection, no pod, no template, no label, no tag, no webhook.`);
}

/** The names in one line, then what shows the first and what ends it. */
function shortGroup(kind: UseKind, uses: readonly Use[], columns: number): string[] {
  const [first] = uses;
  if (first === undefined) return [];
  const label = `  ${count(uses.length, ...KIND_WORDS[kind]).padEnd(LABEL_WIDTH)}  `;
  const names = fitting(
    uses.map((use) => use.object),
    columns - label.length,
  );
  const which = uses.length > 1 ? 'first: ' : '';
  return [`${label}${names}`, `      ${which}${first.detail}`, `      → ${first.toFree}`];
}

/** At least the first of the names, and as many as there is room for. */
function fitting(names: readonly string[], columns: number): string {
  const texts = Array.from({ length: Math.min(names.length, NAMES_SHOWN) }, (_, index) => some(names, index + 1));
  return texts.findLast((text) => text.length <= columns) ?? texts[0] ?? '';
}

/** Each reason; what ends several in a row is said once, below them. */
function wideGroup(kind: UseKind, uses: readonly Use[]): string[] {
  const lines = uses.flatMap((use, index) => {
    const isLast = uses[index + 1]?.toFree !== use.toFree;
    return [`      ${use.object}: ${use.detail}`, ...(isLast ? [`          → ${use.toFree}`] : [])];
  });
  return [`  ${count(uses.length, ...KIND_WORDS[kind])}`, ...lines];
}
