/** Webhook configurations and admission policies. @source kubernetes/kubernetes pkg/apis/admissionregistration/validation/validation.go of 1.34 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { duplicate, invalidValue, notSupported, required } from '../field-errors.ts';
import { absent, isRecord, list, record, records, text, type Json } from '../json-tree.ts';
import { each, follows, NONE, needed, oneOf, portNumber, qualified, type Errors } from './check.ts';
import { validateSelector } from './label-selector.ts';
import { subdomain } from './name-rules.ts';

const REVIEW_VERSIONS = ['v1', 'v1beta1'];

export function validateWebhooks(next: KubeObject): Errors {
  const names = new Set<string>();
  return each('webhooks', next['webhooks'], (webhook, at) => {
    const name = text(webhook['name']);
    const repeated = names.has(name);
    names.add(name);
    return [
      ...hookErrors(webhook, at, next.kind === 'MutatingWebhookConfiguration'),
      ...(repeated ? [duplicate(`${at}.name`, name)] : NONE),
      ...versionErrors(webhook, at),
    ];
  });
}

function versionErrors(webhook: Json, path: string): Errors {
  const field = `${path}.admissionReviewVersions`;
  const versions = list(webhook['admissionReviewVersions']).map(text);
  if (versions.length === 0) return [required(field, `must specify one of ${REVIEW_VERSIONS.join(', ')}`)];
  const known = versions.some((version) => REVIEW_VERSIONS.includes(version));
  const repeated = versions.flatMap((version, index) =>
    versions.indexOf(version) < index ? [duplicate(`${field}[${index}]`, version)] : [],
  );
  return [...repeated, ...(known ? NONE : [invalidValue(field, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`)])];
}

function hookErrors(webhook: Json, path: string, mutating: boolean): Errors {
  const name = text(webhook['name']);
  const timeout = webhook['timeoutSeconds'];
  const effects = webhook['sideEffects'];
  const slow = typeof timeout === 'number' && (timeout < 1 || timeout > 30);
  return [
    ...domainErrors(name, `${path}.name`),
    ...each(`${path}.rules`, webhook['rules'], ruleErrors),
    ...oneOf(`${path}.failurePolicy`, webhook['failurePolicy'], ['Fail', 'Ignore']),
    ...oneOf(`${path}.matchPolicy`, webhook['matchPolicy'], ['Equivalent', 'Exact']),
    ...(absent(effects)
      ? [required(`${path}.sideEffects`, 'must specify one of None, NoneOnDryRun')]
      : oneOf(`${path}.sideEffects`, effects, ['None', 'NoneOnDryRun'])),
    ...(slow ? [invalidValue(`${path}.timeoutSeconds`, timeout, 'the timeout value must be between 1 and 30 seconds')] : NONE),
    ...validateSelector(webhook['namespaceSelector'], `${path}.namespaceSelector`),
    ...validateSelector(webhook['objectSelector'], `${path}.objectSelector`),
    ...(mutating ? oneOf(`${path}.reinvocationPolicy`, webhook['reinvocationPolicy'], ['IfNeeded', 'Never']) : NONE),
    ...clientErrors(record(webhook['clientConfig']), `${path}.clientConfig`),
    ...each(`${path}.matchConditions`, webhook['matchConditions'], conditionErrors),
  ];
}

function domainErrors(name: string, field: string): Errors {
  if (name === '') return [required(field)];
  const form = follows(subdomain, field, name);
  if (form.length > 0) return form;
  return name.split('.').length < 3
    ? [invalidValue(field, name, 'should be a domain with at least three segments separated by dots')]
    : NONE;
}

function conditionErrors(condition: Json, path: string): Errors {
  const name = text(condition['name']);
  return [
    ...needed(`${path}.expression`, text(condition['expression']).trim()),
    ...(name === '' ? [required(`${path}.name`)] : qualified(`${path}.name`, name)),
  ];
}

function ruleErrors(rule: Json, path: string): Errors {
  const operations = list(rule['operations']).map(text);
  return [
    ...operationErrors(operations, `${path}.operations`),
    ...wildcardErrors(list(rule['apiGroups']), `${path}.apiGroups`, 'API groups'),
    ...wildcardErrors(list(rule['apiVersions']), `${path}.apiVersions`, 'API versions'),
    ...resourceErrors(list(rule['resources']).map(text), `${path}.resources`),
    ...oneOf(`${path}.scope`, rule['scope'], ['*', 'Cluster', 'Namespaced']),
  ];
}

function operationErrors(operations: readonly string[], field: string): Errors {
  const known = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
  if (operations.length === 0) return [required(field)];
  const unknown = operations.flatMap((operation, index) =>
    known.includes(operation) ? [] : [notSupported(`${field}[${index}]`, operation, known)],
  );
  const mixed = operations.length > 1 && operations.includes('*');
  return mixed ? [...unknown, invalidValue(field, operations, "if '*' is present, must not specify other operations")] : unknown;
}

function wildcardErrors(values: readonly unknown[], field: string, what: string): Errors {
  if (values.length === 0) return [required(field)];
  return values.length > 1 && values.includes('*')
    ? [invalidValue(field, values, `if '*' is present, must not specify other ${what}`)]
    : NONE;
}

function resourceErrors(resources: readonly string[], field: string): Errors {
  if (resources.length === 0) return [required(field)];
  const empty = resources.flatMap((resource, index) => (resource === '' ? [required(`${field}[${index}]`)] : []));
  if (resources.includes('*/*') && resources.length > 1) {
    return [...empty, invalidValue(field, resources, "if '*/*' is present, must not specify other resources")];
  }
  const plain = resources.filter((resource) => !resource.includes('/'));
  const mixed = plain.includes('*') && plain.length > 1;
  return mixed
    ? [...empty, invalidValue(field, resources, "if '*' is present, must not specify other resources without subresources")]
    : empty;
}

const EXACTLY_ONE = 'exactly one of url or service is required';

/** Also of conversion webhooks. @source k8s.io/apiserver pkg/util/webhook/validation.go */
export function clientErrors(client: Json, path: string): Errors {
  const { url, service } = client;
  if (absent(url) === absent(service)) return [required(path, EXACTLY_ONE)];
  return isRecord(service) ? serviceErrors(service, `${path}.service`) : urlErrors(text(url), `${path}.url`);
}

function urlErrors(url: string, field: string): Errors {
  const form = '; desired format: https://host[/path]';
  const parsed = URL.parse(url);
  if (parsed === null) return [required(field, `url must be a valid URL: parse ${JSON.stringify(url)}${form}`)];
  const scheme = parsed.protocol.slice(0, -1);
  return [
    ...(scheme === 'https' ? NONE : [invalidValue(field, scheme, `'https' is the only allowed URL scheme${form}`)]),
    ...(parsed.host === '' ? [invalidValue(field, '', `host must be specified${form}`)] : NONE),
    ...(parsed.username === '' ? NONE : [invalidValue(field, parsed.username, 'user information is not permitted in the URL')]),
    ...(parsed.hash === '' ? NONE : [invalidValue(field, parsed.hash.slice(1), 'fragments are not permitted in the URL')]),
    ...(parsed.search === '' ? NONE : [invalidValue(field, parsed.search.slice(1), 'query parameters are not permitted in the URL')]),
  ];
}

function serviceErrors(service: Json, path: string): Errors {
  const place = text(service['path']);
  return [
    ...needed(`${path}.name`, service['name']),
    ...needed(`${path}.namespace`, service['namespace']),
    ...(absent(service['path']) ? NONE : pathErrors(place, `${path}.path`)),
    ...portNumber(`${path}.port`, service['port'], 'port is not valid: '),
  ];
}

function pathErrors(place: string, field: string): Errors {
  if (place === '/') return NONE;
  const segments = place.slice(1).replace(/\/$/, '').split('/');
  return [
    ...(place.startsWith('/') ? NONE : [invalidValue(field, place, "must start with a '/'")]),
    ...segments.flatMap((segment, index) => {
      if (segment === '') return [invalidValue(field, place, `segment[${index}] may not be empty`)];
      return subdomain(segment).map((detail) => invalidValue(field, place, `segment[${index}]: ${detail}`));
    }),
  ];
}

export function validateAdmissionPolicy(next: KubeObject): Errors {
  const spec = record(next['spec']);
  const empty = list(spec['validations']).length === 0 && list(spec['auditAnnotations']).length === 0;
  const one = 'validations or auditAnnotations must contain at least one item';
  return [
    ...oneOf('spec.failurePolicy', spec['failurePolicy'], ['Fail', 'Ignore']),
    ...(isRecord(spec['matchConstraints'])
      ? matchErrors(spec['matchConstraints'], 'spec.matchConstraints')
      : [required('spec.matchConstraints')]),
    ...each('spec.matchConditions', spec['matchConditions'], conditionErrors),
    ...(empty ? [required('spec.validations', one), required('spec.auditAnnotations', one)] : NONE),
    ...each('spec.validations', spec['validations'], (validation, at) =>
      needed(`${at}.expression`, text(validation['expression']).trim(), 'expression is not specified'),
    ),
  ];
}

function matchErrors(resources: Json, path: string): Errors {
  return [
    ...oneOf(`${path}.matchPolicy`, resources['matchPolicy'], ['Equivalent', 'Exact']),
    ...validateSelector(resources['namespaceSelector'], `${path}.namespaceSelector`),
    ...validateSelector(resources['objectSelector'], `${path}.objectSelector`),
    ...(records(resources['resourceRules']).length === 0 ? [required(`${path}.resourceRules`)] : NONE),
    ...each(`${path}.resourceRules`, resources['resourceRules'], ruleErrors),
  ];
}

export function validateAdmissionPolicyBinding(next: KubeObject): Errors {
  const spec = record(next['spec']);
  const actions = list(spec['validationActions']).map(text);
  const both = actions.includes('Deny') && actions.includes('Warn');
  const detail =
    'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
  return [
    ...needed('spec.policyName', spec['policyName']),
    ...(actions.length === 0 ? [required('spec.validationActions', 'at least one validation action is required')] : NONE),
    ...actions.flatMap((action, index) => oneOf(`spec.validationActions[${index}]`, action, ['Audit', 'Deny', 'Warn'])),
    ...(both ? [invalidValue('spec.validationActions', actions, detail)] : NONE),
  ];
}
