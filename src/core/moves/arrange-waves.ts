/** Which workloads may be restarted together, and in which order: values in, waves out. */
import type { WorkloadMove } from './select-moves.ts';
import type { OrderRequest, WaveRequest } from '../request/order-request.ts';
import { namesWorkload } from '../request/upgrade-request.ts';

/** Moves that may be under way at the same time, at most `restartsAtOnce` of them. */
export interface Wave {
  /** `canary`, `25 %`, `rest`; with a letter behind it where a known call had to be kept apart: `rest b`. */
  readonly name: string;
  readonly moves: readonly WorkloadMove[];
}

/**
 * Workloads go into the first declared wave that names them; what no wave names comes last, as `rest`. Within a wave, workloads with more
 * pods come first: losing one pod of many is less than losing one of two. Both ends of a known call never stand in one wave: such a
 * wave is taken apart.
 *
 * Without a declared wave, each namespace is one.
 *
 * @param moves of workloads that are no gateways, in the order in which they would be restarted one by one
 * @returns no wave is empty; each move is in exactly one
 */
export function arrangeWaves(moves: readonly WorkloadMove[], order: OrderRequest): readonly Wave[] {
  const declared = order.waves.length === 0 ? byNamespace(moves) : byDeclaration(moves, order.waves);
  return declared.flatMap((wave) => apart({ ...wave, moves: wave.moves.toSorted(byRisk) }, order.edges));
}

/** More pods first; otherwise as it was. */
function byRisk(a: WorkloadMove, b: WorkloadMove): number {
  return b.workload.desiredPods - a.workload.desiredPods;
}

function byNamespace(moves: readonly WorkloadMove[]): Wave[] {
  return [...Map.groupBy(moves, (move) => move.workload.namespace)].map(([name, ofNamespace]) => ({ name, moves: ofNamespace }));
}

function byDeclaration(moves: readonly WorkloadMove[], declared: readonly WaveRequest[]): Wave[] {
  const left = new Set(moves);
  const waves: Wave[] = [];
  for (const wave of declared) {
    const chosen = choose(wave, [...left], moves.length);
    for (const move of chosen) left.delete(move);
    waves.push({ name: waveName(wave), moves: chosen });
  }
  waves.push({ name: 'rest', moves: [...left] });
  return waves.filter((wave) => wave.moves.length > 0);
}

/** A share counts all workloads of the plan that are restarted by then, those of earlier waves included. */
function choose({ percent, ...wave }: WaveRequest, left: readonly WorkloadMove[], all: number): WorkloadMove[] {
  const named = left.filter((move) => isNamedBy(wave, move));
  if (percent === undefined) return named;
  const wanted = Math.ceil((percent / 100) * all) - (all - left.length) - named.length;
  const others = left.filter((move) => !named.includes(move)).toSorted(byRisk);
  return [...named, ...others.slice(0, Math.max(0, wanted))];
}

/** Whether a wave names a workload by itself, by its namespace, or by labels of its pods. */
export function isNamedBy(
  { namespaces, workloads, labels }: Omit<WaveRequest, 'percent'>,
  { workload }: Pick<WorkloadMove, 'workload'>,
): boolean {
  const podLabels = workload.template.metadata?.labels ?? {};
  const entries = Object.entries(labels);
  return (
    namespaces.includes(workload.namespace) ||
    workloads.some((entry) => namesWorkload(entry, workload)) ||
    (entries.length > 0 && entries.every(([key, value]) => podLabels[key] === value))
  );
}

function waveName({ name, namespaces, workloads, labels, percent }: WaveRequest): string {
  if (name !== undefined) return name;
  const parts = [
    ...namespaces,
    ...workloads,
    ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    ...(percent === undefined ? [] : [`${percent} %`]),
  ];
  return parts.join(', ');
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** Each workload goes into the first part in which nobody calls it or is called by it. */
function apart(wave: Wave, edges: OrderRequest['edges']): Wave[] {
  const neighbours = neighboursOf(wave.moves, edges);
  const parts: Set<WorkloadMove>[] = [];
  for (const move of wave.moves) {
    const known = neighbours.get(move) ?? [];
    const part = parts.find((others) => !known.some((neighbour) => others.has(neighbour)));
    if (part === undefined) parts.push(new Set([move]));
    else part.add(move);
  }
  if (parts.length <= 1) return [wave];
  return parts.map((moves, index) => ({ name: `${wave.name} ${LETTERS[index] ?? index + 1}`, moves: [...moves] }));
}

/** Who calls or is called by each move, as far as edges name it. */
function neighboursOf(moves: readonly WorkloadMove[], edges: OrderRequest['edges']): ReadonlyMap<WorkloadMove, readonly WorkloadMove[]> {
  const found = new Map<WorkloadMove, WorkloadMove[]>();
  const note = (move: WorkloadMove, others: readonly WorkloadMove[]): void => void found.set(move, [...(found.get(move) ?? []), ...others]);
  for (const { from, to } of edges) {
    const callers = moves.filter(({ workload }) => namesWorkload(from, workload));
    const called = moves.filter(({ workload }) => namesWorkload(to, workload));
    for (const caller of callers) note(caller, called);
    for (const one of called) note(one, callers);
  }
  return found;
}
