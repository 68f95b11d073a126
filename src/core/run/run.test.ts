import { describe, expect, it } from 'vitest';
import type { Pod, PodController } from '../mesh/kube-objects.ts';
import type { IstiodReport } from '../mesh/mesh-objects.ts';
import { Problem } from '../problems/problem.ts';
import { SYNCED } from '../../../test/kit/mesh-builder.ts';
import type { StepOf } from '../plan/step.ts';
import { assessStep, timeoutProblem } from './assess/assess-step.ts';
import { describeUnready } from './assess/describe-pods.ts';
import { rolloutStatus } from './assess/rollout-status.ts';
import type { StepObservation } from './observation.ts';
import { foldEvents } from './run-state.ts';
import { restartMark } from '../plan/restart-mark.ts';
import type { RunEvent } from './run-event.ts';
import type { StepAssessment } from './step-assessment.ts';

const at = '2026-03-01T12:00:00Z';

describe('foldEvents', () => {
  const fold = (...events: RunEvent[]): ReturnType<typeof foldEvents> =>
    foldEvents([{ type: 'RunStarted', at, driver: 'd', planDigest: 'p' }, ...events]);
  const problem = { code: 'RUN-021', what: 'x', why: '', next: [] };

  it.each<[string, RunEvent[], string]>([
    ['a run that begins', [], 'running'],
    ['paused', [{ type: 'Paused', at, by: 'a' }], 'paused'],
    [
      'resumed',
      [
        { type: 'Paused', at, by: 'a' },
        { type: 'Resumed', at, by: 'a' },
      ],
      'running',
    ],
    ['a failed step', [{ type: 'StepFailed', at, step: '1', problem }], 'failed'],
    ['moved', [{ type: 'RunEnded', at, outcome: 'moved' }], 'moved'],
    [
      'finishing',
      [
        { type: 'RunEnded', at, outcome: 'moved' },
        { type: 'FinishAsked', at, by: 'a' },
      ],
      'running',
    ],
    [
      'rolling back a failed run',
      [
        { type: 'StepFailed', at, step: '1', problem },
        { type: 'RollbackStarted', at, by: 'a', reason: 'r' },
      ],
      'running',
    ],
    [
      'rolled back',
      [
        { type: 'RollbackStarted', at, by: 'a', reason: 'r' },
        { type: 'RunEnded', at, outcome: 'rolled-back' },
      ],
      'rolled-back',
    ],
  ])('%s', (_name, events, phase) => {
    expect(fold(...events).phase).toBe(phase);
  });

  it('keeps what was there before the first effect of a step, however often it is started', () => {
    const original = (name: string): RunEvent => ({
      type: 'StepStarted',
      at,
      step: '1',
      originals: [{ ref: { apiVersion: 'v1', kind: 'K', name } }],
      digests: { a: name },
    });
    const state = fold(
      original('first'),
      { type: 'StepFailed', at, step: '1', problem },
      { type: 'Resumed', at, by: 'a' },
      original('second'),
    );
    expect([state.originals.get('1')?.[0]?.ref.name, state.digests.get('1')]).toEqual(['first', { a: 'first' }]);
  });

  it('a resumed run has no problem any more', () => {
    expect(fold({ type: 'StepFailed', at, step: '1', problem }, { type: 'Resumed', at, by: 'a' }).problem).toBeUndefined();
  });
});

describe('rolloutStatus, as kubectl judges', () => {
  const controller = (kind: string, status: PodController['status'], spec: PodController['spec'] = { replicas: 3 }): PodController => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'x', generation: 2 },
    spec,
    status: { observedGeneration: 2, ...status },
  });
  it.each<[string, PodController, string, string?]>([
    ['not seen yet', controller('Deployment', { observedGeneration: 1 }), 'progressing', 'the controller has not seen the change yet'],
    ['new pods missing', controller('Deployment', { updatedReplicas: 1, replicas: 4 }), 'progressing', '1 of 3 new pods created'],
    [
      'pods refused by a quota',
      controller('Deployment', {
        updatedReplicas: 0,
        conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota: full' }],
      }),
      'progressing',
      '0 of 3 new pods created: exceeded quota: full',
    ],
    ['old pods left', controller('Deployment', { updatedReplicas: 3, replicas: 4 }), 'progressing', '1 old pod still there'],
    [
      'not available',
      controller('Deployment', { updatedReplicas: 3, replicas: 3, availableReplicas: 2 }),
      'progressing',
      '2 of 3 new pods available',
    ],
    ['complete', controller('Deployment', { updatedReplicas: 3, replicas: 3, availableReplicas: 3 }), 'complete'],
    ['scaled to zero', controller('Deployment', {}, { replicas: 0 }), 'complete'],
    [
      'deadline exceeded',
      controller('Deployment', {
        conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'too slow' }],
      }),
      'stuck',
      'too slow',
    ],
    ['StatefulSet: not ready', controller('StatefulSet', { readyReplicas: 2 }), 'progressing', '2 of 3 pods ready'],
    [
      'StatefulSet: half new',
      controller('StatefulSet', { readyReplicas: 3, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' }),
      'progressing',
      '1 of 3 new pods created',
    ],
    [
      'StatefulSet: complete',
      controller('StatefulSet', { readyReplicas: 3, updatedReplicas: 3, currentRevision: 'b', updateRevision: 'b' }),
      'complete',
    ],
    [
      'DaemonSet: half new',
      controller('DaemonSet', { desiredNumberScheduled: 3, updatedNumberScheduled: 2 }),
      'progressing',
      '2 of 3 new pods created',
    ],
    [
      'DaemonSet: not available',
      controller('DaemonSet', { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 1 }),
      'progressing',
      '1 of 3 new pods available',
    ],
    [
      'DaemonSet: complete',
      controller('DaemonSet', { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 }),
      'complete',
    ],
  ])('%s', (_name, subject, kind, detail) => {
    expect(rolloutStatus(subject)).toEqual({ kind, ...(detail === undefined ? {} : { detail }) });
  });
});

describe('describeUnready', () => {
  const pod = (name: string, status: Pod['status'], deleting = false): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(deleting ? { deletionTimestamp: at } : {}) },
    status: status ?? {},
  });
  const waiting = (reason: string, message?: string): Pod['status'] => ({
    phase: 'Pending',
    containerStatuses: [{ name: 'app', state: { waiting: { reason, ...(message === undefined ? {} : { message }) } } }],
  });

  it('says what the containers say, and counts the rest', () => {
    const pods = [
      pod('a', waiting('ErrImagePull', 'no such image')),
      pod('b', { phase: 'Running', containerStatuses: [{ name: 'app', ready: false, state: { running: {} } }] }),
      pod('c', { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', message: 'no room' }] }),
      pod('d', { phase: 'Failed', containerStatuses: [{ name: 'app', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }] }),
      pod('gone', waiting('ErrImagePull'), true),
      pod('fine', { conditions: [{ type: 'Ready', status: 'True' }] }),
    ];
    expect(describeUnready(pods)).toEqual([
      'a: container app: ErrImagePull, no such image',
      'b: container app is running, not ready',
      'c: not scheduled: no room',
      'and 1 more',
    ]);
    expect(describeUnready(pods.slice(3, 4))).toEqual(['d: container app ended with 137: OOMKilled']);
    expect(describeUnready([])).toEqual([]);
  });
});

describe('a restarted workload', () => {
  const step: StepOf<'restartWorkload' | 'restartGateway'> = {
    id: '1',
    kind: 'restartWorkload',
    title: '',
    phase: 'move',
    preconditions: [],
    changes: [],
    doneWhen: '',
    undo: '',
    workload: { kind: 'Deployment', namespace: 'shop', name: 'web' },
    revision: 'canary',
    pods: 1,
  };
  const complete: PodController = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', generation: 1 },
    spec: { replicas: 1 },
    status: { observedGeneration: 1, updatedReplicas: 1, replicas: 1, availableReplicas: 1 },
  };
  const pod = (revision: string | undefined, ready = true): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-1',
      namespace: 'shop',
      ...(revision === undefined ? {} : { annotations: { 'sidecar.istio.io/status': JSON.stringify({ revision }) } }),
    },
    spec: revision === undefined ? { containers: [{ name: 'app' }] } : { initContainers: [{ name: 'istio-proxy', image: 'p:1.29.1' }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
  const report = (revision: string, proxies: readonly string[], more: Partial<IstiodReport> = {}): IstiodReport => ({
    pod: `istiod-${revision}`,
    namespace: 'istio-system',
    revision,
    proxies: proxies.map((proxy) => ({ proxy, types: SYNCED })),
    ...more,
  });
  const observe = (
    pods: readonly Pod[],
    reports: readonly IstiodReport[],
    controller: PodController | undefined = complete,
  ): StepObservation => ({ kind: 'workload', ...(controller === undefined ? {} : { controller }), pods, reports });
  const judge = (observation: StepObservation, subject: StepOf<'restartWorkload' | 'restartGateway'> = step): StepAssessment =>
    assessStep(subject, observation, true);

  it.each<[string, StepObservation, Partial<StepAssessment>]>([
    ['connected and synced', observe([pod('canary')], [report('canary', ['web-1.shop']), report('default', [])]), { kind: 'satisfied' }],
    ['not ready', observe([pod('canary', false)], []), { kind: 'pending', cause: 'rollout' }],
    ['injected by another revision', observe([pod('default')], []), { kind: 'pending', cause: 'revision' }],
    ['without a sidecar', observe([pod(undefined)], []), { kind: 'pending', cause: 'revision' }],
    ['not connected', observe([pod('canary')], [report('canary', [])]), { kind: 'pending', cause: 'proxies' }],
    [
      'connected to the old one only',
      observe([pod('canary')], [report('canary', []), report('default', ['web-1.shop'])]),
      { kind: 'pending', cause: 'proxies' },
    ],
    [
      'listed by both, as a StatefulSet pod is for a moment',
      observe([pod('canary')], [report('canary', ['web-1.shop']), report('default', ['web-1.shop'])]),
      { kind: 'pending', cause: 'proxies' },
    ],
    [
      'an istiod that does not answer',
      observe([pod('canary')], [report('canary', [], { error: 'no answer' })]),
      { kind: 'pending', cause: 'unknown' },
    ],
    [
      'a second istiod that does not answer does not matter when the first lists it',
      observe([pod('canary')], [report('canary', ['web-1.shop']), report('canary', [], { error: 'no answer' })]),
      { kind: 'satisfied' },
    ],
    [
      'not synced',
      observe(
        [pod('canary')],
        [{ ...report('canary', []), proxies: [{ proxy: 'web-1.shop', types: { ...SYNCED, RDS: { sent: 'b', acked: 'a' } } }] }],
      ),
      { kind: 'pending', cause: 'proxies' },
    ],
    ['no pods', observe([], [], { ...complete, spec: { replicas: 0 }, status: { observedGeneration: 1 } }), { kind: 'satisfied' }],
    ['paused', observe([], [], { ...complete, spec: { paused: true } }), { kind: 'blocked' }],
  ])('%s', (_name, observation, expected) => {
    expect(judge(observation)).toMatchObject(expected);
  });

  it('a template that asks for no proxy expects none', () => {
    const without: StepOf<'restartWorkload' | 'restartGateway'> = { ...step, revision: null };
    expect(judge(observe([pod(undefined)], []), without).kind).toBe('satisfied');
    expect(judge(observe([pod('canary')], []), without)).toMatchObject({ kind: 'pending', cause: 'revision' });
  });

  it('one that is gone is nothing to wait for', () => {
    expect(judge({ kind: 'workload', pods: [], reports: [] }).kind).toBe('obsolete');
  });

  it.each([
    ['rollout', 'RUN-021'],
    ['revision', 'RUN-022'],
    ['unknown', 'RUN-023'],
    ['proxies', 'RUN-024'],
  ] as const)('in vain for %s is problem %s', (cause, code) => {
    const problem = timeoutProblem(step, observe([pod('canary', false)], []), { detail: 'd', cause });
    expect([problem.code, problem instanceof Problem, problem.details.next.length > 0]).toEqual([code, true, true]);
  });
});

it('marks restarts by run and step, never by time', () => {
  expect(restartMark('to-canary-1a2b3c', '04-restart')).toBe('to-canary-1a2b3c/04-restart');
});
