/** The journal of a run as it is stored in the cluster now. */
import { journalText, type Piece } from '../../src/adapters/kubernetes/record-pieces.ts';
import type { RunEvent } from '../../src/core/run/run-event.ts';
import type { ClusterObjects } from '../scenarios/cluster-under-test.ts';

/** Of the only run of the cluster, in their order. */
export async function storedEvents(objects: ClusterObjects): Promise<RunEvent[]> {
  const pieces = await objects.list<Piece>(['configmaps'], { namespace: 'istio-system', selector: 'meshlift.io/piece=events' });
  const numbered = pieces.map((piece) => ({ piece, index: Number(piece.metadata.annotations?.['meshlift.io/index'] ?? '0') }));
  return numbered.toSorted((a, b) => a.index - b.index).flatMap(({ piece }) => JSON.parse(journalText(piece)) as RunEvent[]);
}
