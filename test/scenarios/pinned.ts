/**
 * Objects that only the old revision and only old proxies obey: copied before anything moves, the old ones gone after the
 * finish, everything as it was after the way back.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../kit/child-process.ts';
import { meshlift, meshliftOk, revisionsOf, type ClusterUnderTest, type Meta } from './cluster-under-test.ts';
import { namespaceYaml, openShop, podYaml, someOfShop } from './shop.ts';
import { snapshot } from './snapshot.ts';

export const QUOTES = 'http://quotes.shop:9080/';
const NAMESPACES = ['shop'];

export interface PinnedOptions {
  /** Headers of an answer of `quotes`, asked for by the pod `plain` of `outside`, that a filter has added, sorted; absent where proxies do not really obey filters. */
  readonly addedHeaders?: () => Promise<readonly string[]>;
}

interface Item {
  readonly kind: string;
  readonly metadata: Meta;
  readonly spec: { readonly configPatches?: readonly { readonly match: { readonly proxy?: { readonly proxyVersion?: string } } }[] };
}

/** Adds a header to every answer of quotes. */
function filterYaml(name: string, { rev, proxyVersion }: { readonly rev?: string; readonly proxyVersion?: string }): string {
  const labels = rev === undefined ? {} : { labels: { 'istio.io/rev': rev } };
  const proxy = proxyVersion === undefined ? {} : { proxy: { proxyVersion } };
  const value = { response_headers_to_add: [{ header: { key: `x-${name}`, value: 'yes' } }] };
  const filter = {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name, namespace: 'shop', ...labels },
    spec: {
      workloadSelector: { labels: { app: 'quotes' } },
      configPatches: [
        { applyTo: 'ROUTE_CONFIGURATION', match: { context: 'SIDECAR_INBOUND', ...proxy }, patch: { operation: 'MERGE', value } },
      ],
    },
  };
  return `${JSON.stringify(filter)}\n---\n`;
}

function ruleYaml(rev: string): string {
  const rule = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'quotes', namespace: 'shop', labels: { 'istio.io/rev': rev, team: 'a' } },
    spec: { host: 'quotes', trafficPolicy: { connectionPool: { tcp: { maxConnections: 70 } } } },
  };
  return `${JSON.stringify(rule)}\n`;
}

export function pinnedObjects(cluster: ClusterUnderTest, { addedHeaders }: PinnedOptions = {}): void {
  const { objects } = cluster;
  const escaped = (version: string): string =>
    `^${version
      .split('.')
      .slice(0, 2)
      .join(String.raw`\.`)}.*`;
  const [oldProxies, newProxies] = [escaped(cluster.oldVersion), escaped(cluster.newVersion)];
  let before: Record<string, unknown>;
  let upgrade: string[];

  beforeAll(async () => {
    await cluster.prepare();
    await cluster.istio.installOld();
    await openShop(cluster, 'shop', { 'istio-injection': 'enabled' }, someOfShop('quotes'));
    // Not in the mesh: whoever asks must not keep the old revision in use.
    await objects.applyWhole(namespaceYaml('outside', {}) + podYaml(cluster, 'outside', 'plain'));
    await objects.podReady({ namespace: 'outside', name: 'plain' });
    await objects.applyWhole(
      filterYaml('by-revision', { rev: 'default' }) + filterYaml('by-version', { proxyVersion: oldProxies }) + ruleYaml('default'),
    );
    const source = await cluster.istio.source('canary');
    upgrade = ['--to', cluster.newVersion, '--revision', 'canary', '-n', 'shop', ...source];
    before = await everything();
    await expectHeaders();
  });
  afterAll(() => cluster.cleanUp());

  async function istioObjects(): Promise<Item[]> {
    return objects.list<Item>(['envoyfilters', 'destinationrules'], { namespace: 'shop' });
  }

  async function everything(): Promise<Record<string, unknown>> {
    const found = await istioObjects();
    const written = found.map(({ kind, metadata: { name, labels }, spec }) => [`${kind} ${name}`, { labels, spec }] as const);
    return { ...(await snapshot(cluster, NAMESPACES)), ...Object.fromEntries(written) };
  }

  async function names(): Promise<string[]> {
    return (await istioObjects()).map(({ kind, metadata }) => `${kind}/${metadata.name}`).toSorted();
  }

  async function expectHeaders(): Promise<void> {
    if (addedHeaders) await until('both filters apply', async () => (await addedHeaders()).join() === 'x-by-revision,x-by-version', 20_000);
  }

  const OLD = ['DestinationRule/quotes', 'EnvoyFilter/by-revision', 'EnvoyFilter/by-version'];
  const NEW = OLD.map((name) => `${name}-canary`);

  describe('pinned objects', () => {
    it('are shown by a check and a plan, each with its copy', async () => {
      const { stdout } = await meshlift(cluster, 'check', '--to', cluster.newVersion, '--revision', 'canary');
      expect(stdout).toMatch(/CONF-001.*2 objects are labelled istio\.io\/rev=default/);
      expect(stdout).toContain(`proxyVersion ${oldProxies} → ${newProxies}`);
      const plan = await meshliftOk(cluster, 'plan', ...upgrade);
      expect(plan).toContain(`EnvoyFilter shop/by-version → by-version-canary, proxyVersion ${oldProxies} → ${newProxies}`);
      expect(plan).toContain('DestinationRule shop/quotes → quotes-canary');
      expect(plan).toContain('EnvoyFilter shop/by-revision goes with it: its copy took its place');
      expect(await names()).toEqual(OLD);
    });

    it('have copies that new proxies obey', async () => {
      const file = join(cluster.scratch, 'pinned.plan.yaml');
      await meshliftOk(cluster, 'plan', ...upgrade, '-o', file);
      await meshliftOk(cluster, 'apply', file, '--yes');
      expect(await names()).toEqual([...OLD, ...NEW].toSorted());
      expect(await revisionsOf(cluster, 'shop')).toEqual(new Set(['canary']));
      const copies = (await istioObjects()).filter(({ metadata }) => metadata.name.endsWith('-canary'));
      expect(copies.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]).toSorted()).toEqual([
        ['by-revision-canary', { 'istio.io/rev': 'canary' }],
        ['by-version-canary', {}],
        ['quotes-canary', { 'istio.io/rev': 'canary', team: 'a' }],
      ]);
      const byVersion = copies.find(({ metadata }) => metadata.name === 'by-version-canary');
      expect(byVersion?.spec.configPatches?.map(({ match }) => match.proxy?.proxyVersion)).toEqual([newProxies]);
      await expectHeaders();
    });

    it('are as they were after the way back', async () => {
      await meshliftOk(cluster, 'rollback', '--yes');
      expect(await everything()).toEqual(before);
      await expectHeaders();
    });

    it('are gone after the finish', async () => {
      await meshliftOk(cluster, 'apply', ...upgrade, '--finish', '--yes');
      expect(await names()).toEqual(NEW);
      await expectHeaders();
    });

    it('that were removed come back', async () => {
      await meshliftOk(cluster, 'rollback', '--yes');
      expect(await everything()).toEqual(before);
      await expectHeaders();
    });
  });
}
