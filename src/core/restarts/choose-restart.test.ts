/** The choice for every kind of workload and every hazard, and what the request changes in it. */
import { describe, expect, it } from 'vitest';
import { MeshBuilder, type WorkloadOptions } from '../../../test/kit/mesh-builder.ts';
import type { Container, KubeObject, PodSpec } from '../mesh/kube-objects.ts';
import type { Workload } from '../mesh/mesh-inventory.ts';
import type { RestartChoice } from '../moves/restart-choice.ts';
import { selectMoves, type WorkloadMove } from '../moves/select-moves.ts';
import { upgradeRequestSchema } from '../request/upgrade-request.ts';
import { chooseRestart, type RestartSubject } from './choose-restart.ts';
import { overrideThatDoesNotFit } from './override-problems.ts';
import { parseQuantity } from '../mesh/quantity.ts';
import { stillInTheWay } from './still-in-the-way.ts';
import { gatherSurroundings } from './surroundings.ts';
import { preStopSeconds } from './termination.ts';
import { withRestarts } from './with-restarts.ts';

const APP: Container = {
  name: 'app',
  image: 'app:1',
  readinessProbe: {},
  lifecycle: { preStop: { sleep: { seconds: 5 } } },
  ports: [{ containerPort: 8080 }],
};
const FINE: WorkloadOptions = { on: 'default', replicas: 2, template: { spec: { containers: [APP] } } };

function shop(extra: ConstructorParameters<typeof MeshBuilder>[0] = {}): MeshBuilder {
  return new MeshBuilder(extra)
    .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
    .defaultTo('default')
    .namespace('shop', { 'istio-injection': 'enabled' });
}

function object(kind: string, name: string, more: object): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'shop' }, ...more };
}

interface Case {
  readonly options?: WorkloadOptions;
  readonly spec?: PodSpec;
  readonly around?: readonly KubeObject[];
  readonly unread?: string;
  readonly move?: Partial<RestartSubject>;
  /** Field manager of the Deployment. */
  readonly managedBy?: string;
  /** The text `mesh` of the revision. */
  readonly meshConfig?: string;
}

function choiceOf({ options = {}, spec, around = [], unread, move = {}, meshConfig, managedBy }: Case): RestartChoice {
  const mesh = shop(unread === undefined ? {} : { unread: [{ what: `${unread} in all namespaces`, why: 'no permission' }] });
  const template = { ...FINE.template, ...options.template, ...(spec === undefined ? {} : { spec: { ...FINE.template?.spec, ...spec } }) };
  mesh.workload('shop', 'x', { ...FINE, ...options, template }).object(...around);
  const found = mesh.inventory().workloads.find((w) => w.name === 'x');
  if (found === undefined) throw new Error('no workload');
  return chooseRestart(
    managedBy === undefined ? found : managed(found, managedBy),
    { revision: 'canary', ...move },
    gatherSurroundings(mesh.objects(), meshConfig),
  );
}

function managed(workload: Workload, manager: string): Workload {
  const { controller } = workload;
  if (controller === undefined) return workload;
  return { ...workload, controller: { ...controller, metadata: { ...controller.metadata, managedFields: [{ manager }] } } };
}

/** `ask WORK-001`, or the words where nothing tells a code. */
function told(choice: RestartChoice): string[] {
  return [choice.do, ...choice.reasons.map(({ code, weight, text }) => (code === undefined ? text : `${weight} ${code}`))];
}

const rolling = (maxUnavailable: number | string, maxSurge: number | string): WorkloadOptions => ({
  strategy: { rollingUpdate: { maxUnavailable, maxSurge } },
});
const ONDELETE = 'its update strategy is OnDelete: delete its pods by hand';

describe('by kind', () => {
  it.each<[string, Case, string[]]>([
    ['a Deployment of 2', {}, ['restart']],
    ['a Deployment of 1, whose second pod comes first', { options: { replicas: 1 } }, ['restart']],
    ['a Deployment of 1 that cannot have a second pod', { options: { replicas: 1, ...rolling(1, 0) } }, ['surge', 'note WORK-014']],
    ['a Deployment of 3 that may lose all', { options: { replicas: 3, ...rolling('100%', 1) } }, ['surge', 'note WORK-014']],
    [
      'a Deployment of 1 that the request wants restarted by its own strategy',
      { options: { replicas: 1, ...rolling(1, 0) }, move: { ownStrategy: true } },
      ['ask', 'ask WORK-001'],
    ],
    [
      'a Deployment of 1 whose strategy a tool would put back',
      { options: { replicas: 1, ...rolling(1, 0) }, managedBy: 'argocd-controller' },
      ['ask', 'ask WORK-001'],
    ],
    ['Recreate', { options: { strategy: { type: 'Recreate' } } }, ['ask', 'ask WORK-001']],
    ['Recreate, scaled to zero', { options: { replicas: 0, strategy: { type: 'Recreate' } } }, ['restart']],
    ['paused', { options: { spec: { paused: true } } }, ['skip', 'the Deployment is paused: kubectl rollout resume it first']],
    ['a StatefulSet of 2', { options: { kind: 'StatefulSet' } }, ['restart']],
    ['a StatefulSet of 1', { options: { kind: 'StatefulSet', replicas: 1 } }, ['ask', 'ask WORK-001']],
    ['a StatefulSet with OnDelete', { options: { kind: 'StatefulSet', strategy: { type: 'OnDelete' } } }, ['skip', ONDELETE]],
    [
      'a StatefulSet with a partition',
      { options: { kind: 'StatefulSet', strategy: { rollingUpdate: { partition: 1 } } } },
      ['skip', 'its partition of 1 keeps pods below that ordinal as they are'],
    ],
    ['a DaemonSet on 2 nodes', { options: { kind: 'DaemonSet' } }, ['restart']],
    ['a DaemonSet on 1 node', { options: { kind: 'DaemonSet', replicas: 1 } }, ['ask', 'ask WORK-001']],
    ['a DaemonSet with OnDelete', { options: { kind: 'DaemonSet', strategy: { type: 'OnDelete' } } }, ['skip', ONDELETE]],
    ['an Argo Rollout', { options: { kind: 'Rollout' } }, ['skip', 'Argo Rollout: restart it with kubectl argo rollouts restart']],
    [
      'a ReplicaSet of its own',
      { options: { kind: 'ReplicaSet' } },
      ['skip', 'a ReplicaSet without a Deployment does not replace its pods: delete them by hand'],
    ],
    ['a Job', { options: { kind: 'Job' } }, ['skip', 'a Job ends by itself; its pod keeps its sidecar until then']],
    [
      'a CronJob',
      { options: { kind: 'CronJob' } },
      ['skip', 'its running pod keeps its sidecar until it ends; the next run gets the new one'],
    ],
    ['one whose proxy is pinned', { move: { pinnedImage: 'mine/proxy:1' } }, ['restart', 'note WORK-007']],
  ])('%s', (_name, given, expected) => {
    expect(told(choiceOf(given))).toEqual(expected);
  });

  it('a pod of its own, and one that went through kube-inject, are left where they are', () => {
    const mesh = shop().pod('shop', 'x', { on: 'default' });
    const bare = mesh.inventory().workloads.find((w) => w.kind === 'Pod' && w.namespace === 'shop');
    if (bare === undefined) throw new Error('no pod');
    expect(chooseRestart(bare, { revision: 'canary' }, gatherSurroundings(mesh.objects(), undefined)).do).toBe('skip');
    const injected: WorkloadOptions = {
      template: {
        metadata: { labels: { app: 'x' }, annotations: { 'sidecar.istio.io/status': '{"containers":["istio-proxy"]}' } },
        spec: { containers: [APP, { name: 'istio-proxy', image: 'istio/proxyv2:1.28.2' }] },
      },
    };
    expect(told(choiceOf({ options: injected, move: { revision: undefined } }))).toEqual([
      'skip',
      expect.stringContaining('and no webhook replaces it: change the template'),
    ]);
  });
});

const budget = (disruptionsAllowed: number): KubeObject =>
  object('PodDisruptionBudget', 'b', { spec: { selector: { matchLabels: { app: 'x' } } }, status: { disruptionsAllowed } });
const scaler = (status: object, minReplicas = 1): KubeObject =>
  object('HorizontalPodAutoscaler', 'x', {
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'x' }, minReplicas, maxReplicas: 2 },
    status,
  });
const LIMITED = { conditions: [{ type: 'ScalingLimited', status: 'True', reason: 'TooManyReplicas' }] };
const quota = (hard: object, used: object, spec: object = {}): KubeObject => object('ResourceQuota', 'q', { spec, status: { hard, used } });
const node = (name: string, allocatable: object, spec: object = {}, labels = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels },
  spec,
  status: { allocatable, conditions: [{ type: 'Ready', status: 'True' }] },
});
const claim = (...accessModes: string[]): KubeObject => object('PersistentVolumeClaim', 'data', { spec: { accessModes } });
const MOUNTS: PodSpec = { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] };
const asks = (requests: Record<string, string>): PodSpec => ({ containers: [{ ...APP, resources: { requests } }] });
/** Pods of the mesh builder ask for nothing, so that what they would ask for is read from the template: there are none. */
const TEMPLATE_ONLY: WorkloadOptions = { pods: 0, replicas: 1 };
const UNREADY = 'ask WORK-004';

describe('by what stands around it', () => {
  it.each<[string, Case, string[]]>([
    ['a budget that allows nothing', { around: [budget(0)] }, ['ask', 'ask WORK-002']],
    ['a budget that allows one', { around: [budget(1)] }, ['restart']],
    [
      'an autoscaler at its limit, and pods that are taken away',
      { options: rolling(1, 1), around: [scaler(LIMITED)] },
      ['ask', 'ask WORK-010'],
    ],
    ['an autoscaler at its limit, and a second pod first', { options: rolling(0, 1), around: [scaler(LIMITED)] }, ['restart']],
    [
      'an autoscaler that says nothing yet, at the limit',
      { options: rolling(1, 1), around: [scaler({ desiredReplicas: 2 })] },
      ['ask', 'ask WORK-010'],
    ],
    ['an autoscaler below its limit', { options: rolling(1, 1), around: [scaler({ desiredReplicas: 1 })] }, ['restart']],
    ['an autoscaler that may only have one number', { options: rolling(1, 1), around: [scaler(LIMITED, 2)] }, ['restart']],
    ['a quota without another pod', { around: [quota({ pods: '2' }, { pods: '2' })] }, ['ask', 'ask WORK-011']],
    ['a quota with one more pod', { around: [quota({ pods: '3' }, { pods: '2' })] }, ['restart']],
    [
      'a quota without another pod, where one goes first',
      { options: rolling(1, 0), around: [quota({ pods: '2' }, { pods: '2' })] },
      ['restart'],
    ],
    ['a quota for other pods', { around: [quota({ pods: '2' }, { pods: '2' }, { scopes: ['BestEffort'] })] }, ['restart']],
    [
      'a quota without cores for it',
      { options: TEMPLATE_ONLY, spec: asks({ cpu: '600m' }), around: [quota({ 'requests.cpu': '2' }, { 'requests.cpu': '1500m' })] },
      ['ask', 'ask WORK-011', UNREADY],
    ],
    [
      'a quota with just enough memory',
      { options: TEMPLATE_ONLY, spec: asks({ memory: '1Gi' }), around: [quota({ memory: '2Gi' }, { memory: '1024Mi' })] },
      ['ask', UNREADY],
    ],
    ['no node that takes another pod', { around: [node('n', { pods: '0' })] }, ['restart', 'note WORK-012']],
    [
      'room only on a node that takes none',
      { around: [node('n', { pods: '0' }), node('m', { pods: '9' }, { unschedulable: true })] },
      ['restart', 'note WORK-012'],
    ],
    ['room on a second node', { around: [node('n', { pods: '0' }), node('m', { pods: '9' })] }, ['restart']],
    [
      'room on a node that it does not choose',
      { spec: { nodeSelector: { disk: 'ssd' } }, around: [node('n', { pods: '9' })] },
      ['restart', 'note WORK-012'],
    ],
    [
      'room on a node that it chooses',
      { spec: { nodeSelector: { disk: 'ssd' } }, around: [node('n', { pods: '9' }, {}, { disk: 'ssd' })] },
      ['restart'],
    ],
    ['one that tolerates what keeps others away', { spec: { tolerations: [{}] }, around: [node('n', { pods: '0' })] }, ['restart']],
    ['a volume of one node', { spec: MOUNTS, around: [claim('ReadWriteOnce')] }, ['ask', 'ask WORK-013']],
    [
      'a volume of one node, on a cluster of one',
      { spec: MOUNTS, around: [claim('ReadWriteOnce'), node('n', { pods: '9' })] },
      ['restart'],
    ],
    [
      'a volume of one pod, on a cluster of one node',
      { spec: MOUNTS, around: [claim('ReadWriteOncePod'), node('n', { pods: '9' })] },
      ['ask', 'ask WORK-013'],
    ],
    ['a volume for many', { spec: MOUNTS, around: [claim('ReadWriteMany')] }, ['restart']],
    [
      'a volume of one node, where the old pod goes first',
      { options: rolling(1, 0), spec: MOUNTS, around: [claim('ReadWriteOnce')] },
      ['restart'],
    ],
    ['one that would be down, with a budget', { options: rolling(2, 0), around: [budget(0)] }, ['ask', 'ask WORK-002', 'note WORK-014']],
    [
      'one that would be down, with its autoscaler at the limit',
      { options: rolling(2, 0), around: [scaler(LIMITED)] },
      ['surge', 'note WORK-014'],
    ],
    [
      'one that would be down, without room for a second pod',
      { options: rolling(2, 0), around: [quota({ pods: '2' }, { pods: '2' })] },
      ['ask', 'ask WORK-001'],
    ],
    [
      'one that would be down, with a volume of one node',
      { options: rolling(2, 0), spec: MOUNTS, around: [claim('ReadWriteOnce')] },
      ['ask', 'ask WORK-001'],
    ],
    ['no readiness probe', { spec: { containers: [{ ...APP, readinessProbe: undefined }] } }, ['ask', 'ask WORK-003']],
    ['pods that are not ready', { options: { ready: false } }, ['ask', 'ask WORK-004']],
    [
      'no preStop',
      { spec: { containers: [{ name: 'app', readinessProbe: {}, ports: [{ containerPort: 1 }] }] } },
      ['restart', 'note WORK-008'],
    ],
    ['a preStop as long as the grace', { spec: { terminationGracePeriodSeconds: 5 } }, ['restart', 'note WORK-009']],
    [
      'a drain as long as the grace, by the mesh',
      { meshConfig: 'defaultConfig: {terminationDrainDuration: 30s}' },
      ['restart', 'note WORK-009'],
    ],
    ['a drain that ends in time', { meshConfig: 'defaultConfig: {terminationDrainDuration: 29s}' }, ['restart']],
    [
      'all at once, worst first',
      {
        options: { strategy: { type: 'Recreate' }, ready: false },
        spec: { terminationGracePeriodSeconds: 1 },
        around: [budget(0)],
      },
      ['ask', 'ask WORK-001', 'ask WORK-002', 'ask WORK-004', 'note WORK-009'],
    ],
    [
      'made anew: it is not restarted',
      { options: { strategy: { type: 'Recreate' } }, around: [budget(0)], move: { canary: true } },
      ['restart'],
    ],
  ])('%s', (_name, given, expected) => {
    expect(told(choiceOf(given))).toEqual(expected);
  });
});

describe('what could not be read', () => {
  it.each<[string, Case, string[]]>([
    ['budgets', { unread: 'poddisruptionbudgets.policy' }, ['restart', 'may have a PodDisruptionBudget: they could not be read']],
    [
      'autoscalers, and pods that are taken away',
      { unread: 'horizontalpodautoscalers.autoscaling', options: rolling(1, 1) },
      ['restart', 'may be at the limit of an autoscaler: they could not be read'],
    ],
    ['autoscalers, which do not matter', { unread: 'horizontalpodautoscalers.autoscaling' }, ['restart']],
    ['quotas', { unread: 'resourcequotas' }, ['restart', 'needs room for one more pod: quotas could not be read']],
    ['nodes', { unread: 'nodes' }, ['restart', 'needs room for one more pod: nodes could not be read']],
    ['claims, of which it mounts one', { unread: 'persistentvolumeclaims', spec: MOUNTS }, ['ask', 'ask WORK-013']],
    ['claims, of which it mounts none', { unread: 'persistentvolumeclaims' }, ['restart']],
  ])('%s', (_name, given, expected) => {
    expect(told(choiceOf(given))).toEqual(expected);
  });
});

describe('what the request says by name', () => {
  const RECREATE: WorkloadOptions = { ...FINE, strategy: { type: 'Recreate' } };
  const choose = (draft: Record<string, unknown>): RestartChoice['do'] | undefined => {
    const mesh = shop().workload('shop', 'x', RECREATE).workload('shop', 'job', { kind: 'Job', on: 'default' });
    const request = upgradeRequestSchema.parse(draft);
    const to = { label: 'canary', revision: 'canary', version: '1.29.1' };
    const moves = selectMoves(mesh.inventory(), { from: 'default', to, namespaces: [], skip: [] });
    const [move]: WorkloadMove[] = withRestarts(moves, gatherSurroundings(mesh.objects(), undefined), request).namespaces.flatMap(
      (one) => one.workloads,
    );
    return move?.restart?.do;
  };
  const override = (workload: string): Record<string, unknown> => ({ restarts: { overrides: [{ workload, do: 'restart' }] } });

  it.each<[string, Record<string, unknown>, string]>([
    ['nothing', {}, 'ask'],
    ['the workload', override('shop/x'), 'restart'],
    ['the workload with its kind as kubectl knows it', override('shop/deploy/x'), 'restart'],
    ['another workload', override('shop/y'), 'ask'],
    ['another kind', override('shop/sts/x'), 'ask'],
    ['that it may be down', { acceptDowntime: ['shop/x'] }, 'restart'],
    ['the finding', { accept: ['WORK-001:shop/deployment/x'] }, 'restart'],
    ['another finding', { accept: ['WORK-002'] }, 'ask'],
  ])('%s', (_name, draft, expected) => {
    expect(choose(draft)).toBe(expected);
  });

  it('one that would be down keeps its own strategy only when it is named so', () => {
    const mesh = shop()
      .workload('shop', 'x', { ...FINE, ...rolling(2, 0) })
      .object(budget(0));
    const way = (draft: Record<string, unknown>): unknown => {
      const to = { label: 'canary', revision: 'canary', version: '1.29.1' };
      const moves = selectMoves(mesh.inventory(), { from: 'default', to, namespaces: [], skip: [] });
      const [move] = withRestarts(
        moves,
        gatherSurroundings(mesh.objects(), undefined),
        upgradeRequestSchema.parse(draft),
      ).namespaces.flatMap((one) => one.workloads);
      return [move?.restart?.do, move?.surge];
    };
    const surge = { from: { maxSurge: 0, maxUnavailable: 2 } };
    const as = (how: string): Record<string, unknown> => ({ restarts: { overrides: [{ workload: 'shop/x', do: how }] } });
    expect([way({}), way(as('surge')), way({ acceptDowntime: ['shop/x'] }), way({ accept: ['WORK-002'] }), way(as('restart'))]).toEqual([
      ['ask', surge],
      ['surge', surge],
      ['surge', surge],
      ['surge', surge],
      ['restart', undefined],
    ]);
  });

  it('one may wait only for what may pass', () => {
    const way = (options: WorkloadOptions, ...around: KubeObject[]): unknown => {
      const mesh = shop()
        .workload('shop', 'x', { ...FINE, ...options })
        .object(...around);
      const to = { label: 'canary', revision: 'canary', version: '1.29.1' };
      const moves = selectMoves(mesh.inventory(), { from: 'default', to, namespaces: [], skip: [] });
      const request = upgradeRequestSchema.parse({ restarts: { overrides: [{ workload: 'shop/x', do: 'wait' }] } });
      const [move] = withRestarts(moves, gatherSurroundings(mesh.objects(), undefined), request).namespaces.flatMap((one) => one.workloads);
      return [move?.restart?.do, ...(move?.waitFor ?? []).map(({ kind, name }) => `${kind} ${name}`)];
    };
    expect([
      way({}, budget(0)),
      way({}, budget(1)),
      way(rolling(1, 1), scaler(LIMITED)),
      way({}, budget(0), quota({ pods: '2' }, { pods: '2' })),
      way({ ready: false }, budget(0)),
    ]).toEqual([
      ['wait', 'PodDisruptionBudget b'],
      ['restart'],
      ['wait', 'HorizontalPodAutoscaler x'],
      ['wait', 'PodDisruptionBudget b', 'ResourceQuota q'],
      ['ask'],
    ]);
  });

  it('what cannot be followed is a mistake: a kind that no restart moves, and two wishes for one workload', () => {
    const mesh = shop().workload('shop', 'x', FINE).workload('shop', 'job', { kind: 'Job', on: 'default' });
    const problem = (draft: Record<string, unknown>, skip: readonly string[]): unknown => {
      const to = { label: 'canary', revision: 'canary', version: '1.29.1' };
      const moves = selectMoves(mesh.inventory(), { from: 'default', to, namespaces: [], skip });
      const found = overrideThatDoesNotFit(upgradeRequestSchema.parse(draft), moves);
      return found && [found.code, found.details.what, found.details.why];
    };
    expect(problem(override('shop/job'), [])).toEqual([
      'PLAN-016',
      'shop/job/job cannot be restarted as the request says.',
      'It stays: a Job ends by itself; its pod keeps its sidecar until then.',
    ]);
    expect(problem({ ...override('shop/x'), scope: { skip: ['shop/x'] } }, ['shop/x'])).toEqual([
      'PLAN-016',
      'shop/deployment/x cannot be restarted as the request says.',
      'The request also wants it left where it is.',
    ]);
    expect(problem(override('shop/x'), [])).toBeUndefined();
  });
});

it.each<[string | number | undefined, number | undefined]>([
  ['250m', 0.25],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['2k', 2000],
  ['1e3', 1000],
  ['3', 3],
  [4, 4],
  ['.5', 0.5],
  ['', undefined],
  ['many', undefined],
  ['1x', undefined],
  [undefined, undefined],
])('quantity %s', (written, expected) => {
  expect(parseQuantity(written)).toEqual(expected === undefined ? undefined : expect.closeTo(expected, 6));
});

it.each<[unknown, number | undefined]>([
  [{ sleep: { seconds: 7 } }, 7],
  [{ exec: { command: ['sleep', '10'] } }, 10],
  [{ exec: { command: ['/bin/sh', '-c', 'sleep 15'] } }, 15],
  [{ exec: { command: ['/bin/sh', '-c', 'curl localhost/stop; sleep 15'] } }, undefined],
  [{ httpGet: { path: '/stop' } }, undefined],
  [undefined, undefined],
])('preStop %o', (preStop, expected) => {
  expect(preStopSeconds({ name: 'app', lifecycle: { preStop } })).toBe(expected);
});

it.each<[string, KubeObject | undefined, string | undefined]>([
  ['a budget that allows nothing', budget(0), 'the PodDisruptionBudget b allows no disruption'],
  ['a budget that allows one', budget(1), undefined],
  ['an autoscaler at its limit', scaler(LIMITED), 'the autoscaler x is at its limit'],
  ['an autoscaler below it', scaler({ desiredReplicas: 1 }), undefined],
  ['a quota that is full', quota({ pods: '2' }, { pods: '2' }), 'the ResourceQuota q has no room (pods 2 of 2)'],
  ['a quota with room', quota({ pods: '3' }, { pods: '2' }), undefined],
  ['what is gone', undefined, undefined],
])('still in the way: %s', (_name, inTheWay, expected) => {
  expect(stillInTheWay(inTheWay, inTheWay?.kind ?? 'PodDisruptionBudget', [])).toBe(expected);
});
