/**
 * A gateway of Istio's own chart in the sandbox, by the real helm 3 and helm 4: it ends as a release of its own that helm goes on
 * with, and comes back as it was. Without the charts in `ISTIO_CHARTS_<version>` there is nothing to install, and it is skipped.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/start-sandbox.ts';
import { MESHLIFT, run } from '../kit/child-process.ts';
import type { Meta } from '../scenarios/cluster-under-test.ts';
import { NEW_VERSION, OLD_VERSION } from './kit/cluster.ts';
import { chartsOf, fetchHelm4 } from './kit/helm.ts';

const [OLD, NEW] = [OLD_VERSION.replaceAll('.', '-'), NEW_VERSION.replaceAll('.', '-')];
const [oldCharts, newCharts] = [chartsOf(OLD_VERSION), chartsOf(NEW_VERSION)];
const helm4 = oldCharts === undefined ? undefined : fetchHelm4();
const SPEED = 10;
const KINDS = 'deployments,services,horizontalpodautoscalers,poddisruptionbudgets,serviceaccounts,roles,rolebindings';

interface Item {
  readonly kind: string;
  readonly metadata: Meta;
  readonly spec?: Record<string, unknown>;
}

const tools = ['helm', ...(helm4 === undefined ? [] : [helm4])].map((helm) => ({ helm }));

describe.skipIf(oldCharts === undefined || newCharts === undefined).each(tools)('a gateway by $helm', ({ helm }) => {
  const home = mkdtempSync(join(tmpdir(), 'meshlift-gateway-release-'));
  const env = { HOME: home, KUBECONFIG: join(home, 'kubeconfig'), MESHLIFT_SANDBOX_SPEED: String(SPEED) };
  const call = (program: string, ...args: string[]): Promise<string> => run(program, args, { env });
  const chart = (charts: string | undefined, name: string): string => join(charts ?? '', name);
  let sandbox: Sandbox;

  async function itemsOf(kinds: string): Promise<Item[]> {
    return (JSON.parse(await call('kubectl', '-n', 'edge', 'get', kinds, '-o', 'json')) as { items: Item[] }).items;
  }

  const uids = async (): Promise<string[]> => (await itemsOf('pods')).map(({ metadata }) => metadata.uid).toSorted();
  const named = async (): Promise<string[]> =>
    (await itemsOf(KINDS)).map(
      ({ kind, metadata }) => `${kind}/${metadata.name} of ${metadata.annotations?.['meta.helm.sh/release-name'] ?? 'none'}`,
    );

  async function picture(): Promise<unknown> {
    return (await itemsOf(KINDS)).map(({ kind, metadata: { name, labels, annotations = {} }, spec }) => {
      const { 'deployment.kubernetes.io/revision': _revision, ...kept } = annotations;
      return { kind, name, labels, kept, spec };
    });
  }

  async function releases(): Promise<string[]> {
    const list = JSON.parse(await call(helm, 'list', '-n', 'edge', '-o', 'json')) as Record<'name' | 'status' | 'chart', string>[];
    return list.map(({ name, status, chart: made }) => `${name} ${status} ${made}`);
  }

  beforeAll(async () => {
    sandbox = await startSandbox({ scenario: 'empty', time: { kind: 'real', factor: SPEED } });
    writeFileSync(env.KUBECONFIG, sandbox.kubeconfig, { mode: 0o600 });
    for (const namespace of ['istio-system', 'edge']) await call('kubectl', 'create', 'namespace', namespace);
    await call(helm, 'install', 'istio-base', chart(oldCharts, 'base'), '-n', 'istio-system', '--set', `defaultRevision=${OLD}`);
    const istiod = [`istiod-${OLD}`, chart(oldCharts, 'istiod'), '-n', 'istio-system', '--set', `revision=${OLD}`, '--wait'];
    await call(helm, 'install', ...istiod);
    const values = [`revision=${OLD}`, 'autoscaling.minReplicas=2', 'podDisruptionBudget.minAvailable=1', 'env.NOTE=kept'];
    const settings = values.flatMap((value) => ['--set', value]);
    await call(helm, 'install', 'ingress', chart(oldCharts, 'gateway'), '-n', 'edge', ...settings, '--wait');
    await call('kubectl', '-n', 'edge', 'wait', 'deploy/ingress', '--for=jsonpath={.status.readyReplicas}=2', '--timeout=60s');
  });
  afterAll(() => sandbox.stop());

  it('ends as a release of its own, with the pods that served; helm goes on with it, and it comes back', async () => {
    const before = await picture();
    const install = ['--with', 'helm', '--helm', helm, '--charts', newCharts ?? ''];
    await call(MESHLIFT, 'apply', '--to', NEW_VERSION, ...install, '--gateways', 'canary', '--yes');
    const served = await uids();
    await call(MESHLIFT, 'finish', '--yes');
    const name = `ingress-${NEW}`;
    expect(await releases()).toEqual([`${name} deployed gateway-${NEW_VERSION}`]);
    expect((await named()).toSorted()).toEqual([
      `Deployment/${name} of ${name}`,
      `HorizontalPodAutoscaler/${name} of ${name}`,
      `PodDisruptionBudget/${name} of ${name}`,
      `Role/ingress of ${name}`,
      `RoleBinding/ingress of ${name}`,
      'Service/ingress of none',
      'ServiceAccount/default of none',
      `ServiceAccount/ingress of ${name}`,
    ]);
    const upgrade = ['upgrade', name, chart(newCharts, 'gateway'), '-n', 'edge', '--reuse-values'];
    await call(helm, ...upgrade, '--wait');
    expect(await uids()).toEqual(served);
    await call(helm, ...upgrade, '--set', 'autoscaling.enabled=false', '--set', 'replicaCount=3', '--wait');
    expect((await uids()).filter((uid) => served.includes(uid))).toEqual(served);
    expect(await uids()).toHaveLength(3);
    await call(MESHLIFT, 'rollback', '--yes');
    expect(await picture()).toEqual(before);
    expect(await releases()).toEqual([`ingress deployed gateway-${OLD_VERSION}`]);
  });
});
