/** The ports on which a proxy answers for itself: readiness, metrics, administration. */
import { request as httpRequest, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { PodContext } from '../cluster/pod-program.ts';
import { metricText } from './control-plane/istiod-metrics.ts';
import { environmentOf, type Container, type Pod } from './pod-shape.ts';
import { numberAt, textAt } from './read-path.ts';
import { isPassing, type LiveProxy } from './traffic/live-proxy.ts';

export async function serveProxyPorts(context: PodContext, proxy: LiveProxy): Promise<void> {
  await context.serveHttp(15_021, (request, response) =>
    answer(response, request.url === '/healthz/ready' && isReady(proxy) ? 200 : statusWhenNot(request)),
  );
  await context.serveHttp(15_020, statusPort(context, proxy));
  await context.serveHttp(15_090, (request, response) =>
    request.url === '/stats/prometheus' ? answer(response, 200, prometheus(proxy)) : answer(response, 404),
  );
  await context.serveHttp(15_000, administration(proxy));
}

function isReady(proxy: LiveProxy): boolean {
  return isPassing(proxy) && proxy.view() !== undefined;
}

function statusWhenNot(request: IncomingMessage): number {
  return request.url === '/healthz/ready' ? 503 : 404;
}

function answer(response: ServerResponse, status: number, body = '', contentType = 'text/plain'): void {
  response.writeHead(status, { 'content-type': contentType });
  response.end(body);
}

/** pilot-agent: readiness, metrics, and the applications' probes that go through it. */
function statusPort(context: PodContext, proxy: LiveProxy): RequestListener {
  return (request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (path === '/healthz/ready') return answer(response, isReady(proxy) ? 200 : 503);
    if (path === '/stats/prometheus') return answer(response, 200, prometheus(proxy));
    if (path === '/quitquitquit' && request.method === 'POST') {
      answer(response, 200);
      return context.exit(0);
    }
    if (path.startsWith('/app-health/')) return probeApplication(context, path, response);
    return answer(response, 404);
  };
}

function probeApplication(context: PodContext, path: string, response: ServerResponse): void {
  const env = environmentOf(context.container as Container, context.pod() as Pod);
  const probers: unknown = JSON.parse(env.get('ISTIO_KUBE_APP_PROBERS') ?? '{}');
  const prober = (probers as Readonly<Record<string, unknown>>)[path];
  const port = numberAt(prober, 'httpGet.port') ?? numberAt(prober, 'tcpSocket.port');
  const at = port === undefined ? undefined : context.network.resolve(context.ip, port);
  if (at === undefined) return answer(response, prober === undefined ? 404 : 500);
  const target = textAt(prober, 'httpGet.path');
  if (target === undefined) return answer(response, 200);
  httpRequest({ host: at.host, port: at.port, path: target, agent: false }, (probed) => {
    probed.resume();
    answer(response, probed.statusCode ?? 500);
  })
    .on('error', () => answer(response, 500))
    .end();
}

function prometheus(proxy: LiveProxy): string {
  const { counters, histograms } = proxy.stats.samples();
  const build = { name: 'istio_build', labels: { component: 'proxy', tag: proxy.version }, value: 1 };
  return metricText(counters, 'counter') + metricText(histograms, 'histogram') + metricText([build], 'gauge');
}

function administration(proxy: LiveProxy): RequestListener {
  return (request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    switch (path) {
      case '/ready':
        return isReady(proxy) ? answer(response, 200, 'LIVE\n') : answer(response, 503, 'PRE_INITIALIZING\n');
      case '/server_info':
        return answer(response, 200, JSON.stringify(serverInfo(proxy), undefined, 1), 'application/json');
      case '/config_dump':
        return answer(
          response,
          200,
          JSON.stringify(
            { configs: [{ '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump', bootstrap: { node: node(proxy) } }] },
            undefined,
            1,
          ),
          'application/json',
        );
      case '/stats/prometheus':
        return answer(response, 200, prometheus(proxy));
      case '/stats':
        return answer(response, 200, `http.inbound.downstream_rq_total: ${proxy.stats.total()}\nserver.live: ${isReady(proxy) ? 1 : 0}\n`);
      default:
        return answer(response, 404, 'invalid path. admin commands are:\n');
    }
  };
}

function node({ role, ip, pod, namespace, version, workload }: LiveProxy): object {
  return {
    id: `${role}~${ip}~${pod}.${namespace}~${namespace}.svc.cluster.local`,
    cluster: `${workload}.${namespace}`,
    metadata: { ISTIO_VERSION: version, NAMESPACE: namespace, NAME: pod, WORKLOAD_NAME: workload },
  };
}

function serverInfo(proxy: LiveProxy): object {
  const states: Readonly<Record<string, string>> = { starting: 'PRE_INITIALIZING', live: 'LIVE', draining: 'DRAINING', ended: 'DRAINING' };
  return { state: states[proxy.state()], node: node(proxy) };
}
