/** The steps of waves: in each the labels of its namespaces, then the restarts that may go together. */
import type { NamespaceMove } from '../moves/select-moves.ts';
import type { OrderRequest } from '../request/order-request.ts';
import { arrangeWaves, type Wave } from '../moves/arrange-waves.ts';
import { labelStep, restartStep, type StepDraft } from './build-steps.ts';

/** The step that labels a namespace; none where the labels are right already. */
export function labelDrafts({ namespace, set }: Pick<NamespaceMove, 'namespace' | 'set'>, revision: string | undefined): StepDraft[] {
  return Object.keys(set).length === 0 ? [] : [labelStep(namespace, set, revision)];
}

interface WaveInput {
  readonly order: OrderRequest;
  /** What the labels lead to. */
  readonly revision: string | undefined;
}

/**
 * @param namespaces all moves, those of gateways included, which are not looked at
 * @param labelled namespaces whose labels are set by then
 * @returns the steps of all waves; a namespace is labelled in the first wave that has a workload of it, one without workloads at the end
 */
export function waveDrafts(
  namespaces: readonly NamespaceMove[],
  labelled: ReadonlySet<NamespaceMove>,
  { order, revision }: WaveInput,
): StepDraft[] {
  const moves = namespaces.flatMap((namespace) => namespace.workloads.filter((move) => !move.gateway));
  const waves = arrangeWaves(moves, order);
  const done = new Set(labelled);
  const drafts = waves.flatMap((wave, index) => {
    const fresh = namespaces.filter((namespace) => !done.has(namespace) && wave.moves.some((move) => namespace.workloads.includes(move)));
    for (const namespace of fresh) done.add(namespace);
    const steps = [
      ...fresh.flatMap((namespace) =>
        labelDrafts(namespace, revision).map((draft) => withLaterNote(draft, namespace, waves.slice(index + 1))),
      ),
      ...wave.moves.map((move) => restartStep(move)),
    ];
    return steps.map((draft): StepDraft => ({ ...draft, wave: { index: index + 1, name: wave.name } }));
  });
  return [...drafts, ...namespaces.filter((namespace) => !done.has(namespace)).flatMap((namespace) => labelDrafts(namespace, revision))];
}

/** From the label on, whatever makes new pods makes them on the new revision: also those whose wave is yet to come. */
function withLaterNote(draft: StepDraft, { workloads }: NamespaceMove, later: readonly Wave[]): StepDraft {
  const waiting = later.flatMap((wave) => wave.moves).filter((move) => workloads.includes(move));
  if (waiting.length === 0) return draft;
  const names = waiting.length > 3 ? `${waiting.length} workloads` : waiting.map((move) => move.workload.name).join(', ');
  const note = `${names} of a later wave: pods that are made anew meanwhile get the new revision`;
  return { ...draft, notes: [...(draft.notes ?? []), note] };
}
