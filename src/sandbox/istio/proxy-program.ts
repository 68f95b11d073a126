/** Istio's proxy as a program in a pod: connects to the istiod of its revision, lets requests through, drains when it is told to end. */
import type { ContainerProgram, PodContext, ProgramFactory } from '../cluster/pod-program.ts';
import type { Timer } from '../clock/sandbox-clock.ts';
import type { MeshRegistry } from './mesh-registry.ts';
import type { Pod } from './pod-shape.ts';
import { serveProxyPorts } from './proxy-ports.ts';
import { readProxySettings, type ProxySettings } from './proxy-settings.ts';
import { startGatewayListeners } from './traffic/gateway-listeners.ts';
import type { Attachment, LiveProxy, ProxyState } from './traffic/live-proxy.ts';
import type { MeshClient } from './traffic/mesh-client.ts';
import { createRequestStats } from './traffic/request-stats.ts';

const PROXY_IMAGE = /\/proxyv2(?::|@|-)/;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

/** Programs of containers whose image is Istio's proxy: sidecars, gateways, and the init containers that set up interception. */
export function createProxyProgram(registry: MeshRegistry, client: MeshClient): ProgramFactory {
  return (_pod, container) => {
    if (!PROXY_IMAGE.test(container.image)) return undefined;
    return container.args?.[0] === 'istio-iptables' ? onceProgram() : proxyProgram(registry, client);
  };
}

/** Does its work at once and ends. */
function onceProgram(): ContainerProgram {
  return {
    start: async (context) => {
      context.clock.after(0, () => context.exit(0));
    },
    ready: () => true,
    stop: async () => undefined,
    kill: () => undefined,
  };
}

interface Runtime {
  state: ProxyState;
  attachment: Attachment | undefined;
  view: ReturnType<LiveProxy['view']>;
  authority: string | undefined;
  failures: number;
  readonly timers: Set<Timer>;
  readonly passing: Map<number, () => void>;
  passed: number;
  readonly onIdle: Set<() => void>;
}

function proxyProgram(registry: MeshRegistry, client: MeshClient): ContainerProgram {
  const runtime: Runtime = {
    state: 'starting',
    attachment: undefined,
    view: undefined,
    authority: undefined,
    failures: 0,
    timers: new Set(),
    passing: new Map(),
    passed: 0,
    onIdle: new Set(),
  };
  let proxy: LiveProxy | undefined;
  let settings: ProxySettings | undefined;
  let context: PodContext | undefined;
  const drain = (): void => {
    if (runtime.state === 'live' || runtime.state === 'starting') runtime.state = 'draining';
  };
  return {
    start: async (given) => {
      context = given;
      settings = readProxySettings(given.pod() as Pod, given.container);
      proxy = liveProxy(given, settings, runtime);
      registry.addProxy(given.cluster, proxy);
      const started = proxy;
      const isGateway = settings.role === 'router';
      if (isGateway || registry.knobs.settings().sidecarsListen) await serveProxyPorts(given, started);
      const job: Connecting = {
        registry,
        context: given,
        settings,
        proxy: started,
        runtime,
        onLive: () => {
          if (isGateway) startGatewayListeners({ registry, client, context: given, proxy: started });
        },
      };
      later(runtime, given, registry.knobs.settings().proxyStartMs, () => connect(job));
    },
    ready: () => runtime.state === 'live' || (runtime.state === 'draining' && runtime.view !== undefined),
    stop: async () => {
      drain();
      if (context !== undefined && settings !== undefined) await waitForDrain(context, settings, runtime);
      end(runtime);
    },
    kill: () => end(runtime),
    exec: (command) => execute(command, { drain, state: () => runtime.state }),
  };
}

function liveProxy(context: PodContext, settings: ProxySettings, runtime: Runtime): LiveProxy {
  const pod = context.pod();
  return {
    ip: context.ip,
    pod: pod.metadata.name,
    podUid: pod.metadata.uid ?? '',
    namespace: pod.metadata.namespace ?? '',
    labels: () => context.pod().metadata.labels ?? {},
    role: settings.role,
    revision: settings.revision,
    version: settings.version.text,
    workload: settings.workload,
    serviceAccount: settings.serviceAccount,
    state: () => runtime.state,
    attachment: () => runtime.attachment,
    view: () => runtime.view,
    authority: () => runtime.authority,
    stats: createRequestStats(),
    active: () => runtime.passing.size,
    enter: (onEnd) => {
      const number = (runtime.passed += 1);
      runtime.passing.set(number, onEnd);
      return () => {
        runtime.passing.delete(number);
        if (runtime.passing.size === 0) for (const tell of runtime.onIdle) tell();
      };
    },
  };
}

interface Connecting {
  readonly registry: MeshRegistry;
  readonly context: PodContext;
  readonly settings: ProxySettings;
  readonly proxy: LiveProxy;
  readonly runtime: Runtime;
  /** Called once, with the first configuration. */
  readonly onLive: () => void;
}

/** To a ready istiod of its Service; it keeps its revision all its life, whatever the namespace's labels say later. */
function connect(job: Connecting): void {
  const { registry, context, settings, proxy, runtime } = job;
  if (runtime.state === 'ended') return;
  const { name, namespace, port } = settings.discovery;
  const endpoint = context.network.resolveService(namespace, name, port);
  const server = endpoint === undefined ? undefined : registry.istiodAt(endpoint.ip);
  const identity = {
    pod: proxy.pod,
    namespace: proxy.namespace,
    ip: proxy.ip,
    role: settings.role,
    istioVersion: settings.version.text,
    clusterId: settings.clusterId,
  };
  const connection = server?.connect(identity, () => {
    runtime.attachment = undefined;
    context.log('connection to istiod closed: EOF');
    retry(job);
  });
  if (server === undefined || connection === undefined) return retry(job);
  runtime.attachment = { server, connection };
  runtime.authority = server.authority;
  runtime.failures = 0;
  context.log(`connected to upstream XDS server: ${name}.${namespace}.svc:${port}`);
  later(runtime, context, registry.knobs.settings().ackDelayMs, () => {
    runtime.view = server.view;
    if (runtime.state !== 'starting') return;
    runtime.state = 'live';
    context.log('Envoy proxy is ready');
    job.onLive();
  });
}

function retry(job: Connecting): void {
  const { runtime, context } = job;
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** runtime.failures);
  runtime.failures = Math.min(runtime.failures + 1, 10);
  later(runtime, context, longest * (0.5 + context.random() / 2), () => connect(job));
}

function later(runtime: Runtime, context: PodContext, delayMs: number, act: () => void): void {
  const timer = context.clock.after(delayMs, () => {
    runtime.timers.delete(timer);
    act();
  });
  runtime.timers.add(timer);
}

/** Its time to drain, or until nothing goes through it any more. */
async function waitForDrain({ clock }: PodContext, settings: ProxySettings, runtime: Runtime): Promise<void> {
  if (!settings.exitsWhenIdle) return clock.sleep(settings.drainMs);
  await clock.sleep(settings.minimumDrainMs);
  if (runtime.passing.size === 0) return;
  await new Promise<void>((resolve) => void runtime.onIdle.add(resolve));
}

function end(runtime: Runtime): void {
  runtime.state = 'ended';
  for (const timer of runtime.timers) timer.cancel();
  runtime.timers.clear();
  runtime.attachment?.connection.close();
  runtime.attachment = undefined;
  for (const onEnd of runtime.passing.values()) onEnd();
}

interface Commands {
  readonly drain: () => void;
  readonly state: () => ProxyState;
}

/** The commands that pods themselves run in the container, and people. */
function execute(
  command: readonly string[],
  { drain, state }: Commands,
): { readonly stdout: string; readonly stderr: string; readonly exitCode: number } {
  const [program = '', verb] = command;
  const done = (stdout: string, exitCode = 0): { readonly stdout: string; readonly stderr: string; readonly exitCode: number } => ({
    stdout,
    stderr: '',
    exitCode,
  });
  if (!program.endsWith('pilot-agent')) {
    return { stdout: '', stderr: `exec: ${JSON.stringify(program)}: executable file not found in $PATH\n`, exitCode: 127 };
  }
  if (verb === 'wait') return done('', state() === 'starting' ? 1 : 0);
  if (verb === 'request' && command.includes('drain')) {
    drain();
    return done('OK\n');
  }
  return done('', verb === 'request' ? 0 : 1);
}
