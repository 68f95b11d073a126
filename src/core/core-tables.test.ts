/** Rooms that are tables: permissions, requests and problems. */
import { describe, expect, it } from 'vitest';
import { findingCatalogue } from './findings/finding.ts';
import { accessRules, ruleText, type AccessNeed } from './permissions/access-rules.ts';
import { buildRoles } from './permissions/build-roles.ts';
import { fileTrouble } from './problems/file-trouble.ts';
import { problemCatalogue, problemEntry, type ProblemCode } from './problems/problem-catalogue.ts';
import { Defect, Problem, Transient } from './problems/problem.ts';
import { acceptsFinding, namesWorkload, REVISION_NAME, upgradeRequestSchema } from './request/upgrade-request.ts';

describe('permissions', () => {
  const needs: readonly AccessNeed[] = ['look', 'plan', 'move', 'install', 'gateways'];
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
    expect(accessRules('gateways').filter((rule) => rule.resource === 'secrets' && rule.where !== 'istio')).toEqual([]);
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

describe('roles', () => {
  it('to look are small enough to be read', () => {
    const text = buildRoles('look', 'mesh').map((role) => {
      const { kind, metadata, rules } = role as {
        kind: string;
        metadata: object;
        rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
      };
      return { kind, metadata, rules: rules.map((rule) => `${rule.apiGroups.join()}: ${rule.verbs.join()} ${rule.resources.join()}`) };
    });
    const labels = { 'app.kubernetes.io/name': 'meshlift' };
    expect(text).toEqual([
      {
        kind: 'ClusterRole',
        metadata: { name: 'meshlift-look', labels },
        rules: [
          ': list pods,services',
          ': get,list namespaces',
          'apps: get,list deployments,statefulsets,daemonsets,replicasets',
          'batch: list jobs,cronjobs',
          'gateway.networking.k8s.io: list gateways',
          'argoproj.io: list rollouts',
          'admissionregistration.k8s.io: get,list mutatingwebhookconfigurations,validatingwebhookconfigurations',
        ],
      },
      {
        kind: 'Role',
        metadata: { name: 'meshlift-look', namespace: 'mesh', labels },
        rules: [
          ': create,get pods/portforward',
          ': get,list configmaps',
          'meshlift.io: get,list meshupgrades',
          'coordination.k8s.io: get leases',
        ],
      },
    ]);
  });

  it.each([
    [{ group: 'apps', resource: 'deployments', where: 'mesh' }, 'list deployments.apps in every namespace'],
    [{ group: '', resource: 'secrets', where: 'istio' }, 'list secrets in mesh'],
    [{ group: '', resource: 'namespaces', where: 'cluster' }, 'list namespaces'],
  ] as const)('a rule is said as %o', (rule, text) => {
    expect(ruleText({ ...rule, verb: 'list', why: '' }, 'mesh')).toBe(text);
  });

  it.each<[AccessNeed, string]>([
    ['look', 'list pods in every namespace'],
    ['look', 'create pods/portforward in mesh'],
    ['plan', 'list poddisruptionbudgets.policy in every namespace'],
    ['plan', 'list *.networking.istio.io in every namespace'],
    ['plan', 'list *.security.istio.io in every namespace'],
    ['plan', 'list *.telemetry.istio.io in every namespace'],
    ['plan', 'list *.extensions.istio.io in every namespace'],
    ['plan', 'list *.gateway.networking.k8s.io in every namespace'],
    ['plan', 'list customresourcedefinitions.apiextensions.k8s.io'],
    ['plan', 'list serviceaccounts in mesh'],
    ['plan', 'list rolebindings.rbac.authorization.k8s.io in mesh'],
    ['plan', 'list clusterrolebindings.rbac.authorization.k8s.io'],
    ['plan', 'list horizontalpodautoscalers.autoscaling in mesh'],
    ['plan', 'list networkpolicies.networking.k8s.io in mesh'],
    ['look', 'list meshupgrades.meshlift.io in mesh'],
    ['look', 'get leases.coordination.k8s.io in mesh'],
    ['move', 'patch namespaces'],
    ['move', 'patch deployments.apps in every namespace'],
    ['move', 'create customresourcedefinitions.apiextensions.k8s.io'],
    ['move', 'update meshupgrades/status.meshlift.io in mesh'],
    ['move', 'create configmaps in mesh'],
    ['move', 'get secrets in mesh'],
    ['move', 'update leases.coordination.k8s.io in mesh'],
    ['install', 'create deployments.apps in mesh'],
    ['install', 'delete services in mesh'],
    ['install', 'create roles.rbac.authorization.k8s.io in mesh'],
    ['install', 'escalate roles.rbac.authorization.k8s.io in mesh'],
    ['install', 'create horizontalpodautoscalers.autoscaling in mesh'],
    ['install', 'create poddisruptionbudgets.policy in mesh'],
    ['install', 'create networkpolicies.networking.k8s.io in mesh'],
    ['install', 'delete clusterroles.rbac.authorization.k8s.io'],
    ['install', 'bind clusterroles.rbac.authorization.k8s.io'],
    ['install', 'patch mutatingwebhookconfigurations.admissionregistration.k8s.io'],
    ['install', 'patch customresourcedefinitions.apiextensions.k8s.io'],
  ])('%s is the first to %s', (need, rule) => {
    const order: readonly AccessNeed[] = ['look', 'plan', 'move', 'install'];
    const holders = order.filter((other) => accessRules(other).some((r) => ruleText(r, 'mesh') === rule));
    expect(holders).toEqual(order.slice(order.indexOf(need)));
  });

  it('what is meant for one object is limited to it, and to nothing else', () => {
    const rules = (buildRoles('move', 'mesh') as { rules: { resources: string[]; resourceNames?: string[]; verbs: string[] }[] }[]).flatMap(
      (role) => role.rules,
    );
    const named = accessRules('move').filter((rule) => rule.name !== undefined);
    expect(rules.filter((rule) => rule.resourceNames !== undefined)).toMatchObject([
      {
        resources: ['customresourcedefinitions'],
        resourceNames: ['meshupgrades.meshlift.io'],
        verbs: named.map((rule) => rule.verb).toSorted(),
      },
    ]);
    const ofCrds = rules.filter((rule) => rule.resources.includes('customresourcedefinitions') && rule.resourceNames === undefined);
    expect(ofCrds.flatMap((rule) => rule.verbs)).not.toContain('delete');
  });

  it('every rule says what it is for, in one verb; workloads are never deleted, and only pods are created by a move', () => {
    const all = accessRules('install');
    expect(all.filter((rule) => rule.why === '' || !/^[a-z]+$/.test(rule.verb))).toEqual([]);
    const everywhere = all.filter(
      (rule) => rule.where === 'mesh' && !rule.group.endsWith('.istio.io') && !['get', 'list', 'watch', 'patch'].includes(rule.verb),
    );
    expect(everywhere.map((rule) => ruleText(rule, 'mesh'))).toEqual(['create pods in every namespace']);
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
      gateways: { strategy: 'inPlace', shares: [10, 50, 100] },
      finish: { removeOld: false, moveTags: true },
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
    { install: { with: 'istioctl', paths: ['x'] } },
    { scope: { namespace: ['a'] } },
    { to: { version: '1.29.1' } },
    { finish: true },
    { gateways: { strategy: 'ownAddress' } },
    { gateways: { strategy: 'canary', shares: [50, 10, 100] } },
    { gateways: { strategy: 'canary', shares: [10, 50] } },
    { gateways: { strategy: 'canary', shares: [] } },
    { gateways: { strategy: 'canary', shares: [0, 100] } },
    { onFailure: 'retry' },
    { stepTimeoutSeconds: 10.5 },
  ])('%o is refused', (value) => {
    expect(upgradeRequestSchema.safeParse(value).success).toBe(false);
  });

  it('fills in what an installer needs', () => {
    expect(upgradeRequestSchema.parse({ install: { with: 'istioctl' } }).install).toEqual({
      with: 'istioctl',
      istioctl: 'istioctl',
      set: [],
    });
    expect(upgradeRequestSchema.parse({ scope: { skip: ['a/b'] }, stepTimeoutSeconds: 10 })).toMatchObject({
      scope: { namespaces: [], skip: ['a/b'] },
      stepTimeoutSeconds: 10,
    });
  });

  it.each([
    ['1-29-1', true],
    ['a', true],
    ['x'.repeat(63), true],
    ['x'.repeat(64), false],
    ['1.29.1', false],
    ['-a', false],
    ['a-', false],
    ['Canary', false],
    ['', false],
  ])('%s is the name of a revision: %s', (name, expected) => {
    expect(REVISION_NAME.test(name)).toBe(expected);
  });

  it.each([
    ['shop/web', true],
    ['shop/deployment/web', true],
    ['shop/Deployment/web', true],
    ['shop/statefulset/web', false],
    ['other/web', false],
    ['web', false],
    ['shop/cart', false],
    ['other/deployment/web', false],
    ['shop/deployment/cart', false],
    ['shop/deployment/web/0', false],
    ['', false],
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
      acceptsFinding(['B-1', 'A-1:a:b'], 'A-1', 'a:b'),
      acceptsFinding(['B-1:x'], 'A-1', 'x'),
      acceptsFinding([], 'A-1', 'x'),
    ]).toEqual([true, true, false, false, false, true, false, false]);
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

  it('no code means a problem and a finding', () => {
    expect(Object.keys(problemCatalogue).filter((code) => code in findingCatalogue)).toEqual([]);
  });

  it.each([
    ['ARGS', [2]],
    ['MESH', [1, 2, 3]],
    ['PLAN', [2, 3]],
  ] as const)('those of %s end with %o', (area, exits) => {
    const codes = (Object.keys(problemCatalogue) as ProblemCode[]).filter((code) => code.startsWith(`${area}-`));
    expect(new Set(codes.map((code) => problemEntry(code).exit))).toEqual(new Set(exits));
  });

  it('tells its code, what it found and where things stand', () => {
    const problem = new Problem('RUN-003', { what: 'x', why: 'y', next: [{ label: 'look' }], facts: { a: 1 } });
    expect([problem.name, problem.message, problem.code]).toEqual(['Problem', 'RUN-003: x', 'RUN-003']);
    const later = problem.withState({ kind: 'changed', detail: 'at 2' }, [{ label: 'resume' }]);
    expect(later.details).toEqual({
      what: 'x',
      why: 'y',
      facts: { a: 1 },
      next: [{ label: 'resume' }],
      state: { kind: 'changed', detail: 'at 2' },
    });
    expect(problem.withState({ kind: 'nothing-changed' }).details.next).toEqual([{ label: 'look' }]);
  });

  it('what may pass and what is our own mistake are no problems', () => {
    const cause = new Error('reset');
    expect(new Transient('throttled', { retryAfterMs: 500, cause })).toMatchObject({
      name: 'Transient',
      message: 'throttled',
      reason: 'throttled',
      retryAfterMs: 500,
      cause,
    });
    expect(new Transient('reset').retryAfterMs).toBeUndefined();
    expect(new Defect('no such step')).toMatchObject({ name: 'Defect', message: 'no such step' });
    expect(new Defect('x')).not.toBeInstanceOf(Problem);
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
    [{ code: 'EACCES' }, 'no permission'],
    [{ code: 'EPERM' }, 'no permission'],
    [{ code: 'ENOTDIR' }, 'a part of its path is not a folder'],
    [{ code: 'ENOSPC' }, 'the disk is full'],
    [{ code: 'EROFS' }, 'the file system is read-only'],
    [{ code: 'EOTHER', message: 'its own words' }, 'its own words'],
    [undefined, 'undefined'],
  ])('file trouble %o', (error, words) => {
    expect(fileTrouble(error)).toBe(words);
  });
});
