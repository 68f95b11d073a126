import { describe, expect, it, test } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { Cluster, ClusterChange } from '../cluster/cluster-view.ts';
import { createIstioKnobs } from '../istio/istio-knobs.ts';
import { applyIstioTrouble, atMoment } from './apply-trouble.ts';
import { scenarioNames } from './scenario-names.ts';
import { findScenario } from './scenario.ts';
import { parseTrouble, troubleNames, type Trouble } from './troubles.ts';

describe('scenarios', () => {
  test.each(scenarioNames)('%s applies each object once, after its namespace', async (name) => {
    const scenario = await findScenario(name);
    const seen = new Set<string>(['Namespace//default']);
    for (const { kind, apiVersion, metadata } of scenario?.stages.flatMap((stage) => stage.objects) ?? []) {
      const key = `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
      expect(seen.has(`${key} ${apiVersion}`), key).toBe(false);
      if (metadata.namespace !== undefined) expect(seen, key).toContain(`Namespace//${metadata.namespace}`);
      seen.add(`${key} ${apiVersion}`).add(key);
    }
    expect(scenario?.name).toBe(name);
  });

  it('bookinfo has what an upgrade meets', async () => {
    const objects = (await findScenario('bookinfo'))?.stages.flatMap((stage) => stage.objects) ?? [];
    const count = (kind: string, namespace: string): number =>
      objects.filter((o) => o.kind === kind && o.metadata.namespace === namespace).length;
    expect([
      count('Deployment', 'bookinfo'),
      count('StatefulSet', 'reports'),
      count('CronJob', 'reports'),
      count('EnvoyFilter', 'bookinfo'),
    ]).toEqual([6, 1, 1, 1]);
    expect(objects.find((o) => o.metadata.name === 'bookinfo')?.metadata.labels).toEqual({ 'istio-injection': 'enabled' });
    expect(
      objects.some(
        (o) => o.kind === 'Deployment' && o.metadata.name === 'istio-ingressgateway' && o.metadata.namespace === 'istio-ingress',
      ),
    ).toBe(true);
  });

  it('bookinfo may have tags, which a namespace follows', async () => {
    const objects = (await findScenario('bookinfo:prod,stable'))?.stages.flatMap((stage) => stage.objects) ?? [];
    expect(objects.find((o) => o.kind === 'Namespace' && o.metadata.name === 'reports')?.metadata.labels).toEqual({
      'istio.io/rev': 'prod',
    });
    expect(objects.filter((o) => o.metadata.name.startsWith('istio-revision-tag-')).map((o) => o.metadata.name)).toEqual([
      'istio-revision-tag-prod',
      'istio-revision-tag-stable',
      'istio-revision-tag-default',
    ]);
  });

  test.each([
    ['big:3x4', 12],
    ['big', 100],
    ['big:3x4x2', 12],
    ['big:3x4x2,plain', 12],
  ])('%s has as many workloads as it says', async (name, workloads) => {
    const objects = (await findScenario(name))?.stages.flatMap((stage) => stage.objects) ?? [];
    expect(objects.filter((o) => o.kind === 'Deployment' && o.metadata.namespace?.startsWith('team-'))).toHaveLength(workloads);
  });

  test.each(['ghost', 'big:x', 'big:1x1x1x1'])('%s is none', async (name) => {
    expect(await findScenario(name)).toBeUndefined();
  });
});

describe('troubles', () => {
  test.each<[name: string, settings: Record<string, string>, trouble: Trouble]>([
    ['failing-proxies', { revision: '1-30-0', ratio: '0.2' }, { kind: 'failing-proxies', revision: '1-30-0', ratio: 0.2, status: 500 }],
    ['slow-proxies', { revision: 'r' }, { kind: 'slow-proxies', revision: 'r', ms: 50 }],
    ['silent-watches', {}, { kind: 'silent-watches' }],
    ['relabelled-namespace', { namespace: 'shop' }, { kind: 'relabelled-namespace', namespace: 'shop', label: 'istio.io/rev', value: '' }],
  ])('%s with %j', (name, settings, trouble) => {
    expect(parseTrouble(name, settings)).toEqual({ trouble });
  });

  test.each<[name: string, settings: Record<string, string>, mistake: string]>([
    ['nonsense', {}, 'there is no such trouble'],
    ['failing-proxies', {}, 'needs revision'],
    ['failing-proxies', { revision: 'r', ratio: '2' }, 'a number from 0 to 1'],
    ['slow-proxies', { revision: 'r', ms: '1.5' }, 'a whole number'],
    ['webhook-down', { revision: 'r', ratio: '1' }, 'has no setting ratio'],
  ])('%s with %j is a mistake', (name, settings, mistake) => {
    const parsed = parseTrouble(name, settings);
    expect('mistakes' in parsed ? parsed.mistakes.join('\n') : '').toContain(mistake);
  });

  it('of the mesh change its knobs, the others do not', () => {
    const knobs = createIstioKnobs();
    const parts: Record<string, string> = { revision: 'r', image: 'i', namespace: 'n', app: 'a' };
    const applied = troubleNames.filter((name) => {
      const needed = Object.fromEntries(
        Object.entries(parts).filter(([key]) => !('mistakes' in parseTrouble(name, { [key]: 'x' })) || neededBy(name, key)),
      );
      const parsed = parseTrouble(name, needed);
      return 'trouble' in parsed && applyIstioTrouble(knobs, parsed.trouble);
    });
    expect(applied).toEqual(['failing-proxies', 'slow-proxies', 'webhook-down', 'lost-proxies', 'silent-istiod', 'unready-istiod']);
    expect(knobs.revision('r')).toMatchObject({
      errorShare: 0.05,
      latencyMs: 50,
      webhook: 'down',
      refusesProxies: true,
      withholdsPushes: true,
      neverReady: true,
    });
    expect(knobs.revision('other')).toMatchObject({ errorShare: 0, webhook: 'up' });
  });

  it('begin at their moment, once', async () => {
    const clock = new VirtualClock(0);
    const listeners: ((change: ClusterChange) => void)[] = [];
    const cluster = {
      onChange: (_resource: string, listener: (change: ClusterChange) => void) => (listeners.push(listener), (): void => undefined),
    } as unknown as Cluster;
    const seen: string[] = [];
    const trouble: Trouble = { kind: 'silent-watches' };
    atMoment({ trouble }, { clock, cluster }, () => seen.push('at once'));
    atMoment({ trouble, moment: { afterMs: 50 } }, { clock, cluster }, () => seen.push('later'));
    atMoment({ trouble, moment: { onChange: { resource: 'pods', namespace: 'shop', name: 'web-' } } }, { clock, cluster }, () =>
      seen.push('on change'),
    );
    const change = (namespace: string): ClusterChange => ({
      type: 'ADDED',
      object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-1', namespace } },
    });
    for (const namespace of ['other', 'shop', 'shop']) listeners[0]?.(change(namespace));
    await clock.advance(100);
    expect(seen).toEqual(['at once', 'on change', 'later']);
  });
});

function neededBy(name: string, key: string): boolean {
  const parsed = parseTrouble(name, {});
  return 'mistakes' in parsed && parsed.mistakes.some((mistake) => mistake.endsWith(`needs ${key}`));
}
