/** The built command line as somebody without a cluster meets it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findingCatalogue } from '../../src/core/findings/finding.ts';
import { problemCatalogue } from '../../src/core/problems/problem-catalogue.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'meshlift-'));

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function meshlift(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  command = join(root, 'bin', 'meshlift'),
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: { ...process.env, KUBECONFIG: '/does/not/exist', ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.end();
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const COMMANDS = [
  'status',
  'proxy-status',
  'in-use',
  'check',
  'plan',
  'apply',
  'runs',
  'pause',
  'resume',
  'finish',
  'rollback',
  'forget',
  'install',
  'migrate',
  'uninstall',
  'rbac',
  'explain',
  'version',
];

describe('help', () => {
  it('is what a bare call prints, and names every command', async () => {
    const [bare, asked] = await Promise.all([meshlift([]), meshlift(['--help'])]);
    expect([bare.code, asked.code, bare.stdout]).toEqual([0, 0, asked.stdout]);
    for (const command of COMMANDS) expect(bare.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(Math.max(...bare.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.each(COMMANDS)('of %s', async (command) => {
    const { code, stdout } = await meshlift([command, '--help']);
    expect([code, stdout.includes(`meshlift ${command}`)]).toEqual([0, true]);
  });

  it('version is the same in both ways', async () => {
    const [option, command] = await Promise.all([meshlift(['--version']), meshlift(['version'])]);
    expect(command.stdout).toContain(`meshlift ${option.stdout.trim()}\nnode v`);
  });
});

describe('wrong usage is exit code 2, a problem, and no stack', () => {
  const bad = join(folder, 'bad.yaml');
  writeFileSync(bad, 'kind: Pod\n');
  it.each<[string, string[], RegExp]>([
    ['an unknown command', ['statsu'], /Did you mean status\?/],
    ['an unknown option', ['status', '--bogus'], /unknown option '--bogus'/],
    ['a missing argument', ['in-use'], /missing required argument 'revision'/],
    ['a missing value', ['plan', '--to'], /argument missing/],
    ['a missing option', ['install', '--revision', 'x'], /required option '--version/],
    ['an unknown format', ['status', '-o', 'xml'], /must be one of table, wide, json, yaml, name/],
    ['an unknown way', ['plan', '--to', '1.29.1', '--with', 'magic'], /must be istioctl, helm or manifests/],
    ['manifests without a path', ['plan', '--to', '1.29.1', '--with', 'manifests'], /needs --manifests/],
    ['settings for manifests', ['plan', '--to', '1.29.1', '--manifests', 'x', '--set', 'a=b'], /go with --with istioctl/],
    ['a setting without a value', ['plan', '--to', '1.29.1', '--set', 'a'], /must be KEY=VALUE/],
    ['a duration that is none', ['plan', '--to', '1.29.1', '--step-timeout', 'soon'], /must be a duration/],
    ['a duration that is too short', ['plan', '--to', '1.29.1', '--step-timeout', '1s'], /stepTimeoutSeconds/],
    ['an unknown reaction', ['plan', '--to', '1.29.1', '--on-failure', 'panic'], /onFailure/],
    ['two mistakes at once', ['plan', '--to', '1.29.1', '--with', 'magic', '--step-timeout', 'soon'], /magic[^]*soon/],
    ['a pinned object without a namespace', ['plan', '--to', '1.29.1', '--skip-pinned', 'EnvoyFilter/x'], /must be KIND\/NAMESPACE\/NAME/],
    ['an unknown way for gateways', ['plan', '--to', '1.29.1', '--gateways', 'ownAddress'], /must be one of inPlace, canary, leave/],
    ['a load that sends nothing', ['plan', '--to', '1.29.1', '--load-target', 'http://a/', '--load', '1/h'], /the least is 1\/m/],
    ['a judge of nothing', ['plan', '--to', '1.29.1', '--load-target', 'http://a/', '--load-stop-at', '0/100'], /must be FAILED\/OF/],
    [
      'more failures than requests',
      ['plan', '--to', '1.29.1', '--load-target', 'http://a/', '--load-stop-at', '3/2'],
      /must be FAILED\/OF/,
    ],
    ['a judge in percent', ['plan', '--to', '1.29.1', '--load-target', 'http://a/', '--load-stop-at', '2%'], /must be FAILED\/OF/],
    ['a judge of a day', ['plan', '--to', '1.29.1', '--load-target', 'http://a/', '--load-stop-at', '2/100000'], /at most 10000/],
    ['a judge without a load', ['plan', '--to', '1.29.1', '--load-stop-at', '2/100'], /need --load-target/],
    ['shares without a canary', ['plan', '--to', '1.29.1', '--gateway-shares', '10,100'], /goes with --gateways canary/],
    [
      'shares that are no percents',
      ['plan', '--to', '1.29.1', '--gateways', 'canary', '--gateway-shares', '10%,100'],
      /must be whole percents/,
    ],
    ['shares that fall', ['plan', '--to', '1.29.1', '--gateways', 'canary', '--gateway-shares', '50,10,100'], /must rise and end with 100/],
    ['nothing to apply', ['apply'], /Say which plan/],
    ['an unknown code', ['explain', 'NOPE-001'], /no code NOPE-001/],
    ['an unknown need', ['rbac', '--for', 'everything'], /must be one of look, plan, move, install/],
  ])('%s', async (_name, args, words) => {
    const { code, stderr, stdout } = await meshlift(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(words);
    expect(stderr).toMatch(/^✗ ARGS-001 {2}/);
    expect(stderr).not.toMatch(/\n {4}at /);
  });
});

describe('without a cluster', () => {
  it.each([
    ['status'],
    ['proxy-status'],
    ['check'],
    ['in-use', 'x'],
    ['runs'],
    ['resume'],
    ['rollback', '--yes'],
    ['plan', '--to', '1.29.1'],
    ['rbac', '--check'],
  ])('%s %s says so', async (...args) => {
    const { code, stderr } = await meshlift(args.filter((arg) => arg !== undefined));
    expect([code, stderr.startsWith('✗ KUBE-001')]).toEqual([1, true]);
  });

  it('problems are JSON where JSON was asked for', async () => {
    const { code, stderr, stdout } = await meshlift(['status', '-o', 'json']);
    expect([code, stdout]).toEqual([1, '']);
    expect(JSON.parse(stderr)).toMatchObject({ problem: { code: 'KUBE-001', state: { kind: 'nothing-changed' } } });
  });

  it('roles are printed all the same, as YAML and as JSON', async () => {
    const [yaml, json] = await Promise.all([
      meshlift(['rbac', '--for', 'look']),
      meshlift(['rbac', '--for', 'look', '-o', 'json', '--istio-namespace', 'mesh']),
    ]);
    expect(yaml.stdout).toContain('kind: ClusterRole\n');
    expect((JSON.parse(json.stdout) as { metadata: { namespace?: string } }[])[1]?.metadata.namespace).toBe('mesh');
  });

  it('every code is explained, and all are listed', async () => {
    const all = Object.keys({ ...problemCatalogue, ...findingCatalogue });
    const { stdout } = await meshlift(['explain']);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(all);
    const one = await meshlift(['explain', 'run-021']);
    expect(one.stdout).toContain('RUN-021  A workload did not become ready');
  });

  it('no colour goes into a pipe', async () => {
    const { stdout, stderr } = await meshlift(['explain', 'RUN-021'], { FORCE_COLOR: '' });
    expect(stdout + stderr).not.toContain('\u001B[');
  });
});

describe('a Node that is too old', () => {
  it('is told in one line', async () => {
    const launcher = `Object.defineProperty(process, 'versions', { value: { node: '20.1.0' } }); await import(${JSON.stringify(join(root, 'dist', 'meshlift.js'))});`;
    const { code, stderr, stdout } = await meshlift(['--input-type=module', '-e', launcher], {}, process.execPath);
    expect([code, stdout, stderr.trim().split('\n').length]).toEqual([2, '', 1]);
    expect(stderr).toContain('meshlift needs Node 22 or newer; this is Node 20.1.0');
  });
});
