/** Requests of programs in pods, the way that they take in a mesh: through the sidecar of the caller and that of the called pod. */
import type { SandboxClock } from '../../clock/sandbox-clock.ts';
import type { PodContext } from '../../cluster/pod-program.ts';
import type { ServiceEntry, Target } from '../discovery/mesh-view.ts';
import type { MeshRegistry } from '../mesh-registry.ts';
import { ConnectionFailure, createHttpExchange, type ExchangeResponse, type HttpExchange } from './http-exchange.ts';
import { isPassing, type LiveProxy } from './live-proxy.ts';
import { isMutualTlsRequired } from './peer-authentication.ts';
import { chooseRoute, qualified, type Destination, type Route } from './route-table.ts';

export interface MeshRequest {
  /** `reviews`, `reviews.shop` or `reviews.shop.svc.cluster.local`. */
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** 15 s when absent. */
  readonly timeoutMs?: number;
}

export interface MeshResponse extends ExchangeResponse {
  /** Envoy's short words for what went wrong, such as `UF` (upstream connection failure), `UC` (connection ended), `UH`, `NR`; `-` for nothing. */
  readonly flags: string;
}

export interface MeshClient {
  /**
   * Sends as the pod of `from`, or as something outside of every pod.
   * @throws ConnectionFailure when no proxy answers in the place of a program that cannot be reached
   */
  readonly request: (from: PodContext, request: MeshRequest) => Promise<MeshResponse>;
  /** As a gateway that has chosen its route. */
  readonly forward: (from: PodContext, gateway: LiveProxy, route: Route, request: MeshRequest) => Promise<MeshResponse>;
  readonly stop: () => void;
}

const DEFAULT_TIMEOUT_MS = 15_000;
/** Source: istio/istio, pilot/pkg/networking/core/route/retry/retry.go (DefaultPolicy), tag 1.28.2: connections that fail, no answers. */
const DEFAULT_RETRIES = 2;
const RETRY_BACKOFF_MS = 25;

const CONNECT_ERROR = 'remote connection failure, transport failure reason: delayed connect error: Connection refused';
const TLS_ERROR =
  'remote connection failure, transport failure reason: TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end';

export function createMeshClient(registry: MeshRegistry): MeshClient {
  let http: HttpExchange | undefined;
  const exchangeOf = (from: PodContext): HttpExchange => (http ??= createHttpExchange(from.network));
  return {
    request: (from, request) => {
      const call = { registry, http: exchangeOf(from), from, request };
      const proxy = registry.proxyAt(from.ip);
      return proxy === undefined ? sendPlain(call) : sendThrough(call, proxy);
    },
    forward: (from, gateway, route, request) => sendRouted({ registry, http: exchangeOf(from), from, request }, gateway, route),
    stop: () => http?.stop(),
  };
}

interface Call {
  readonly registry: MeshRegistry;
  readonly http: HttpExchange;
  readonly from: PodContext;
  readonly request: MeshRequest;
}

/** Without a sidecar: to an endpoint that the cluster knows now. */
async function sendPlain(call: Call): Promise<MeshResponse> {
  const { from, request } = call;
  const [name = '', namespace = ''] = qualified(request.host, from.pod().metadata.namespace ?? '').split('.');
  const target = from.network.resolveService(namespace, name, request.port);
  if (target === undefined) throw new ConnectionFailure('refused', `connect ECONNREFUSED ${request.host}:${request.port}`);
  return deliver(call, { ...target, pod: '' }, { caller: undefined, path: request.path, service: `${name}.${namespace}` });
}

/** The application's own sidecar takes the request; when it does not run, nothing does. */
async function sendThrough(call: Call, proxy: LiveProxy): Promise<MeshResponse> {
  const { from, request } = call;
  const view = proxy.view();
  if (!isPassing(proxy) || view === undefined) {
    throw new ConnectionFailure('refused', `connect ECONNREFUSED ${request.host}:${request.port}`);
  }
  const routed = chooseRoute(
    { host: request.host, method: request.method ?? 'GET', path: request.path, headers: request.headers ?? {} },
    { view, gateways: new Set(['mesh']), random: from.random, namespace: proxy.namespace },
  );
  if (routed.kind === 'response') return ownAnswer(routed.status, routed.body, '-');
  if (routed.kind === 'redirect') return { ...ownAnswer(routed.status, '', '-'), headers: { location: routed.location, server: 'envoy' } };
  if (routed.kind === 'route') return sendRouted(call, proxy, withPort(routed.route, request.port));
  const [name = '', namespace = ''] = qualified(request.host, proxy.namespace).split('.');
  return sendRouted(call, proxy, { destination: { name, namespace, port: request.port }, path: request.path });
}

function withPort(route: Route, port: number): Route {
  return route.destination.port === undefined ? { ...route, destination: { ...route.destination, port } } : route;
}

/** Tries endpoints until one takes the connection, other ones first. */
async function sendRouted(call: Call, proxy: LiveProxy, route: Route): Promise<MeshResponse> {
  const { from, request } = call;
  const { clock } = from;
  const startedMs = clock.nowMs();
  const { name, namespace } = route.destination;
  const service = proxy.view()?.service(namespace, name);
  const finish = (response: MeshResponse, destination: string): MeshResponse => {
    proxy.stats.record({
      reporter: 'source',
      sourceWorkload: proxy.workload,
      destinationWorkload: destination,
      destinationService: `${name}.${namespace}.svc.cluster.local`,
      status: response.status,
      flags: response.flags,
      mutualTls: false,
      durationMs: clock.nowMs() - startedMs,
    });
    return response;
  };
  if (service === undefined)
    return finish(ownAnswer(proxy.role === 'router' ? 503 : 502, '', proxy.role === 'router' ? 'NC' : '-'), 'unknown');
  const tries = 1 + (route.attempts ?? DEFAULT_RETRIES);
  const failed = new Set<string>();
  let last: AttemptFailure | undefined;
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    const target = pick(proxy, route.destination, failed, from);
    if (target === undefined) return finish(ownAnswer(503, 'no healthy upstream', 'UH'), 'unknown');
    const release = proxy.enter(() => undefined);
    const hop: Hop = { caller: proxy, path: route.path, service: `${name}.${namespace}` };
    const result = await attemptOnce(call, target, { hop, timeoutMs: route.timeoutMs ?? request.timeoutMs ?? DEFAULT_TIMEOUT_MS });
    release();
    if (!('failure' in result)) return finish(result, registryWorkload(call, target));
    last = result;
    failed.add(target.ip);
    if (!result.retriable) break;
    if (attempt < tries) await clock.sleep(from.random() * RETRY_BACKOFF_MS * 2 ** (attempt - 1));
  }
  return finish(failureAnswer(last, failed.size), 'unknown');
}

function registryWorkload({ registry }: Call, target: Target): string {
  return registry.proxyAt(target.ip)?.workload ?? 'unknown';
}

/** By turns of chance, as Envoy's default of least requests does among equals. */
function pick(proxy: LiveProxy, destination: Destination, failed: ReadonlySet<string>, from: PodContext): Target | undefined {
  const service: ServiceEntry | undefined = proxy.view()?.service(destination.namespace, destination.name);
  const port = destination.port ?? (service?.ports.length === 1 ? service.ports[0]?.port : undefined);
  if (service === undefined || port === undefined) return undefined;
  const all = service.targets(port).filter((target) => hasLabels(from, destination, target));
  const fresh = all.filter(({ ip }) => !failed.has(ip));
  const among = fresh.length === 0 ? all : fresh;
  return among[Math.floor(from.random() * among.length)];
}

function hasLabels(from: PodContext, { namespace, subset }: Destination, { pod }: Target): boolean {
  if (subset === undefined) return true;
  const labels = from.cluster.get('pods', pod, namespace)?.metadata.labels ?? {};
  return Object.entries(subset).every(([key, value]) => labels[key] === value);
}

interface AttemptFailure {
  readonly failure: string;
  readonly flags: string;
  readonly retriable: boolean;
  readonly status: number;
}

interface Attempt {
  readonly hop: Hop;
  readonly timeoutMs: number;
}

/** What Envoy makes of a failed connection. */
async function attemptOnce(call: Call, target: Target, { hop, timeoutMs }: Attempt): Promise<MeshResponse | AttemptFailure> {
  try {
    return await deliver({ ...call, request: { ...call.request, timeoutMs } }, target, hop);
  } catch (error) {
    if (error instanceof TlsFailure) return { failure: TLS_ERROR, flags: 'UF', retriable: true, status: 503 };
    if (!(error instanceof ConnectionFailure)) throw error;
    if (error.reason === 'refused') return { failure: CONNECT_ERROR, flags: 'UF', retriable: true, status: 503 };
    if (error.reason === 'timeout') return { failure: 'upstream request timeout', flags: 'UT', retriable: false, status: 504 };
    return { failure: 'connection termination', flags: 'UC', retriable: false, status: 503 };
  }
}

function failureAnswer(last: AttemptFailure | undefined, hosts: number): MeshResponse {
  if (last === undefined) return ownAnswer(503, 'no healthy upstream', 'UH');
  if (last.status === 504) return ownAnswer(504, last.failure, last.flags);
  const prefix = 'upstream connect error or disconnect/reset before headers. ';
  const retried = last.retriable && hosts > 0;
  const text = retried ? `${prefix}retried and the latest reset reason: ${last.failure}` : `${prefix}reset reason: ${last.failure}`;
  return ownAnswer(503, text, retried ? `${last.flags},URX` : last.flags);
}

function ownAnswer(status: number, body: string, flags: string): MeshResponse {
  const headers: Record<string, string> = { server: 'envoy', ...(body === '' ? {} : { 'content-type': 'text/plain' }) };
  return { status, headers, body: Buffer.from(body), flags };
}

/** The two sides do not trust each other's certificates. */
class TlsFailure extends Error {}

interface Hop {
  /** The proxy that sends; undefined for a pod without one. */
  readonly caller: LiveProxy | undefined;
  readonly path: string;
  /** `name.namespace` */
  readonly service: string;
}

/** Into the pod, through its sidecar when it has one. */
async function deliver(call: Call, target: Target, hop: Hop): Promise<MeshResponse> {
  const called = call.registry.proxyAt(target.ip);
  if (called === undefined || called.role === 'router') return exchange(call, target, hop, []);
  if (!isPassing(called)) throw new ConnectionFailure('refused', `connect ECONNREFUSED ${target.ip}:${target.port}`);
  const mutualTls = hop.caller !== undefined;
  checkTrust(called, target, hop.caller);
  const startedMs = call.from.clock.nowMs();
  const response = await letIn(call, called, { target, hop });
  called.stats.record({
    reporter: 'destination',
    sourceWorkload: hop.caller?.workload ?? 'unknown',
    destinationWorkload: called.workload,
    destinationService: `${hop.service}.svc.cluster.local`,
    status: response.status,
    flags: response.flags,
    mutualTls,
    durationMs: call.from.clock.nowMs() - startedMs,
  });
  return response;
}

function checkTrust(called: LiveProxy, target: Target, caller: LiveProxy | undefined): void {
  if (caller !== undefined) {
    if (caller.authority() !== called.authority()) throw new TlsFailure();
    return;
  }
  const view = called.view();
  if (view !== undefined && isMutualTlsRequired(view, { namespace: called.namespace, labels: called.labels() }, target.port)) {
    throw new ConnectionFailure('reset', 'read ECONNRESET');
  }
}

/** The called sidecar: its revision's troubles, then the application, which it does not retry. */
async function letIn(
  call: Call,
  called: LiveProxy,
  { target, hop }: { readonly target: Target; readonly hop: Hop },
): Promise<MeshResponse> {
  const troubled = await applyTroubles(call.registry, called, call.from);
  if (troubled !== undefined) return troubled;
  try {
    return await exchange(call, target, hop, [called]);
  } catch (error) {
    // A sidecar that itself ended cannot answer; the caller sees its connection go.
    if (!(error instanceof ConnectionFailure) || !isPassing(called)) throw error;
    if (error.reason === 'timeout') throw error;
    const reason = error.reason === 'refused' ? CONNECT_ERROR : 'connection termination';
    const text = `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`;
    return ownAnswer(503, text, error.reason === 'refused' ? 'UF' : 'UC');
  }
}

/** What a bad revision's proxies do to what they let in. @returns their own answer, when they give one */
export async function applyTroubles(
  registry: MeshRegistry,
  proxy: LiveProxy,
  from: { readonly clock: SandboxClock; readonly random: () => number },
): Promise<MeshResponse | undefined> {
  const { latencyMs, errorShare, errorStatus } = registry.knobs.revision(proxy.revision);
  if (latencyMs > 0) await from.clock.sleep(latencyMs);
  if (errorShare > 0 && from.random() < errorShare) return ownAnswer(errorStatus, 'fault filter abort', 'FI');
  return undefined;
}

async function exchange({ http, from, request }: Call, target: Target, hop: Hop, through: readonly LiveProxy[]): Promise<MeshResponse> {
  const cut = new AbortController();
  const releases = [...through, ...(hop.caller === undefined ? [] : [hop.caller])].map((proxy) => proxy.enter(() => cut.abort()));
  const release = holdForTransit(from.clock);
  try {
    const outgoing = {
      method: request.method ?? 'GET',
      path: hop.path,
      headers: { host: request.host, ...request.headers },
      body: request.body ?? Buffer.alloc(0),
      timeoutMs: request.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    };
    return { ...(await http.send(target.ip, target.port, outgoing, cut.signal)), flags: '-' };
  } finally {
    release();
    for (const leave of releases) leave();
  }
}

/** How long the sandbox's time stands still at most for bytes between two programs; longer means that the other one waits for that time. */
const TRANSIT_MS = 20;

function holdForTransit(clock: SandboxClock): () => void {
  const release = clock.hold();
  const timer = setTimeout(release, TRANSIT_MS);
  return () => {
    clearTimeout(timer);
    release();
  };
}
