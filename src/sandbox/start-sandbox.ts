/** Puts the rooms of the sandbox together: a cluster in this process, reached over HTTPS. */
import { createClusterPki } from './access/cluster-pki.ts';
import { makeKubeconfig } from './access/kubeconfig.ts';
import { createAdmissionChain, type ClosableAdmissionChain } from './admission/admission-chain.ts';
import { createApiServer, type ApiServer } from './api-server/api-server.ts';
import { newUid } from './api-server/object-metadata.ts';
import { RealClock } from './clock/real-clock.ts';
import type { SandboxClock } from './clock/sandbox-clock.ts';
import { seededParts } from './clock/seeded-random.ts';
import { VirtualClock } from './clock/virtual-clock.ts';
import type { Cluster } from './cluster/cluster-view.ts';
import type { PodNetwork } from './cluster/pod-network.ts';
import { createControllers, type Controllers } from './controllers/create-controllers.ts';
import { writeEventLog } from './event-log.ts';
import { createIstio, type Istio } from './istio/create-istio.ts';
import { claimAddressPool, type AddressPool } from './kubelet/address-pool.ts';
import { createKubeletKnobs, type KubeletKnobs } from './kubelet/kubelet-knobs.ts';
import { createKubelets, type Kubelets } from './kubelet/kubelets.ts';
import { createLoadBalancers, type LoadBalancers } from './kubelet/load-balancers.ts';
import { createPodNetwork } from './kubelet/loopback-network.ts';
import { createAppKnobs, type AppKnobs } from './kubelet/programs/app-knobs.ts';
import { createAppPrograms, type CallService } from './kubelet/programs/app-program.ts';
import { StatusError } from './objects/status-error.ts';
import { applyJsonPatch } from './patches/json-patch.ts';
import { playScenario } from './play-scenario.ts';
import type { ResourceDefinition } from './resources/resource-definition.ts';
import { runTroubles, troublesObject } from './run-troubles.ts';
import { findScenario, type Scenario } from './scenarios/scenario.ts';
import { giveBack, growSlowly } from './spare-memory.ts';
import { createPodStreams } from './streams/pod-streams.ts';

export type SandboxTime =
  | { readonly kind: 'real'; /** How much faster than the machine's clock; 1 is real time. */ readonly factor: number }
  | {
      readonly kind: 'virtual';
      readonly startMs?: number;
      /** Time stands still so long, by the machine's clock, after the last request from outside has ended. Absent: it never does. */
      readonly restAfterMs?: number;
    };

export interface SandboxOptions {
  readonly seed?: number;
  /** 0 for a free one. */
  readonly port?: number;
  readonly time?: SandboxTime;
  /** What is in it, by name: `bookinfo`, `empty`, `big:100x5`; or as data. Empty when absent. */
  readonly scenario?: string | Scenario;
  /** Told what happens that nobody asked for, such as a port that cannot be listened on. */
  readonly log?: (line: string) => void;
  /** Told of each write from the first one on, a line each; see `writeEventLog`. In virtual time a seed gives the same lines again. */
  readonly eventLog?: (line: string) => void;
}

export interface SandboxKnobs {
  readonly kubelet: KubeletKnobs;
  readonly apps: AppKnobs;
  readonly istio: Istio['knobs'];
}

export interface Sandbox {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  /** Of the administrator, with everything in it. */
  readonly kubeconfig: string;
  readonly clock: SandboxClock;
  readonly cluster: Cluster;
  readonly api: ApiServer;
  readonly knobs: SandboxKnobs;
  /** A kubeconfig of somebody else, by client certificate. */
  kubeconfigOf(user: string, groups: readonly string[]): Promise<string>;
  /** Resolves when no controller has anything to look at now. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

const NAME = 'meshlift-sandbox';

/** For scenarios that gather changes. The start of a pod takes no longer, so that its status is written once it is ready, and not before. */
const GATHERING = { statusDelayMs: 3000, controllerLatencyMs: 100 } as const;

/** Half as many renewals of leader locks, still two within the duration of a lease: they are nearly all that happens in a quiet hour. */
const LONG_VIRTUAL_RUNS = { leaderRetryMs: 15_000 } as const;

/** @throws the error of listen, such as EADDRINUSE for a port that is taken */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { seed = 1, port = 0, time = { kind: 'real', factor: 1 }, log = () => undefined } = options;
  const scenario = await scenarioOf(options.scenario);
  const randomOf = seededParts(seed);
  const clock = time.kind === 'real' ? new RealClock(time.factor) : new VirtualClock(time.startMs, time);
  const [pki, pool] = await Promise.all([createClusterPki(), claimAddressPool()]);
  const parts = assemble({ scenario, randomOf, clock, pool, log, caCertificate: pki.ca });
  try {
    const listening = await parts.api.start({ ca: pki.ca, ...pki.server }, port);
    const url = `https://127.0.0.1:${listening}`;
    const kubeconfigOf = async (user: string, groups: readonly string[]): Promise<string> =>
      makeKubeconfig({ name: NAME, server: url, ca: pki.ca, user, credentials: await pki.issueClient(user, groups) });
    // What takes real time comes first: virtual time would go on by an uncertain amount meanwhile.
    const kubeconfig = await kubeconfigOf('kubernetes-admin', ['system:masters']);
    const endLog = options.eventLog === undefined ? undefined : logEvents(parts.api, clock, pool, options.eventLog);
    const stop = (): Promise<void> => {
      endLog?.();
      return parts.stop();
    };
    const leave = clock instanceof VirtualClock ? clock.attend() : undefined;
    await parts.start();
    if (clock instanceof VirtualClock) clock.start();
    const { cluster } = parts.api;
    await cluster.as('system:apiserver', 'meshlift-sandbox').create('configmaps', troublesObject());
    if (scenario.gathersChanges === true) growSlowly(parts.api.store);
    await playScenario(parts.api, clock, scenario);
    if (scenario.gathersChanges === true) giveBack();
    leave?.();
    return { url, kubeconfig, clock, cluster, api: parts.api, knobs: parts.knobs, kubeconfigOf, idle: parts.idle, stop };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

async function scenarioOf(wanted: string | Scenario = 'empty'): Promise<Scenario> {
  if (typeof wanted !== 'string') return wanted;
  const scenario = await findScenario(wanted);
  if (scenario === undefined) throw new Error(`there is no scenario ${wanted}`);
  return scenario;
}

interface AssemblyInput {
  readonly scenario: Scenario;
  /** Chance of a part, by its name. */
  readonly randomOf: (part: string) => () => number;
  readonly clock: RealClock | VirtualClock;
  readonly pool: AddressPool;
  readonly log: (line: string) => void;
  readonly caCertificate: string;
}

interface Assembly {
  readonly api: ApiServer;
  readonly knobs: SandboxKnobs;
  readonly start: () => Promise<void>;
  readonly idle: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

function assemble(input: AssemblyInput): Assembly {
  const { scenario, clock, randomOf, pool, log } = input;
  const { api, network, admission } = createServers(input);
  const { cluster } = api;
  const istio = createIstio({ ...(clock instanceof VirtualClock ? LONG_VIRTUAL_RUNS : {}), ...scenario.istio });
  const gathering = scenario.gathersChanges === true ? GATHERING : undefined;
  const kubeletKnobs = createKubeletKnobs({
    events: scenario.podEvents,
    ...(gathering === undefined ? {} : { statusDelayMs: gathering.statusDelayMs }),
  });
  const knobs: SandboxKnobs = { kubelet: kubeletKnobs, apps: createAppKnobs(), istio: istio.knobs };
  const apps = createAppPrograms({ images: scenario.appImages, knobs: knobs.apps, call: callThrough(istio) });
  const programs = [istio.istiodProgram, istio.proxyProgram, apps];
  const random = randomOf('pods');
  const kubelets = createKubelets({ cluster, clock, network, random, programs, nodes: scenario.nodes, knobs: knobs.kubelet });
  const controllers = createControllers({
    cluster,
    clock,
    random: randomOf('controllers'),
    caCertificate: input.caCertificate,
    loadBalancerAddress: loadBalancerAddresses(pool),
    recordEvents: scenario.podEvents,
    ...(gathering === undefined ? {} : { latencyMs: gathering.controllerLatencyMs }),
    // One worker makes the order of writes certain.
    ...(clock instanceof VirtualClock ? { workers: 1 } : {}),
    onError: (controller, key, error) => {
      // A conflict is the order of things: the controller looks again.
      if (!(error instanceof StatusError && error.status.reason === 'Conflict')) log(`${controller} ${key}: ${(error as Error).message}`);
    },
  });
  api.serveStreams(createPodStreams({ pods: kubelets.runtimes, network, clock }));
  const balancers: { live?: LoadBalancers } = {};
  const { intercept } = api;
  const troubled = { cluster, clock, intercept, log, istio: knobs.istio, kubelet: knobs.kubelet };
  const endTroubles = runTroubles({ ...troubled, random: randomOf('troubles') });
  return {
    api,
    knobs,
    start: async () => {
      controllers.start();
      await kubelets.start();
      balancers.live = createLoadBalancers(cluster, network, log);
    },
    idle: () => controllers.idle(),
    stop: () => {
      endTroubles();
      return stopAll({ api, admission, istio, kubelets, controllers, balancers, clock, pool });
    },
  };
}

interface Servers {
  readonly api: ApiServer;
  readonly network: PodNetwork;
  readonly admission: ClosableAdmissionChain;
}

/** Webhooks are reached over the network, the network reads the cluster, and the cluster is the API server's. */
function createServers({ clock, randomOf, pool }: AssemblyInput): Servers {
  const random = randomOf('api-server');
  let parts: Pick<Servers, 'network' | 'admission'> | undefined;
  const definitions = (storage: string): readonly ResourceDefinition[] => api.registry.all().filter((one) => one.storage === storage);
  const api: ApiServer = createApiServer({
    clock,
    random,
    createAdmission: (view, authorizer) => {
      const network = createPodNetwork({ cluster: view, pool });
      const newId = (): string => newUid(random);
      const admission = createAdmissionChain({ view, network, clock, random, newUid: newId, definitions, applyJsonPatch, authorizer });
      parts = { network, admission };
      return admission;
    },
  });
  if (parts === undefined) throw new Error('the API server asked for no admission chain');
  return { api, ...parts };
}

/** Applications in pods ask each other through the mesh. */
function callThrough(istio: Istio): CallService {
  return async (context, { host, port, path, headers }) => {
    const answer = await istio.client.request(context, { host, port, path, headers });
    return { status: answer.status, body: answer.body.toString('utf8') };
  };
}

function logEvents({ store, registry }: ApiServer, clock: SandboxClock, pool: AddressPool, write: (line: string) => void): () => void {
  const resources = [...new Set(registry.all().map(({ storage }) => storage))];
  return writeEventLog({ store, resources, clock, octets: [pool.octet, balancerOctet(pool)], write });
}

function balancerOctet({ octet }: AddressPool): number {
  return octet + 64;
}

/** Addresses beside those of the pods; the same machine answers at them. */
function loadBalancerAddresses(pool: AddressPool): () => { ip: string } {
  let next = 0;
  return () => {
    next += 1;
    return { ip: pool.wholeLoopback ? `127.${balancerOctet(pool)}.${Math.floor(next / 250)}.${(next % 250) + 1}` : '127.0.0.1' };
  };
}

interface Stoppable {
  readonly api: ApiServer;
  readonly admission: ClosableAdmissionChain;
  readonly istio: Istio;
  readonly kubelets: Kubelets;
  readonly controllers: Controllers;
  readonly balancers: { live?: LoadBalancers };
  readonly clock: RealClock | VirtualClock;
  readonly pool: AddressPool;
}

async function stopAll({ api, admission, istio, kubelets, controllers, balancers, clock, pool }: Stoppable): Promise<void> {
  if (clock instanceof VirtualClock) clock.stop();
  controllers.stop();
  balancers.live?.stop();
  kubelets.stop();
  istio.stop();
  admission.close();
  await api.stop();
  clock.stop();
  pool.release();
}
