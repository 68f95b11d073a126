import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { TinyCluster } from '../../../test/kit/tiny-cluster.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { ContainerProgram, PodContext } from '../cluster/pod-program.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { createKubeletKnobs, type KubeletSettings } from './kubelet-knobs.ts';
import { createKubelets, type Kubelets } from './kubelets.ts';
import { createPodNetwork } from './loopback-network.ts';
import { createAppPrograms } from './programs/app-program.ts';
import { createAppKnobs } from './programs/app-knobs.ts';

const START_MS = Date.UTC(2026, 0, 1);
/** Of tests only; the machine's own sandboxes begin at 64. */
const OCTET = 126;

interface World {
  readonly cluster: TinyCluster;
  readonly clock: VirtualClock;
  readonly kubelets: Kubelets;
  readonly network: ReturnType<typeof createPodNetwork>;
  readonly states: () => readonly string[];
  readonly pod: (name?: string) => Status | undefined;
  /** Also of a pod that is gone. */
  readonly lastOf: (name: string) => Status | undefined;
  readonly events: () => readonly string[];
}

interface Status {
  readonly metadata: KubeObject['metadata'];
  readonly phase: string;
  readonly podIP?: string;
  readonly [field: string]: unknown;
}

const worlds: Kubelets[] = [];
afterEach(() => {
  for (const kubelets of worlds.splice(0)) kubelets.stop();
});

/** A program whose every turn the test decides. */
class Puppet implements ContainerProgram {
  isReady = true;
  isAlive = true;
  context: PodContext | undefined;
  readonly seen: string[] = [];
  readonly #stop: ((context: PodContext) => Promise<void>) | undefined;

  constructor(stop?: (context: PodContext) => Promise<void>) {
    this.#stop = stop;
  }

  async start(context: PodContext): Promise<void> {
    this.context = context;
    this.seen.push('start');
  }
  ready(): boolean {
    return this.isReady;
  }
  alive(): boolean {
    return this.isAlive;
  }
  async stop(): Promise<void> {
    this.seen.push('stop');
    if (this.context !== undefined) await this.#stop?.(this.context);
  }
  kill(): void {
    this.seen.push('kill');
  }
}

async function world(
  settings: Partial<KubeletSettings> = {},
  programs: Readonly<Record<string, () => ContainerProgram>> = {},
): Promise<World> {
  const cluster = new TinyCluster();
  const clock = new VirtualClock(START_MS);
  const network = createPodNetwork({ cluster, pool: { octet: OCTET, wholeLoopback: true, lowestPort: 1024 } });
  const knobs = createKubeletKnobs({ sandboxMs: 1000, containerStartMs: 0, ...settings });
  const kubelets = createKubelets({
    cluster,
    clock,
    network,
    random: () => 0.5,
    programs: [(_pod, { image }) => programs[image]?.()],
    nodes: 1,
    knobs,
  });
  worlds.push(kubelets);
  const states: string[] = [];
  const last = new Map<string, Status>();
  cluster.onChange('pods', ({ type, object }) => {
    states.push(`${(clock.nowMs() - START_MS) / 1000}s ${summary(type, object)}`);
    last.set(object.metadata.name, { metadata: object.metadata, ...(object['status'] as object) } as Status);
  });
  await kubelets.start();
  return {
    cluster,
    clock,
    kubelets,
    network,
    states: () => states,
    pod: (name = 'p') => {
      const pod = cluster.get('pods', name, 'ns');
      return pod === undefined ? undefined : ({ metadata: pod.metadata, ...(pod['status'] as object) } as Status);
    },
    lastOf: (name) => last.get(name),
    events: () => {
      const times = (count: unknown): string => (count === 1 ? '' : ` (x${String(count)})`);
      return cluster.list('events').map(({ reason, message, count }) => `${String(reason)}: ${String(message)}${times(count)}`);
    },
  };
}

interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly state: Readonly<Record<string, { readonly reason?: string; readonly message?: string; readonly exitCode?: number }>>;
  readonly lastState: Readonly<Record<string, { readonly exitCode?: number }>>;
}

function containers(status: Status | undefined): readonly ContainerStatus[] {
  return [
    ...((status?.['initContainerStatuses'] ?? []) as readonly ContainerStatus[]),
    ...((status?.['containerStatuses'] ?? []) as readonly ContainerStatus[]),
  ];
}

/** `MODIFIED Running app=running+` where + is ready, and ~ started but not ready. */
function summary(type: string, object: KubeObject): string {
  const status = { metadata: object.metadata, ...(object['status'] as object) } as Status;
  const parts = containers(status).map(({ name, ready, started, state }) => {
    const [kind = '', detail = {}] = Object.entries(state)[0] ?? [];
    const how = detail.exitCode === undefined ? (detail.reason ?? kind) : `exit${detail.exitCode}`;
    return `${name}=${how}${ready ? '+' : started ? '~' : ''}`;
  });
  return [type === 'DELETED' ? 'gone' : (status.phase ?? 'new'), ...parts].join(' ');
}

function conditions(status: Status | undefined): Readonly<Record<string, string>> {
  const list = (status?.['conditions'] ?? []) as readonly { type: string; status: string; reason?: string; message?: string }[];
  return Object.fromEntries(
    list.map(({ type, status: value, reason, message }) => [type, [value, reason, message].filter(Boolean).join(' ')]),
  );
}

function pod(spec: Readonly<Record<string, unknown>>, name = 'p'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'ns', generation: 1, labels: { app: name } },
    spec: { nodeName: 'node-1', restartPolicy: 'Always', terminationGracePeriodSeconds: 30, ...spec },
    status: { phase: 'Pending', qosClass: 'BestEffort' },
  };
}

const app = { name: 'app', image: 'app:1' };
const proxy = { name: 'istio-proxy', image: 'proxy:1', restartPolicy: 'Always' };
const init = { name: 'istio-init', image: 'proxy:1' };

function markDeleted({ cluster, clock }: World, graceSeconds: number, name = 'p'): void {
  const found = cluster.get('pods', name, 'ns');
  if (found === undefined) throw new Error('no such pod');
  const deletionTimestamp = new Date(clock.nowMs() + graceSeconds * 1000).toISOString();
  cluster.put('pods', {
    ...found,
    metadata: { ...found.metadata, generation: 2, deletionTimestamp, deletionGracePeriodSeconds: graceSeconds },
  });
}

describe('the node', () => {
  it('registers as a kubelet does', async () => {
    const { cluster } = await world();
    const node = cluster.get('nodes', 'node-1');
    const status = node?.['status'] as {
      addresses: unknown;
      conditions: { type: string; status: string }[];
      nodeInfo: { kubeletVersion: string };
    };
    expect(node?.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'node-1', 'kubernetes.io/os': 'linux' });
    expect(status.addresses).toEqual([
      { type: 'InternalIP', address: '127.63.0.1' },
      { type: 'Hostname', address: 'node-1' },
    ]);
    expect(status.conditions.map(({ type, status: value }) => `${type}=${value}`)).toEqual([
      'MemoryPressure=False',
      'DiskPressure=False',
      'PIDPressure=False',
      'Ready=True',
    ]);
    expect(status.nodeInfo.kubeletVersion).toBe('v1.34.3');
    expect(cluster.writes[0]).toMatchObject({ user: 'system:node:node-1', fieldManager: 'kubelet' });
  });

  it('leaves pods of other nodes and unbound ones alone', async () => {
    const { cluster, clock, states } = await world();
    cluster.put('pods', pod({ containers: [app], nodeName: 'elsewhere' }, 'other'));
    cluster.put('pods', pod({ containers: [app], nodeName: undefined }, 'unbound'));
    await clock.advance(10_000);
    expect(states()).toHaveLength(2);
  });

  it('takes a pod once it is bound, and takes its pods with it when it is deleted', async () => {
    const { cluster, clock, states } = await world();
    const unbound = cluster.put('pods', pod({ containers: [app], nodeName: undefined }));
    cluster.put('pods', { ...unbound, spec: { ...(unbound['spec'] as object), nodeName: 'node-1' } });
    await clock.advance(2000);
    expect(states().at(-1)).toBe('1s Running app=running+');
    cluster.remove('nodes', 'node-1');
    await clock.advance(0);
    expect(states().at(-1)).toContain('gone');
  });
});

describe('a pod starts', () => {
  it('with init container and sidecar in the order of a real kubelet', async () => {
    const proxyProgram = new Puppet();
    proxyProgram.isReady = false;
    const { cluster, clock, states, pod: status } = await world({}, { 'proxy:1': () => proxyProgram, 'init:1': () => exiting(0) });
    const startupProbe = { httpGet: { port: 15021 }, periodSeconds: 1, failureThreshold: 600 };
    const readinessProbe = { httpGet: { port: 15021 }, periodSeconds: 15 };
    cluster.put(
      'pods',
      pod({
        initContainers: [
          { ...init, image: 'init:1' },
          { ...proxy, startupProbe, readinessProbe },
        ],
        containers: [{ ...app, readinessProbe: { httpGet: { port: 80 }, initialDelaySeconds: 2 } }],
      }),
    );
    await clock.advance(0);
    expect(conditions(status())).toEqual({
      PodReadyToStartContainers: 'False',
      Initialized: 'False ContainersNotInitialized containers with incomplete status: [istio-init istio-proxy]',
      Ready: 'False ContainersNotReady containers with unready status: [istio-proxy app]',
      ContainersReady: 'False ContainersNotReady containers with unready status: [istio-proxy app]',
      PodScheduled: 'True',
    });
    await clock.advance(3500);
    expect(conditions(status())).toMatchObject({
      PodReadyToStartContainers: 'True',
      Initialized: 'False ContainersNotInitialized containers with incomplete status: [istio-proxy]',
    });
    proxyProgram.isReady = true;
    await clock.advance(10_000);
    expect(states()).toEqual([
      '0s Pending',
      '0s Pending istio-init=PodInitializing istio-proxy=PodInitializing app=PodInitializing',
      '1s Pending istio-init=exit0+ istio-proxy=running app=PodInitializing',
      '4s Running istio-init=exit0+ istio-proxy=running+ app=running~',
      '6s Running istio-init=exit0+ istio-proxy=running+ app=running+',
    ]);
    expect(Object.values(conditions(status()))).toEqual(['True', 'True', 'True', 'True', 'True']);
  });

  it('and gathers what changes until it is ready', async () => {
    const program = new Puppet();
    const { cluster, clock, states } = await world({ statusDelayMs: 3000 }, { 'app:1': () => program });
    const readinessProbe = { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 1 };
    cluster.put('pods', pod({ containers: [{ ...app, readinessProbe }] }));
    await clock.advance(2500);
    program.isReady = false;
    await clock.advance(5000);
    expect(states()).toEqual(['0s Pending', '1s Running app=running+', '3s Running app=running~']);
  });

  it('and tells what was gathered when it does not become ready', async () => {
    const { cluster, clock, states } = await world({ statusDelayMs: 3000, neverReady: [{}] });
    cluster.put('pods', pod({ containers: [app] }));
    await clock.advance(5000);
    expect(states()).toEqual(['0s Pending', '3s Running app=running~']);
  });

  it('and its status has the shape of a real one', async () => {
    const { cluster, clock, pod: status } = await world();
    const mount = { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true };
    cluster.put('pods', pod({ containers: [{ ...app, resources: { requests: { cpu: '10m', memory: '32Mi' } }, volumeMounts: [mount] }] }));
    await clock.advance(2000);
    const [container] = (status()?.['containerStatuses'] ?? []) as readonly Record<string, unknown>[];
    expect(container).toEqual({
      name: 'app',
      state: { running: { startedAt: '2026-01-01T00:00:01Z' } },
      lastState: {},
      ready: true,
      restartCount: 0,
      image: 'app:1',
      imageID: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as unknown,
      containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/) as unknown,
      started: true,
      allocatedResources: { cpu: '10m', memory: '32Mi' },
      resources: { requests: { cpu: '10m', memory: '32Mi' } },
      volumeMounts: [{ ...mount, recursiveReadOnly: 'Disabled' }],
    });
    const { conditions: list, ...rest } = (status() ?? {}) as Record<string, unknown>;
    expect((list as readonly unknown[])[2]).toEqual({
      type: 'Ready',
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: '2026-01-01T00:00:01Z',
      observedGeneration: 1,
    });
    expect(rest).toMatchObject({
      observedGeneration: 1,
      phase: 'Running',
      hostIP: '127.63.0.1',
      hostIPs: [{ ip: '127.63.0.1' }],
      podIP: `127.${OCTET}.0.1`,
      podIPs: [{ ip: `127.${OCTET}.0.1` }],
      startTime: '2026-01-01T00:00:00Z',
    });
  });

  it('tells it in events', async () => {
    const { cluster, clock, events } = await world({ pulls: [{ image: 'app:*', pullMs: 2500 }] });
    cluster.put('pods', pod({ containers: [app] }));
    await clock.advance(1000);
    cluster.put('pods', pod({ containers: [app] }, 'q'));
    await clock.advance(10_000);
    expect(events().filter((event) => !event.startsWith('Pull'))).toEqual([
      'Created: Created container: app',
      'Started: Started container app',
      'Created: Created container: app',
      'Started: Started container app',
    ]);
    expect(events().filter((event) => event.startsWith('Pull'))).toEqual([
      'Pulling: Pulling image "app:1"',
      expect.stringMatching(
        /^Pulled: Successfully pulled image "app:1" in 2\.5s \(2\.5s including waiting\)\. Image size: \d+ bytes\.$/,
      ) as unknown,
      'Pulling: Pulling image "app:1"',
      expect.stringContaining('Pulled: Successfully pulled') as unknown,
    ]);
  });

  it('not while its image cannot be pulled, and then when it can', async () => {
    const { cluster, clock, pod: status, kubelets, events } = await world({ pulls: [{ image: '*:1', error: 'not-found' }] });
    cluster.put('pods', pod({ containers: [app] }));
    await clock.advance(1500);
    const error =
      'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/app:1": failed to resolve reference "docker.io/library/app:1": docker.io/library/app:1: not found';
    expect(containers(status())[0]?.state).toEqual({ waiting: { reason: 'ErrImagePull', message: error } });
    await clock.advance(1000);
    expect(containers(status())[0]?.state).toEqual({
      waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "app:1": ErrImagePull: ${error}` },
    });
    expect(events()).toContain('Failed: Error: ErrImagePull');
    expect(status()?.phase).toBe('Pending');
    kubelets.knobs.change({ pulls: [] });
    await clock.advance(10_000);
    expect(status()?.phase).toBe('Running');
  });
});

describe('readiness', () => {
  const readinessProbe = { httpGet: { port: 80 }, periodSeconds: 5, failureThreshold: 2 };

  it('follows the program after as many failures as the probe allows', async () => {
    const program = new Puppet();
    const { cluster, clock, states, events } = await world({}, { 'app:1': () => program });
    cluster.put('pods', pod({ containers: [{ ...app, readinessProbe }] }));
    await clock.advance(8000);
    program.isReady = false;
    await clock.advance(20_000);
    program.isReady = true;
    await clock.advance(10_000);
    expect(states().slice(2)).toEqual(['1s Running app=running+', '16s Running app=running~', '31s Running app=running+']);
    expect(events().filter((event) => event.startsWith('Unhealthy'))).toHaveLength(1);
  });

  it.each<[string, Partial<KubeletSettings>, readonly string[]]>([
    ['never', { neverReady: [{ labels: { app: 'p' } }] }, ['1s Running app=running~']],
    ['never, by another label', { neverReady: [{ labels: { app: 'q' } }] }, ['1s Running app=running+']],
    ['never, by image', { neverReady: [{ image: 'app:*' }] }, ['1s Running app=running~']],
    ['after a slow start', { slowStarts: [{ image: 'app:1', delayMs: 4000 }] }, ['1s Running app=running~', '5s Running app=running+']],
  ])('comes %s, as a knob has it', async (_case, settings, expected) => {
    const { cluster, clock, states } = await world(settings);
    cluster.put('pods', pod({ containers: [app] }));
    await clock.advance(60_000);
    expect(states().slice(2)).toEqual(expected);
  });

  it('is taken back and given while it runs, without a probe', async () => {
    const { cluster, clock, states, kubelets } = await world();
    cluster.put('pods', pod({ containers: [app] }));
    await clock.advance(5000);
    kubelets.knobs.change({ neverReady: [{}] });
    await clock.advance(5000);
    kubelets.knobs.change({ neverReady: [] });
    await clock.advance(5000);
    expect(states().slice(2)).toEqual(['1s Running app=running+', '5s Running app=running~', '10s Running app=running+']);
  });

  it('waits for the gates of others', async () => {
    const { cluster, clock, pod: status } = await world();
    cluster.put('pods', pod({ containers: [app], readinessGates: [{ conditionType: 'example.com/gate' }] }));
    await clock.advance(5000);
    expect(conditions(status())).toMatchObject({
      ContainersReady: 'True',
      Ready: 'False ReadinessGatesNotReady corresponding condition of pod readiness gate "example.com/gate" does not exist.',
    });
  });
});

describe('a container that ends', () => {
  it('is started again: at once, then after 10 s, 20 s and so on', async () => {
    const { cluster, clock, states, pod: status, events } = await world({ crashes: [{ afterMs: 1000, exitCode: 3 }] });
    cluster.put('pods', pod({ containers: [app] }));
    await clock.advance(36_000);
    expect(states().slice(2)).toEqual([
      '1s Running app=running+',
      '2s Running app=running+',
      '3s Running app=CrashLoopBackOff',
      '13s Running app=running+',
      '14s Running app=CrashLoopBackOff',
      '34s Running app=running+',
      '35s Running app=CrashLoopBackOff',
    ]);
    const [container] = containers(status());
    expect(container).toMatchObject({ restartCount: 3, lastState: { terminated: { exitCode: 3, reason: 'Error' } } });
    expect(container?.state['waiting']?.message).toMatch(/^back-off 40s restarting failed container=app pod=p_ns\(uid-\d+\)$/);
    expect(events()).toContainEqual(
      expect.stringMatching(/^BackOff: Back-off restarting failed container app in pod p_ns\(uid-\d+\) \(x3\)$/),
    );
    expect(events()).toContain('Started: Started container app (x4)');
  });

  it.each<[policy: string, exitCode: number, phase: string, reason: string]>([
    ['Never', 0, 'Succeeded', 'False PodCompleted'],
    ['Never', 1, 'Failed', 'False PodFailed'],
    ['OnFailure', 0, 'Succeeded', 'False PodCompleted'],
  ])('ends the pod of a job: %s, exit %d: %s', async (restartPolicy, exitCode, phase, reason) => {
    const { cluster, clock, pod: status } = await world({}, { 'app:1': () => exiting(exitCode) });
    cluster.put('pods', pod({ restartPolicy, containers: [app] }));
    await clock.advance(60_000);
    expect(status()?.phase).toBe(phase);
    expect(conditions(status())).toMatchObject({ Ready: reason, PodReadyToStartContainers: 'False' });
  });

  it('keeps the pod Running until its sidecars have ended', async () => {
    const sidecar = new Puppet(({ clock }) => clock.sleep(3000));
    const { cluster, clock, states, pod: status } = await world({}, { 'app:1': () => exiting(0), 'proxy:1': () => sidecar });
    cluster.put('pods', pod({ restartPolicy: 'Never', initContainers: [proxy], containers: [app] }));
    await clock.advance(60_000);
    expect(states().slice(-2)).toEqual(['1s Running istio-proxy=running+ app=exit0', '4s Succeeded istio-proxy=exit0 app=exit0']);
    expect(conditions(status())).toMatchObject({ Initialized: 'True PodCompleted', Ready: 'False PodCompleted' });
  });

  it('fails the pod when it is an init container that may not be tried again', async () => {
    const { cluster, clock, states } = await world({}, { 'proxy:1': () => exiting(1) });
    cluster.put('pods', pod({ restartPolicy: 'Never', initContainers: [init], containers: [app] }));
    await clock.advance(60_000);
    expect(states().at(-1)).toBe('1s Failed istio-init=exit1 app=PodInitializing');
  });

  it('is killed when it is not alive, and started again', async () => {
    const program = new Puppet();
    const { cluster, clock, states, events } = await world({}, { 'app:1': () => program });
    const livenessProbe = { httpGet: { port: 80 }, periodSeconds: 10, failureThreshold: 3 };
    cluster.put('pods', pod({ containers: [{ ...app, livenessProbe }] }));
    await clock.advance(5000);
    program.isAlive = false;
    await clock.advance(26_500);
    program.isAlive = true;
    await clock.advance(60_000);
    expect(states().slice(2)).toEqual(['1s Running app=running+', '31s Running app=running+']);
    expect(events()).toContain('Killing: Container app failed liveness probe, will be restarted');
  });
});

describe('a pod that is deleted', () => {
  it('ends with SIGTERM, writes its last status and is removed', async () => {
    const program = new Puppet(({ clock }) => clock.sleep(4000));
    const built = await world({}, { 'app:1': () => program });
    const { cluster, clock, states, events } = built;
    cluster.put('pods', pod({ containers: [app] }));
    await clock.advance(10_000);
    markDeleted(built, 30);
    await clock.advance(20_000);
    expect(states().slice(-3)).toEqual(['10s Running app=running+', '14s Succeeded app=exit0', '14s gone app=exit0']);
    expect(program.seen).toEqual(['start', 'stop']);
    expect(events()).toContain('Killing: Stopping container app');
    expect(cluster.writes.at(-1)).toMatchObject({ verb: 'delete', user: 'system:node:node-1' });
  });

  it.each<[string, unknown]>([
    ['sleep action', { sleep: { seconds: 5 } }],
    ['exec sleep', { exec: { command: ['sleep', '5'] } }],
    ['shell sleep', { exec: { command: ['/bin/sh', '-c', 'sleep 5'] } }],
  ])('waits for its preStop hook first: %s', async (_case, preStop) => {
    const program = new Puppet();
    const built = await world({}, { 'app:1': () => program });
    built.cluster.put('pods', pod({ containers: [{ ...app, lifecycle: { preStop } }] }));
    await built.clock.advance(10_000);
    markDeleted(built, 30);
    await built.clock.advance(4900);
    expect(program.seen).toEqual(['start']);
    await built.clock.advance(200);
    expect(built.states().at(-1)).toContain('15s gone');
  });

  it('is killed at the end of its grace period, which a second delete may shorten', async () => {
    const deaf = (): Puppet => new Puppet(() => new Promise(() => undefined));
    const built = await world({}, { 'app:1': deaf });
    built.cluster.put('pods', pod({ containers: [app] }));
    built.cluster.put('pods', pod({ containers: [app] }, 'q'));
    await built.clock.advance(10_000);
    markDeleted(built, 30);
    markDeleted(built, 30, 'q');
    await built.clock.advance(2000);
    markDeleted(built, 5, 'q');
    await built.clock.advance(60_000);
    expect(built.states().filter((line) => line.includes('gone'))).toEqual(['17s gone app=exit137', '40s gone app=exit137']);
  });

  it('ends its sidecar after the others, though its hook runs at once', async () => {
    const order: string[] = [];
    const named = (name: string, ms: number) => (): Puppet =>
      new Puppet(async ({ clock }) => {
        await clock.sleep(ms);
        order.push(`${name} ${(clock.nowMs() - START_MS) / 1000}`);
      });
    const built = await world({}, { 'app:1': named('app', 6000), 'proxy:1': named('proxy', 1000) });
    const lifecycle = { preStop: { sleep: { seconds: 2 } } };
    built.cluster.put('pods', pod({ initContainers: [{ ...proxy, lifecycle }], containers: [app] }));
    await built.clock.advance(10_000);
    markDeleted(built, 30);
    await built.clock.advance(60_000);
    expect(order).toEqual(['app 16', 'proxy 17']);
    expect(built.states().slice(-3)).toEqual([
      '16s Running istio-proxy=running+ app=exit0',
      '17s Succeeded istio-proxy=exit0 app=exit0',
      '17s gone istio-proxy=exit0 app=exit0',
    ]);
  });

  it('does not start what it had not started yet', async () => {
    const built = await world({ pulls: [{ image: '*', pullMs: 20_000 }] });
    built.cluster.put('pods', pod({ containers: [app] }));
    await built.clock.advance(5000);
    markDeleted(built, 30);
    await built.clock.advance(60_000);
    expect(built.states().at(-1)).toBe('5s gone app=exit137');
    expect(built.lastOf('p')).toMatchObject({
      phase: 'Failed',
      containerStatuses: [
        {
          imageID: '',
          state: {
            terminated: {
              exitCode: 137,
              reason: 'ContainerStatusUnknown',
              message: 'The container could not be located when the pod was terminated',
              startedAt: null,
              finishedAt: null,
            },
          },
        },
      ],
    });
    // As a real kubelet has it: PodFailed is only said of pods that ran.
    expect(conditions(built.lastOf('p'))).toMatchObject({
      PodReadyToStartContainers: 'False',
      Initialized: 'True',
      Ready: 'False ContainersNotReady containers with unready status: [app]',
    });
  });

  it('shows the last run of a container that waited for its next one', async () => {
    const built = await world({ crashes: [{ afterMs: 1000, exitCode: 3 }] });
    built.cluster.put('pods', pod({ containers: [app] }));
    await built.clock.advance(8000);
    expect(built.states().at(-1)).toBe('3s Running app=CrashLoopBackOff');
    markDeleted(built, 30);
    await built.clock.advance(1000);
    expect(built.states().slice(-2)).toEqual(['8s Failed app=exit3', '8s gone app=exit3']);
    expect(containers(built.lastOf('p'))[0]?.lastState).toEqual({});
  });

  it('is cut off when the object is gone', async () => {
    const program = new Puppet();
    const { cluster, clock } = await world({}, { 'app:1': () => program });
    cluster.put('pods', pod({ containers: [app] }));
    await clock.advance(5000);
    cluster.remove('pods', 'p', 'ns');
    await clock.advance(5000);
    expect(program.seen).toEqual(['start', 'kill']);
  });

  it('is removed at once when it had ended', async () => {
    const built = await world({}, { 'app:1': () => exiting(0) });
    built.cluster.put('pods', pod({ restartPolicy: 'Never', containers: [app] }));
    await built.clock.advance(10_000);
    markDeleted(built, 30);
    await built.clock.advance(0);
    expect(built.states().at(-1)).toBe('10s gone app=exit0');
  });
});

it('throws a pod out when asked to', async () => {
  const { cluster, clock, kubelets, pod: status } = await world();
  cluster.put('pods', pod({ containers: [app] }));
  await clock.advance(5000);
  expect(kubelets.evictPod('ns', 'p', 'The node was low on resource: memory.')).toBe(true);
  await clock.advance(5000);
  expect(status()).toMatchObject({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' });
});

it('tries a refused status again', async () => {
  const { cluster, clock, pod: status } = await world();
  let refusals = 3;
  cluster.refuse = ({ verb }) => {
    if (verb === 'updateStatus' && (refusals -= 1) >= 0) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  };
  cluster.put('pods', pod({ containers: [app] }));
  await clock.advance(10_000);
  expect(status()?.phase).toBe('Running');
});

it('keeps no timers for pods to which nothing happens', async () => {
  const { cluster, clock } = await world({ events: 'none' });
  let timers = 0;
  const after = clock.after.bind(clock);
  for (let n = 0; n < 300; n += 1) {
    const readinessProbe = n < 100 ? { readinessProbe: { httpGet: { port: 80 }, periodSeconds: 10 } } : {};
    cluster.put('pods', pod({ containers: [{ ...app, ...readinessProbe }] }, `p${n}`));
  }
  await clock.advance(30_000);
  clock.after = (delayMs, act) => {
    timers += 1;
    return after(delayMs, act);
  };
  await clock.advance(60_000);
  expect(timers).toBeLessThan(15);
});

describe('the generic application', () => {
  async function appWorld(container: Readonly<Record<string, unknown>> = {}) {
    const cluster = new TinyCluster();
    const clock = new VirtualClock(START_MS);
    const network = createPodNetwork({ cluster, pool: { octet: OCTET - 1, wholeLoopback: true, lowestPort: 1024 } });
    const knobs = createAppKnobs();
    const call = async (_context: PodContext, { host }: { host: string }) => ({ status: host === 'broken' ? 503 : 200, body: '' });
    const programs = [createAppPrograms({ images: ['app:*'], knobs, call })];
    const kubelets = createKubelets({ cluster, clock, network, random: () => 0.5, programs, nodes: 1 });
    worlds.push(kubelets);
    await kubelets.start();
    cluster.put('pods', pod({ containers: [{ ...app, ports: [{ containerPort: 9080 }], ...container }] }));
    await clock.advance(2000);
    const { podIP: ip = '' } = (cluster.get('pods', 'p', 'ns')?.['status'] ?? {}) as { podIP?: string };
    const get = async (path = '/'): Promise<{ status: number; body: Record<string, unknown> }> => {
      const at = network.resolve(ip, 9080);
      if (at === undefined) throw new Error('nobody listens');
      return new Promise((resolve, reject) => {
        const sent = request({ ...at, path, agent: false }, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> }));
        });
        sent.on('error', reject);
        sent.end();
      });
    };
    return { cluster, clock, network, knobs, kubelets, ip, get };
  }

  it('says who answers', async () => {
    const { get } = await appWorld();
    expect(await get('/reviews/1')).toEqual({ status: 200, body: { app: 'p', pod: 'p', namespace: 'ns', path: '/reviews/1' } });
  });

  it('fails and asks others as it is told', async () => {
    const { get, knobs } = await appWorld({ env: [{ name: 'CALLS', value: 'http://ratings:9080/r,http://broken' }] });
    expect(await get()).toMatchObject({
      status: 502,
      body: {
        calls: [
          { url: 'http://ratings:9080/r', status: 200 },
          { url: 'http://broken', status: 503 },
        ],
      },
    });
    knobs.change([{ labels: { app: 'p' }, behaviour: { errorRatio: 0.6, errorStatus: 503 } }]);
    expect((await get()).status).toBe(503);
    knobs.change([{ labels: { app: 'p' }, behaviour: { errorRatio: 0.4 } }]);
    expect((await get()).status).toBe(502);
  });

  it.each<['graceful' | 'abrupt', string]>([
    ['graceful', '200'],
    ['abrupt', 'lost'],
  ])('answers or loses what is under way when it stops: %s', async (onStop, expected) => {
    const built = await appWorld({
      env: [
        { name: 'ON_STOP', value: onStop },
        { name: 'LATENCY_MS', value: '3000' },
      ],
    });
    const answer = built.get().then(
      ({ status }) => String(status),
      () => 'lost',
    );
    await new Promise((resolve) => void setTimeout(resolve, 50));
    const found = built.cluster.get('pods', 'p', 'ns');
    if (found === undefined) throw new Error('no such pod');
    built.cluster.put('pods', { ...found, metadata: { ...found.metadata, deletionTimestamp: 'now', deletionGracePeriodSeconds: 30 } });
    await built.clock.advance(100);
    expect(built.network.resolve(built.ip, 9080)).toBeUndefined();
    await built.clock.advance(10_000);
    expect(await answer).toBe(expected);
    expect(built.cluster.get('pods', 'p', 'ns')).toBeUndefined();
  });

  it('logs, and keeps the log of the run before', async () => {
    const { kubelets, cluster, clock } = await appWorld();
    const uid = cluster.get('pods', 'p', 'ns')?.metadata.uid ?? '';
    const texts = (previous: boolean) =>
      kubelets.runtimes
        .container(uid, 'app')
        ?.log(previous)
        ?.lines()
        .map(({ text }) => text);
    expect(texts(false)).toEqual(['listening on 9080']);
    expect(texts(true)).toBeUndefined();
    kubelets.knobs.change({ crashes: [{ afterMs: 0, exitCode: 1 }] });
    await clock.advance(0);
    kubelets.knobs.change({ crashes: [] });
    await clock.advance(1000);
    expect(texts(true)).toEqual(['listening on 9080']);
  });
});

/** Ends by itself as soon as it was started. */
function exiting(exitCode: number): ContainerProgram {
  return { start: async (context) => context.exit(exitCode), ready: () => true, stop: async () => undefined, kill: () => undefined };
}
