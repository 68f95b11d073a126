#!/usr/bin/env node
// Becomes dist/meshlift.js. It has to parse on Node 14, or an old Node shows a syntax error instead of the line below:
// no static imports, no await outside of a function.
const OLDEST_NODE = 22;

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  process.stderr.write(
    `meshlift needs Node ${OLDEST_NODE} or newer; this is Node ${process.versions.node} (${process.execPath}). ` +
      'Install it, or run: npx -p node@24 -p meshlift meshlift …\n',
  );
  process.exitCode = 2;
} else {
  void start();
}

async function start() {
  const { default: module } = await import('node:module');
  module.enableCompileCache?.();
  await import('./cli.js');
}
