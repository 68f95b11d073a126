/**
 * Listing 10,000 injected pods: the typed API of client-node against our request path, both in pages of 500.
 * Each way runs in a process of its own against the same server; time and peak memory of the whole process are shown.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../src/adapters/kubernetes/kube-client.ts';
import { known, resourceRequest } from '../src/adapters/kubernetes/resource-paths.ts';
import { median } from './measure.ts';

const PODS = 10_000;
const ROUNDS = 5;
const self = fileURLToPath(import.meta.url);

/** About the size of a pod with a sidecar: 6 KB of JSON. */
function pod(index: number): unknown {
  const name = `app-${index}`;
  const env = Array.from({ length: 24 }, (_, i) => ({ name: `ISTIO_META_${i}`, value: `value-of-${name}-${i}` }));
  const container = (kind: string): unknown => ({
    name: kind,
    image: `registry.invalid/istio/${kind}:1.29.1`,
    env,
    ports: [{ containerPort: 8080 }],
    resources: { requests: { cpu: '10m' } },
  });
  return {
    metadata: {
      name,
      namespace: `ns-${index % 100}`,
      uid: `uid-${index}`,
      resourceVersion: String(index),
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: name },
      annotations: { 'sidecar.istio.io/status': '{"revision":"canary"}' },
    },
    spec: { containers: [container('app')], initContainers: [container('istio-init'), container('istio-proxy')] },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    },
  };
}

function serve(): Server {
  const pages = new Map<number, string>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [from, limit] = [Number(url.searchParams.get('continue') ?? '0'), Number(url.searchParams.get('limit') ?? PODS)];
    const end = Math.min(from + limit, PODS);
    const items = Array.from({ length: end - from }, (_, i) => pod(from + i));
    const body =
      pages.get(from * 1_000_000 + limit) ??
      JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: end < PODS ? { continue: String(end) } : {}, items });
    pages.set(from * 1_000_000 + limit, body);
    response.setHeader('content-type', 'application/json');
    response.end(body);
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
  return server;
}

function configFor(port: number): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: 'u' }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  return config;
}

async function typed(port: number): Promise<number> {
  const api = configFor(port).makeApiClient(CoreV1Api);
  let count = 0;
  let next: string | undefined;
  do {
    const page = await api.listPodForAllNamespaces({ limit: 500, ...(next === undefined ? {} : { _continue: next }) });
    count += page.items.length;
    next = page.metadata?._continue;
  } while (next !== undefined && next !== '');
  return count;
}

async function raw(port: number): Promise<number> {
  const client = new KubeClient(configFor(port));
  const pods = await client.list(resourceRequest(known('v1', 'Pod'), 'list'));
  client.close();
  return pods.length;
}

interface Sample {
  readonly ms: number;
  readonly megabytes: number;
}

function sample(way: string, port: number): Sample {
  const { stdout, stderr, status } = spawnSync(process.execPath, [self, way, String(port)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Sample;
}

async function main(): Promise<void> {
  const server: ChildProcess = spawn(process.execPath, [self, 'serve'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const port = await new Promise<number>((resolve) => server.once('message', (message) => resolve(Number(message))));
  const samples: Record<string, Sample[]> = { typed: [], raw: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const way of ['typed', 'raw']) {
      const one = sample(way, port);
      if (round > 0) samples[way]?.push(one);
    }
  }
  server.kill();
  process.stdout.write(`list ${PODS} pods, pages of 500\n`);
  const rows = { typed: "client-node's typed API", raw: 'our request path' };
  const figures = Object.entries(rows).map(([way, name]) => ({
    name,
    ms: median((samples[way] ?? []).map((s) => s.ms)),
    megabytes: median((samples[way] ?? []).map((s) => s.megabytes)),
  }));
  for (const { name, ms, megabytes } of figures)
    process.stdout.write(`  ${name.padEnd(28)} median ${ms.toFixed(0).padStart(6)} ms   peak ${megabytes.toFixed(0).padStart(5)} MB\n`);
  const [theirs, ours] = figures;
  if (theirs && ours)
    process.stdout.write(
      `  ratio of ours to theirs: time ${(ours.ms / theirs.ms).toFixed(2)}, memory ${(ours.megabytes / theirs.megabytes).toFixed(2)}\n`,
    );
}

const [way, port] = process.argv.slice(2);
if (way === 'serve') serve();
else if (way === 'typed' || way === 'raw') {
  const startedMs = performance.now();
  const count = await (way === 'typed' ? typed : raw)(Number(port));
  if (count !== PODS) throw new Error(`${count} pods came back`);
  process.stdout.write(JSON.stringify({ ms: performance.now() - startedMs, megabytes: process.resourceUsage().maxRSS / 1024 }));
} else await main();
