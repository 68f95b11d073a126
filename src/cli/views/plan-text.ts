/** `plan`: the steps as people review them, with what each changes, how it is taken back, and what is not moved. */
import type { Plan } from '../../core/plan/plan.ts';
import type { ObjectChange, Step } from '../../core/plan/step.ts';
import { refText } from '../../core/controlplane/object-identity.ts';
import type { Terminal } from '../terminal.ts';
import { notMovedLines, restartLines } from './restarts-text.ts';
import { count } from './words.ts';

export interface PlanOptions {
  /** Shows every object and every line of difference. */
  readonly wide: boolean;
}

const KIND_WORDS: Readonly<Record<Step['kind'], string>> = {
  crds: 'crds',
  installControlPlane: 'control plane',
  copyRevisionedObjects: 'copies',
  labelNamespace: 'label',
  restartWorkload: 'restart',
  restartGateway: 'gateway',
  addGateway: 'gateway',
  shiftGateway: 'gateway',
  removeGateway: 'remove',
  moveTag: 'tag',
  moveDefault: 'default',
  removeControlPlane: 'remove',
  restoreObject: 'restore',
};

const RESTART_WORDS = {
  restart: '',
  surge: ', a new one first',
  wait: ', once it may',
  evict: ', evicted one by one',
  ask: ', must be named first',
  skip: '',
} as const;

export function renderPlan(plan: Plan, terminal: Terminal, options: PlanOptions): string {
  const parts = [
    terminal.tone('strong', headline(plan)),
    ...(plan.steps.length === 0 ? [] : [stepLines(plan, terminal, options)]),
    differenceLines(plan, options),
    restartLines(plan, terminal, options),
    notMovedLines(plan, terminal, options),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function headline(plan: Plan): string {
  const { from, to, mesh, request } = plan;
  const restarts = plan.steps.filter((s) => s.kind === 'restartWorkload' || s.kind === 'restartGateway').length;
  const work = plan.steps.length === 0 ? 'nothing to do' : `${count(plan.steps.length, 'step')}, ${count(restarts, 'restart')}`;
  const end = (e: typeof from): string => (e === undefined ? '' : `${e.revision} (${e.version})`);
  switch (request.action) {
    case 'upgrade':
      return `Upgrade ${mesh.cluster} from ${end(from)} to ${end(to)}: ${work}`;
    case 'install':
      return `Install ${end(to)} beside ${end(from)} in ${mesh.cluster}: ${work}`;
    case 'migrate':
      return `Move to ${end(to)} in ${mesh.cluster}: ${work}`;
    case 'uninstall':
      return `Remove ${end(from)} from ${mesh.cluster}: ${work}`;
  }
}

function stepLines(plan: Plan, terminal: Terminal, options: PlanOptions): string {
  const lines: string[] = [];
  let inFinish = false;
  let wave = 0;
  for (const [index, step] of plan.steps.entries()) {
    if (step.phase === 'finish' && !inFinish) {
      inFinish = true;
      lines.push('', terminal.tone('dim', 'finish: only with --finish, or by meshlift finish'));
    }
    if (step.wave !== undefined && step.wave.index !== wave) {
      wave = step.wave.index;
      lines.push(terminal.tone('strong', waveLine(plan, step.wave)));
    }
    lines.push(...stepText(step, index + 1, terminal, options));
  }
  return lines.join('\n');
}

/** `wave 2  shop: 6 workloads, 3 at once`. */
function waveLine({ steps, request }: Plan, { index, name }: NonNullable<Step['wave']>): string {
  const restarts = steps.filter((step) => step.wave?.index === index && step.kind === 'restartWorkload').length;
  const atOnce = Math.min(restarts, request.order?.restartsAtOnce ?? 1);
  return `wave ${index}  ${name}: ${count(restarts, 'workload')}${atOnce > 1 ? `, ${atOnce} at once` : ''}`;
}

function stepText(step: Step, number: number, terminal: Terminal, options: PlanOptions): string[] {
  const head = `${String(number).padStart(4)}  ${KIND_WORDS[step.kind].padEnd(13)}  ${step.title}`;
  const indent = ' '.repeat(21);
  const way = 'restart' in step ? RESTART_WORDS[step.restart?.do ?? 'restart'] : '';
  const pods = 'pods' in step ? `  ${terminal.tone('dim', `${count(step.pods, 'pod')}${way}`)}` : '';
  const changes = options.wide ? step.changes.flatMap((change) => changeLines(change)) : briefChanges(step);
  const back = options.wide
    ? [`done: ${step.doneWhen}`, `back: ${step.undo}`]
    : step.kind === 'restartWorkload' || step.kind === 'labelNamespace'
      ? []
      : [`back: ${step.undo}`];
  return [
    `${head}${pods}`,
    ...[...changes, ...back, ...(step.notes ?? []).map((note) => `note: ${note}`)].map((line) => `${indent}${terminal.tone('dim', line)}`),
  ];
}

/** The label patch and what is shared are always shown; lists of new objects only as a count. */
function briefChanges(step: Step): string[] {
  if (step.kind === 'labelNamespace' || step.kind === 'restartWorkload' || step.kind === 'restartGateway') return [];
  // Their titles say it in pods.
  if (step.kind === 'addGateway' || step.kind === 'shiftGateway') return [];
  const created = step.changes.filter((c) => c.action === 'create').length;
  const deleted = step.changes.filter((c) => c.action === 'delete').length;
  const updated = step.changes.filter((c) => c.action === 'update');
  const counts = [
    created > 0 ? `${count(created, 'object')} added` : '',
    updated.length > 0 ? `${count(updated.length, 'shared object')} changed` : '',
    deleted > 0 ? `${count(deleted, 'object')} deleted` : '',
  ];
  return [counts.filter((text) => text !== '').join(', ')].filter((text) => text !== '');
}

function changeLines(change: ObjectChange): string[] {
  const sign = { create: '+', update: '~', delete: '-' }[change.action];
  return [`${sign} ${refText(change.ref)}${change.shared === true ? ' (shared)' : ''}`, ...change.diff.map((line) => `    ${line}`)];
}

function differenceLines(plan: Plan, options: PlanOptions): string {
  const telling = plan.valueDifferences.filter(
    (d) => options.wide || (d.note !== 'belongs to the revision' && d.note !== 'default of the new version'),
  );
  if (telling.length === 0) return '';
  const lines = telling.map(
    (d) => `  ${d.path}: ${d.note === 'carried over' ? d.old : `${d.old || 'unset'} → ${d.new || 'unset'}`}   (${d.note})`,
  );
  return [`Values and mesh configuration that differ from ${plan.from?.revision ?? 'the installed revision'}:`, ...lines].join('\n');
}
