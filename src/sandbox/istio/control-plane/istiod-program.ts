/** istiod as a program in a pod: webhooks, discovery, certificates and elections of one revision. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { ContainerProgram, PodContext, ProgramFactory } from '../../cluster/pod-program.ts';
import type { ClusterWriter } from '../../cluster/cluster-view.ts';
import type { Timer } from '../../clock/sandbox-clock.ts';
import { DEBUG_PATHS, clusterz, connectionsAnswer, syncz } from '../discovery/debug-answers.ts';
import { createDiscoveryServer, type DiscoveryServer } from '../discovery/discovery-server.ts';
import { answerInjection, type AdmissionReview } from '../injection/answer-review.ts';
import { pathEnvironment } from '../injection/path-environment.ts';
import { hasRevocationList, nativeSidecarMode } from '../istio-version.ts';
import type { MeshRegistry } from '../mesh-registry.ts';
import type { Pod } from '../pod-shape.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import { istiodGauges } from './istiod-gauges.ts';
import { createMetrics, type IstiodMetrics } from './istiod-metrics.ts';
import { createSettings, identityOf, type IstiodIdentity, type IstiodSettings } from './istiod-settings.ts';
import { NAMESPACE_LOCK, locksOf, startLeaderElection, type LeaderElection } from './leader-locks.ts';
import { loadAuthority } from './load-authority.ts';
import { supportNativeSidecars } from './native-nodes.ts';
import { startRootCertificates } from './root-certificates.ts';
import { answerValidation } from './validate-config.ts';
import { startWebhookPatcher } from './webhook-patcher.ts';

const PILOT_IMAGE = /\/pilot(?::|@|-)/;

/** Programs of containers whose image is istiod's. */
export function createIstiodProgram(registry: MeshRegistry): ProgramFactory {
  return (_pod, container) => (PILOT_IMAGE.test(container.image) ? istiod(registry) : undefined);
}

interface Istiod {
  readonly context: PodContext;
  readonly registry: MeshRegistry;
  readonly identity: IstiodIdentity;
  readonly settings: IstiodSettings;
  readonly metrics: IstiodMetrics;
  readonly writer: ClusterWriter;
  readonly ready: () => boolean;
}

function istiod(registry: MeshRegistry): ContainerProgram {
  let isReady = false;
  let ended = false;
  let running: Running | undefined;
  let elections: LeaderElection | undefined;
  const timers: Timer[] = [];
  let revision = 'default';
  const end = (): void => {
    ended = true;
    isReady = false;
    elections?.stop();
    for (const timer of timers) timer.cancel();
    running?.stop();
  };
  return {
    start: async (context) => {
      const identity = identityOf(context.pod() as Pod, context.container);
      revision = identity.revision;
      const writer = context.cluster.as(`system:serviceaccount:${identity.namespace}:${identity.serviceAccount}`, 'pilot-discovery');
      const settings = createSettings(context.cluster, identity);
      const self: Istiod = { context, registry, identity, settings, metrics: createMetrics(), writer, ready: () => isReady };
      const { cluster, clock } = context;
      const authority = await loadAuthority({ ...identity, cluster, clock, writer, trustDomain: settings.mesh().trustDomain });
      if (ended) return;
      running = await serve(self, authority);
      if (ended) return running.stop();
      context.log(`initializing Istiod ${identity.version.text} of revision ${identity.revision}`);
      timers.push(
        context.clock.after(registry.knobs.settings().istiodStartMs, () => {
          isReady = true;
          elections = running?.begin();
          context.log('All controller caches have been synced up');
        }),
      );
    },
    ready: () => isReady && !registry.knobs.revision(revision).neverReady,
    stop: async () => {
      isReady = false;
      await elections?.release();
      end();
    },
    kill: end,
    exec: (command) => execute(command, running),
  };
}

interface Running {
  readonly discovery: DiscoveryServer;
  /** Answer of a path of its monitoring port. */
  readonly monitoring: (path: string, query: URLSearchParams) => Answer;
  /** Takes proxies, patches webhooks, stands for election. */
  readonly begin: () => LeaderElection;
  readonly stop: () => void;
}

interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly body: string;
}

/** Listens on all ports; answers for readiness and webhooks come right away, proxies are taken later. */
async function serve(self: Istiod, authority: CertificateAuthority): Promise<Running> {
  const { context, identity, registry, settings } = self;
  const { namespace, revision } = identity;
  const discovery = createDiscoveryServer({
    cluster: context.cluster,
    clock: context.clock,
    knobs: registry.knobs,
    revision,
    pod: identity.pod,
    authority: authority.fingerprint,
    rootNamespace: settings.mesh().rootNamespace,
  });
  const monitoring = (path: string, query: URLSearchParams): Answer => monitoringAnswer(self, discovery, path, query);
  const names = ['istiod', 'istiod-remote', 'istio-pilot', ...(revision === 'default' ? [] : [`istiod-${revision}`])];
  const tls = await context.clock.outside(() => authority.issue(names.map((name) => `${name}.${namespace}.svc`)));
  await context.serveHttps(15_017, tls, webhookHandler(self));
  await context.serveHttp(8080, (request, response) => {
    if (redirected(request, response)) return;
    const { pathname, searchParams } = urlOf(request);
    if (pathname === '/ready') send(response, { status: self.ready() ? 200 : 503, body: '' });
    else if (pathname.startsWith('/debug')) send(response, monitoring(pathname, searchParams));
    else send(response, NOT_FOUND);
  });
  await context.serveHttp(15_014, (request, response) => {
    if (redirected(request, response)) return;
    const { pathname, searchParams } = urlOf(request);
    send(response, monitoring(pathname, searchParams));
  });
  const stops: (() => void)[] = [];
  return {
    discovery,
    monitoring,
    begin: () => {
      registry.addIstiod(context.ip, discovery);
      stops.push(startPatching(self, authority), () => registry.removeIstiod(context.ip));
      return startElections(self, authority, stops);
    },
    stop: () => {
      for (const stop of stops.splice(0)) stop();
      discovery.stop();
    },
  };
}

function startPatching({ context, identity, metrics, writer, ready, registry }: Istiod, authority: CertificateAuthority): () => void {
  return startWebhookPatcher({
    cluster: context.cluster,
    writer,
    network: context.network,
    clock: context.clock,
    revision: identity.revision,
    caBundle: Buffer.from(authority.root).toString('base64'),
    metrics,
    validates: () => ready() && registry.knobs.revision(identity.revision).webhook === 'up',
    log: (line) => context.log(line),
  });
}

function startElections(
  { context, identity, writer, registry }: Istiod,
  authority: CertificateAuthority,
  stops: (() => void)[],
): LeaderElection {
  let stopRoots: (() => void) | undefined;
  stops.push(() => stopRoots?.());
  return startLeaderElection(locksOf(identity.version, identity.revision), {
    cluster: context.cluster,
    writer,
    clock: context.clock,
    namespace: identity.namespace,
    pod: identity.pod,
    revision: identity.revision,
    retryMs: () => registry.knobs.settings().leaderRetryMs,
    onLeading: (lock, leads) => {
      context.log(`leader election lock ${leads ? 'obtained' : 'lost'}: ${lock}`);
      if (lock !== NAMESPACE_LOCK) return;
      stopRoots?.();
      stopRoots = leads
        ? startRootCertificates({
            cluster: context.cluster,
            writer,
            clock: context.clock,
            root: authority.root,
            revocations: hasRevocationList(identity.version),
          })
        : undefined;
    },
  });
}

const NOT_FOUND: Answer = { status: 404, contentType: 'text/plain; charset=utf-8', body: '404 page not found\n' };

function json(body: unknown): Answer {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(body) };
}

function monitoringAnswer(self: Istiod, discovery: DiscoveryServer, path: string, query: URLSearchParams): Answer {
  switch (path) {
    case '/metrics':
      return { status: 200, contentType: 'text/plain; version=0.0.4', body: self.metrics.text(istiodGauges(discovery, self.identity)) };
    case '/version':
      return { status: 200, contentType: 'text/plain; charset=utf-8', body: `${self.identity.version.text}-000000000000-Clean` };
    case '/debug/syncz':
      return json(syncz(discovery, query.get('namespace') ?? ''));
    case '/debug/clusterz':
      return json(clusterz(self.identity.clusterId));
    case '/debug/connections':
      return json(connectionsAnswer(discovery));
    case '/debug/list':
      return json(DEBUG_PATHS);
    default:
      return NOT_FOUND;
  }
}

function urlOf(request: IncomingMessage): URL {
  return new URL(request.url ?? '/', 'http://istiod');
}

/** As Go's mux does: `istioctl version` asks for `//version`. @returns whether the request has been dealt with */
function redirected({ url = '/' }: IncomingMessage, response: ServerResponse): boolean {
  const clean = url.replace(/^\/{2,}/, '/');
  if (clean === url) return false;
  response.writeHead(301, { location: clean }).end();
  return true;
}

function send(response: ServerResponse, { status, contentType, body }: Answer): void {
  response.writeHead(status, contentType === undefined ? {} : { 'content-type': contentType });
  response.end(body);
}

function webhookHandler(self: Istiod): RequestListener {
  const { identity, registry, metrics } = self;
  return (request, response) => {
    const { pathname } = urlOf(request);
    const behaviour = registry.knobs.revision(identity.revision).webhook;
    if (behaviour === 'down') return cutOff(request);
    if (behaviour === 'hang') return;
    if (behaviour === 'error') return send(response, { status: 500, body: 'internal error\n' });
    const injects = pathname === '/inject' || pathname.startsWith('/inject/');
    if (!injects && pathname !== '/validate' && !pathname.startsWith('/validate/')) {
      return send(response, pathname === '/ready' ? { status: self.ready() ? 200 : 503, body: '' } : NOT_FOUND);
    }
    if (injects) metrics.count('sidecar_injection_requests_total', {});
    readReview(request).then(
      (review) => {
        if (typeof review === 'string') send(response, { status: review === 'no body found' ? 400 : 415, body: `${review}\n` });
        else send(response, json(injects ? inject(self, review, pathname) : validate(self, review)));
      },
      () => response.destroy(),
    );
  };
}

/** After the whole request has come: how the caller learns of it then does not depend on how far its bytes were. */
function cutOff(request: IncomingMessage): void {
  request.once('end', () => request.socket.destroy()).resume();
}

/** @returns what is wrong with the request, in place of its review */
async function readReview(request: IncomingMessage): Promise<AdmissionReview | string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (chunks.length === 0) return 'no body found';
  if (request.headers['content-type'] !== 'application/json') return 'invalid Content-Type, want `application/json`';
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as AdmissionReview;
}

function inject({ context, identity, settings, metrics }: Istiod, review: AdmissionReview, path: string): object {
  const injector = settings.injector();
  if (injector === undefined) {
    metrics.count('sidecar_injection_failure_total', {});
    const message = 'failed to run injection template: failed to parse values.yaml; check Istiod logs for errors';
    return {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: review.request?.uid ?? '', allowed: false, status: { message } },
    };
  }
  const mode = nativeSidecarMode(identity.version, identity.env.get('ENABLE_NATIVE_SIDECARS'));
  const node = (review.request?.object as Pod | undefined)?.spec?.nodeName;
  const { outcome, answer } = answerInjection(review, {
    revision: identity.revision,
    version: identity.version,
    mesh: settings.mesh(),
    ...injector,
    native: mode === 'auto' ? supportNativeSidecars(context.cluster, node) : mode === 'on',
    pathEnv: pathEnvironment(path),
  });
  if (outcome === 'skipped') metrics.count('sidecar_injection_skip_total', {});
  if (outcome === 'failed') metrics.count('sidecar_injection_failure_total', {});
  metrics.count('sidecar_injection_success_total', {});
  context.log(`Sidecar injection request for ${subjectOf(review)}: ${outcome}`);
  return answer;
}

/** A pod has no name yet where the API server is to make one up. */
function subjectOf({ request }: AdmissionReview): string {
  const { name = '', generateName = '', namespace = request?.namespace ?? '' } = (request?.object as Pod | undefined)?.metadata ?? {};
  return `${namespace}/${name === '' ? generateName : name}`;
}

function validate({ metrics }: Istiod, review: AdmissionReview): object {
  const { valid, answer } = answerValidation(review);
  const resource = (review.request?.['resource'] ?? {}) as {
    readonly group?: string;
    readonly version?: string;
    readonly resource?: string;
  };
  const labels = { group: resource.group ?? '', resource: resource.resource ?? '', version: resource.version ?? '' };
  metrics.count(
    valid ? 'galley_validation_passed' : 'galley_validation_failed',
    valid ? labels : { ...labels, reason: 'invalid_resource' },
  );
  return answer;
}

/** `pilot-discovery request GET /debug/syncz`, as people and istioctl ask it inside of the container. */
function execute(
  command: readonly string[],
  running: Running | undefined,
): { readonly stdout: string; readonly stderr: string; readonly exitCode: number } {
  const [program = '', verb, , target] = command;
  if (!program.endsWith('pilot-discovery') || verb !== 'request' || target === undefined || running === undefined) {
    return { stdout: '', stderr: `exec: ${JSON.stringify(program)}: executable file not found in $PATH\n`, exitCode: 127 };
  }
  const { pathname, searchParams } = new URL(target, 'http://istiod');
  const { status, body } = running.monitoring(pathname, searchParams);
  return status === 200
    ? { stdout: body, stderr: '', exitCode: 0 }
    : { stdout: '', stderr: `Error: received unexpected status code ${status}\n`, exitCode: 1 };
}
