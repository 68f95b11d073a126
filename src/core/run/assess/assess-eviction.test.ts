/** Which pod goes next, and when. */
import { describe, expect, it } from 'vitest';
import type { Pod, PodController } from '../../mesh/kube-objects.ts';
import { RESTART_ANNOTATION } from '../../plan/restart-mark.ts';
import { assessEviction, podsToEvict } from './assess-eviction.ts';

const SYNCED = Object.fromEntries(['CDS', 'LDS', 'EDS', 'RDS'].map((type) => [type, { sent: 'a', acked: 'a' }]));
const step = { workload: { kind: 'StatefulSet', namespace: 'shop', name: 'db' }, revision: 'canary' } as const;

function set(mark: string | undefined, more: Partial<PodController['status']> = {}): PodController {
  const annotations = mark === undefined ? {} : { [RESTART_ANNOTATION]: mark };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', generation: 2 },
    spec: { replicas: 3, template: { metadata: { annotations } } },
    status: { observedGeneration: 2, ...more },
  };
}

function pod(ordinal: number, revision: string, more: { mark?: string; ready?: boolean; ending?: boolean } = {}): Pod {
  const { mark, ready = true, ending = false } = more;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `db-${ordinal}`,
      namespace: 'shop',
      annotations: {
        'sidecar.istio.io/status': JSON.stringify({ revision }),
        ...(mark === undefined ? {} : { [RESTART_ANNOTATION]: mark }),
      },
      ...(ending ? { deletionTimestamp: '2026-03-01T12:00:00Z' } : {}),
    },
    spec: { containers: [{ name: 'app' }], initContainers: [{ name: 'istio-proxy', image: 'p:1.29.1', restartPolicy: 'Always' }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

/** Proxies of these pods are listed by the istiod of the new revision. */
function listed(...ordinals: number[]): Parameters<typeof assessEviction>[1]['reports'] {
  const proxies = ordinals.map((ordinal) => ({ proxy: `db-${ordinal}.shop`, types: SYNCED }));
  return [{ pod: 'istiod-canary', namespace: 'istio-system', revision: 'canary', proxies }];
}

const OLD = [pod(0, 'default'), pod(1, 'default'), pod(2, 'default')];
const MOVED = pod(2, 'canary', { mark: 'm' });

describe('pods that are still to go', () => {
  it.each<[string, readonly Pod[], string[]]>([
    ['all of them, the highest ordinal first', OLD, ['db-2', 'db-1', 'db-0']],
    ['ten is higher than nine', [pod(9, 'default'), pod(10, 'default')], ['db-10', 'db-9']],
    ['one that is of no use first', [pod(0, 'default', { ready: false }), pod(1, 'default')], ['db-0', 'db-1']],
    ['none that is on the revision already', [pod(0, 'canary'), pod(1, 'default')], ['db-1']],
    ['none that went already, whoever injected it', [pod(0, 'other', { mark: 'm' }), pod(1, 'default')], ['db-1']],
    ['none that is on its way', [pod(0, 'default', { ending: true }), pod(1, 'default')], ['db-1']],
  ])('%s', (_name, pods, expected) => {
    expect(podsToEvict({ controller: set('m'), pods }, 'canary').map(({ metadata }) => metadata.name)).toEqual(expected);
  });
});

describe('the next one goes', () => {
  const due = (pods: readonly Pod[], reports = listed(), controller = set('m')): unknown => {
    const judged = assessEviction(step, { controller, pods, reports });
    return judged.kind === 'pending' ? [judged.effectDue === true, judged.detail] : judged.kind;
  };
  it.each<[string, unknown, unknown]>([
    ['when none went yet', due(OLD), [true, '3 of 3 pods are still to be replaced']],
    ['when the one before it is proven', due([...OLD.slice(0, 2), MOVED], listed(2)), [true, '2 of 3 pods are still to be replaced']],
    [
      'not before the controller has seen the mark',
      due(OLD, listed(), set('m', { observedGeneration: 1 })),
      [false, 'the controller has not seen the change yet'],
    ],
    ['not while one is missing', due([...OLD.slice(0, 2), pod(2, 'default', { ending: true })]), [false, '2 of 3 pods are there']],
    [
      'not while the one before it is not ready',
      due([...OLD.slice(0, 2), pod(2, 'canary', { mark: 'm', ready: false })]),
      [false, '0 of 1 new pods ready'],
    ],
    ['not while its proxy is not connected', due([...OLD.slice(0, 2), MOVED]), [false, '0 of 1 proxies connected to canary']],
    [
      'not when another revision injected it',
      due([...OLD.slice(0, 2), pod(2, 'default', { mark: 'm' })]),
      [false, '1 of 1 pods are on default, wanted canary'],
    ],
    [
      'never again when all are proven',
      due(
        [0, 1, 2].map((n) => pod(n, 'canary', { mark: 'm' })),
        listed(0, 1, 2),
      ),
      'satisfied',
    ],
  ])('%s', (_name, judged, expected) => {
    expect(judged).toEqual(expected);
  });

  it('nothing is to be done for one that is gone', () => {
    expect(assessEviction(step, { pods: [], reports: [] }).kind).toBe('obsolete');
  });
});
