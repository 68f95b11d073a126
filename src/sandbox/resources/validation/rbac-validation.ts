/** Roles and bindings. @source kubernetes/kubernetes pkg/apis/rbac/validation/validation.go of 1.34 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { invalidValue, notSupported, required } from '../field-errors.ts';
import { isRecord, list, record, sameJson, text, type Json } from '../json-tree.ts';
import { each, follows, NONE, needed, type Errors } from './check.ts';
import { validateSelector } from './label-selector.ts';
import { pathSegment, subdomain } from './name-rules.ts';

const GROUP = 'rbac.authorization.k8s.io';

export function validateRole(next: KubeObject): Errors {
  return each('rules', next['rules'], (rule, at) => ruleErrors(rule, at, true));
}

export function validateClusterRole(next: KubeObject): Errors {
  const aggregation = next['aggregationRule'];
  const selectors = 'aggregationRule.clusterRoleSelectors';
  return [
    ...each('rules', next['rules'], (rule, at) => ruleErrors(rule, at, false)),
    ...(isRecord(aggregation)
      ? list(aggregation['clusterRoleSelectors']).length === 0
        ? [required(selectors, 'at least one clusterRoleSelector required if aggregationRule is non-nil')]
        : each(selectors, aggregation['clusterRoleSelectors'], validateSelector)
      : NONE),
  ];
}

function ruleErrors(rule: Json, path: string, namespaced: boolean): Errors {
  const urls = list(rule['nonResourceURLs']);
  const verbs = list(rule['verbs']).length === 0 ? [required(`${path}.verbs`, 'verbs must contain at least one value')] : NONE;
  if (urls.length > 0) {
    const field = `${path}.nonResourceURLs`;
    const mixed = ['apiGroups', 'resources', 'resourceNames'].some((key) => list(rule[key]).length > 0);
    return [
      ...verbs,
      ...(namespaced ? [invalidValue(field, urls, 'namespaced rules cannot apply to non-resource URLs')] : NONE),
      ...(mixed ? [invalidValue(field, urls, 'rules cannot apply to both regular resources and non-resource URLs')] : NONE),
    ];
  }
  return [
    ...verbs,
    ...needed(`${path}.apiGroups`, list(rule['apiGroups']), 'resource rules must supply at least one api group'),
    ...needed(`${path}.resources`, list(rule['resources']), 'resource rules must supply at least one resource'),
  ];
}

export function validateRoleBinding(next: KubeObject, previous: KubeObject | undefined): Errors {
  return bindingErrors(next, previous, ['Role', 'ClusterRole']);
}

export function validateClusterRoleBinding(next: KubeObject, previous: KubeObject | undefined): Errors {
  return bindingErrors(next, previous, ['ClusterRole']);
}

function bindingErrors(next: KubeObject, previous: KubeObject | undefined, kinds: readonly string[]): Errors {
  const ref = record(next['roleRef']);
  const { apiGroup, kind, name } = ref;
  const printed = { APIGroup: text(apiGroup), Kind: text(kind), Name: text(name) };
  const moved = previous !== undefined && !sameJson(ref, previous['roleRef']);
  return [
    ...(apiGroup === GROUP ? NONE : [notSupported('roleRef.apiGroup', text(apiGroup), [GROUP])]),
    ...(kinds.includes(text(kind)) ? NONE : [notSupported('roleRef.kind', text(kind), kinds)]),
    ...(text(name) === '' ? [required('roleRef.name')] : follows(pathSegment, 'roleRef.name', text(name))),
    ...each('subjects', next['subjects'], (subject, at) => subjectErrors(subject, at, kinds.includes('Role'))),
    ...(moved ? [invalidValue('roleRef', printed, 'cannot change roleRef')] : NONE),
  ];
}

/** In a namespaced binding an account without a namespace is one of the binding's own. */
function subjectErrors(subject: Json, path: string, namespaced: boolean): Errors {
  const { kind, name, namespace, apiGroup } = subject;
  const naming = needed(`${path}.name`, name);
  switch (text(kind)) {
    case 'ServiceAccount':
      return [
        ...naming,
        ...(text(name) === '' ? NONE : follows(subdomain, `${path}.name`, text(name))),
        ...(text(apiGroup) === '' ? NONE : [notSupported(`${path}.apiGroup`, apiGroup, [''])]),
        ...(namespaced ? NONE : needed(`${path}.namespace`, namespace)),
      ];
    case 'User':
    case 'Group':
      return [...naming, ...(apiGroup === GROUP ? NONE : [notSupported(`${path}.apiGroup`, text(apiGroup), [GROUP])])];
    default:
      return [...naming, notSupported(`${path}.kind`, text(kind), ['ServiceAccount', 'User', 'Group'])];
  }
}
