/** What people see, as text: one picture for each view. */
import { describe, expect, it } from 'vitest';
import { renderCheck } from '../../src/cli/views/check-text.ts';
import { renderPlan } from '../../src/cli/views/plan-text.ts';
import { renderProblem } from '../../src/cli/views/problem-text.ts';
import { renderProxyStatus } from '../../src/cli/views/proxy-status-text.ts';
import { eventText, openRunView } from '../../src/cli/views/run-view.ts';
import { renderStatus } from '../../src/cli/views/status-text.ts';
import { renderStructured } from '../../src/cli/views/structured.ts';
import { fit, renderTable } from '../../src/cli/views/table.ts';
import { renderUsage } from '../../src/cli/views/usage-text.ts';
import { count, duration, some } from '../../src/cli/views/words.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { buildInventory } from '../../src/core/mesh/build-inventory.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import type { StepOf } from '../../src/core/plan/step.ts';
import { Problem } from '../../src/core/problems/problem.ts';
import { summarizeMesh } from '../../src/core/status/summarize-mesh.ts';
import { summarizeProxies } from '../../src/core/status/summarize-proxies.ts';
import { findUses } from '../../src/core/usage/find-uses.ts';
import type { Usage } from '../../src/core/usage/usage.ts';
import { MeshBuilder } from '../kit/mesh-builder.ts';
import { World } from '../kit/world.ts';

const printed: string[] = [];
const plain: Terminal = {
  isInteractive: false,
  columns: 80,
  tone: (_tone, text) => text,
  out: (text) => printed.push(text),
  err: (text) => printed.push(text),
};
const lines = (text: string): string[] => text.split('\n');

const mesh = new MeshBuilder()
  .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
  .defaultTo('default')
  .revision({ revision: 'canary', version: '1.29.1' })
  .tag('prod', 'canary')
  .namespace('shop', { 'istio.io/rev': 'canary' })
  .workload('shop', 'web', { replicas: 2, on: 'canary', proxyVersion: '1.29.1' })
  .workload('shop', 'cart', { on: 'default' })
  .namespace('both', { 'istio-injection': 'enabled', 'istio.io/rev': 'canary' })
  .namespace('typo', { 'istio-injection': 'on' })
  .pod('shop', 'alone', { on: 'default', connectedTo: null })
  .connection('default', 'vm.fleet');

describe('status', () => {
  const inventory = buildInventory(mesh.objects());
  const options = { wide: false, nowMs: Date.parse('2026-01-01T00:00:40Z') };
  it('answers first, then shows revisions and namespaces, then what is odd', () => {
    expect(lines(renderStatus(summarizeMesh(inventory), plain, options))).toEqual([
      'test: 2 revisions, 2 of 4 pods on canary (1.29.1), 2 on default (1.28.2)',
      '',
      'REVISION  VERSION  ISTIOD  PODS  PROXIES  TAGS  DEFAULT FOR',
      'default   1.28.2   1/1        2        2  -     injection, validation, leadership',
      'canary    1.29.1   1/1        2        2  prod  -',
      '',
      'NAMESPACE  LABELS                                       GETS     ON DEFAULT  ON CANARY  NOTE',
      'shop       istio.io/rev=canary                          canary            2          2  mixed: 2 workloads not restarted yet',
      'both       istio-injection=enabled istio.io/rev=canary  default           0          0  ! both labels: istio.io/rev has no effect',
      'typo       istio-injection=on                           nobody            0          0  ! the namespace label istio-injection is "on", not "enabled"',
      '',
      '1 pod with a proxy is not connected to any istiod: shop/alone (40s old)',
      '1 live proxy that no pod here explains: vm.fleet',
      '',
      'Next: meshlift why ns/typo',
    ]);
  });

  it('says what could not be read, and what is unknown because of it', () => {
    const blind = new MeshBuilder({
      unread: [{ what: 'jobs.batch', why: 'no permission', missingRule: { verb: 'list', group: 'batch', resource: 'jobs' } }],
    }).revision({ revision: 'default', version: '1.28.2' }, { error: 'no answer' });
    const text = renderStatus(summarizeMesh(blind.inventory()), plain, options);
    expect(text).toContain('? could not be read: jobs.batch (no permission)');
    expect(text).toMatch(/default +1\.28\.2 +1\/1 +0 +\?/);
    expect(text).toContain('does not say which proxies are connected: no answer');
    expect(text).toContain('Next: meshlift rbac --check');
  });

  it('names the run where nothing is odd, and not what is switched off on purpose', () => {
    const calm = summarizeMesh(inventory, ['shop']);
    expect(lines(renderStatus(calm, plain, options)).at(-1)).toBe('Next: meshlift runs');
    const off = new MeshBuilder().revision({ revision: 'default', version: '1.28.2' }).namespace('off', { 'istio-injection': 'disabled' });
    expect(renderStatus(summarizeMesh(off.inventory()), plain, options)).not.toContain('meshlift why');
  });

  it('wide has the workloads and the webhooks; one namespace is only that one', () => {
    const wide = renderStatus(summarizeMesh(inventory, ['shop']), plain, { ...options, wide: true });
    expect(wide).toMatch(/shop\/deployment\/web +2 +canary 2 +1\.29\.1 +canary/);
    expect(wide).toMatch(/canary +injection +istio-sidecar-injector-canary/);
    expect(wide).not.toContain('typo');
  });

  it('JSON and YAML hold the same', () => {
    const status = summarizeMesh(inventory);
    expect(JSON.parse(renderStructured(status, 'json'))).toEqual(JSON.parse(JSON.stringify(status)));
    expect(renderStructured({ a: [1, 'x'] }, 'yaml')).toBe('a:\n  - 1\n  - x\n');
  });
});

it('proxy-status shows every proxy, those without a pod and pods without a connection', () => {
  expect(lines(renderProxyStatus(summarizeProxies(buildInventory(mesh.objects())), plain, false))).toEqual([
    '5 proxies: 2 on default, 2 on canary, 1 not connected',
    '',
    'PROXY        REVISION  VERSION  STATE            ISTIOD              NOTE',
    'alone.shop   default   1.28.2   ✗ not connected  -',
    'cart-0.shop  default   1.28.2   ✓ synced         istiod-default-abc',
    'vm.fleet     default   1.28.2   ✓ synced         istiod-default-abc  no pod of this cluster has that name',
    'web-0.shop   canary    1.29.1   ✓ synced         istiod-canary-abc',
    'web-1.shop   canary    1.29.1   ✓ synced         istiod-canary-abc',
  ]);
});

const NOTHING: Usage = { revision: 'x', gone: false, others: [], uses: [], unknown: [], notes: [] };

it('in-use groups the reasons, and says when it cannot tell', () => {
  const text = renderUsage(findUses('default', buildInventory(mesh.objects())), '1.28.2', plain, false);
  expect(lines(text)[0]).toBe('✗ default (1.28.2) is still used: 5 reasons');
  expect(text).toContain('  2 live proxies            shop/cart-0, vm.fleet\n      first: connected (Deployment cart)\n      → ');
  expect(renderUsage({ ...NOTHING, revision: 'x' }, '1', plain, false)).toMatch(/^✓ Nothing uses x/);
  expect(renderUsage({ ...NOTHING, unknown: ['pods: no permission'] }, '1', plain, false)).toContain(
    'Removal is blocked while this is unknown.',
  );
});

it('a plan reads as a list of steps, the finish apart', async () => {
  const text = renderPlan(await new World().withShop().plan(), plain, { wide: false });
  expect(lines(text).map((line) => line.trimEnd())).toEqual([
    'Upgrade fake from default (1.28.2) to canary (1.29.1): 8 steps, 3 restarts',
    '',
    '   1  crds           1 CRD becomes that of 1.29.1',
    '                     1 shared object changed',
    '                     back: not taken back: CRDs are shared, and stored objects may use the new version',
    '   2  control plane  install canary (1.29.1) with istioctl',
    '                     14 objects added',
    '                     back: delete the 14 objects of canary; shared objects stay',
    '   3  label          label ns/shop  istio-injection: enabled → none, istio.io/rev: none → canary',
    '   4  restart        restart deploy/cart in shop  1 pod',
    '   5  restart        restart deploy/web in shop  2 pods',
    '   6  restart        restart sts/ledger in shop  2 pods',
    '',
    'finish: only with --finish, or by meshlift finish',
    '   7  default        default: default → canary (injection, validation, leadership)',
    '                     3 shared objects changed',
    '                     back: put the webhooks back as they were (default)',
    '   8  remove         remove default (1.28.2): 14 objects, once nothing uses it',
    '                     14 objects deleted',
    '                     back: create the objects again as they were, and wait until istiod injects',
  ]);
});

describe('restarts of a plan', () => {
  type Restart = StepOf<'restartWorkload' | 'restartGateway'>;
  type Reasons = NonNullable<Restart['restart']>['reasons'];
  const NO_PROBE: Reasons[number] = { code: 'WORK-003', weight: 'ask', text: 'has no readiness probe' };
  const DOWN: Reasons[number] = { code: 'WORK-001', weight: 'ask', text: 'would be down while it restarts (1 pod, strategy Recreate)' };
  const NOTE: Reasons[number] = { code: 'WORK-008', weight: 'note', text: 'has no preStop delay' };

  async function planWith(restarts: readonly Reasons[], notMoved: Plan['notMoved'] = []): Promise<Plan> {
    const plan = await new World().withShop().plan();
    const restart = plan.steps.find((step): step is Restart => step.kind === 'restartWorkload' || step.kind === 'restartGateway');
    if (restart === undefined) throw new Error('no restart in the plan');
    const steps = restarts.map((reasons, index): Restart => ({
      ...restart,
      workload: { kind: 'Deployment', namespace: 'shop', name: `w${index}` },
      restart: { do: reasons.some(({ weight, allowed }) => weight === 'ask' && allowed !== true) ? 'ask' : 'restart', reasons },
    }));
    return { ...plan, steps, notMoved };
  }
  const section = (text: string, heading: RegExp): string[] => lines(text.split('\n\n').find((part) => heading.test(part)) ?? '');

  it('are told with their reasons: what must be named first, what the request allows, what is only to know', async () => {
    const text = renderPlan(await planWith([[DOWN, NOTE], [{ ...NO_PROBE, allowed: true }], []]), plain, { wide: false });
    expect(section(text, /named first, with/)).toEqual([
      '1 restart to be named first, with --restart-as NAMESPACE/NAME=restart (or =surge, =wait, =skip):',
      '  ? shop/deploy/w0 would be down while it restarts (1 pod, strategy Recreate)',
      '  ○ shop/deploy/w1 has no readiness probe (as the request says)',
      '  · shop/deploy/w0 has no preStop delay',
    ]);
    expect(lines(text).filter((line) => line.includes('must be named first'))).toHaveLength(1);
  });

  it('are not told when there is nothing to say', async () => {
    expect(renderPlan(await planWith([[], []]), plain, { wide: false })).not.toContain('named first');
  });

  it('of two thousand workloads read in few lines, and in full with -o wide', async () => {
    const many = Array.from({ length: 2000 }, (_, index): Reasons => (index % 2 === 0 ? [NO_PROBE] : [NOTE]));
    const stays = Array.from({ length: 2000 }, (_, index): Plan['notMoved'][number] => ({
      workload: `shop/job/j${index}`,
      reason: index % 2 === 0 ? 'a Job ends by itself' : `namespace n${index} is not part of this run`,
      keepsOldInUse: index % 2 === 0,
    }));
    const plan = await planWith(many, stays);
    const brief = renderPlan(plan, plain, { wide: false });
    expect(section(brief, /named first, with/)).toEqual([
      '1000 restarts to be named first, with --restart-as NAMESPACE/NAME=restart (or =surge, =wait, =skip):',
      '  ? 1000 workloads: No readiness probe: shop/deploy/w0, shop/deploy/w2, shop/deploy/w4 and 997 more',
      '  · 1000 workloads: No preStop delay: shop/deploy/w1, shop/deploy/w3, shop/deploy/w5 and 997 more',
    ]);
    const stay = section(brief, /^Not moved/);
    expect(stay.slice(0, 2)).toEqual([
      'Not moved (! keeps default in use):',
      '  ! 1000 workloads: a Job ends by itself: shop/job/j0, shop/job/j2, shop/job/j4 and 997 more',
    ]);
    expect([stay.length, stay.at(-1)]).toEqual([17, '  and 986 workloads more, with -o wide']);
    const wide = renderPlan(plan, plain, { wide: true });
    expect([section(wide, /named first, with/).length, section(wide, /^Not moved/).length]).toEqual([2001, 2001]);
  });
});

it('a problem says what, why, what state things are in, and the next command', () => {
  const problem = new Problem('RUN-021', {
    what: 'first\nsecond',
    why: 'because',
    state: { kind: 'paused', detail: 'paused at step 2.' },
    next: [
      { label: 'look', command: 'kubectl get pods' },
      { label: 'go on', command: 'meshlift resume' },
    ],
  });
  expect(lines(renderProblem(problem, plain))).toEqual([
    '✗ RUN-021  A workload did not become ready',
    '  what   first',
    '         second',
    '  why    because',
    '  state  paused at step 2.',
    '  next   look:   kubectl get pods',
    '         go on:  meshlift resume',
    '  more   meshlift explain RUN-021',
  ]);
});

it('a check counts errors and warnings, and marks what was accepted', () => {
  const finding = {
    code: 'WORK-001',
    level: 'error',
    objects: ['shop/x'],
    what: 'shop/x would be down',
    why: 'callers get errors',
    next: ['--skip shop/x'],
  } as const;
  const report = {
    findings: [
      finding,
      { ...finding, accepted: true },
      { ...finding, code: 'WORK-008', level: 'warning', objects: ['a', 'b', 'c', 'd', 'e'] } as const,
    ],
    couldNotLook: [{ what: 'jobs', why: 'no permission' }],
    checks: 21,
  };
  expect(lines(renderCheck(report, { from: { version: '1.28.2' }, to: { version: '1.29.1' } }, plain))).toEqual([
    '✗ 1 error, 1 warning, 1 accepted for 1.28.2 → 1.29.1   (21 checks, 1 could not look)',
    '',
    'workloads',
    '  ✗ WORK-001  shop/x would be down',
    '      callers get errors',
    '      → --skip shop/x',
    '  ○ WORK-001  shop/x would be down (accepted)',
    '      callers get errors',
    '      → --skip shop/x',
    '  ! WORK-008  shop/x would be down',
    '      a, b, c and 2 more',
    '      callers get errors',
    '      → --skip shop/x',
    '',
    'could not look',
    '  ? jobs: no permission',
  ]);
});

it('a run in a pipe is one line an event, each with its instant; what repeats is told once', async () => {
  const world = new World().withShop();
  await world.apply();
  const view = openRunView(plain, () => 0);
  printed.length = 0;
  for (const news of world.news) view.tell(news);
  view.close();
  expect(printed.every((line) => /^\d{4}-\d\d-\d\dT[\d:.]+Z \S/.test(line))).toBe(true);
  const texts = printed.map((line) => line.slice(25));
  expect(texts[0]).toMatch(/^started run to-canary-[0-9a-f]{6}, 8 steps$/);
  expect(texts.filter((text) => text.startsWith('step 04-restart-shop-deploy-cart'))).toEqual([
    'step 04-restart-shop-deploy-cart started: restart deploy/cart in shop',
    'step 04-restart-shop-deploy-cart done: restart deploy/cart in shop (1 pod ready and injected by canary; 1 proxy connected to canary and synced)',
  ]);
  expect(new Set(texts).size).toBe(texts.length);
  expect(texts.at(-1)).toBe('ended: moved');
  const { record } = await world.apply({
    action: 'migrate',
    to: { revision: 'canary' },
    install: undefined,
    scope: { namespaces: ['shop'], skip: [] },
  });
  expect(eventText({ type: 'Paused', at: '', by: 'x' }, record)).toBe('paused between two steps');
});

describe('words and tables', () => {
  it.each([
    [0, '0s'],
    [59_400, '59s'],
    [60_000, '1m00s'],
    [252_000, '4m12s'],
    [3_780_000, '1h03m'],
    [273_600_000, '3d04h'],
    [-5, '0s'],
  ])('%i ms is %s', (milliseconds, text) => {
    expect(duration(milliseconds)).toBe(text);
  });

  it('counts, and lists a few', () => {
    expect([count(1, 'pod'), count(2, 'pod'), count(0, 'proxy', 'proxies')]).toEqual(['1 pod', '2 pods', '0 proxies']);
    expect([some(['a', 'b']), some(['a', 'b', 'c', 'd'])]).toEqual(['a, b', 'a, b, c and 1 more']);
  });

  it('aligns words left and numbers right, and cuts long names in the middle', () => {
    const columns = [
      { title: 'NAME', cell: (row: [string, number]) => row[0] },
      { title: 'N', align: 'right' as const, cell: (row: [string, number]) => String(row[1]) },
    ];
    expect(
      lines(
        renderTable(columns, [
          ['a', 5],
          ['longer', 12],
        ]),
      ),
    ).toEqual(['NAME     N', 'a        5', 'longer  12']);
    expect(renderTable(columns, [])).toBe('NAME  N');
    expect([fit('short', 10), fit('a-very-long-name', 9)]).toEqual(['short', 'a-ve…name']);
  });
});
