// Installs what the tasks of run.mjs need. Runs on Node 20, before the pinned Node exists.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Runs `npm ci` when node_modules is missing or was installed from other manifests.
 * @returns whether they and the pinned Node are there; when not, one line on stderr says why
 */
export function installDependencies(root) {
  const installed = join(root, 'node_modules');
  const manifests = [join(root, 'package.json'), join(root, 'package-lock.json')];
  const install = () => {
    if (isFresh(installed, manifests)) return true;
    if (!npm(root, ['ci', '--loglevel=error'])) return complain('npm ci failed');
    stamp(installed, manifests);
    return true;
  };
  if (!isFresh(installed, manifests) && !alone(root, install)) return false;
  const node = join(installed, 'node', 'bin', 'node');
  if (!existsSync(node)) npm(root, ['rebuild', 'node', 'esbuild']);
  if (existsSync(node)) return true;
  return complain(
    'node_modules/node/bin/node is missing: npm did not run the install script of the package `node` (is ignore-scripts set?)',
  );
}

/** The same for the linter, which is kept out of the main lock file: see docs/decisions/0003-node-and-tools.md. */
export function installLintTools(root) {
  const tools = join(root, 'tools');
  const installed = join(tools, 'node_modules');
  const manifests = [join(tools, 'package.json')];
  if (isFresh(installed, manifests)) return true;
  const args = ['install', '--prefix', tools, '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'];
  if (!npm(root, args)) return complain('installing the linter into tools/ failed');
  stamp(installed, manifests);
  return true;
}

/** An installation takes less; what is older was left by a process that was killed. */
const LONGEST_INSTALLATION_MS = 600_000;

/** Two tasks at once in one checkout install one after the other: each `npm ci` begins by deleting what is there. */
function alone(root, act) {
  const lock = join(root, '.installing');
  for (let waited = false; !tryLock(lock); waited = true) {
    if (!waited) process.stderr.write('another task is installing; waiting for it\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  }
  try {
    return act();
  } finally {
    rmdirSync(lock);
  }
}

function tryLock(lock) {
  try {
    if (existsSync(lock) && Date.now() - statSync(lock).mtimeMs > LONGEST_INSTALLATION_MS) rmdirSync(lock);
    mkdirSync(lock);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST' || error.code === 'ENOENT') return false;
    throw error;
  }
}

function isFresh(installed, manifests) {
  const file = stampFile(installed);
  return existsSync(file) && readFileSync(file, 'utf8') === digest(manifests);
}

function stamp(installed, manifests) {
  writeFileSync(stampFile(installed), digest(manifests));
}

function stampFile(installed) {
  return join(installed, '.installed-from');
}

function digest(manifests) {
  const hash = createHash('sha256');
  for (const file of manifests) hash.update(readFileSync(file));
  return hash.digest('hex');
}

/** Runs npm on the machine's own Node: npm ci deletes the pinned one, which `npm run` puts first on the PATH. */
function npm(root, args) {
  const ours = join(root, 'node_modules');
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(ours));
  const { status } = spawnSync('npm', args, { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: path.join(delimiter) } });
  return status === 0;
}

function complain(line) {
  process.stderr.write(`${line}\n`);
  return false;
}
