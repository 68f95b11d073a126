/** What README and docs show is what the program has: codes, commands, options, exit codes, links and pictures. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { codesPage, commandNames, commandPaths, commandsPage, help } from '../../scripts/docs-update.ts';
import { ExitCode } from '../../src/cli/exit-codes.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { renderPlan } from '../../src/cli/views/plan-text.ts';
import { renderStatus } from '../../src/cli/views/status-text.ts';
import { findingCatalogue } from '../../src/core/findings/finding.ts';
import { problemCatalogue } from '../../src/core/problems/problem-catalogue.ts';
import { summarizeMesh } from '../../src/core/status/summarize-mesh.ts';
import { MeshBuilder } from '../kit/mesh-builder.ts';
import { World } from '../kit/world.ts';
import { faultOf, shownCommands } from './shown-commands.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git']);

function markdownFiles(folder = ''): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => !SKIPPED.has(entry.name))
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) return markdownFiles(path);
      return entry.name.endsWith('.md') ? [path] : [];
    })
    .toSorted();
}

function text(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

const files = markdownFiles();
const written = files.filter((file) => !file.startsWith('docs/reference/'));

describe('the reference', () => {
  it.each([
    ['docs/reference/codes.md', codesPage],
    ['docs/reference/cli.md', commandsPage],
  ])('%s is current (npm run docs:update)', (path, page) => {
    expect(text(path)).toBe(page());
  });

  it('has every code once, as a section of its own', () => {
    const sections = [...text('docs/reference/codes.md').matchAll(/^### (.+)$/gm)].map((match) => match[1]);
    expect(sections).toEqual([...Object.keys(problemCatalogue), ...Object.keys(findingCatalogue)]);
  });

  it('has every command once', () => {
    const sections = [...text('docs/reference/cli.md').matchAll(/^## (.+)$/gm)].map((match) => match[1]);
    expect(sections).toEqual(commandPaths(help()).map((path) => path.join(' ')));
    expect(sections.length).toBeGreaterThan(15);
  });

  it('is the place of every code that documents name', () => {
    const known = new Set([...Object.keys(problemCatalogue), ...Object.keys(findingCatalogue)]);
    const areas = new Set([...known].map((code) => code.split('-')[0]));
    const named = written.flatMap((file) =>
      [...text(file).matchAll(/\b([A-Z]{3,4})-\d{3}\b/g)].filter((match) => areas.has(match[1])).map((match) => `${file}: ${match[0]}`),
    );
    expect(named.filter((entry) => !known.has(entry.split(': ')[1] ?? ''))).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  });
});

/** A heading as GitHub makes an anchor of it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^( {0,3})```.*?^\1```$/gms, '').replaceAll(/^ {4}.*$/gm, '');
}

function isBroken(file: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const wanted = path === '' ? file : posix.join(dirname(file), path);
  if (!existsSync(join(ROOT, wanted))) return true;
  if (anchor === undefined || !wanted.endsWith('.md')) return false;
  return ![...text(wanted).matchAll(/^#+ (.+)$/gm)].some((match) => anchorOf(match[1] ?? '') === anchor);
}

describe('links and paths', () => {
  it('every relative link leads somewhere', () => {
    const links = files.flatMap((file) =>
      [...withoutCode(text(file)).matchAll(/\]\(([^)\s]+)\)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !/^[a-z]+:/.test(target))
        .map((target) => ({ file, target })),
    );
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter(({ file, target }) => isBroken(file, target))).toEqual([]);
  });

  it('every file of the repository that is named exists', () => {
    const paths = files.flatMap((file) =>
      [...text(file).matchAll(/`((?:src|test|docs|scripts|bench|changes)\/[\w./-]+|tsconfig[\w.]*|\.oxlintrc\.json)`/g)].map((match) => ({
        file,
        path: match[1] ?? '',
      })),
    );
    expect(paths.length).toBeGreaterThan(30);
    expect(paths.filter(({ path }) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('every decision is in the table of decisions, and is short', () => {
    const decisions = files.filter((file) => /^docs\/decisions\/\d{4}-/.test(file));
    const listed = [...text('docs/decisions/README.md').matchAll(/^\| \[(\d{4})\]\((\S+)\) \| (.+) \|$/gm)];
    expect(listed.map(([, , file]) => `docs/decisions/${file}`)).toEqual(decisions);
    for (const [, number, file, title] of listed) {
      const content = text(`docs/decisions/${file}`);
      expect(content.split('\n')[0]).toBe(`# ${number}: ${title}`);
      expect([file, content.trimEnd().split('\n').length <= 60]).toEqual([file, true]);
      for (const part of ['Context', 'Decision', 'Alternatives', 'Consequences']) expect(content).toContain(`\n## ${part}\n`);
    }
  });
});

describe('commands that documents show', () => {
  const shown = written.flatMap((file) => shownCommands(file, text(file)));

  it('are commands of the program, with its options', () => {
    expect(shown.length).toBeGreaterThan(20);
    expect(shown.flatMap(({ file, line }) => (faultOf(line) === undefined ? [] : [`${file}: meshlift${line}: ${faultOf(line)}`]))).toEqual(
      [],
    );
  });

  it.each([
    ['status --bogus', 'no option --bogus'],
    ['statsu', 'no command statsu'],
    ['finish a b', 'too many arguments: a b'],
    ['resume RUN, or meshlift rollback', undefined],
    ['ps -A', undefined],
    ['migrate a b --to canary', undefined],
    ['plan --to 1.29.1 --manifests - -o plan.yaml', undefined],
    ['COMMAND --help', undefined],
    ['--help', undefined],
  ])('%s: %s', (line, fault) => {
    expect(faultOf(line)).toBe(fault);
  });

  it('are found in blocks, in spans and after a pipe', () => {
    const markdown =
      'See `meshlift runs`.\n\n```sh\n$ meshlift status  # look\nrender | ./bin/meshlift plan --manifests -\n```\n\n    bin/meshlift check\n';
    expect(shownCommands('x', markdown).map(({ line }) => line.trim())).toEqual(['status', 'plan --manifests -', 'check', 'runs']);
  });
});

describe('the README', () => {
  const readme = text('README.md');
  const plain: Terminal = { isInteractive: false, columns: 80, tone: (_tone, words) => words, out: () => undefined, err: () => undefined };

  it('says what it is on its first screen', () => {
    const screen = readme.split('\n## ')[0] ?? '';
    expect(screen.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
    for (const name of commandNames(help())) expect(screen).toContain(`\`${name}\``);
    for (const trace of ['meshupgrades.meshlift.io', 'MeshUpgrade', 'ConfigMaps', 'Secret', 'Lease `meshlift`', 'meshlift.io/restart'])
      expect(screen).toContain(trace);
  });

  it('has the exit codes of the program', () => {
    const rows = [...readme.matchAll(/^\| (\d) \| ([a-z ]+) \| .+ \|$/gm)].map((match) => [match[2], Number(match[1])]);
    const wanted = Object.entries(ExitCode).map(([name, code]) => [
      name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
      code,
    ]);
    expect(rows).toEqual(wanted);
  });

  it('shows a status as the program prints it', () => {
    const moved = { on: '1-29-1', proxyVersion: '1.29.1' };
    const mesh = new MeshBuilder({ clusterName: 'shop-prod' })
      .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
      .defaultTo('default')
      .revision({ revision: '1-29-1', version: '1.29.1' })
      .namespace('checkout', { 'istio.io/rev': '1-29-1' })
      .workload('checkout', 'cart', { replicas: 3, ...moved })
      .workload('checkout', 'pay', { replicas: 2, ...moved })
      .namespace('shop', { 'istio.io/rev': '1-29-1' })
      .workload('shop', 'api', { replicas: 4, ...moved })
      .workload('shop', 'web', { replicas: 6, on: 'default' })
      .workload('shop', 'ledger', { kind: 'StatefulSet', replicas: 2, on: 'default' })
      .namespace('payments', { 'istio-injection': 'enabled' })
      .workload('payments', 'bank', { replicas: 3, on: 'default' });
    const picture = renderStatus(summarizeMesh(mesh.inventory()), plain, { wide: false, nowMs: 0 });
    expect(readme).toContain(`\`\`\`text\n$ meshlift status\n${picture}\n\`\`\`\n`);
  });

  it('shows a plan as the program prints it', async () => {
    const plan = await new World().withShop().plan();
    const picture = renderPlan({ ...plan, mesh: { ...plan.mesh, cluster: 'shop-prod' } }, plain, { wide: false });
    expect(readme).toContain(`\`\`\`text\n${picture}\n\`\`\`\n`);
  });
});
