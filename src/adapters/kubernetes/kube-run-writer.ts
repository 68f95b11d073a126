/** The one driver that writes to a run: every write is conditional on nobody else having written. */
import { summarizeRun } from '../../core/run/summarize-run.ts';
import type { Plan } from '../../core/plan/plan.ts';
import { Problem, Transient } from '../../core/problems/problem.ts';
import { sameButLastTime, type RunEvent } from '../../core/run/run-event.ts';
import { applyEvent, type RunRecord } from '../../core/run/run-state.ts';
import type { RunWriter } from '../../ports/run-store.ts';
import type { KubeClient } from './kube-client.ts';
import { FIELD_MANAGER } from './kube-cluster-writer.ts';
import { isConflict, isNotFound } from './kube-errors.ts';
import { indexOf, journalPiece, journalText, type Piece, type PieceOwner } from './record-pieces.ts';
import { known, resourceRequest } from './resource-paths.ts';
import { RUN_API_VERSION, RUN_KIND } from './run-crd.ts';

/** Compressed size at which a piece of the journal is full and the next one begins. */
const FULL_PIECE_BYTES = 200_000;

export interface RunWriterInput {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly driver: string;
  readonly owner: PieceOwner;
  readonly record: RunRecord;
  /** Pieces of the journal as they were read. */
  readonly journal: readonly Piece[];
  readonly storeBack: (plan: Plan) => Promise<void>;
}

export class KubeRunWriter implements RunWriter {
  readonly #input: RunWriterInput;
  record: RunRecord;
  #index: number;
  #resourceVersion: string | undefined;
  /** Events of the last piece, which alone is rewritten. */
  #tail: RunEvent[];
  #transitions: number;

  constructor(input: RunWriterInput) {
    this.#input = input;
    this.record = input.record;
    const last = input.journal.toSorted((a, b) => indexOf(a) - indexOf(b)).at(-1);
    this.#index = last ? indexOf(last) : 0;
    this.#resourceVersion = last?.metadata.resourceVersion;
    this.#tail = last ? (JSON.parse(journalText(last)) as RunEvent[]) : [];
    this.#transitions = Number(last?.data?.['transitions'] ?? '0');
  }

  /**
   * Puts this driver's name on the journal; from then on a write of the driver before is rejected: to the piece that it
   * wrote last, and as the piece that it would begin.
   */
  async takeOver(): Promise<void> {
    const isFirst = this.#resourceVersion === undefined;
    this.#transitions += 1;
    await this.#write(this.#tail);
    if (isFirst) return;
    this.#beginPiece();
    await this.#write(this.#tail);
  }

  async append(event: RunEvent): Promise<RunRecord> {
    if (this.#isFull()) this.#beginPiece();
    this.#tail = await this.#write([...this.#tail, event]);
    const stored = this.#tail.at(-1) ?? event;
    this.record = { ...this.record, events: [...this.record.events, stored], state: applyEvent(this.record.state, stored) };
    await this.#writeSummary();
    return this.record;
  }

  async storeBackPlan(plan: Plan): Promise<void> {
    await this.#input.storeBack(plan);
    this.record = { ...this.record, backPlan: plan };
  }

  #isFull(): boolean {
    const packedBytes = this.#piece(this.#tail).binaryData?.['gzip']?.length ?? 0;
    return packedBytes > FULL_PIECE_BYTES;
  }

  #beginPiece(): void {
    this.#index += 1;
    this.#resourceVersion = undefined;
    this.#tail = [];
  }

  #piece(events: readonly RunEvent[]): Piece {
    return journalPiece(this.#index, JSON.stringify(events), this.#input.owner, {
      driver: this.#input.driver,
      transitions: this.#transitions,
    });
  }

  /** @returns what stands in the piece now: an event that was written before, and whose answer was lost, stands with its time */
  async #write(events: RunEvent[]): Promise<RunEvent[]> {
    const piece = this.#piece(events);
    const resource = known('v1', 'ConfigMap');
    const target = { namespace: this.#input.namespace, name: piece.metadata.name };
    try {
      const written = await (this.#resourceVersion === undefined
        ? this.#input.client.request({
            method: 'POST',
            ...resourceRequest(resource, 'create', { namespace: target.namespace }),
            query: { fieldManager: FIELD_MANAGER },
            body: piece,
          })
        : this.#input.client.request({
            method: 'PUT',
            ...resourceRequest(resource, 'update', target),
            query: { fieldManager: FIELD_MANAGER },
            body: { ...piece, metadata: { ...piece.metadata, resourceVersion: this.#resourceVersion } },
          }));
      this.#resourceVersion = (written as Piece).metadata.resourceVersion;
      return events;
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return this.#settleConflict(events, target);
      throw error;
    }
  }

  /** A conflict is either somebody else, or an own write whose answer was lost. */
  async #settleConflict(events: readonly RunEvent[], target: { namespace: string; name: string }): Promise<RunEvent[]> {
    const live = await this.#readPiece(target);
    const isMine = live?.data?.['driver'] === this.#input.driver && live.data['transitions'] === String(this.#transitions);
    if (!live || !isMine) {
      throw new Problem('RUN-002', {
        what: live
          ? `The run ${this.record.name} is driven by ${live.data?.['driver'] ?? 'somebody else'} now.`
          : `The record of the run ${this.record.name} is gone.`,
        next: [{ label: 'look', command: 'meshlift runs' }],
      });
    }
    this.#resourceVersion = live.metadata.resourceVersion;
    const stands = JSON.parse(journalText(live)) as RunEvent[];
    if (!sameButLastTime(stands, events)) throw new Transient('the record was written at the same moment');
    return stands;
  }

  async #readPiece(target: { namespace: string; name: string }): Promise<Piece | undefined> {
    try {
      return (await this.#input.client.request({ method: 'GET', ...resourceRequest(known('v1', 'ConfigMap'), 'get', target) })) as Piece;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** The summary is for people; a run does not depend on it, so a cluster that does not take it now is no failure here. */
  async #writeSummary(): Promise<void> {
    try {
      await this.#patchSummary();
    } catch (error) {
      if (!(error instanceof Transient) && !isConflict(error) && !isNotFound(error)) throw error;
    }
  }

  async #patchSummary(): Promise<void> {
    const summary = summarizeRun(this.record);
    await this.#input.client.request({
      method: 'PATCH',
      ...resourceRequest(known(RUN_API_VERSION, RUN_KIND), 'patch', {
        namespace: this.#input.namespace,
        name: this.record.name,
        subresource: 'status',
      }),
      query: { fieldManager: FIELD_MANAGER },
      contentType: 'application/merge-patch+json',
      body: { status: { ...summary, driver: this.#input.driver } },
    });
  }
}
