/** How far a gateway has moved, stage by stage, from what the mesh shows. */
import { describe, expect, it } from 'vitest';
import { SYNCED } from '../../../test/kit/mesh-builder.ts';
import type { KubeObject, Pod } from '../mesh/kube-objects.ts';
import type { StepOf } from '../plan/step.ts';
import { assessGatewayRemoval, assessTemplateLabel, gatewayProblem, judgeGateway } from './assess/assess-gateway.ts';
import type { GatewayObservation, GatewayPods } from './gateway-observation.ts';

const ref = (name: string): { kind: 'Deployment'; namespace: string; name: string } => ({ kind: 'Deployment', namespace: 'edge', name });
const words = { title: '', phase: 'move' as const, preconditions: [], changes: [], doneWhen: '', undo: '' };

const add: StepOf<'addGateway'> = {
  ...words,
  id: '01-add',
  kind: 'addGateway',
  gateway: ref('gw'),
  copy: ref('gw-new'),
  revision: 'new',
  services: ['gw'],
  httpPorts: [80],
  trial: { pod: 'gw-new-trial', without: ['app'] },
  bounds: [{ name: 'gw', min: 2, max: 2, when: 'first' }],
};

const shift: StepOf<'shiftGateway'> = {
  ...words,
  id: '02-shift',
  kind: 'shiftGateway',
  gateway: ref('gw'),
  up: { workload: ref('gw-new'), from: 1, to: 2, revision: 'new' },
  down: { workload: ref('gw'), from: 2, to: 0 },
  services: ['gw'],
  bounds: [{ name: 'gw-new', min: 2, max: 5, when: 'last', like: 'gw' }],
};

interface PodOptions {
  readonly revision?: string;
  readonly ready?: boolean;
  readonly ending?: boolean;
}

function pod(name: string, { revision = 'new', ready = true, ending = false }: PodOptions = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'edge',
      annotations: { 'sidecar.istio.io/status': JSON.stringify({ revision }) },
      ...(ending ? { deletionTimestamp: '2026-03-01T12:00:00Z' } : {}),
    },
    spec: { containers: [{ name: 'istio-proxy' }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

function deployment(name: string, replicas: number, pods: readonly Pod[]): GatewayPods {
  const alive = pods.filter((p) => p.metadata.deletionTimestamp === undefined).length;
  return {
    controller: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'edge' },
      spec: { replicas },
      status: { replicas: alive, updatedReplicas: alive, readyReplicas: alive, availableReplicas: alive },
    },
    pods,
  };
}

function autoscaler(name: string, minReplicas: number, maxReplicas: number, target = 'gw'): KubeObject {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: 'edge' },
    spec: { minReplicas, maxReplicas, scaleTargetRef: { kind: 'Deployment', name: target } },
  };
}

const listed = (...pods: readonly string[]): GatewayObservation['reports'] => [
  {
    pod: 'istiod-new',
    namespace: 'istio-system',
    revision: 'new',
    proxies: pods.map((name) => ({ proxy: `${name}.edge`, types: SYNCED })),
  },
];

const seen = (...readyPods: readonly string[]): GatewayObservation['endpoints'] => [{ service: 'gw', readyPods }];
const old = deployment('gw', 2, [pod('gw-1', { revision: 'old' }), pod('gw-2', { revision: 'old' })]);
const held = [autoscaler('gw', 2, 2)];
const nothing: GatewayObservation = {
  kind: 'gateway',
  down: old,
  endpoints: seen('gw-1', 'gw-2'),
  reports: [],
  autoscalers: held,
  answers: [],
};
const answers = (status: number | undefined): GatewayObservation['answers'] => [
  { port: 80, pod: 'gw-new-trial', ...(status === undefined ? { error: 'refused' } : { status }) },
  { port: 80, pod: 'gw-1', status: 404 },
];

describe('adding a gateway', () => {
  const trial = pod('gw-new-trial');
  const proven: GatewayObservation = { ...nothing, trial, reports: listed('gw-new-trial'), answers: answers(404) };
  const copy = deployment('gw-new', 1, [pod('gw-new-1')]);
  const there: GatewayObservation = { ...nothing, up: copy, reports: listed('gw-new-1'), endpoints: seen('gw-1', 'gw-2', 'gw-new-1') };

  it.each<[string, GatewayObservation, string, string | RegExp]>([
    ['holds the autoscaler first', { ...nothing, autoscalers: [autoscaler('gw', 1, 5)] }, 'hold', 'the autoscaler is not held yet'],
    ['needs none that is gone', { ...nothing, autoscalers: [] }, 'try', 'no pod has proven itself yet'],
    ['tries a pod', nothing, 'try', 'no pod has proven itself yet'],
    ['waits until it is ready', { ...proven, trial: pod('gw-new-trial', { ready: false }) }, 'wait', '0 of 1 pods ready'],
    ['waits for its revision', { ...proven, trial: pod('gw-new-trial', { revision: 'old' }) }, 'wait', /are on old, wanted new/],
    ['waits for its connection', { ...proven, reports: listed() }, 'wait', '0 of 1 proxies connected to new'],
    ['waits for its answer', { ...proven, answers: answers(undefined) }, 'wait', /does not answer on port 80, as the old pods do: refused/],
    ['needs none that no old pod gives', { ...proven, answers: answers(undefined).slice(0, 1) }, 'create', /gw-new-trial serves/],
    ['makes the Deployment then', proven, 'create', /gw-new-trial serves/],
    ['clears the pod away', { ...there, trial }, 'clear', 'the trial pod has proven itself'],
    ['does not wait for its end', { ...there, trial: pod('gw-new-trial', { ending: true }) }, 'done', ''],
    ['waits for endpoints', { ...there, endpoints: seen('gw-1', 'gw-2') }, 'wait', '0 of 1 new pods are among the endpoints of Service gw'],
    ['is done', there, 'done', ''],
  ])('%s', (_name, observation, stage, detail) => {
    const { stage: judged, assessment } = judgeGateway(add, observation);
    expect([judged, 'detail' in assessment ? assessment.detail : '']).toEqual([
      stage,
      detail instanceof RegExp ? expect.stringMatching(detail) : detail,
    ]);
    // Only what has a further effect is told to be due.
    const isDue = 'effectDue' in assessment && assessment.effectDue === true;
    expect(isDue).toBe(!['wait', 'done'].includes(stage));
  });

  it('makes the Deployment at once where no pod can be kept from traffic', () => {
    const { trial: _trial, ...bare } = add;
    expect(judgeGateway(bare, nothing).stage).toBe('create');
  });

  it('tells how much of the traffic it has', () => {
    expect(judgeGateway(add, there).assessment).toMatchObject({
      evidence: expect.arrayContaining(['1 of 3 endpoints of Service gw are pods of deploy/gw-new']) as unknown,
    });
  });
});

describe('shifting a gateway', () => {
  const up = (count: number, pods = count): GatewayPods =>
    deployment(
      'gw-new',
      count,
      Array.from({ length: pods }, (_, index) => pod(`gw-new-${index + 1}`)),
    );
  const serving: GatewayObservation = {
    ...nothing,
    up: up(2),
    reports: listed('gw-new-1', 'gw-new-2'),
    endpoints: seen('gw-1', 'gw-2', 'gw-new-1', 'gw-new-2'),
  };
  const ending = deployment('gw', 0, [pod('gw-1', { revision: 'old', ending: true })]);
  const empty = deployment('gw', 0, []);
  const shifted: GatewayObservation = { ...serving, down: empty, endpoints: seen('gw-new-1', 'gw-new-2') };

  it.each<[string, GatewayObservation, string, string]>([
    ['brings new pods first', { ...serving, up: up(1) }, 'grow', 'deploy/gw-new has 1 of 2 pods'],
    ['waits for them', { ...serving, up: up(2, 1) }, 'wait', '1 of 2 new pods created'],
    [
      'waits until all are seen',
      { ...serving, endpoints: seen('gw-new-1') },
      'wait',
      '1 of 2 new pods are among the endpoints of Service gw',
    ],
    ['then lets old ones go', serving, 'shrink', 'the new pods serve; deploy/gw goes from 2 to 0'],
    ['waits until they have ended', { ...shifted, down: ending }, 'wait', '1 pods of deploy/gw drain and end'],
    [
      'and are forgotten',
      { ...shifted, endpoints: seen('gw-1', 'gw-new-1', 'gw-new-2') },
      'wait',
      'gw-1 is gone and still among the endpoints',
    ],
    ['gives the new one an autoscaler last', shifted, 'release', 'the autoscaler is not set yet'],
    ['is done', { ...shifted, autoscalers: [...held, autoscaler('gw-new', 2, 5)] }, 'done', ''],
    ['needs no autoscaler where there is none', { ...shifted, autoscalers: [] }, 'done', ''],
    [
      'lets an autoscaler go on',
      {
        ...shifted,
        up: up(3),
        reports: listed('gw-new-1', 'gw-new-2', 'gw-new-3'),
        endpoints: seen('gw-new-1', 'gw-new-2', 'gw-new-3'),
        autoscalers: [],
      },
      'done',
      '',
    ],
  ])('%s', (_name, observation, stage, detail) => {
    const { stage: judged, assessment } = judgeGateway(shift, observation);
    expect([judged, 'detail' in assessment ? assessment.detail : '']).toEqual([stage, detail]);
  });

  it.each<[string, KubeObject[], string]>([
    ['is not held any more', [autoscaler('gw', 2, 2)], 'release'],
    ['scales the old one still', [autoscaler('gw', 2, 5)], 'release'],
    ['went along', [autoscaler('gw', 2, 5, 'gw-new')], 'done'],
    ['is gone', [], 'done'],
  ])('lets an autoscaler go along where two would stop each other: one that %s', (_name, autoscalers, stage) => {
    const along: typeof shift = { ...shift, bounds: [{ name: 'gw', min: 2, max: 5, when: 'last', target: 'gw-new' }] };
    expect(judgeGateway(along, { ...shifted, autoscalers }).stage).toBe(stage);
  });

  it('stops when the Deployment that gets pods is gone, and goes on when the other is', () => {
    const { up: _up, ...gone } = serving;
    expect(judgeGateway(shift, gone).assessment).toMatchObject({ kind: 'blocked', problem: { code: 'RUN-070' } });
    const { down: _down, ...without } = shifted;
    expect(judgeGateway(shift, { ...without, autoscalers: [] }).stage).toBe('done');
  });

  it('tells what it waited for, by the pods where these are the cause', () => {
    expect(gatewayProblem(shift, serving, { detail: '1 pods of deploy/gw drain and end' }).code).toBe('RUN-070');
    expect(gatewayProblem(shift, serving, { detail: '0 of 2 pods ready', cause: 'rollout' }).code).toBe('RUN-021');
    expect(gatewayProblem(shift, serving, { detail: '1 of 2 proxies synced', cause: 'proxies' }).code).toBe('RUN-024');
  });
});

describe('removing a gateway', () => {
  const step: StepOf<'removeGateway'> = { ...words, id: '03-remove', kind: 'removeGateway', gateway: ref('gw') };
  const present = [{ apiVersion: 'apps/v1', ...ref('gw') }];
  it.each<[string, Parameters<typeof assessGatewayRemoval>[1], object]>([
    [
      'not while it wants pods',
      { kind: 'gateway-removal', gateway: deployment('gw', 1, []), present, owned: [] },
      { kind: 'blocked', problem: { code: 'RUN-071' } },
    ],
    [
      'not while it has pods',
      { kind: 'gateway-removal', gateway: deployment('gw', 0, [pod('gw-1')]), present, owned: [] },
      { kind: 'blocked' },
    ],
    [
      'not while they drain',
      { kind: 'gateway-removal', gateway: deployment('gw', 0, [pod('gw-1', { ending: true })]), present, owned: [] },
      { kind: 'pending' },
    ],
    [
      'when it is empty',
      { kind: 'gateway-removal', gateway: deployment('gw', 0, []), present, owned: [] },
      { kind: 'pending', effectDue: true, detail: '1 objects are to be dealt with: Deployment edge/gw' },
    ],
    [
      'what it shares too',
      { kind: 'gateway-removal', present: [], owned: [{ apiVersion: 'v1', kind: 'Service', namespace: 'edge', name: 'gw' }] },
      { kind: 'pending' },
    ],
    [
      'until the release that follows is deployed',
      { kind: 'gateway-removal', present: [], owned: [], heir: 'the Helm release gw-new is pending-install' },
      { kind: 'pending', effectDue: true, detail: 'the Helm release gw-new is pending-install' },
    ],
    ['once it is gone', { kind: 'gateway-removal', present: [], owned: [] }, { kind: 'satisfied' }],
  ])('%s', (_name, observation, expected) => {
    expect(assessGatewayRemoval(step, observation)).toMatchObject(expected);
  });
});

it('a gateway whose pods are as wanted is not done before its template is', () => {
  const step: StepOf<'restartWorkload' | 'restartGateway'> = {
    ...words,
    id: '04',
    kind: 'restartGateway',
    workload: ref('gw'),
    revision: 'new',
    pods: 0,
    templateLabel: { from: 'old', to: 'new' },
  };
  const withLabel = (value: string): GatewayPods['controller'] => ({
    ...old.controller,
    spec: { template: { metadata: { labels: { 'istio.io/rev': value } } } },
  });
  expect(assessTemplateLabel(step, { controller: withLabel('old') })).toMatchObject({
    detail: 'its template has istio.io/rev=old, wanted new',
  });
  expect(assessTemplateLabel(step, { controller: withLabel('new') })).toBeUndefined();
  expect(assessTemplateLabel(step, {})).toBeUndefined();
});
