/** A bounded load from inside the mesh: an open rate, every answer counted. */
import { start, type Running } from '../../kit/child-process.ts';
import type { Load, LoadResult } from '../../scenarios/cluster-under-test.ts';
import { namespaceYaml } from '../../scenarios/shop.ts';
import { APP_IMAGE, applyYaml, kubectl } from './cluster.ts';

const NAMESPACE = 'load';
const LONGEST_SECONDS = 420;

/** A pod with a sidecar that sends the load; it belongs to the revision of its namespace. */
export async function prepareLoad(labels: Readonly<Record<string, string>>): Promise<void> {
  await applyYaml(`${namespaceYaml(NAMESPACE, labels)}apiVersion: v1
kind: Pod
metadata: {name: sender, namespace: ${NAMESPACE}, labels: {app: sender}}
spec:
  containers:
  - name: app
    image: ${APP_IMAGE}
    imagePullPolicy: IfNotPresent
    args: ["server", "-http-port", "8080", "-grpc-port", "disabled", "-redirect-port", "disabled", "-tcp-port", "disabled", "-udp-port", "disabled"]
    readinessProbe: {httpGet: {path: /fortio/, port: 8080}, periodSeconds: 1}
    resources: {requests: {cpu: 10m, memory: 32Mi}}
`);
  await kubectl('-n', NAMESPACE, 'wait', '--for=condition=Ready', 'pod/sender', '--timeout=90s');
}

function inSender(script: string): Running {
  return start('kubectl', ['-n', NAMESPACE, 'exec', 'sender', '-c', 'app', '--', 'sh', '-c', script]);
}

/** 20 requests a second over 4 connections, until stopped or for seven minutes at most. */
export function startLoad(url: string): Load {
  const command = `fortio load -quiet -qps 20 -c 4 -t ${LONGEST_SECONDS}s -timeout 4s -allow-initial-errors -json /tmp/load.json ${url}`;
  const running = inSender(`rm -f /tmp/load.json; ${command} & echo $! >/tmp/load.pid; wait`);
  return {
    stop: async () => {
      await inSender('kill -INT $(cat /tmp/load.pid)').done;
      const outcome = await running.done;
      const { stdout } = await inSender('cat /tmp/load.json').done;
      if (stdout === '') throw new Error(`the load left no result: ${outcome.stdout} ${outcome.stderr}`);
      return parseResult(stdout);
    },
  };
}

interface FortioResult {
  readonly RetCodes: Readonly<Record<string, number>>;
  readonly DurationHistogram: {
    readonly Count: number;
    readonly Percentiles?: readonly { readonly Percentile: number; readonly Value: number }[];
  };
}

function parseResult(text: string): LoadResult {
  const result = JSON.parse(text) as FortioResult;
  const sent = Object.values(result.RetCodes).reduce((sum, count) => sum + count, 0);
  const percentile = (wanted: number): number =>
    Math.round((result.DurationHistogram.Percentiles?.find((p) => p.Percentile === wanted)?.Value ?? 0) * 10_000) / 10;
  return { sent, failed: sent - (result.RetCodes['200'] ?? 0), codes: result.RetCodes, p50Ms: percentile(50), p99Ms: percentile(99) };
}

/** One request from a pod; resolves to the status code, 0 when there was no answer. */
export async function ask(namespace: string, from: string, url: string): Promise<number> {
  const { stdout, stderr } = await start('kubectl', [
    '-n',
    namespace,
    'exec',
    from,
    '-c',
    'app',
    '--',
    'fortio',
    'curl',
    '-quiet',
    '-timeout',
    '5s',
    url,
  ]).done;
  // fortio writes the head of the answer to standard error.
  return Number(/HTTP\/1\.1 (\d+)/.exec(stderr + stdout)?.[1] ?? 0);
}
