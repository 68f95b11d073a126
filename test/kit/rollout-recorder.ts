/**
 * Plays the generated rollouts on a real cluster and writes down what its deployment controller did, as testdata of the sandbox's
 * controllers: `node test/kit/rollout-recorder.ts <kubeconfig> <image of fortio> <file> [at a time]`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';
import { type RecordedPod, type RecordedRollout, type RolloutCase, rolloutCases, seededRandom, type RolloutStep } from './rollout-cases.ts';

const [kubeconfig = '', image = '', file = '', parallel = '2'] = process.argv.slice(2);
const CASES = 50;
const SEED = 20260101;
const STEP_TIMEOUT_MS = 90_000;

interface ApiObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
  readonly spec: { readonly replicas?: number };
  readonly status?: {
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
  };
}

interface Change {
  readonly type: string;
  readonly object: ApiObject;
  readonly atMs: number;
}

const config = parse(readFileSync(kubeconfig, 'utf8')) as {
  readonly clusters: readonly { readonly cluster: Record<string, string> }[];
  readonly users: readonly { readonly user: Record<string, string> }[];
};
const { cluster = {} } = config.clusters[0] ?? {};
const { user = {} } = config.users[0] ?? {};
const data = (from: Record<string, string>, name: string): string | Buffer =>
  from[`${name}-data`] === undefined ? readFileSync(from[name] ?? '') : Buffer.from(from[`${name}-data`] ?? '', 'base64');
const agent = new Agent({
  keepAlive: true,
  ca: data(cluster, 'certificate-authority'),
  cert: data(user, 'client-certificate'),
  key: data(user, 'client-key'),
});

function call(method: string, path: string, body?: unknown): Promise<ApiObject> {
  return new Promise((resolve, reject) => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const sent = request(`${cluster['server']}${path}`, { method, agent, headers: { 'content-type': type } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        if ((response.statusCode ?? 500) < 300) resolve(JSON.parse(text) as ApiObject);
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function watch(path: string, onChange: (change: Change) => void): () => void {
  let rest = '';
  const sent = request(`${cluster['server']}${path}?watch=true`, { agent }, (response) => {
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      const lines = (rest + part).split('\n');
      rest = lines.pop() ?? '';
      const atMs = performance.now();
      for (const line of lines) onChange({ ...(JSON.parse(line) as Omit<Change, 'atMs'>), atMs });
    });
    response.on('error', () => undefined);
  });
  sent.on('error', () => undefined);
  sent.end();
  return () => sent.destroy();
}

function template(step: RolloutStep): unknown {
  const isBad = step.readySeconds === null;
  return {
    metadata: { labels: { app: 'web' } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'app',
          image: isBad ? 'example.invalid/none:1' : image,
          imagePullPolicy: isBad ? 'Never' : 'IfNotPresent',
          args: ['server'],
          env: [{ name: 'TEMPLATE', value: String(step.template) }],
          resources: { requests: { cpu: '1m', memory: '8Mi' } },
          readinessProbe: {
            httpGet: { port: 8080, path: '/debug' },
            initialDelaySeconds: step.readySeconds ?? 0,
            periodSeconds: 1,
            failureThreshold: 30,
          },
        },
      ],
    },
  };
}

const isComplete = ({ metadata, spec, status = {} }: ApiObject): boolean =>
  (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
  [status.replicas, status.updatedReplicas, status.availableReplicas].every((count) => (count ?? 0) === (spec.replicas ?? 1));

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

async function record(one: RolloutCase): Promise<RecordedRollout> {
  const namespace = `sbx-ctl-${one.name.split(' ')[0]}`;
  await call('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  const apps = `/apis/apps/v1/namespaces/${namespace}`;
  const changes: Change[] = [];
  const off = [`${apps}/replicasets`, `${apps}/deployments`, `/api/v1/namespaces/${namespace}/pods`].map((path) =>
    watch(path, (change) => changes.push(change)),
  );
  try {
    await sleep(300);
    const beganAt = performance.now();
    const stepsAtMs: number[] = [];
    for (const step of one.steps) {
      if (stepsAtMs.length > 0) await until(step, apps);
      stepsAtMs.push(Math.round(performance.now() - beganAt));
      await take(one, step, apps, stepsAtMs.length === 1);
    }
    await until({ when: 'complete' }, apps);
    await sleep(3000);
    return { ...one, stepsAtMs, ...summary(changes, beganAt) };
  } finally {
    for (const stop of off) stop();
    await call('DELETE', `/api/v1/namespaces/${namespace}`);
  }
}

async function until({ when }: Pick<RolloutStep, 'when'>, apps: string): Promise<void> {
  if (when !== 'complete') return sleep(when.afterMs);
  await sleep(300);
  const endsAt = performance.now() + STEP_TIMEOUT_MS;
  while (!isComplete(await call('GET', `${apps}/deployments/web`))) {
    if (performance.now() > endsAt) throw new Error(`${apps} is not complete`);
    await sleep(300);
  }
  await sleep(2500);
}

async function take(one: RolloutCase, step: RolloutStep, apps: string, isFirst: boolean): Promise<void> {
  const pods = step.template === undefined ? {} : { template: template(step) };
  if (!isFirst) {
    await call('PATCH', `${apps}/deployments/web`, {
      spec: { ...pods, ...(step.replicas === undefined ? {} : { replicas: step.replicas }) },
    });
    return;
  }
  const { strategy } = one;
  await call('POST', `${apps}/deployments`, {
    metadata: { name: 'web' },
    spec: {
      replicas: one.replicas,
      minReadySeconds: one.minReadySeconds,
      progressDeadlineSeconds: one.progressDeadlineSeconds,
      selector: { matchLabels: { app: 'web' } },
      strategy: strategy === 'Recreate' ? { type: 'Recreate' } : { type: 'RollingUpdate', rollingUpdate: strategy },
      ...pods,
    },
  });
}

function summary(changes: readonly Change[], beganAt: number): Pick<RecordedRollout, 'sizes' | 'conditions' | 'pods'> {
  const ordered = changes.toSorted((a, b) => Number(a.object.metadata.resourceVersion) - Number(b.object.metadata.resourceVersion));
  const of = (kind: string): readonly Change[] => ordered.filter(({ object }) => object.kind === kind);
  const { sizes, sets } = sizesOf(of('ReplicaSet'));
  return { sizes, conditions: conditionsOf(of('Deployment')), pods: podsOf(of('Pod'), sets, beganAt) };
}

function sizesOf(changes: readonly Change[]): { readonly sizes: readonly string[]; readonly sets: readonly string[] } {
  const sets = new Map<string, number>();
  const sizes: string[] = [];
  for (const { object } of changes.filter(({ type }) => type !== 'DELETED')) {
    sets.set(object.metadata.uid, object.spec.replicas ?? 1);
    note(sizes, [...sets.values()].join(' '));
  }
  return { sizes, sets: [...sets.keys()] };
}

function conditionsOf(changes: readonly Change[]): readonly string[] {
  const conditions: string[] = [];
  for (const { status } of changes.map(({ object }) => object)) {
    if (status?.conditions === undefined) continue;
    const of = (type: string): ReturnType<typeof status.conditions.find> => status.conditions?.find((one) => one.type === type);
    note(conditions, `${of('Progressing')?.reason ?? '-'} ${of('Available')?.status ?? '-'}`);
  }
  return conditions;
}

function podsOf(changes: readonly Change[], sets: readonly string[], beganAt: number): readonly RecordedPod[] {
  const pods = new Map<string, Change[]>();
  for (const change of changes) pods.set(change.object.metadata.uid, [...(pods.get(change.object.metadata.uid) ?? []), change]);
  return [...pods.values()].map((own) => {
    const ready = own.find(({ object }) => object.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'));
    const deleted = own.find(({ object }) => object.metadata.deletionTimestamp !== undefined);
    const gone = own.find(({ type }) => type === 'DELETED');
    return {
      set: sets.indexOf(own[0]?.object.metadata.ownerReferences?.[0]?.uid ?? ''),
      readyAtMs: ready === undefined ? null : Math.round(ready.atMs - beganAt),
      goneMs: gone === undefined || deleted === undefined ? null : Math.round(gone.atMs - deleted.atMs),
    };
  });
}

function note(list: string[], text: string): void {
  if (list.at(-1) !== text) list.push(text);
}

const cases = [...rolloutCases(CASES, seededRandom(SEED)).entries()];
const results: RecordedRollout[] = [];
await Promise.all(
  Array.from({ length: Number(parallel) }, async () => {
    for (let next = cases.shift(); next !== undefined; next = cases.shift()) {
      const [index, one] = next;
      try {
        results[index] = await record(one);
        process.stdout.write(`${one.name}: ${results[index]?.sizes.join(', ')}\n`);
      } catch (error) {
        process.stderr.write(`${one.name} failed: ${error instanceof Error ? error.message : String(error)}\n`);
      }
    }
  }),
);
const { gitVersion } = (await call('GET', '/version')) as unknown as { readonly gitVersion: string };
const lines = results.flatMap((one) => (one === undefined ? [] : [JSON.stringify(one)]));
writeFileSync(file, `{"kubernetes":"${gitVersion}","rollouts":[\n${lines.join(',\n')}\n]}\n`);
agent.destroy();
