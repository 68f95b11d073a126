/** `why`: one sentence, the chain of evidence, and what would change it. */
import type { TracedWebhook } from '../../core/injection/trace-webhooks.ts';
import type { Change, Evidence, NextPod, PodNow, WhyAnswer } from '../../core/why/why-answer.ts';
import type { Terminal, Tone } from '../terminal.ts';
import { renderTable, type Column } from './table.ts';

const LABEL_WIDTH = 12;
/** Lines of prose are no longer than this on any terminal. */
const LONGEST = 100;
/** Lines of one kind that are shown without -o wide. */
const MOST = 5;

export function renderWhy(answer: WhyAnswer, terminal: Terminal, wide: boolean): string {
  const width = Math.min(terminal.columns, LONGEST);
  const { inRun } = answer;
  const parts = [
    headline(answer, terminal, width),
    evidenceLines(wide ? answer.evidence : shortened(answer.evidence), terminal, width),
    ...(inRun === undefined
      ? []
      : [[...wrap(inRun.answer, width), evidenceLines(inRun.evidence, terminal, width)].filter((line) => line !== '').join('\n')]),
    ...answer.changes.map((change) => changeLines(change, terminal, width)),
    ...(wide ? [podTable(answer.pods), webhookTable(answer.next.webhooks)] : []),
    answer.unknown.map((text) => hanging(`${terminal.tone('warn', '?')} `, 2, `unknown: ${text}`, width)).join('\n'),
    nextLine(answer),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

const SIGNS: Readonly<Record<NextPod['gets'], readonly [Tone, string] | undefined>> = {
  injected: ['good', '✓'],
  refused: ['bad', '✗'],
  nothing: undefined,
  'in-template': ['warn', '!'],
  'made-by-istiod': undefined,
};

function headline({ answer, next }: WhyAnswer, terminal: Terminal, width: number): string {
  // Labels that ask for a sidecar which nobody gives are a mistake; not asking for one is none.
  const isLost = next.gets === 'nothing' && next.reason === 'ghost';
  const sign = isLost ? (['warn', '!'] as const) : SIGNS[next.gets];
  const lines = wrap(answer, width - (sign === undefined ? 0 : 2)).map((line) => terminal.tone('strong', line));
  return sign === undefined
    ? lines.join('\n')
    : lines.map((line, index) => `${index === 0 ? terminal.tone(...sign) : ' '} ${line}`).join('\n');
}

function evidenceLines(evidence: readonly Evidence[], terminal: Terminal, width: number): string {
  let before = '';
  return evidence
    .map(({ label, text }) => {
      const shown = label === before ? '' : label;
      before = label;
      return hanging(`  ${terminal.tone('dim', shown.padEnd(LABEL_WIDTH))}`, LABEL_WIDTH + 2, text, width);
    })
    .join('\n');
}

/** Of many lines of one kind, the first. */
function shortened(evidence: readonly Evidence[]): Evidence[] {
  return [...Map.groupBy(evidence, ({ label }) => label)].flatMap(([label, all]) =>
    all.length <= MOST ? all : [...all.slice(0, MOST), { label, text: `and ${all.length - MOST} more (-o wide)` }],
  );
}

function changeLines({ what, how, commands }: Change, terminal: Terminal, width: number): string {
  const head = `${terminal.tone('strong', what)}:`;
  const [only] = commands;
  if (how === '' && commands.length === 1 && only !== undefined && what.length + only.length + 4 <= width) return `  ${head} ${only}`;
  return [
    `  ${head}`,
    ...(how === '' ? [] : [hanging('    ', 4, how, width)]),
    // To be copied: never broken.
    ...commands.map((command) => `    ${command}`),
  ].join('\n');
}

function podTable(pods: readonly PodNow[]): string {
  if (pods.length === 0) return '';
  const columns: Column<PodNow>[] = [
    { title: 'POD', cell: (pod) => pod.name },
    { title: 'REVISION', cell: (pod) => pod.revision ?? '-' },
    { title: 'IMAGE', cell: (pod) => pod.image ?? '-' },
    { title: 'PROXY', cell: (pod) => pod.proxy },
    { title: 'ISTIOD', cell: (pod) => pod.istiods.join(', ') || '-' },
    { title: 'BUT', cell: (pod) => pod.differs },
  ];
  return renderTable(columns, pods);
}

function webhookTable(webhooks: readonly TracedWebhook[]): string {
  const columns: Column<TracedWebhook>[] = [
    { title: 'WEBHOOK', cell: (w) => w.configuration },
    { title: 'ENTRY', cell: (w) => w.entry.replace(/\.?sidecar-injector\.istio\.io$/, '') || w.entry },
    { title: 'REVISION', cell: (w) => w.revision },
    { title: 'TAG', cell: (w) => w.tag ?? '-' },
    { title: 'DOES', cell: (w) => w.fate },
    { title: 'WHY', cell: (w) => w.detail },
  ];
  return renderTable(columns, webhooks);
}

function nextLine({ inRun, unknown }: WhyAnswer): string {
  if (inRun !== undefined && inRun.next.length > 0) return `Next: ${inRun.next.join(', or ')}`;
  return unknown.some((text) => text.includes('no permission')) ? 'Next: meshlift rbac --check --for look' : '';
}

/** Text after a beginning that is there already, its further lines below its first. @param indent width of the beginning */
function hanging(beginning: string, indent: number, text: string, width: number): string {
  return wrap(text, width - indent)
    .map((line, index) => (index === 0 ? `${beginning}${line}` : `${' '.repeat(indent)}${line}`))
    .join('\n')
    .trimEnd();
}

/** Lines of at most `width` characters, broken between words; a word that is longer has a line of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
