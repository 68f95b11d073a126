/** What a real kubelet v1.34.3 with containerd wrote of pods like these, status by status, and what this one writes. */
import { afterEach, describe, expect, it } from 'vitest';
import { TinyCluster } from '../../../test/kit/tiny-cluster.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { ContainerProgram, PodContext } from '../cluster/pod-program.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { createKubeletKnobs } from './kubelet-knobs.ts';
import { createKubelets, type Kubelets } from './kubelets.ts';
import { createPodNetwork } from './loopback-network.ts';

const running: Kubelets[] = [];
afterEach(() => {
  for (const kubelets of running.splice(0)) kubelets.stop();
});

/** Runs until SIGTERM, and then ends as the real image does: fortio with 2, the proxy with 0. */
function server(exitCode: number): ContainerProgram {
  let context: PodContext | undefined;
  return {
    start: async (given) => void (context = given),
    ready: () => true,
    stop: async () => context?.exit(exitCode),
    kill: () => undefined,
  };
}

function once(exitCode: number): ContainerProgram {
  return { start: async (context) => context.exit(exitCode), ready: () => true, stop: async () => undefined, kill: () => undefined };
}

const PROGRAMS: Readonly<Record<string, () => ContainerProgram>> = {
  server: () => server(2),
  proxy: () => server(0),
  succeeds: () => once(0),
  fails: () => once(1),
};

interface Case {
  readonly spec: Readonly<Record<string, unknown>>;
  /** Deleted after so many seconds. */
  readonly deletedAfter?: number;
  /** Phase, the conditions PodReadyToStartContainers, Initialized and Ready, then the containers: + ready, ~ started. */
  readonly real: readonly string[];
}

/** As the recorded pod had them; Istio's own for its proxy. */
const startupProbe = { httpGet: { port: 15021 }, periodSeconds: 1, failureThreshold: 600 };
const proxyReadiness = { httpGet: { port: 15021 }, periodSeconds: 15, failureThreshold: 4 };
const appReadiness = { httpGet: { port: 15020 }, periodSeconds: 1, failureThreshold: 3 };

const CASES: Readonly<Record<string, Case>> = {
  'a server that is deleted': {
    spec: { containers: [{ name: 'app', image: 'server' }] },
    deletedAfter: 20,
    real: [
      'Pending False True False/ContainersNotReady app=ContainerCreating',
      'Running True True True app=running+',
      'Failed False True False/PodFailed app=exit2',
    ],
  },
  // Recorded of two pods of one Deployment: one shows more of the start, the other one its end.
  'a pod of a mesh that is deleted': {
    spec: {
      initContainers: [
        { name: 'istio-init', image: 'succeeds' },
        {
          name: 'istio-proxy',
          image: 'proxy',
          restartPolicy: 'Always',
          startupProbe,
          readinessProbe: proxyReadiness,
        },
      ],
      containers: [{ name: 'app', image: 'server', readinessProbe: appReadiness }],
    },
    deletedAfter: 20,
    real: [
      'Pending False False/ContainersNotInitialized False/ContainersNotReady istio-init=PodInitializing istio-proxy=PodInitializing app=PodInitializing',
      'Pending True False/ContainersNotInitialized False/ContainersNotReady istio-init=exit0+ istio-proxy=PodInitializing app=PodInitializing',
      'Pending True False/ContainersNotInitialized False/ContainersNotReady istio-init=exit0+ istio-proxy=running app=PodInitializing',
      'Pending True False/ContainersNotInitialized False/ContainersNotReady istio-init=exit0+ istio-proxy=running~ app=PodInitializing',
      'Pending True True False/ContainersNotReady istio-init=exit0+ istio-proxy=running~ app=PodInitializing',
      'Pending True True False/ContainersNotReady istio-init=exit0+ istio-proxy=running+ app=PodInitializing',
      'Running True True False/ContainersNotReady istio-init=exit0+ istio-proxy=running+ app=running~',
      'Running True True True istio-init=exit0+ istio-proxy=running+ app=running+',
      'Failed False True False/PodFailed istio-init=exit0+ istio-proxy=exit0 app=exit2',
    ],
  },
  'a job with a sidecar': {
    spec: {
      restartPolicy: 'Never',
      initContainers: [{ name: 'side', image: 'server', restartPolicy: 'Always' }],
      containers: [{ name: 'app', image: 'succeeds' }],
    },
    real: [
      'Pending False False/ContainersNotInitialized False/ContainersNotReady side=PodInitializing app=PodInitializing',
      'Pending True True False/ContainersNotReady side=running+ app=PodInitializing',
      'Running True True False/ContainersNotReady side=running+ app=exit0',
      'Running False True/PodCompleted False/PodCompleted side=exit2 app=exit0',
      'Succeeded False True/PodCompleted False/PodCompleted side=exit2 app=exit0',
    ],
  },
  'a job that fails': {
    spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'fails' }] },
    real: [
      'Pending False True False/ContainersNotReady app=ContainerCreating',
      'Pending True True False/PodFailed app=exit1',
      'Failed False True False/PodFailed app=exit1',
    ],
  },
  'an init container that fails': {
    spec: { restartPolicy: 'Never', initContainers: [{ name: 'wait', image: 'fails' }], containers: [{ name: 'app', image: 'server' }] },
    real: [
      'Pending False False/ContainersNotInitialized False/ContainersNotReady wait=PodInitializing app=PodInitializing',
      'Pending True False/ContainersNotInitialized False/PodFailed wait=exit1 app=PodInitializing',
      'Failed False False/ContainersNotInitialized False/PodFailed wait=exit1 app=PodInitializing',
    ],
  },
  'an image that is not there, and the pod is deleted': {
    spec: { containers: [{ name: 'app', image: 'missing' }] },
    deletedAfter: 8,
    real: [
      'Pending False True False/ContainersNotReady app=ContainerCreating',
      'Pending True True False/ContainersNotReady app=ErrImagePull',
      'Pending True True False/ContainersNotReady app=ImagePullBackOff',
      'Pending True True False/ContainersNotReady app=ContainerCreating',
      'Pending False True False/ContainersNotReady app=ContainerCreating',
      'Failed False True False/ContainersNotReady app=exit137',
    ],
  },
};

describe('statuses in the order of a real kubelet', () => {
  it.each(Object.entries(CASES))('%s', async (_name, { spec, deletedAfter, real }) => {
    const written = await statusesOf(spec, deletedAfter);
    // The real one may be slower or quicker than a change, so that it skips or shows a state between two others.
    let from = 0;
    for (const status of written) {
      const at = real.indexOf(status, from);
      expect(at, `${status}\nis not among what may follow:\n${real.slice(from).join('\n')}`).toBeGreaterThanOrEqual(0);
      from = at + 1;
    }
    expect(written[0]).toBe(real[0]);
    expect(written.at(-1)).toBe(real.at(-1));
    expect(written.length).toBeGreaterThanOrEqual(real.length / 2);
  });
});

async function statusesOf(spec: Readonly<Record<string, unknown>>, deletedAfter: number | undefined): Promise<readonly string[]> {
  const cluster = new TinyCluster();
  const clock = new VirtualClock();
  const network = createPodNetwork({ cluster, pool: { octet: 123, wholeLoopback: true, lowestPort: 1024 } });
  const kubelets = createKubelets({
    cluster,
    clock,
    network,
    random: () => 0.5,
    programs: [(_pod, { image }) => PROGRAMS[image]?.()],
    nodes: 1,
    knobs: createKubeletKnobs({ pulls: [{ image: 'missing', error: 'not-found' }] }),
  });
  running.push(kubelets);
  const seen: string[] = [];
  cluster.onChange('pods', ({ object }) => {
    const line = summary(object);
    if (line !== undefined && line !== seen.at(-1)) seen.push(line);
  });
  await kubelets.start();
  const pod = { nodeName: 'node-1', restartPolicy: 'Always', terminationGracePeriodSeconds: 30, ...spec };
  cluster.put('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ns', generation: 1 }, spec: pod });
  await clock.advance((deletedAfter ?? 60) * 1000);
  const found = cluster.get('pods', 'p', 'ns');
  if (deletedAfter === undefined || found === undefined) return seen;
  cluster.put('pods', { ...found, metadata: { ...found.metadata, deletionTimestamp: 'soon', deletionGracePeriodSeconds: 30 } });
  await clock.advance(60_000);
  return seen;
}

interface Written {
  readonly phase?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
  readonly initContainerStatuses?: readonly WrittenContainer[];
  readonly containerStatuses?: readonly WrittenContainer[];
}

interface WrittenContainer {
  readonly name: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly state: Readonly<Record<string, { readonly reason?: string; readonly exitCode?: number }>>;
}

function summary(pod: KubeObject): string | undefined {
  const status = pod['status'] as Written | undefined;
  if (status?.conditions === undefined) return undefined;
  const conditions = ['PodReadyToStartContainers', 'Initialized', 'Ready'].map((wanted) => {
    const { status: value = '', reason } = status.conditions?.find(({ type }) => type === wanted) ?? {};
    return reason === undefined ? value : `${value}/${reason}`;
  });
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(
    ({ name, ready, started, state }) => {
      const [kind = '', detail = {}] = Object.entries(state)[0] ?? [];
      const how = detail.exitCode === undefined ? (detail.reason ?? kind) : `exit${detail.exitCode}`;
      return `${name}=${how}${ready ? '+' : started ? '~' : ''}`;
    },
  );
  return [status.phase, ...conditions, ...containers].join(' ');
}
