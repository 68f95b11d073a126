// Bundles the CLI into dist/. Code that only some commands need lands in chunks of its own, behind their `await import()`.
import { build } from 'esbuild';
import { chmodSync, copyFileSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** client-node does not say that its modules can be left out, and its index brings all 700 along; none of them acts when loaded. */
const unusedCanGo = {
  name: 'client-node-without-side-effects',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /./ }, async ({ path, pluginData, ...context }) => {
      const concerns =
        path.startsWith('@kubernetes/client-node') || (path.startsWith('.') && context.importer.includes('@kubernetes/client-node/'));
      if (!concerns || pluginData === 'asked') return undefined;
      const { importer, resolveDir, kind } = context;
      const found = await resolve(path, { importer, resolveDir, kind, pluginData: 'asked' });
      return found.errors.length > 0 ? { errors: found.errors } : { path: found.path, sideEffects: false };
    });
  },
};

/** Importing node:http as a module makes Node load its whole fetch for the names that http exports of it: 40 ms of every start. */
const httpWithoutFetch = {
  name: 'http-without-fetch',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?http$/ }, () => ({ path: 'http', namespace: 'built-in' }));
    onLoad({ filter: /./, namespace: 'built-in' }, () => ({ contents: "module.exports = process.getBuiltinModule('node:http');" }));
  },
};

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { cli: 'src/cli/main.ts' },
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'linked',
  define: { MESHLIFT_VERSION: JSON.stringify(version) },
  // CommonJS dependencies call require(), which ES modules do not have.
  banner: { js: "import{createRequire as meshliftCreateRequire}from'node:module';const require=meshliftCreateRequire(import.meta.url);" },
  alias: { undici: './scripts/without-undici.mjs' },
  plugins: [unusedCanGo, httpWithoutFetch],
  metafile: true,
  logLevel: 'warning',
});

copyFileSync(join(root, 'scripts', 'launcher.mjs'), join(dist, 'meshlift.js'));
chmodSync(join(dist, 'meshlift.js'), 0o755);
removeStale(new Set([...Object.keys(metafile.outputs), 'dist/meshlift.js']));
requireNotices(Object.keys(metafile.inputs));

/** Chunks of earlier builds go last, so that a CLI that is running keeps its own for as long as possible. */
function removeStale(wanted) {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !wanted.has(file.slice(root.length))) rmSync(file);
  }
}

/** Licences ask to be named where the code is copied: NOTICE names what ends up in dist/, no less and no more. */
function requireNotices(inputs) {
  const lines = readFileSync(join(root, 'NOTICE'), 'utf8').split('\n');
  const named = new Set(lines.map((line) => /^(@?[a-z0-9][\w./-]*) - /.exec(line)?.[1]).filter((name) => name !== undefined));
  const bundled = new Set(
    inputs.map((input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]).filter((name) => name !== undefined),
  );
  report(
    'NOTICE does not name these bundled packages',
    [...bundled].filter((name) => !named.has(name)),
  );
  report(
    'NOTICE names packages that are not bundled',
    [...named].filter((name) => !bundled.has(name)),
  );
}

function report(what, names) {
  if (names.length === 0) return;
  process.stderr.write(`${what}: ${names.toSorted().join(', ')}\n`);
  process.exitCode = 1;
}
