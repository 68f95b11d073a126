/** istioctl and rendered manifests, with a stand-in for the tool and for the cluster. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { ManifestInstaller } from '../../src/adapters/files/manifest-installer.ts';
import { IstioctlInstaller, type IstioctlOptions } from '../../src/adapters/istioctl/istioctl-installer.ts';
import { runTool } from '../../src/adapters/tools/run-tool.ts';
import { Problem } from '../../src/core/problems/problem.ts';
import { FakeCluster } from '../kit/fake-cluster.ts';
import { controlPlaneObjects, crd } from '../kit/istio-objects.ts';
import { codeOf } from '../kit/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'meshlift-'));
const target = { revision: 'canary', version: '1.29.1', namespace: 'istio-system', overlay: '' };
const manifests = controlPlaneObjects({ revision: 'canary', version: '1.29.1' })
  .map((o) => stringify(o))
  .join('---\n');
const manifestFile = join(folder, 'rendered.yaml');
writeFileSync(manifestFile, manifests);

/** An istioctl that writes down how it was called. */
function istioctl(name: string, version: string, more = ''): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `#!/bin/sh
echo "$@" >> ${path}.calls
case "$1" in
  version) echo '{"clientVersion":{"version":"${version}"}}' ;;
  manifest) for a in "$@"; do case "$a" in *carried-over.yaml) cat "$a" > ${path}.overlay; echo "$a" > ${path}.overlay-path ;; esac; done; cat ${manifestFile} ;;
  install) echo '  \\__  drawing'; echo '- Processing resources for Istiod.'; ${more} ;;
esac
`,
  );
  chmodSync(path, 0o755);
  return path;
}

function installer(path: string, more: Partial<IstioctlOptions> = {}): IstioctlInstaller {
  return new IstioctlInstaller({
    istioctl: path,
    file: undefined,
    set: [],
    kubeconfig: undefined,
    context: undefined,
    readinessTimeoutSeconds: 10,
    ...more,
  });
}

const calls = (path: string): string[] => readFileSync(`${path}.calls`, 'utf8').trim().split('\n');

describe('istioctl', () => {
  it('renders with the revision last, and a profile without gateways unless one was named', async () => {
    const path = istioctl('plain', '1.29.1');
    const { objects, pins } = await installer(path, { set: ['meshConfig.accessLogFile=/dev/stdout'] }).render(target);
    expect(objects).toHaveLength(14);
    expect(pins).toEqual([{ name: 'istioctl', path, version: '1.29.1', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown }]);
    expect(calls(path).at(-1)).toBe(
      'manifest generate --set profile=minimal --set meshConfig.accessLogFile=/dev/stdout --set revision=canary',
    );
    const named = istioctl('named', '1.29.1');
    await installer(named, { set: ['profile=empty'] }).render(target);
    expect(calls(named).at(-1)).toBe('manifest generate --set profile=empty --set revision=canary');
  });

  it('takes the profile of an IstioOperator file, pins the file, and notices a change', async () => {
    const path = istioctl('file', '1.29.1');
    const file = join(folder, 'operator.yaml');
    writeFileSync(file, 'spec: {profile: empty, meshConfig: {accessLogFile: x}}\n');
    const subject = installer(path, { file });
    const { pins, requestedPaths } = await subject.render(target);
    expect([pins[1]?.name, requestedPaths]).toEqual(['IstioOperator file', ['meshConfig.accessLogFile']]);
    expect(calls(path).at(-1)).not.toContain('profile=minimal');
    writeFileSync(file, 'spec: {}\n');
    expect(await codeOf(subject.install(target, pins, () => undefined))).toBe('PLAN-015');
  });

  it('hands over what is carried, in a file that is gone afterwards', async () => {
    const path = istioctl('overlay', '1.29.1');
    await installer(path).render({ ...target, overlay: 'spec: {meshConfig: {accessLogFile: y}}\n' });
    expect(readFileSync(`${path}.overlay`, 'utf8')).toContain('accessLogFile: y');
    expect(existsSync(readFileSync(`${path}.overlay-path`, 'utf8').trim())).toBe(false);
  });

  it('installs on the cluster that was named, and tells the lines that say something', async () => {
    const path = istioctl('install', '1.29.1', 'true');
    const lines: string[] = [];
    await installer(path, { kubeconfig: 'K', context: 'C' }).install(target, [], (line) => lines.push(line));
    expect(calls(path).at(-1)).toBe(
      'install -y --set profile=minimal --set revision=canary --readiness-timeout=10s --kubeconfig K --context C',
    );
    expect(lines).toEqual(['- Processing resources for Istiod.']);
  });

  it.each([
    ['missing', '/does/not/exist', 'TOOL-001'],
    ['not on PATH', 'istioctl-that-nobody-has', 'TOOL-001'],
    ['of another version', istioctl('older', '1.28.2'), 'TOOL-002'],
    ['that does not say its version', istioctl('mute', '').replace('mute', 'mute'), 'TOOL-002'],
  ])('%s', async (_name, path, code) => {
    expect(await codeOf(installer(path).render(target))).toBe(code);
  });

  it('that fails is told with the end of its output', async () => {
    const path = istioctl('failing', '1.29.1', 'echo "Error: timed out waiting" >&2; exit 1');
    const error: unknown = await installer(path)
      .install(target, [], () => undefined)
      .catch((thrown: unknown) => thrown);
    expect([(error as Problem).code, (error as Problem).details.what]).toEqual([
      'TOOL-003',
      expect.stringContaining('Error: timed out waiting'),
    ]);
    expect((error as Problem).details.next[0]?.command).toContain('install -y');
  });
});

describe('a tool', () => {
  it('gets its arguments whole, and nothing to read', async () => {
    expect((await runTool('/bin/sh', ['-c', 'printf "%s|" "$@"; cat', 'x', 'a b', "it's", '$HOME'])).stdout).toBe("a b|it's|$HOME|");
  });

  it('that takes too long is stopped', async () => {
    const error: unknown = await runTool('/bin/sleep', ['30'], { timeoutMs: 200 }).catch((thrown: unknown) => thrown);
    expect((error as Problem).code).toBe('TOOL-003');
  });

  it('ends with us, however we end', async () => {
    const mark = `4${process.pid}`;
    const script = `const { runTool } = await import(${JSON.stringify(new URL('../../src/adapters/tools/run-tool.ts', import.meta.url).href)}); void runTool('/bin/sleep', ['${mark}']); setInterval(() => {}, 1000); console.log('up');`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => parent.stdout.once('data', resolve));
    const running = async (): Promise<boolean> =>
      (await runTool('/bin/sh', ['-c', `pgrep -f "^/bin/sleep ${mark}$" || true`])).stdout.trim() !== '';
    await expect.poll(running, { timeout: 5000 }).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(running, { timeout: 5000 }).toBe(false);
  });
});

describe('manifests', () => {
  it('come from files and folders in the order of their names, and are pinned one by one', async () => {
    const many = join(folder, 'many', 'deeper');
    mkdirSync(many, { recursive: true });
    writeFileSync(join(folder, 'many', 'a.yaml'), manifests);
    writeFileSync(join(many, 'b.yml'), stringify(crd('x.networking.istio.io', ['v1'])));
    writeFileSync(join(folder, 'many', 'notes.txt'), 'not a manifest');
    const { objects, pins } = await new ManifestInstaller({ paths: [join(folder, 'many')], writer: new FakeCluster() }).render(target);
    expect([objects.length, pins.map((pin) => pin.path.replace(folder, ''))]).toEqual([15, ['/many/a.yaml', '/many/deeper/b.yml']]);
  });

  it('are applied in an order in which each finds what it needs; CRDs are a step of their own', async () => {
    const cluster = new FakeCluster();
    const subject = new ManifestInstaller({ paths: [manifestFile], writer: cluster });
    const { pins } = await subject.render(target);
    const lines: string[] = [];
    await subject.install(target, pins, (line) => lines.push(line));
    expect(lines[0]).toBe('applied ServiceAccount istiod-canary');
    expect(lines.at(-1)).toBe('applied MutatingWebhookConfiguration istio-sidecar-injector-canary');
    expect(cluster.objects.size).toBe(14);
  });

  it('that changed after the plan are refused before anything is applied', async () => {
    const file = join(folder, 'changing.yaml');
    writeFileSync(file, manifests);
    const cluster = new FakeCluster();
    const subject = new ManifestInstaller({ paths: [file], writer: cluster });
    const { pins } = await subject.render(target);
    writeFileSync(file, manifests.replace('1.29.1', '1.29.2'));
    expect(await codeOf(subject.install(target, pins, () => undefined))).toBe('PLAN-015');
    expect(cluster.objects.size).toBe(0);
  });

  it('of standard input are taken from the plan when it is applied', async () => {
    const { gzipSync } = await import('node:zlib');
    const { createHash } = await import('node:crypto');
    const pin = {
      name: 'manifests',
      path: '-',
      sha256: createHash('sha256').update(manifests).digest('hex'),
      content: gzipSync(manifests).toString('base64'),
    };
    const cluster = new FakeCluster();
    const subject = new ManifestInstaller({ paths: ['-'], writer: cluster });
    expect((await subject.render(target, [pin])).objects).toHaveLength(14);
    await subject.install(target, [pin], () => undefined);
    expect(cluster.objects.size).toBe(14);
  });

  it.each([
    ['a file that is not there', '/does/not/exist', 'ARGS-002'],
    ['a file that is not YAML', manifestFileOf('bad.yaml', 'a: ['), 'PLAN-003'],
    ['a file of something else', manifestFileOf('other.yaml', 'hello: world'), 'PLAN-003'],
  ])('%s', async (_name, path, code) => {
    expect(await codeOf(new ManifestInstaller({ paths: [path], writer: new FakeCluster() }).render(target))).toBe(code);
  });

  function manifestFileOf(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }
});
