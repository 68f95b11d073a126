/**
 * Istio's own charts in the sandbox, by the real helm. The folders of the charts are in `ISTIO_CHARTS_<version>`, with `_` for
 * the dots of the version; without them there is nothing to install, and the tests are shown as skipped.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/start-sandbox.ts';
import { start, until, type Outcome } from '../kit/child-process.ts';
import { NEW_VERSION, OLD_VERSION } from './kit/cluster.ts';

const charts = (version: string): string | undefined => process.env[`ISTIO_CHARTS_${version.replaceAll('.', '_')}`];
const oldCharts = charts(OLD_VERSION);
const newCharts = charts(NEW_VERSION);

/** Since helm 4 it can write as `kubectl apply --server-side` does, or not. */
const modes = helmKnows('--server-side') ? [['--server-side=true', '--force-conflicts'], ['--server-side=false']] : [[]];

function helmKnows(flag: string): boolean {
  try {
    return execFileSync('helm', ['install', '--help'], { encoding: 'utf8' }).includes(flag);
  } catch {
    return false;
  }
}

/** Later charts leave the field out of an upgrade. @source https://github.com/istio/istio/pull/59367 */
const POLICY_IN_CHART = /^1\.(2[0-7]\.\d+|28\.[0-5]|29\.[01])$/;
const IN_SYSTEM = ['-n', 'istio-system'];

describe.skipIf(oldCharts === undefined || newCharts === undefined).each(modes.map((mode) => ({ mode })))('helm $mode', ({ mode }) => {
  const home = mkdtempSync(join(tmpdir(), 'meshlift-helm-'));
  const [before, after] = [oldCharts ?? '', newCharts ?? ''];
  let sandbox: Sandbox;

  beforeAll(async () => {
    sandbox = await startSandbox({ scenario: 'empty', time: { kind: 'real', factor: 5 } });
    writeFileSync(join(home, 'kubeconfig'), sandbox.kubeconfig, { mode: 0o600 });
  });
  afterAll(async () => {
    await sandbox.stop();
  });

  const call = (program: string, args: readonly string[]): Promise<Outcome> =>
    start(program, args, { env: { HOME: home, KUBECONFIG: join(home, 'kubeconfig') } }).done;

  async function helm(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await call('helm', args);
    if (code !== 0) expect.fail(`helm ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
    return stdout;
  }

  async function refused(...args: string[]): Promise<string> {
    const { code, stderr } = await call('helm', args);
    expect(code).toBe(1);
    return stderr;
  }

  const kubectl = async (...args: string[]): Promise<string> => (await call('kubectl', args)).stdout;
  const imageOfIstiod = (): Promise<string> =>
    kubectl('get', 'deployment', 'istiod', ...IN_SYSTEM, '-o', 'jsonpath={.spec.template.spec.containers[0].image}');

  it('refuses a namespace that is not there', async () => {
    expect(await refused('install', 'istio-base', join(before, 'base'), ...IN_SYSTEM, ...mode)).toContain(
      'namespaces "istio-system" not found',
    );
  });

  it('installs what belongs to the cluster', async () => {
    const told = await helm('install', 'istio-base', join(before, 'base'), ...IN_SYSTEM, '--create-namespace', ...mode);
    expect(told).toContain('STATUS: deployed');
    expect(await kubectl('get', 'crd', '-o', 'name')).toContain('virtualservices.networking.istio.io');
  });

  it('refuses a name that is taken', async () => {
    expect(await refused('install', 'istio-base', join(before, 'base'), ...IN_SYSTEM, ...mode)).toContain('a name that is still in use');
  });

  it('installs a control plane and waits for it; it injects', async () => {
    const told = await helm('install', 'istiod', join(before, 'istiod'), ...IN_SYSTEM, '--wait', '--timeout', '60s', ...mode);
    expect(told).toContain('STATUS: deployed');
    expect(await kubectl('get', 'deployment', 'istiod', ...IN_SYSTEM, '--no-headers')).toMatch(/^istiod +1\/1 /);
    await kubectl('create', 'namespace', 'shop');
    await kubectl('label', 'namespace', 'shop', 'istio-injection=enabled');
    await kubectl('create', 'deployment', 'web', '-n', 'shop', '--image=shop:1');
    await until('a pod with a sidecar is ready', async () => / 2\/2 /.test(await kubectl('get', 'pods', '-n', 'shop')));
  });

  it('lists, and tells how it stands', async () => {
    const list = JSON.parse(await helm('list', ...IN_SYSTEM, '-o', 'json')) as { name: string; status: string; revision: string }[];
    expect(list.map(({ name, status, revision }) => [name, status, revision])).toEqual([
      ['istio-base', 'deployed', '1'],
      ['istiod', 'deployed', '1'],
    ]);
    expect(await helm('status', 'istiod', ...IN_SYSTEM)).toMatch(/STATUS: deployed\nREVISION: 1/);
    expect(await helm('get', 'manifest', 'istiod', ...IN_SYSTEM)).toContain('kind: Deployment');
  });

  // istiod itself sets failurePolicy of the webhook that validates, and owns the field from then on.
  if (mode.includes('--force-conflicts') && POLICY_IN_CHART.test(OLD_VERSION))
    it('is refused what somebody else owns', async () => {
      const told = await refused('upgrade', 'istiod', join(before, 'istiod'), ...IN_SYSTEM, '--server-side=true');
      expect(told).toContain('Apply failed with 1 conflict: conflict with "pilot-discovery"');
      expect(told).toContain('.webhooks[name="rev.validation.istio.io"].failurePolicy');
      expect(await helm('rollback', 'istiod', '1', ...IN_SYSTEM, ...mode)).toContain('Rollback was a success');
    });

  it('upgrades without waiting, then to the next version with waiting', async () => {
    const told = await helm('upgrade', 'istiod', join(before, 'istiod'), ...IN_SYSTEM, '--set', 'resources.requests.cpu=7m', ...mode);
    expect(told).toMatch(/^REVISION: [24]$/m);
    expect(await kubectl('get', 'deployment', 'istiod', ...IN_SYSTEM, '-o', 'jsonpath={..resources.requests.cpu}')).toBe('7m');
    expect(await helm('upgrade', 'istio-base', join(after, 'base'), ...IN_SYSTEM, ...mode)).toContain('REVISION: 2');
    const next = await helm('upgrade', 'istiod', join(after, 'istiod'), ...IN_SYSTEM, '--wait', '--timeout', '60s', ...mode);
    expect(next).toMatch(/^REVISION: [35]$/m);
    expect(await imageOfIstiod()).toContain(NEW_VERSION);
  });

  it('installs another revision beside it', async () => {
    const settings = ['--set', 'revision=canary', '--wait', '--timeout', '60s'];
    await helm('upgrade', '--install', 'istiod-canary', join(after, 'istiod'), ...IN_SYSTEM, ...settings, ...mode);
    expect(await kubectl('get', 'mutatingwebhookconfigurations', '-o', 'name')).toContain('istio-sidecar-injector-canary');
    expect(await helm('uninstall', 'istiod-canary', ...IN_SYSTEM, '--wait')).toContain('uninstalled');
  });

  it('rolls back', async () => {
    await helm('rollback', 'istiod', '1', ...IN_SYSTEM, '--wait', '--timeout', '60s', ...mode);
    expect(await imageOfIstiod()).toContain(OLD_VERSION);
    const history = await helm('history', 'istiod', ...IN_SYSTEM);
    expect(history).toMatch(/^[46] .*deployed.*Rollback to 1/m);
    expect(history).toMatch(/^[35] .*superseded/m);
  });

  it('uninstalls, and nothing of the control plane is left', async () => {
    expect(await helm('uninstall', 'istiod', ...IN_SYSTEM, '--wait', '--timeout', '60s')).toContain('release "istiod" uninstalled');
    await helm('uninstall', 'istio-base', ...IN_SYSTEM);
    expect(await kubectl('get', 'deployments,services,mutatingwebhookconfigurations', ...IN_SYSTEM, '-o', 'name')).toBe('');
    expect(await refused('status', 'istiod', ...IN_SYSTEM)).toContain('release: not found');
  });
});
