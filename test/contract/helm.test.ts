/** The installer that uses helm, with a stand-in that writes down how it was called, and with the real one where it is on PATH. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { HelmInstaller, type HelmOptions } from '../../src/adapters/helm/helm-installer.ts';
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';
import type { GatewayInstall } from '../../src/ports/installer.ts';
import { Problem } from '../../src/core/problems/problem.ts';
import { writeTinyCharts } from '../kit/tiny-charts.ts';
import { codeOf } from '../kit/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'meshlift-helm-'));
const charts = writeTinyCharts(join(folder, 'charts'), '1.29.1');
const target = { revision: 'canary', version: '1.29.1', namespace: 'istio-system', overlay: '', kubernetes: 'v1.34.3' };
const CANARY = 'istiod-canary';

interface Script {
  readonly version?: string;
  readonly history?: string;
  /** What `upgrade` does, as shell. */
  readonly upgrade?: string;
  /** What `template` does before it renders, as shell. */
  readonly template?: string;
}

/** A helm that writes down how it was called. */
function standIn(name: string, { version = 'v3.17.4', history, upgrade = 'true', template = 'true' }: Script = {}): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `#!/bin/sh
echo "$@" >> ${path}.calls
case "$1" in
  version) printf '%s' '${version}' ;;
  show) if [ -d "$3" ]; then cat "$3/Chart.yaml"; else cat "$3"; fi ;;
  pull) for last; do :; done; cat ${charts}/"$(basename "$last")"/Chart.yaml > "$last/$(basename "$last")-1.29.1.tgz" ;;
  history) ${history === undefined ? `echo "Error: release: not found" >&2; exit 1` : `echo '${history}'`} ;;
  template) ${template}; for a in "$@"; do case "$a" in *carried-over.yaml) cat "$a" > ${path}.carried; echo "$a" > ${path}.carried-path ;; esac; done
    echo 'apiVersion: v1'; echo 'kind: ConfigMap'; echo 'metadata: {name: x}' ;;
  upgrade) for a in "$@"; do case "$a" in *values-of-the-release.yaml) cat "$a" > ${path}.values ;; esac; done; ${upgrade} ;;
esac
`,
  );
  chmodSync(path, 0o755);
  return path;
}

function installer(helm: string, more: Partial<HelmOptions> = {}): HelmInstaller {
  return new HelmInstaller({
    helm,
    charts,
    chartVersion: undefined,
    values: [],
    set: [],
    kubeconfig: undefined,
    context: undefined,
    readinessTimeoutSeconds: 10,
    ...more,
  });
}

const calls = (path: string, verb: string): string[] =>
  readFileSync(`${path}.calls`, 'utf8')
    .trim()
    .split('\n')
    .filter((line) => line.startsWith(`${verb} `));
const failure = async (promise: Promise<unknown>): Promise<Problem> =>
  promise.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => error as Problem,
  );

describe('rendering', () => {
  it('says the revision last, waits for nothing, and pins the tool and both charts', async () => {
    const path = standIn('plain');
    const { objects, pins } = await installer(path, { set: ['global.hub=x'] }).render(target);
    expect(calls(path, 'template').toSorted()).toEqual([
      `template istio-base ${charts}/base -n istio-system --include-crds --no-hooks --skip-tests --kube-version v1.34.3`,
      `template ${CANARY} ${charts}/istiod -n istio-system --no-hooks --skip-tests --set global.hub=x --set revision=canary --kube-version v1.34.3`,
    ]);
    expect(objects.map(({ kind }) => kind)).toEqual(['ConfigMap']);
    expect(pins.map(({ name, path: at, version }) => [name, at, version])).toEqual([
      ['helm', path, '3.17.4'],
      ['chart istiod', join(charts, 'istiod'), '1.29.1'],
      ['chart base', join(charts, 'base'), '1.29.1'],
    ]);
  });

  it('takes what is carried over first, then the files of the user in their order, then what was set', async () => {
    const path = standIn('order');
    const files = ['one.yaml', 'two.yaml'].map((name) => join(folder, name));
    for (const file of files) writeFileSync(file, 'meshConfig: {accessLogFile: x}\n');
    const overlay = 'spec: {values: {global: {hub: mine}}, meshConfig: {accessLogFile: y}}\n';
    const { requestedPaths } = await installer(path, { values: files, set: ['a=b'] }).render({ ...target, overlay, namespace: 'mesh' });
    expect(calls(path, 'template').find((line) => line.includes(CANARY))).toContain(
      `carried-over.yaml -f ${files.join(' -f ')} --set global.istioNamespace=mesh --set a=b --set revision=canary`,
    );
    expect(parse(readFileSync(`${path}.carried`, 'utf8'))).toEqual({ global: { hub: 'mine' }, meshConfig: { accessLogFile: 'y' } });
    expect(existsSync(readFileSync(`${path}.carried-path`, 'utf8').trim())).toBe(false);
    expect(requestedPaths).toEqual(['meshConfig.accessLogFile', 'values.a']);
  });

  it.each([
    [
      'the URL of a repository',
      'https://charts.example.com/',
      'istiod --repo https://charts.example.com/ --version 1.29.1',
      'https://charts.example.com/istiod',
    ],
    ['the name of a repository', 'istio', 'istio/istiod --version 1.29.1', 'istio/istiod'],
    ['a registry', 'oci://host/path', 'oci://host/path/istiod --version 1.29.1', 'oci://host/path/istiod'],
  ])('fetches charts from %s, in the version of the target, and pins what it got', async (name, where, wanted, from) => {
    const path = standIn(`remote ${name}`.replaceAll(' ', '-'));
    const { pins } = await installer(path, { charts: where }).render(target);
    expect(calls(path, 'pull').find((line) => line.endsWith('/istiod'))).toMatch(new RegExp(`^pull ${wanted} --destination /`));
    expect(pins.find((pin) => pin.name === 'chart istiod')).toMatchObject({
      path: from,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    const other = standIn(`other ${name}`.replaceAll(' ', '-'));
    await installer(other, { charts: where, chartVersion: '107.1.0' }).render(target);
    expect(calls(other, 'pull').every((line) => line.includes('--version 107.1.0'))).toBe(true);
  });
});

describe('what cannot be rendered', () => {
  const older = writeTinyCharts(join(folder, 'older'), '1.28.2');
  const vendor = writeTinyCharts(join(folder, 'vendor'), '107.1.0', '1.29.1-vendor.1');

  it.each([
    ['helm that is not there', '/does/not/exist', {}, 'TOOL-001'],
    ['helm that nobody has', 'helm-that-nobody-has', {}, 'TOOL-001'],
    ['helm 2', standIn('two', { version: 'v2.17.0' }), {}, 'TOOL-002'],
    ['helm that says nothing of itself', standIn('mute', { version: '' }), {}, 'TOOL-002'],
    ['a folder that is not there', standIn('nowhere'), { charts: './nowhere' }, 'ARGS-002'],
    ['a folder without charts', standIn('empty'), { charts: folder }, 'ARGS-002'],
    ['a values file that is not there', standIn('novalues'), { values: ['/does/not/exist'] }, 'ARGS-002'],
    ['charts of another version', standIn('older-charts'), { charts: older }, 'PLAN-003'],
    ['charts that a vendor counts in its own way', standIn('vendor-charts', { version: 'v4.1.4' }), { charts: vendor }, 'none'],
  ])('%s', async (_name, path, more, code) => {
    expect(await codeOf(installer(path, more).render(target))).toBe(code);
  });
});

describe('installing', () => {
  it('waits, on the cluster that was named', async () => {
    const path = standIn('install');
    await installer(path, { kubeconfig: 'K', context: 'C' }).install(target, [], () => undefined);
    expect(calls(path, 'upgrade')).toEqual([
      `upgrade --install ${CANARY} ${charts}/istiod --set revision=canary --wait --timeout 10s -n istio-system --kubeconfig K --kube-context C`,
    ]);
  });

  it.each([
    ['pending-install', '[{"revision":1,"status":"pending-install"}]', `uninstall ${CANARY} --wait --timeout 10s`],
    ['uninstalling', '[{"revision":1,"status":"uninstalling"}]', `uninstall ${CANARY} --wait --timeout 10s`],
    ['pending-upgrade', '[{"revision":1,"status":"deployed"},{"revision":2,"status":"pending-upgrade"}]', `rollback ${CANARY} 1`],
    ['pending-rollback', '[{"revision":3,"status":"superseded"},{"revision":4,"status":"pending-rollback"}]', `rollback ${CANARY} 3`],
  ])('first makes whole what a killed driver left %s', async (status, history, wanted) => {
    const path = standIn(`left-${status}`, { history });
    const lines: string[] = [];
    await installer(path).install(target, [], (line) => lines.push(line));
    const [repair] = [...calls(path, 'uninstall'), ...calls(path, 'rollback')];
    expect(repair).toBe(`${wanted} -n istio-system`);
    expect(lines[0]).toContain(`release ${CANARY} was left ${status}`);
    expect(calls(path, 'upgrade')).toHaveLength(1);
  });

  it('touches nothing of a release that is deployed or failed', async () => {
    const path = standIn('settled', { history: '[{"revision":1,"status":"deployed"},{"revision":2,"status":"failed"}]' });
    await installer(path).install(target, [], () => undefined);
    expect([...calls(path, 'uninstall'), ...calls(path, 'rollback')]).toEqual([]);
  });

  const conflict = (...managers: readonly string[]): string =>
    `case "$*" in *--force-conflicts*) ;; *) ${managers.map((name) => `echo 'Apply failed with 1 conflict: conflict with "${name}": .webhooks' >&2`).join('; ')}; exit 1 ;; esac`;

  it('takes over what istiod wrote into its own webhooks, which helm 4 refuses at first', async () => {
    const path = standIn('conflict', { version: 'v4.1.4', upgrade: conflict('pilot-discovery') });
    await installer(path).install(target, [], () => undefined);
    expect(calls(path, 'upgrade').map((line) => line.includes('--force-conflicts'))).toEqual([false, true]);
  });

  it('leaves to a person what somebody else wrote', async () => {
    const path = standIn('foreign', { version: 'v4.1.4', upgrade: conflict('pilot-discovery', 'kubectl-edit') });
    const problem = await failure(installer(path).install(target, [], () => undefined));
    expect([problem.code, problem.details.why]).toEqual(['TOOL-005', expect.stringContaining('kubectl-edit')]);
    expect(problem.details.next.at(-1)?.command).toContain('--force-conflicts');
    expect(calls(path, 'upgrade')).toHaveLength(1);
  });

  it('that fails is told with the end of its output', async () => {
    const path = standIn('failing', { upgrade: 'echo "Error: context deadline exceeded" >&2; exit 1' });
    const problem = await failure(installer(path).install(target, [], () => undefined));
    expect([problem.code, problem.details.what]).toEqual(['TOOL-003', expect.stringContaining('context deadline exceeded')]);
  });

  it('is refused when a chart, a values file or the major version of helm is another one than planned', async () => {
    const own = writeTinyCharts(join(folder, 'own'), '1.29.1');
    const file = join(folder, 'values.yaml');
    writeFileSync(file, 'replicas: 2\n');
    const subject = installer(standIn('pinned'), { charts: own, values: [file] });
    const { pins } = await subject.render(target);
    await subject.install(target, pins, () => undefined);
    expect(
      await codeOf(
        installer(standIn('pinned-4', { version: 'v4.1.4' }), { charts: own, values: [file] }).install(target, pins, () => undefined),
      ),
    ).toBe('TOOL-002');
    writeFileSync(file, 'replicas: 3\n');
    expect(await codeOf(subject.install(target, pins, () => undefined))).toBe('PLAN-015');
    writeFileSync(file, 'replicas: 2\n');
    writeFileSync(join(own, 'istiod', 'values.yaml'), 'replicas: 9\n');
    expect(await codeOf(subject.install(target, pins, () => undefined))).toBe('PLAN-015');
  });
});

describe('the base release', () => {
  const release = { name: 'mesh-base', namespace: 'istio-system' };

  it('is upgraded with the values of its user, and the new default', async () => {
    const path = standIn('base');
    await installer(path).upgradeBase({ release, target, values: { global: { hub: 'mine' } } }, [], () => undefined);
    expect(calls(path, 'upgrade')[0]).toMatch(
      /^upgrade mesh-base \S+\/base --reset-values -f \S+values-of-the-release.yaml --set defaultRevision=canary --wait --timeout 10s -n istio-system$/,
    );
    expect(JSON.parse(readFileSync(`${path}.values`, 'utf8'))).toEqual({ global: { hub: 'mine' } });
  });

  it('of which Meshlift itself wrote the default before is taken over', async () => {
    const upgrade = `case "$*" in *--force-conflicts*) ;; *) echo 'Apply failed with 2 conflicts: conflicts with "meshlift": .webhooks' >&2; exit 1 ;; esac`;
    const path = standIn('base-conflict', { version: 'v4.1.4', upgrade });
    await installer(path).upgradeBase({ release, target, values: {} }, [], () => undefined);
    expect(calls(path, 'upgrade')).toHaveLength(2);
  });
});

describe('gateways', () => {
  const gateway = (values: Record<string, unknown> = {}): GatewayInstall => ({
    release: { name: 'ingress-canary', namespace: 'edge' },
    values,
  });
  const VALUES =
    /^template ingress-canary \S+\/gateway -n edge --no-hooks --skip-tests -f \S+\/values-of-the-release\.yaml --kube-version v1\.34\.3$/;

  it('are rendered each with its own values, with the chart of the target, which is pinned', async () => {
    const path = standIn('gateways');
    const { chart, objects, pins } = await installer(path, { set: ['a=b'] }).renderGateways([gateway(), gateway()], target, []);
    expect(calls(path, 'template')).toEqual([expect.stringMatching(VALUES), expect.stringMatching(VALUES)]);
    expect([chart, objects.map((list) => list?.length)]).toEqual(['1.29.1', [1, 1]]);
    expect(pins.map(({ name, path: at }) => [name, at])).toEqual([
      ['helm', path],
      ['chart gateway', join(charts, 'gateway')],
    ]);
  });

  it('become releases with values that only helm reads, and only for as long as it runs', async () => {
    const path = standIn('gateway');
    await installer(path).installGateway(gateway({ env: { A: 'hush' } }), target, [], () => undefined);
    const [call = ''] = calls(path, 'upgrade');
    expect(call).toMatch(/^upgrade --install ingress-canary \S+\/gateway -f \S+values-of-the-release\.yaml --wait --timeout 10s -n edge$/);
    expect(JSON.parse(readFileSync(`${path}.values`, 'utf8'))).toEqual({ env: { A: 'hush' } });
    expect(existsSync(/-f (\S+)/.exec(call)?.[1] ?? '')).toBe(false);
  });

  it('whose values do not render are told apart from a chart that is not there', async () => {
    const failing = standIn('gateway-failing', { template: 'echo "Error: hush is wrong" >&2; exit 1' });
    expect((await installer(failing).renderGateways([gateway()], target, [])).objects).toEqual([undefined]);
    const without = join(folder, 'without');
    mkdirSync(without);
    expect(await codeOf(installer(standIn('gateway-without'), { charts: without }).renderGateways([gateway()], target, []))).toBe(
      'ARGS-002',
    );
    const older = writeTinyCharts(join(folder, 'older-gateway'), '1.28.2');
    expect(await codeOf(installer(standIn('gateway-older'), { charts: older }).renderGateways([gateway()], target, []))).toBe('PLAN-003');
  });

  it('are refused with another chart than the one that the plan was made from', async () => {
    const own = writeTinyCharts(join(folder, 'own-gateway'), '1.29.1');
    const subject = installer(standIn('gateway-pinned'), { charts: own });
    const { pins } = await subject.renderGateways([gateway()], target, []);
    writeFileSync(join(own, 'gateway', 'values.yaml'), 'said: other\n');
    expect(await codeOf(subject.renderGateways([gateway()], target, pins))).toBe('PLAN-015');
    expect(await codeOf(subject.installGateway(gateway(), target, pins, () => undefined))).toBe('PLAN-015');
  });
});

function realHelm(): boolean {
  try {
    execFileSync('helm', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!realHelm())('the real helm', () => {
  const deployment = (objects: readonly KubeObject[]): KubeObject | undefined => objects.find(({ kind }) => kind === 'Deployment');

  it('renders charts of a folder, without hooks, with only the CRDs of the base chart', async () => {
    const { objects } = await installer('helm', { set: ['said=set'] }).render({
      ...target,
      overlay: 'spec: {values: {said: carried, replicas: 3}}',
    });
    expect(objects.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([
      ['CustomResourceDefinition', 'virtualservices.networking.istio.io'],
      ['Deployment', CANARY],
    ]);
    expect(deployment(objects)?.metadata.annotations).toEqual({ said: 'set', kubernetes: 'v1.34.3' });
    expect(deployment(objects)?.['spec']).toMatchObject({ replicas: 3 });
  });

  it('says in its own words what does not render', async () => {
    const problem = await failure(installer('helm', { set: ['said='] }).render(target));
    expect([problem.code, problem.details.what]).toEqual(['TOOL-003', expect.stringContaining('said is needed')]);
    const file = join(folder, 'broken.yaml');
    writeFileSync(file, 'a: [\n');
    expect((await failure(installer('helm', { values: [file] }).render(target))).details.what).toContain('broken.yaml');
  });

  it('renders gateways as releases of their names, without a Service where that is said', async () => {
    const release = { name: 'ingress-canary', namespace: 'edge' };
    const values = { labels: { app: 'ingress' }, service: { type: 'None' } };
    const { objects } = await installer('helm').renderGateways(
      [
        { release, values },
        { release, values: { said: '' } },
      ],
      target,
      [],
    );
    expect(objects.map((list) => list?.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name]))).toEqual([
      [['Deployment', 'edge', 'ingress-canary']],
      undefined,
    ]);
  });

  it('fetches charts from a repository, and says what is not there', async () => {
    const repository = mkdtempSync(join(folder, 'repository-'));
    for (const name of ['base', 'istiod']) execFileSync('helm', ['package', join(charts, name), '-d', repository]);
    execFileSync('helm', ['repo', 'index', repository]);
    const server = createServer((request, response) => {
      const file = join(repository, (request.url ?? '').replaceAll(/[^\w.-]/g, ''));
      response.writeHead(existsSync(file) ? 200 : 404).end(existsSync(file) ? readFileSync(file) : '');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const where = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { objects, pins } = await installer('helm', { charts: where }).render(target);
      expect(deployment(objects)?.metadata.name).toBe(CANARY);
      expect(pins.map((pin) => pin.path).slice(1)).toEqual([`${where}/istiod`, `${where}/base`]);
      expect((await failure(installer('helm', { charts: where }).render({ ...target, version: '1.30.0' }))).details.what).toContain(
        '1.30.0',
      );
      // Archives in a folder are charts too.
      expect(deployment((await installer('helm', { charts: repository }).render(target)).objects)?.metadata.name).toBe(CANARY);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
