/** Runs in the cluster: a custom resource with a summary, and ConfigMaps with the plan and the journal. */
import * as z from 'zod';
import { diffWanted } from '../../core/controlplane/diff-objects.ts';
import { planSchema, type Plan } from '../../core/plan/plan.ts';
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import { Problem, Transient } from '../../core/problems/problem.ts';
import { runEventSchema, type RunEvent } from '../../core/run/run-event.ts';
import { foldEvents, type RunPhase, type RunRecord } from '../../core/run/run-state.ts';
import type { RunControls, RunStore, RunSummary, RunWriter } from '../../ports/run-store.ts';
import type { KubeClient } from './kube-client.ts';
import { isConflict, isNotFound } from './kube-errors.ts';
import { FIELD_MANAGER } from './kube-cluster-writer.ts';
import { KubeRunWriter } from './kube-run-writer.ts';
import { fromPieces, indexOf, journalText, PIECE_LABEL, RUN_LABEL, toPieces, type Piece, type PieceOwner } from './record-pieces.ts';
import { known, resourceRequest } from './resource-paths.ts';
import { RUN_API_VERSION, RUN_CRD_NAME, RUN_KIND, runCrd } from './run-crd.ts';

const RUNS = known(RUN_API_VERSION, RUN_KIND);
const CRDS = known('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
const CRD_WAIT_MS = 20_000;

export interface RunResource extends KubeObject {
  readonly spec?: { readonly action?: string; readonly paused?: boolean; readonly scope?: { readonly skip?: readonly string[] } };
  readonly status?: Readonly<Partial<Record<'phase' | 'step' | 'message' | 'from' | 'to' | 'startedAt' | 'updatedAt', string>>>;
}

export class KubeRunStore implements RunStore {
  readonly #client: KubeClient;
  readonly #namespace: string;

  constructor(client: KubeClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  async list(): Promise<readonly RunSummary[]> {
    try {
      const runs = await this.#client.list<RunResource>(resourceRequest(RUNS, 'list', { namespace: this.#namespace }));
      return runs.map(summaryOf).toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }

  async load(name: string): Promise<RunRecord> {
    const [resource, pieces] = await Promise.all([this.#readRun(name), this.#readPieces(name)]);
    if (!resource) throw noSuchRun(name);
    return buildRecord(name, pieces);
  }

  async create(name: string, plan: Plan): Promise<void> {
    await this.#ensureCrd();
    const resource = (await this.#readRun(name)) ?? (await this.#createRun(name, plan));
    const kind = plan.pins.some((pin) => pin.content !== undefined) ? 'Secret' : 'ConfigMap';
    await this.#storePieces('plan', JSON.stringify(plan), { ...this.#owner(resource), kind });
  }

  async open(name: string, driver: string): Promise<RunWriter> {
    const resource = await this.#readRun(name);
    if (!resource) throw noSuchRun(name);
    const pieces = await this.#readPieces(name);
    const writer = new KubeRunWriter({
      client: this.#client,
      namespace: this.#namespace,
      driver,
      owner: this.#owner(resource),
      record: buildRecord(name, pieces),
      journal: pieces.filter((piece) => piece.metadata.labels?.[PIECE_LABEL] === 'events'),
      storeBack: (plan) => this.#storePieces('back', JSON.stringify(plan), { ...this.#owner(resource), kind: 'ConfigMap' }),
    });
    await writer.takeOver();
    return writer;
  }

  async readControls(name: string): Promise<RunControls> {
    const resource = await this.#readRun(name);
    if (!resource) throw noSuchRun(name);
    return { paused: resource.spec?.paused === true, leftOut: resource.spec?.scope?.skip ?? [] };
  }

  async setPaused(name: string, paused: boolean): Promise<void> {
    await this.#patchRun(name, { spec: { paused: paused ? true : null } });
  }

  async leaveOut(name: string, workload: string): Promise<void> {
    const resource = await this.#readRun(name);
    if (!resource) throw noSuchRun(name);
    const skip = resource.spec?.scope?.skip ?? [];
    if (skip.includes(workload)) return;
    const { resourceVersion } = resource.metadata;
    await this.#patchRun(name, { metadata: { resourceVersion }, spec: { scope: { skip: [...skip, workload] } } });
  }

  async #patchRun(name: string, body: unknown): Promise<void> {
    try {
      await this.#client.request({
        method: 'PATCH',
        ...resourceRequest(RUNS, 'patch', { namespace: this.#namespace, name }),
        query: { fieldManager: FIELD_MANAGER },
        contentType: 'application/merge-patch+json',
        body,
      });
    } catch (error) {
      if (isConflict(error)) throw new Transient(`${name} was changed by somebody else at the same moment`, { cause: error });
      throw isNotFound(error) ? noSuchRun(name) : error;
    }
  }

  async forget(name: string): Promise<void> {
    await this.#delete(resourceRequest(RUNS, 'delete', { namespace: this.#namespace, name }), () => {
      throw noSuchRun(name);
    });
    for (const piece of await this.#readPieces(name)) {
      await this.#delete(resourceRequest(known('v1', piece.kind), 'delete', { namespace: this.#namespace, name: piece.metadata.name }));
    }
  }

  async forgetEverything(): Promise<void> {
    for (const run of await this.list()) await this.forget(run.name);
    await this.#delete(
      resourceRequest(known('coordination.k8s.io/v1', 'Lease'), 'delete', { namespace: this.#namespace, name: 'meshlift' }),
    );
    await this.#delete(resourceRequest(CRDS, 'delete', { name: RUN_CRD_NAME }));
  }

  async #delete(request: ReturnType<typeof resourceRequest>, whenGone: () => void = () => undefined): Promise<void> {
    try {
      await this.#client.request({ method: 'DELETE', ...request, query: { propagationPolicy: 'Background' } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      whenGone();
    }
  }

  /** Writes the CRD only where it is missing or another one, so that a run needs no right to change CRDs once it is there. */
  async #ensureCrd(): Promise<void> {
    if (await this.#hasCrd()) return;
    await this.#client.request({
      method: 'PATCH',
      ...resourceRequest(CRDS, 'patch', { name: RUN_CRD_NAME }),
      query: { fieldManager: FIELD_MANAGER, force: 'true' },
      contentType: 'application/apply-patch+yaml',
      body: runCrd(),
    });
    const deadline = Date.now() + CRD_WAIT_MS;
    while (!(await this.#isServed())) {
      if (Date.now() > deadline)
        throw new Problem('RUN-013', {
          what: `The CRD ${RUN_CRD_NAME} is not served after ${CRD_WAIT_MS / 1000}s.`,
          next: [{ label: 'look', command: `kubectl describe crd ${RUN_CRD_NAME}` }],
        });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async #hasCrd(): Promise<boolean> {
    try {
      const live = (await this.#client.request({ method: 'GET', ...resourceRequest(CRDS, 'get', { name: RUN_CRD_NAME }) })) as KubeObject;
      return diffWanted(runCrd()['spec'], live['spec']).length === 0 && (await this.#isServed());
    } catch (error) {
      if (isNotFound(error)) return false;
      if (error instanceof Problem && error.code === 'KUBE-005') return this.#isServed();
      throw error;
    }
  }

  async #isServed(): Promise<boolean> {
    try {
      await this.#client.request({
        method: 'GET',
        ...resourceRequest(RUNS, 'list', { namespace: this.#namespace }),
        query: { limit: '1' },
      });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async #createRun(name: string, plan: Plan): Promise<RunResource> {
    const body = {
      apiVersion: RUN_API_VERSION,
      kind: RUN_KIND,
      metadata: { name, namespace: this.#namespace, labels: { 'app.kubernetes.io/name': 'meshlift' } },
      spec: plan.request,
    };
    try {
      return (await this.#client.request({
        method: 'POST',
        ...resourceRequest(RUNS, 'create', { namespace: this.#namespace }),
        query: { fieldManager: FIELD_MANAGER },
        body,
      })) as RunResource;
    } catch (error) {
      if (!isConflict(error)) throw error;
      const there = await this.#readRun(name);
      if (!there) throw error;
      return there;
    }
  }

  async #readRun(name: string): Promise<RunResource | undefined> {
    try {
      return (await this.#client.request({
        method: 'GET',
        ...resourceRequest(RUNS, 'get', { namespace: this.#namespace, name }),
      })) as RunResource;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #readPieces(name: string): Promise<Piece[]> {
    const query = { labelSelector: `${RUN_LABEL}=${name}` };
    const [configMaps, secrets] = await Promise.all([
      this.#client.list<Piece>({ ...resourceRequest(known('v1', 'ConfigMap'), 'list', { namespace: this.#namespace }), query }),
      this.#client.list<Piece>({ ...resourceRequest(known('v1', 'Secret'), 'list', { namespace: this.#namespace }), query }),
    ]);
    return [...configMaps, ...secrets];
  }

  async #storePieces(part: string, text: string, owner: PieceOwner): Promise<void> {
    const resource = known('v1', owner.kind);
    for (const piece of toPieces(part, text, owner)) {
      const target = { namespace: this.#namespace, name: piece.metadata.name };
      try {
        await this.#client.request({
          method: 'POST',
          ...resourceRequest(resource, 'create', { namespace: this.#namespace }),
          query: { fieldManager: FIELD_MANAGER },
          body: piece,
        });
      } catch (error) {
        if (!isConflict(error)) throw error;
        await this.#client.request({
          method: 'PUT',
          ...resourceRequest(resource, 'update', target),
          query: { fieldManager: FIELD_MANAGER },
          body: piece,
        });
      }
    }
  }

  #owner(resource: KubeObject): Omit<PieceOwner, 'kind'> & { kind: 'ConfigMap' } {
    const { name, uid } = resource.metadata;
    return {
      run: name,
      namespace: this.#namespace,
      ownerReference: { apiVersion: RUN_API_VERSION, kind: RUN_KIND, name, uid: uid ?? '' },
      kind: 'ConfigMap',
    };
  }
}

function noSuchRun(name: string): Problem {
  return new Problem('RUN-003', { what: `There is no run ${name}.`, next: [{ label: 'look', command: 'meshlift runs' }] });
}

function summaryOf(run: RunResource): RunSummary {
  const { status = {} } = run;
  return {
    name: run.metadata.name,
    action: run.spec?.action ?? 'upgrade',
    phase: (status.phase ?? 'running') as RunPhase,
    paused: run.spec?.paused === true,
    from: status.from ?? '',
    to: status.to ?? '',
    step: status.step ?? '',
    startedAt: status.startedAt ?? run.metadata.creationTimestamp ?? '',
    updatedAt: status.updatedAt ?? '',
    message: status.message ?? '',
  };
}

/** @throws Problem RUN-007 when the pieces do not make a record */
export function buildRecord(name: string, pieces: readonly Piece[]): RunRecord {
  try {
    const planText = fromPieces('plan', pieces);
    if (planText === undefined) throw new Error('its plan is missing');
    const backText = fromPieces('back', pieces);
    const events = readJournal(pieces);
    const backPlan = backText === undefined ? undefined : planSchema.parse(JSON.parse(backText));
    return {
      name,
      plan: planSchema.parse(JSON.parse(planText)),
      ...(backPlan === undefined ? {} : { backPlan }),
      events,
      state: foldEvents(events),
    };
  } catch (error) {
    throw new Problem('RUN-007', {
      what: `The record of ${name} cannot be read: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}.`,
      next: [
        { label: 'look', command: `kubectl get configmaps -A -l ${RUN_LABEL}=${name}` },
        { label: 'remove it', command: `meshlift forget ${name}` },
      ],
    });
  }
}

function readJournal(pieces: readonly Piece[]): RunEvent[] {
  const journal = pieces.filter((piece) => piece.metadata.labels?.[PIECE_LABEL] === 'events').toSorted((a, b) => indexOf(a) - indexOf(b));
  const gap = journal.findIndex((piece, index) => indexOf(piece) !== index);
  if (gap >= 0) throw new Error(`piece ${gap} of its journal is missing`);
  return journal.flatMap((piece) => z.array(runEventSchema).parse(JSON.parse(journalText(piece))));
}
