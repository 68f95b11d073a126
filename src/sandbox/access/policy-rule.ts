/** The rules of roles: what they allow, and whether some rules cover others. */
import type { KubeObject } from '../objects/kube-object.ts';
import type { AccessRequest } from './authorizer.ts';

/** As in a Role or ClusterRole; absent lists are empty. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function recordsOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

export function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The rules that are written in a Role or ClusterRole; those of an aggregated one are found by `rulesOfClusterRole`. */
export function rulesOf(role: KubeObject): readonly PolicyRule[] {
  return recordsOf(role['rules']).map(toRule);
}

function toRule(rule: Json): PolicyRule {
  return {
    verbs: stringsOf(rule['verbs']),
    apiGroups: stringsOf(rule['apiGroups']),
    resources: stringsOf(rule['resources']),
    resourceNames: stringsOf(rule['resourceNames']),
    nonResourceURLs: stringsOf(rule['nonResourceURLs']),
  };
}

/** As kubernetes pkg/apis/rbac/v1/evaluation_helpers.go, v1.34. */
export function ruleAllows(rule: PolicyRule, request: AccessRequest): boolean {
  if (!hasOrAll(rule.verbs, request.verb)) return false;
  if (request.path !== undefined) return rule.nonResourceURLs.some((url) => pathMatches(url, request.path ?? ''));
  return (
    hasOrAll(rule.apiGroups, request.group) &&
    resourceMatches(rule.resources, request.resource, request.subresource) &&
    (rule.resourceNames.length === 0 || rule.resourceNames.includes(request.name))
  );
}

function hasOrAll(values: readonly string[], value: string): boolean {
  return values.includes('*') || values.includes(value);
}

function resourceMatches(values: readonly string[], resource: string, subresource: string): boolean {
  if (subresource === '') return hasOrAll(values, resource);
  return hasOrAll(values, `${resource}/${subresource}`) || values.includes(`*/${subresource}`);
}

/** `/healthz` or `/apis/*`; `*` alone is every path. */
function pathMatches(url: string, path: string): boolean {
  return url === path || (url.endsWith('*') && path.startsWith(url.replace(/\*+$/, '')));
}

/**
 * What of `wanted` is not allowed by `held`, one verb and one resource a rule, verbs of the same resource put together.
 * As component-helpers auth/rbac/validation and kubernetes pkg/registry/rbac/validation/policy_compact.go, v1.34.
 */
export function uncoveredRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  const missing = wanted.flatMap(singleRules).filter((single) => !held.some((rule) => covers(rule, single)));
  const simple = new Map<string, PolicyRule>();
  const others: PolicyRule[] = [];
  for (const rule of missing) {
    if (rule.nonResourceURLs.length > 0) {
      others.push(rule);
      continue;
    }
    const key = JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames]);
    const known = simple.get(key);
    simple.set(key, known === undefined ? rule : { ...known, verbs: [...known.verbs, ...rule.verbs] });
  }
  return [...others, ...simple.values()];
}

const NO_RULE: PolicyRule = { verbs: [], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [] };

function singleRules(rule: PolicyRule): readonly PolicyRule[] {
  const names = rule.resourceNames.length === 0 ? [[]] : rule.resourceNames.map((name) => [name]);
  const singles = rule.apiGroups.flatMap((group) =>
    rule.resources.flatMap((resource) =>
      rule.verbs.flatMap((verb) =>
        names.map((resourceNames) => ({ ...NO_RULE, verbs: [verb], apiGroups: [group], resources: [resource], resourceNames })),
      ),
    ),
  );
  const paths = rule.nonResourceURLs.flatMap((url) => rule.verbs.map((verb) => ({ ...NO_RULE, verbs: [verb], nonResourceURLs: [url] })));
  return [...singles, ...paths];
}

/** @param single has at most one of everything */
function covers(held: PolicyRule, single: PolicyRule): boolean {
  const resource = single.resources[0];
  const url = single.nonResourceURLs[0];
  const name = single.resourceNames[0];
  return (
    single.verbs.every((verb) => hasOrAll(held.verbs, verb)) &&
    single.apiGroups.every((group) => hasOrAll(held.apiGroups, group)) &&
    (resource === undefined || coversResource(held.resources, resource)) &&
    (url === undefined || held.nonResourceURLs.some((own) => pathMatches(own, url))) &&
    (held.resourceNames.length === 0 || (name !== undefined && held.resourceNames.includes(name)))
  );
}

function coversResource(held: readonly string[], resource: string): boolean {
  const slash = resource.indexOf('/');
  return hasOrAll(held, resource) || (slash >= 0 && held.includes(`*/${resource.slice(slash + 1)}`));
}

/** `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}`, as refusals name missing rules. */
export function describeRule(rule: PolicyRule): string {
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  const shown = parts.filter(([, values]) => values.length > 0).map(([name, values]) => `${name}:${quotedList(values)}`);
  return `{${shown.join(', ')}}`;
}

/** `["a" "b"]`, as Go prints a list of strings with %q. */
export function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}
