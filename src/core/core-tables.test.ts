/** Rooms that are tables: permissions, requests and problems. */
import { describe, expect, it } from 'vitest';
import { accessRules, ruleText, type AccessNeed } from './permissions/access-rules.ts';
import { buildRoles } from './permissions/build-roles.ts';
import { fileTrouble } from './problems/file-trouble.ts';
import { problemCatalogue } from './problems/problem-catalogue.ts';
import { Problem } from './problems/problem.ts';
import { acceptsFinding, namesWorkload, upgradeRequestSchema } from './request/upgrade-request.ts';

describe('permissions', () => {
  const needs: readonly AccessNeed[] = ['look', 'plan', 'move', 'install'];
  const key = (rule: ReturnType<typeof accessRules>[number]): string => ruleText(rule, 'istio-system');

  it('each need includes the one before it, without repetitions', () => {
    for (const [index, need] of needs.entries()) {
      const rules = accessRules(need).map(key);
      expect(new Set(rules).size).toBe(rules.length);
      const before = needs[index - 1];
      if (before) expect(rules).toEqual(expect.arrayContaining(accessRules(before).map(key)));
    }
  });

  it('looking and planning never write, except for what is not stored', () => {
    const writes = accessRules('plan').filter((rule) => !['get', 'list', 'watch'].includes(rule.verb));
    expect(writes.map(key)).toEqual(['create pods/portforward in istio-system']);
  });

  it('secrets are read in the Istio namespace only, and by no role that only looks', () => {
    expect(accessRules('plan').filter((rule) => rule.resource === 'secrets')).toEqual([]);
    expect(accessRules('install').filter((rule) => rule.resource === 'secrets' && rule.where !== 'istio')).toEqual([]);
  });

  it('the roles hold exactly the rules, and no verb or group by wildcard', () => {
    for (const need of needs) {
      const [cluster, local] = buildRoles(need, 'mesh') as {
        kind: string;
        metadata: { namespace?: string };
        rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
      }[];
      const told = [cluster, local].flatMap((role) =>
        (role?.rules ?? []).flatMap((rule) =>
          rule.resources.flatMap((resource) => rule.verbs.map((verb) => `${verb} ${rule.apiGroups[0]}/${resource}`)),
        ),
      );
      const wanted = accessRules(need).map((rule) => `${rule.verb} ${rule.group}/${rule.resource}`);
      expect(new Set(told)).toEqual(new Set(wanted));
      expect(told.some((text) => text.startsWith('*') || text.includes(' */'))).toBe(false);
      expect([cluster?.kind, local?.kind, local?.metadata.namespace]).toEqual(['ClusterRole', 'Role', 'mesh']);
    }
  });
});

describe('a request', () => {
  it('has sensible defaults', () => {
    expect(upgradeRequestSchema.parse({})).toEqual({
      action: 'upgrade',
      scope: { namespaces: [], skip: [] },
      accept: [],
      acceptDowntime: [],
      onFailure: 'pause',
      finish: { removeOld: false },
      stepTimeoutSeconds: 300,
    });
  });

  it.each([
    { unknown: 1 },
    { stepTimeoutSeconds: 1 },
    { stepTimeoutSeconds: 1e9 },
    { install: { with: 'helm' } },
    { install: { with: 'manifests', paths: [] } },
    { action: 'destroy' },
  ])('%o is refused', (value) => {
    expect(upgradeRequestSchema.safeParse(value).success).toBe(false);
  });

  it.each([
    ['shop/web', true],
    ['shop/deployment/web', true],
    ['shop/Deployment/web', true],
    ['shop/statefulset/web', false],
    ['other/web', false],
    ['web', false],
  ])('%s names deployment web of shop: %s', (entry, expected) => {
    expect(namesWorkload(entry, { namespace: 'shop', kind: 'Deployment', name: 'web' })).toBe(expected);
  });

  it('accepts findings by code, or by code and object', () => {
    expect([
      acceptsFinding(['A-1'], 'A-1', 'x'),
      acceptsFinding(['A-1:x'], 'A-1', 'x'),
      acceptsFinding(['A-1:y'], 'A-1', 'x'),
      acceptsFinding(['A-1:x'], 'A-1', undefined),
      acceptsFinding(['A-11'], 'A-1', 'x'),
    ]).toEqual([true, true, false, false, false]);
  });
});

describe('problems', () => {
  it('every entry has a permanent code, an own title, and words for what it means and what to do', () => {
    const entries = Object.entries(problemCatalogue);
    for (const [code, entry] of entries) {
      expect(code).toMatch(/^[A-Z]{4}-\d{3}$|^[A-Z]{3}-\d{3}$/);
      expect([entry.meaning.length > 20, entry.remedy.length > 10, [1, 2, 3].includes(entry.exit)]).toEqual([true, true, true]);
    }
    expect(new Set(entries.map(([, entry]) => entry.title)).size).toBe(entries.length);
  });

  it('nothing was changed unless it says so', () => {
    const problem = new Problem('RUN-003', { what: 'x', next: [] });
    expect(problem.state).toEqual({ kind: 'nothing-changed' });
    expect(problem.withState({ kind: 'paused', detail: 'at 2' }).state).toEqual({ kind: 'paused', detail: 'at 2' });
  });

  it.each([
    [{ code: 'ENOENT' }, 'it does not exist'],
    [{ code: 'EISDIR' }, 'it is a folder'],
    [new Error('odd'), 'odd'],
    ['text', 'text'],
  ])('file trouble %o', (error, words) => {
    expect(fileTrouble(error)).toBe(words);
  });
});
