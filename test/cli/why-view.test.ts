/** What `why` prints: the answer first, the evidence, what would change it; in 80 columns, with and without colour. */
import { describe, expect, it } from 'vitest';
import type { Terminal } from '../../src/cli/terminal.ts';
import { renderStructured } from '../../src/cli/views/structured.ts';
import { renderWhy } from '../../src/cli/views/why-text.ts';
import { buildInventory } from '../../src/core/mesh/build-inventory.ts';
import { explainWhy } from '../../src/core/why/explain-why.ts';
import { findTarget } from '../../src/core/why/find-target.ts';
import type { WhyAnswer } from '../../src/core/why/why-answer.ts';
import { MeshBuilder } from '../kit/mesh-builder.ts';

const terminal = (columns: number, tone: Terminal['tone'] = (_tone, text) => text): Terminal => ({
  isInteractive: false,
  columns,
  tone,
  out: () => undefined,
  err: () => undefined,
});
const plain = terminal(80);
const lines = (text: string): string[] => text.split('\n');

function why(target: string, builder: MeshBuilder): WhyAnswer {
  const objects = builder.objects();
  const seen = { objects, inventory: buildInventory(objects) };
  return explainWhy(findTarget(target, [], seen), seen);
}

const mesh = (): MeshBuilder =>
  new MeshBuilder()
    .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
    .defaultTo('default')
    .revision({ revision: 'canary', version: '1.29.1' })
    .tag('prod-stable', 'canary')
    .namespace('shop', { 'istio.io/rev': 'prod-stable' })
    .workload('shop', 'web', { on: 'default', replicas: 3 });

const answer = why('deploy/web', mesh());

it('the sentence, the chain, the way', () => {
  expect(lines(renderWhy(answer, plain, false))).toEqual([
    '✓ The next pod of shop/web gets a proxy from canary (1.29.1); its 3 running pods',
    '  have one from default (1.28.2).',
    '',
    '  because     namespace shop has istio.io/rev=prod-stable',
    '  webhook     rev.namespace.sidecar-injector.istio.io in',
    '              istio-revision-tag-prod-stable → istiod of canary',
    '  tag         prod-stable → revision canary',
    '  running     web-0, web-1, web-2: default (1.28.2), connected to',
    '              istiod-default-abc, synced',
    '',
    '  To move the running pods: kubectl -n shop rollout restart deploy/web',
    '',
    '  To get default (1.28.2):',
    '    This is for the whole namespace. "meshlift migrate shop --to default" does',
    '    it and verifies it; by hand:',
    '    kubectl label namespace shop istio.io/rev=default --overwrite',
  ]);
});

it('-o wide adds each pod and what every webhook does', () => {
  const text = renderWhy(answer, plain, true);
  expect(text).toMatch(/^POD +REVISION +IMAGE +PROXY +ISTIOD +BUT$/m);
  expect(text).toMatch(/^web-0 +default +docker.io\/istio\/proxyv2:1.28.2 +synced +istiod-default-abc +it is on default$/m);
  expect(text).toMatch(/^WEBHOOK +ENTRY +REVISION +TAG +DOES +WHY$/m);
  expect(text).toMatch(/^istio-revision-tag-prod-stable +rev.namespace +canary +prod-stable +injects$/m);
  expect(text).toMatch(/^istio-sidecar-injector +namespace +default +- +off +switched off by istioctl$/m);
});

describe('signs', () => {
  it.each<[string, MeshBuilder, string]>([
    ['injected', mesh(), '✓ '],
    [
      'nobody asks: no mistake',
      mesh().namespace('calm').workload('calm', 'web'),
      'The next pod of calm/web gets no proxy, as its running pod has.',
    ],
    ['a ghost', mesh().namespace('calm', { 'istio.io/rev': 'gone' }).workload('calm', 'web'), '! The next pod of calm/web gets no proxy'],
  ])('%s', (_name, builder, beginning) => {
    const target = beginning.startsWith('✓') ? 'shop/web' : 'calm/web';
    expect(renderWhy(why(target, builder), plain, false).startsWith(beginning)).toBe(true);
  });
});

describe('on any terminal', () => {
  const long = mesh()
    .namespace('a-namespace-with-a-very-long-name', { 'istio-injection': 'enabled', 'istio.io/rev': 'canary' })
    .workload('a-namespace-with-a-very-long-name', 'a-workload-with-a-very-long-name-too', { on: 'canary', replicas: 12 });
  const isCommand = (line: string): boolean => /^ {4}(kubectl|meshlift)|: kubectl /.test(line);

  it('no line but commands is wider than 80', () => {
    for (const target of ['ns/a-namespace-with-a-very-long-name', 'a-workload-with-a-very-long-name-too', 'ns/shop']) {
      const tooLong = lines(renderWhy(why(target, long), plain, false)).filter((line) => line.length > 80 && !isCommand(line));
      expect(tooLong).toEqual([]);
    }
  });

  it('wide ones are not filled to the edge', () => {
    expect(
      lines(renderWhy(why('ns/a-namespace-with-a-very-long-name', long), terminal(300), false)).filter(
        (line) => line.length > 100 && !isCommand(line),
      ),
    ).toEqual([]);
  });

  it('colour only wraps what is there without it', () => {
    const coloured = renderWhy(
      answer,
      terminal(80, (tone, text) => `<${tone}>${text}</${tone}>`),
      false,
    );
    expect(coloured.replaceAll(/<\/?(good|bad|warn|dim|strong)>/g, '')).toBe(renderWhy(answer, plain, false));
    expect(coloured).toContain('<good>✓</good> <strong>The next pod');
  });
});

it('of many exceptions only some are shown, but for -o wide', () => {
  const builder = mesh().namespace('many', { 'istio.io/rev': 'canary' });
  const template = { metadata: { labels: { 'sidecar.istio.io/inject': 'false' } } };
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) builder.workload('many', name, { template });
  const said = why('ns/many', builder);
  const text = renderWhy(said, plain, false);
  expect([text.includes('deploy/e gets no proxy'), text.includes('deploy/f gets'), text.includes('and 2 more (-o wide)')]).toEqual([
    true,
    false,
    true,
  ]);
  expect(renderWhy(said, plain, true)).toContain('deploy/g gets no proxy');
});

it('says what is not known, and where a run stands', () => {
  const run = {
    run: 'to-canary-1',
    answer: 'Run to-canary-1 is at it.',
    evidence: [{ label: 'run', text: 'paused' }],
    next: ['meshlift resume to-canary-1'],
  };
  const text = renderWhy({ ...answer, inRun: run, unknown: ['pods in all namespaces: no permission'] }, plain, false);
  expect(text).toContain('\n\nRun to-canary-1 is at it.\n  run         paused\n\n');
  expect(text).toContain('? unknown: pods in all namespaces: no permission');
  expect(text.endsWith('\n\nNext: meshlift resume to-canary-1')).toBe(true);
  expect(renderWhy({ ...answer, unknown: ['pods: no permission'] }, plain, false).endsWith('Next: meshlift rbac --check --for look')).toBe(
    true,
  );
});

it('JSON has all of it', () => {
  const parsed = JSON.parse(renderStructured(answer, 'json')) as WhyAnswer;
  expect(parsed).toEqual(JSON.parse(JSON.stringify(answer)));
  expect([parsed.target, parsed.next.gets, parsed.next.revision, parsed.next.decidedBy]).toEqual([
    { kind: 'Deployment', namespace: 'shop', name: 'web' },
    'injected',
    'canary',
    [{ on: 'namespace', label: 'istio.io/rev', value: 'prod-stable', managers: [] }],
  ]);
});
