// Runs a task of this repository: node scripts/run.mjs <task> [arguments]. Stops at the first step that fails.
// It must itself run on Node 20; every step runs on the pinned Node of node_modules.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installDependencies, installLintTools } from './install.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const build = { name: 'build', command: ['node', 'scripts/build.mjs'] };
const formatCheck = { name: 'format check', command: ['prettier', '--check', '--log-level=warn', '.'] };

const tasks = {
  build: () => [build],
  check: () => [...types(), lint(), formatCheck, vitest('core tests', ['src/core/', 'test/architecture.test.ts'])],
  lint: (args) => [lint(args)],
  format: (args) => [{ name: 'format', command: ['prettier', '--write', '--log-level=warn', ...(args.length > 0 ? args : ['.'])] }],
  test: (args) => [build, ...types(), lint(), formatCheck, vitest('tests', args)],
  'test:real': (args) => [build, vitest('tests on a real cluster', ['--config', 'vitest.real.config.ts', ...args])],
  bench: (args) => [build, ...benches(args)],
  fidelity: (args) => [{ name: 'fidelity', command: ['node', 'test/sandbox/fidelity/compare-server.ts', ...args] }],
  demo: (args) => [build, { name: 'demo', command: ['node', 'dist/meshlift.js', 'demo', ...args] }],
  'docs:update': (args) => [build, { name: 'docs:update', command: ['node', 'scripts/docs-update.ts', ...args] }],
};

function types() {
  const configs = readdirSync(root).filter((file) => /^tsconfig.*\.json$/.test(file) && file !== 'tsconfig.base.json');
  return configs.map((config) => ({ name: `types (${config})`, command: ['tsc', '--project', config] }));
}

function lint(args = []) {
  return {
    name: 'lint',
    command: ['oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives', ...args],
    linter: true,
  };
}

function vitest(name, args) {
  return { name, command: ['vitest', 'run', ...args] };
}

/** One step for each bench file; arguments choose files by a part of their name. */
function benches(wanted) {
  const folder = join(root, 'bench');
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.ts')) : [];
  const chosen = files.filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
  return chosen.toSorted().map((file) => ({ name: `bench ${file}`, command: ['node', `bench/${file}`] }));
}

function main([name, ...args]) {
  if (!Object.hasOwn(tasks, name ?? '')) return stop(`usage: node scripts/run.mjs ${Object.keys(tasks).join('|')} [arguments]`, 2);
  if (!installDependencies(root)) return 1;
  const steps = tasks[name](args);
  if (steps.some((step) => step.linter) && !installLintTools(root)) return 1;
  for (const step of steps) {
    process.stdout.write(`> ${step.name}\n`);
    const failure = perform(step);
    if (failure !== undefined) return stop(`${name} stopped: ${step.name} failed (${failure})`, 1);
  }
  return 0;
}

/** @returns why the step failed; undefined when it did not */
function perform({ command: [program, ...args] }) {
  const bins = ['node_modules/node/bin', 'node_modules/.bin', 'tools/node_modules/.bin'].map((folder) => join(root, folder));
  const env = { ...process.env, PATH: [...bins, process.env.PATH].join(delimiter), OXLINT_TSGOLINT_PATH: join(bins[2], 'tsgolint') };
  const { status, signal, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', env });
  return status === 0 ? undefined : (error?.message ?? signal ?? `exit ${status}`);
}

function stop(line, exitCode) {
  process.stderr.write(`${line}\n`);
  return exitCode;
}

process.exitCode = main(process.argv.slice(2));
