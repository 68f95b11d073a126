/** A gateway's listeners: what Gateways ask for, on the ports of the pod to which its Services lead, routed by VirtualServices. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { KubeObject } from '../../objects/kube-object.ts';
import type { PodContext } from '../../cluster/pod-program.ts';
import type { MeshView, ServicePort } from '../discovery/mesh-view.ts';
import type { MeshRegistry } from '../mesh-registry.ts';
import type { Container, Pod } from '../pod-shape.ts';
import { listAt, numberAt, recordAt, textAt } from '../read-path.ts';
import { withoutHopByHop } from './http-exchange.ts';
import { isPassing, type LiveProxy } from './live-proxy.ts';
import { applyTroubles, type MeshClient, type MeshResponse } from './mesh-client.ts';
import { chooseRoute } from './route-table.ts';

export interface GatewayOptions {
  readonly registry: MeshRegistry;
  readonly client: MeshClient;
  readonly context: PodContext;
  readonly proxy: LiveProxy;
}

/** How often a gateway looks whether Gateways have asked for new listeners. */
const LOOK_MS = 200;

/** Opens listeners as Gateways ask for them. One whose Gateway has gone closes every connection. */
export function startGatewayListeners(options: GatewayOptions): void {
  const { context, proxy } = options;
  const open = new Set<number>();
  const look = (): void => {
    const view = proxy.view();
    if (view === undefined || proxy.state() !== 'live') return;
    for (const { port, tls } of wantedPorts(options, view)) {
      if (open.has(port)) continue;
      const listening =
        tls === undefined ? context.serveHttp(port, handler(options, port)) : context.serveHttps(port, tls, handler(options, port));
      open.add(port);
      listening.catch((error: unknown) => {
        open.delete(port);
        context.log(`cannot listen on ${port}: ${error instanceof Error ? error.message : String(error)}`);
      });
    }
  };
  look();
  const unwatch = watchView(options, look);
  const stopWhenEnded = (): void => {
    if (proxy.state() === 'ended') unwatch();
    else context.clock.after(LOOK_MS * 50, stopWhenEnded);
  };
  stopWhenEnded();
}

/** After each change that could bring a listener, once its istiod has pushed it. */
function watchView({ context, registry }: GatewayOptions, look: () => void): () => void {
  let waiting = false;
  const soon = (): void => {
    if (waiting) return;
    waiting = true;
    context.clock.after(registry.knobs.settings().pushDelayMs + LOOK_MS, () => {
      waiting = false;
      look();
    });
  };
  const stops = [
    context.cluster.onChange('gateways.networking.istio.io', soon),
    context.cluster.onChange('services', ({ object }) => {
      if (object.metadata.namespace === context.pod().metadata.namespace) soon();
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

interface Wanted {
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
}

function wantedPorts(options: GatewayOptions, view: MeshView): readonly Wanted[] {
  const servers = gatewaysOf(options.proxy, view).flatMap((gateway) => listAt(gateway['spec'], 'servers'));
  return servers.flatMap((server): readonly Wanted[] => {
    const number = numberAt(server, 'port.number');
    const protocol = textAt(server, 'port.protocol') ?? 'HTTP';
    if (number === undefined || !['HTTP', 'HTTP2', 'GRPC', 'HTTPS'].includes(protocol)) return [];
    const port = targetPort(options, number);
    if (protocol !== 'HTTPS') return [{ port }];
    const tls = certificateOf(options, server);
    return tls === undefined ? [] : [{ port, tls }];
  });
}

/** Gateways whose selector fits the pod's labels; they can be in any namespace. */
function gatewaysOf(proxy: LiveProxy, view: MeshView): readonly KubeObject[] {
  const labels = proxy.labels();
  return view.config('gateways').filter((gateway) => {
    const selector = Object.entries(recordAt(gateway, 'spec.selector'));
    return selector.every(([key, value]) => labels[key] === value);
  });
}

/** The port of the pod to which a Service of the gateway leads from a Gateway's port; without a Service it is the same. */
function targetPort({ context, proxy }: GatewayOptions, number: number): number {
  const labels = proxy.labels();
  for (const service of context.cluster.list('services', { namespace: proxy.namespace })) {
    const selector = Object.entries(recordAt(service, 'spec.selector'));
    if (selector.length === 0 || !selector.every(([key, value]) => labels[key] === value)) continue;
    const port = (listAt(service, 'spec.ports') as readonly ServicePort[]).find((candidate) => candidate.port === number);
    if (port !== undefined) return numberOf(port.targetPort ?? port.port, context);
  }
  return number;
}

function numberOf(port: number | string, context: PodContext): number {
  if (typeof port === 'number') return port;
  const containers = ((context.pod() as Pod).spec?.containers ?? []) as readonly Container[];
  const named = containers.flatMap((container) => container.ports ?? []).find(({ name }) => name === port);
  return named?.containerPort ?? Number(port);
}

function certificateOf({ context, proxy }: GatewayOptions, server: unknown): Wanted['tls'] {
  const name = textAt(server, 'tls.credentialName');
  const secret = name === undefined ? undefined : context.cluster.get('secrets', name, proxy.namespace);
  const data = recordAt(secret, 'data');
  if (data['tls.crt'] === undefined || data['tls.key'] === undefined) return undefined;
  const decode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : '', 'base64').toString('utf8');
  return { cert: decode(data['tls.crt']), key: decode(data['tls.key']) };
}

function handler(options: GatewayOptions, port: number): RequestListener {
  return (request, response) => {
    const view = options.proxy.view();
    const matching = view === undefined ? [] : gatewaysOf(options.proxy, view).filter((gateway) => serves(options, gateway, port));
    if (view === undefined || matching.length === 0 || !isPassing(options.proxy)) return void request.socket.destroy();
    const release = options.proxy.enter(() => request.socket.destroy());
    response.once('close', release);
    collect(request)
      .then((body) => serve({ options, request, body, view, gateways: matching }))
      .then(
        (answer) => write(response, answer, options.proxy.state() === 'draining'),
        (error: unknown) => {
          options.context.log(`request failed: ${error instanceof Error ? error.message : String(error)}`);
          request.socket.destroy();
        },
      );
  };
}

function serves(options: GatewayOptions, gateway: KubeObject, port: number): boolean {
  return listAt(gateway['spec'], 'servers').some((server) => targetPort(options, numberAt(server, 'port.number') ?? 0) === port);
}

async function collect(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

interface Serving {
  readonly options: GatewayOptions;
  readonly request: IncomingMessage;
  readonly body: Buffer;
  readonly view: MeshView;
  readonly gateways: readonly KubeObject[];
}

async function serve({ options, request, body, view, gateways }: Serving): Promise<MeshResponse> {
  const { registry, client, context, proxy } = options;
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const method = request.method ?? 'GET';
  const path = request.url ?? '/';
  const headers = withoutHopByHop(textHeaders(request));
  const troubled = await applyTroubles(registry, proxy, context);
  if (troubled !== undefined) return troubled;
  const names = gateways
    .filter((gateway) => takesHost(gateway, host))
    .map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
  const routed = chooseRoute(
    { host, method, path, headers },
    { view, gateways: new Set(names), random: context.random, namespace: proxy.namespace },
  );
  if (routed.kind === 'none') return plain(404, '', 'NR');
  if (routed.kind === 'response') return plain(routed.status, routed.body, '-');
  if (routed.kind === 'redirect')
    return { ...plain(routed.status, '', '-'), headers: { location: routed.location, server: 'istio-envoy' } };
  return client.forward(context, proxy, routed.route, { host, port: routed.route.destination.port ?? 80, path, method, headers, body });
}

/** Hosts of a Gateway may name a namespace before a slash. */
function takesHost(gateway: KubeObject, host: string): boolean {
  const hosts = listAt(gateway['spec'], 'servers').flatMap((server) =>
    listAt(server, 'hosts').map((name) => String(name).replace(/^.*\//, '')),
  );
  return hosts.some((name) => name === '*' || name === host || (name.startsWith('*.') && host.endsWith(name.slice(1))));
}

function textHeaders(request: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}

function plain(status: number, body: string, flags: string): MeshResponse {
  return { status, headers: { server: 'istio-envoy' }, body: Buffer.from(body), flags };
}

function write(response: ServerResponse, answer: MeshResponse, last: boolean): void {
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  );
  response.writeHead(answer.status, {
    ...headers,
    server: 'istio-envoy',
    'content-length': String(answer.body.length),
    ...(last ? { connection: 'close' } : {}),
  });
  response.end(answer.body);
}
