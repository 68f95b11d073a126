/**
 * The walls of the house: which room may import which, as data, and the rules that every source file keeps.
 * docs/decisions/0002-pure-core-by-compiler.md says why.
 */
import { posix } from 'node:path';

export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

interface Import {
  /** The path of a file of ours, from the root of the repository; or a package or module of Node. */
  readonly target: string;
  readonly ours: boolean;
  readonly typeOnly: boolean;
}

/** What judges the whole of a mesh may know everything that looks at a part of it. */
const UNDER_FINDINGS = [
  'problems',
  'versions',
  'mesh',
  'injection',
  'permissions',
  'request',
  'usage',
  'moves',
  'restarts',
  'tags',
  'controlplane',
  'gateways',
  'helm',
  'pinned',
];

/** Rooms of the core, each with the other rooms that it may import. A room that is not listed here may not exist. */
const CORE_ROOMS: Readonly<Record<string, readonly string[]>> = {
  problems: [],
  versions: ['problems'],
  load: ['problems'],
  mesh: ['problems', 'versions'],
  injection: ['problems', 'versions', 'mesh'],
  permissions: ['problems', 'versions', 'mesh'],
  request: ['problems', 'versions', 'mesh'],
  usage: ['problems', 'versions', 'mesh', 'injection'],
  status: ['problems', 'versions', 'mesh', 'injection'],
  moves: ['problems', 'versions', 'mesh', 'injection', 'request'],
  restarts: ['problems', 'versions', 'mesh', 'injection', 'request', 'moves'],
  tags: ['problems', 'versions', 'mesh', 'injection'],
  controlplane: ['problems', 'versions', 'mesh', 'injection', 'request', 'tags'],
  gateways: ['problems', 'versions', 'mesh', 'injection', 'request', 'moves', 'controlplane', 'helm'],
  helm: ['problems', 'versions', 'mesh', 'request', 'controlplane'],
  pinned: ['problems', 'versions', 'mesh', 'request', 'controlplane'],
  findings: UNDER_FINDINGS,
  plan: [...UNDER_FINDINGS, 'findings'],
  run: [...UNDER_FINDINGS, 'findings', 'plan'],
  why: [...UNDER_FINDINGS, 'findings', 'plan', 'run'],
};

const CORE_PACKAGES = ['zod', 'yaml', 'hdr-histogram-js', 're2js'];

/**
 * Rooms of the sandbox, each with the other rooms that it may import; nothing of ours outside of the sandbox. Files at its
 * root put the rooms together.
 */
const SANDBOX_ROOMS: Readonly<Record<string, readonly string[]>> = {
  objects: [],
  clock: [],
  schema: ['objects'],
  patches: ['objects', 'schema'],
  'managed-fields': ['objects', 'schema'],
  store: ['objects'],
  resources: ['objects', 'schema'],
  cluster: ['objects', 'clock'],
  access: ['objects', 'cluster'],
  admission: ['objects', 'clock', 'cluster', 'access', 'resources'],
  streams: ['objects', 'clock', 'cluster'],
  'api-server': [
    'objects',
    'clock',
    'schema',
    'patches',
    'managed-fields',
    'store',
    'resources',
    'cluster',
    'access',
    'admission',
    'streams',
  ],
  controllers: ['objects', 'clock', 'cluster'],
  kubelet: ['objects', 'clock', 'cluster', 'streams'],
  istio: ['objects', 'clock', 'cluster', 'kubelet'],
  scenarios: ['objects', 'clock', 'cluster', 'kubelet', 'istio'],
};

/** What a room may import besides itself. Rooms are named by their folder; an entry also allows the folders inside it. */
interface Wall {
  readonly rooms: readonly string[];
  /** Packages of npm, and Node's own modules. */
  readonly outside: 'anything' | readonly string[];
}

/** `src/core/<room>`, `src/adapters/<name>`, `src/sandbox/<room>`, `src/ports`, `src/flows`, `src/cli`; undefined outside of every room. */
function roomOf(path: string): string | undefined {
  return /^src\/(?:core|adapters|sandbox)\/[^/]+(?=\/)|^src\/(?:ports|flows|cli|sandbox)(?=\/)/.exec(path)?.[0];
}

function wallOf(room: string, path: string): Wall | undefined {
  const [, ring, name] = room.split('/') as ['src', 'core' | 'ports' | 'flows' | 'adapters' | 'cli' | 'sandbox', string?];
  switch (ring) {
    case 'core': {
      const rooms = CORE_ROOMS[name ?? ''];
      return rooms && { rooms: rooms.map((other) => `src/core/${other}`), outside: CORE_PACKAGES };
    }
    case 'ports':
      return { rooms: ['src/core'], outside: [] };
    case 'flows':
      return { rooms: ['src/core', 'src/ports'], outside: [] };
    case 'adapters':
      // How a tool is started and found is one thing for all adapters that start one.
      return { rooms: ['src/core', 'src/ports', ...(name === 'tools' ? [] : ['src/adapters/tools'])], outside: 'anything' };
    case 'cli': {
      const rooms = ['src/core', 'src/ports', 'src/flows'];
      if (/^src\/cli\/compose-sandbox\.ts$/.test(path)) return { rooms: [...rooms, 'src/adapters', 'src/sandbox'], outside: 'anything' };
      return { rooms: /^src\/cli\/compose(-[a-z]+)?\.ts$/.test(path) ? [...rooms, 'src/adapters'] : rooms, outside: 'anything' };
    }
    case 'sandbox': {
      if (name === undefined) return { rooms: ['src/sandbox'], outside: 'anything' };
      const rooms = SANDBOX_ROOMS[name];
      return rooms && { rooms: rooms.map((other) => `src/sandbox/${other}`), outside: 'anything' };
    }
  }
}

/**
 * @param files all TypeScript files of the repository, so that cycles are seen
 * @returns one line for each broken rule, starting with the file's path; empty when all is well
 */
export function findViolations(files: readonly SourceFile[]): string[] {
  return [...files.flatMap(violationsOf), ...findCycles(files)];
}

function violationsOf(file: SourceFile): string[] {
  const found = [...nameViolations(file.path), ...(file.path.startsWith('src/') ? exportViolations(file) : [])];
  // Tests may import whatever they test with.
  if (!isTest(file.path)) found.push(...importViolations(file));
  return found.map((what) => `${file.path}: ${what}`);
}

function isTest(path: string): boolean {
  return path.startsWith('test/') || path.endsWith('.test.ts');
}

const EMPTY_WORDS = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'types', 'manager', 'service']);

function nameViolations(path: string): string[] {
  const name = posix.basename(path);
  const found = path
    .replace(/(\.[a-z]+)+$/, '')
    .split('/')
    .flatMap((part) => part.split('-').slice(-1))
    .filter((word) => EMPTY_WORDS.has(word))
    .map((word) => `"${word}" says nothing about what is inside`);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)+$/.test(name)) found.push('file names are kebab-case');
  if (name === 'index.ts') found.push('no barrels: import the file that has it');
  return found;
}

function exportViolations({ text }: SourceFile): string[] {
  return /^\s*export\s+default\b|^\s*export\s*\{[^}]*\bas\s+default\b/m.test(text) ? ['no default exports'] : [];
}

function importViolations(file: SourceFile): string[] {
  const found = importsOf(file).flatMap(({ target }) =>
    isTest(target) && !mayMeasureWith(file.path, target) ? [`imports ${target}: nobody imports tests`] : [],
  );
  if (!file.path.startsWith('src/')) return found;
  if (hasComputedImport(file.text)) found.push('import() of something that is not a plain string cannot be checked');
  const room = roomOf(file.path);
  const wall = room === undefined ? undefined : wallOf(room, file.path);
  if (room === undefined || wall === undefined) return [...found, 'belongs to no room of the wall table'];
  for (const one of importsOf(file)) {
    if (isTest(one.target)) continue;
    if (!isAllowed(one, room, wall)) found.push(`may not import ${one.target}`);
    else if (room === 'src/ports' && !one.typeOnly) found.push(`ports use "import type" only, also for ${one.target}`);
  }
  return found;
}

function isAllowed({ target, ours }: Import, room: string, wall: Wall): boolean {
  if (ours) return [room, ...wall.rooms].some((allowed) => target.startsWith(`${allowed}/`));
  return wall.outside === 'anything' || wall.outside.includes(packageOf(target));
}

/** A bench measures on the mesh that is tested. */
function mayMeasureWith(path: string, target: string): boolean {
  return path.startsWith('bench/') && /^test\/(?:real\/)?kit\//.test(target);
}

/** `zod/v4` belongs to `zod`, `@scope/name/part` to `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

// Statements start a line, as the formatter leaves them; what stands in comments does not.
const STATEMENT =
  /^[ \t]*(?:import\s+(type\s)?[\w$*{},\s]+?|export\s+(type\s)?(?:\*(?:\s+as\s+[\w$]+)?|\{[^}]*\}))\s*from\s*['"]([^'"]+)['"]/gm;
const SIDE_EFFECT = /^[ \t]*import\s*['"]([^'"]+)['"]/gm;
const CALL = /\bimport\(\s*['"`]([^'"`$]+)['"`]/g;

/** Imports and re-exports of a file; relative ones resolved to paths from the root of the repository. */
function importsOf({ path, text }: SourceFile): Import[] {
  const statements = [...text.matchAll(STATEMENT)].map((m) => ({ specifier: m[3]!, typeOnly: (m[1] ?? m[2]) !== undefined }));
  const others = [...text.matchAll(SIDE_EFFECT), ...text.matchAll(CALL)].map((m) => ({ specifier: m[1]!, typeOnly: false }));
  return [...statements, ...others].map(({ specifier, typeOnly }) => ({
    ours: specifier.startsWith('.'),
    target: specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier,
    typeOnly,
  }));
}

function hasComputedImport(text: string): boolean {
  return /\bimport\(\s*(?!['"]|`[^`$]*`)/.test(text);
}

/**
 * Cycles between files. Inside one room, files may know each other's types; between rooms, types count as well.
 */
function findCycles(files: readonly SourceFile[]): string[] {
  const edges = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter((one) => countsForCycles(file.path, one))
        .map((one) => one.target),
    ]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push(`${path}: cycle ${[...trail.slice(start), path].join(' -> ')}`);
    if (start >= 0 || done.has(path)) return;
    for (const target of edges.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return cycles;
}

function countsForCycles(path: string, { target, typeOnly }: Import): boolean {
  return !typeOnly || roomOf(path) !== roomOf(target);
}
