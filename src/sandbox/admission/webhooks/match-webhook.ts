/**
 * Whether a webhook is called for a request, and in which version. As apiserver pkg/admission/plugin/webhook/generic/webhook.go
 * and its predicates, v1.34.
 */
import type { ClusterView } from '../../cluster/cluster-view.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { forbidden, notFound, StatusError } from '../../objects/status-error.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { selects, selectsAll, type Labels } from './label-selector.ts';
import type { Webhook, WebhookRule } from './registered-webhooks.ts';

export interface MatchOptions {
  readonly view: Pick<ClusterView, 'get'>;
  /** All served versions of what is stored under a key, in the order in which they are served. */
  readonly definitions: (storage: AdmissionAttributes['storage']) => readonly ResourceDefinition[];
}

export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** The resource as the webhook is told of it. */
export interface Invocation extends GroupVersionResource {
  /** The kind of a version other than that of the request; undefined when they are the same. */
  readonly converted: ResourceDefinition | undefined;
}

const CONFIGURATION_KINDS: ReadonlySet<string> = new Set([
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
]);

/** No webhook is called for these, or a broken one could never be removed. */
export function isExempt({ group, kind }: AdmissionAttributes): boolean {
  return group === 'admissionregistration.k8s.io' && CONFIGURATION_KINDS.has(kind);
}

/**
 * @returns undefined when the webhook is not called
 * @throws StatusError 404 when the namespace, whose labels are asked for, is not there; 403 when it has matchConditions, which
 * the sandbox does not evaluate, and fails closed
 */
export function matchWebhook(webhook: Webhook, attributes: AdmissionAttributes, options: MatchOptions): Invocation | undefined {
  // A problem with a selector counts only once the rules match.
  const inNamespace = attempt(() => matchesNamespace(webhook, attributes, options.view));
  if (inNamespace === false) return undefined;
  const isObject = attempt(() => matchesObject(webhook, attributes));
  if (isObject === false) return undefined;
  const invocation = matchRules(webhook, attributes, options);
  if (invocation === undefined) return undefined;
  for (const outcome of [inNamespace, isObject]) if (outcome instanceof StatusError) throw outcome;
  if (!webhook.hasConditions) return invocation;
  if (webhook.ignoresFailures) return undefined;
  throw forbidden(
    attributes,
    attributes.name,
    `matchConditions of webhook ${JSON.stringify(webhook.name)}: the sandbox does not evaluate CEL`,
  );
}

function attempt(ask: () => boolean): boolean | StatusError {
  try {
    return ask();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
}

function isNamespaces({ group, resource }: GroupVersionResource): boolean {
  return group === '' && resource === 'namespaces';
}

function matchesNamespace(webhook: Webhook, attributes: AdmissionAttributes, view: Pick<ClusterView, 'get'>): boolean {
  if (attributes.namespace === '' && !isNamespaces(attributes)) return true;
  if (selectsAll(webhook.namespaceSelector)) return true;
  return selects(webhook.namespaceSelector, namespaceLabels(attributes, view));
}

/** Of a namespace that is written the new labels count. */
function namespaceLabels(attributes: AdmissionAttributes, view: Pick<ClusterView, 'get'>): Labels {
  const { object, operation, subresource, namespace, name } = attributes;
  const isWrite = operation === 'CREATE' || operation === 'UPDATE';
  if (isNamespaces(attributes) && subresource === '' && isWrite) return labelsOf(object);
  const wanted = namespace === '' ? name : namespace;
  const found = view.get('namespaces', wanted);
  if (found === undefined) throw notFound({ group: '', resource: 'namespaces', kind: 'Namespace' }, wanted);
  return labelsOf(found);
}

function labelsOf(object: KubeObject | undefined): Labels {
  return object?.metadata?.labels ?? {};
}

function matchesObject(webhook: Webhook, { object, oldObject }: AdmissionAttributes): boolean {
  if (selectsAll(webhook.objectSelector)) return true;
  return [object, oldObject].some((one) => one !== undefined && selects(webhook.objectSelector, labelsOf(one)));
}

function matchRules(webhook: Webhook, attributes: AdmissionAttributes, { definitions }: MatchOptions): Invocation | undefined {
  const { group, version, resource } = attributes;
  if (webhook.rules.some((rule) => matchesRule(rule, attributes, attributes))) return { group, version, resource, converted: undefined };
  if (!webhook.matchesEquivalent) return undefined;
  const others = definitions(attributes.storage).filter(
    (one) => one.group !== group || one.version !== version || one.resource !== resource,
  );
  for (const rule of webhook.rules) {
    const other = others.find((one) => matchesRule(rule, attributes, one));
    if (other !== undefined) return { group: other.group, version: other.version, resource: other.resource, converted: other };
  }
  return undefined;
}

function matchesRule(rule: WebhookRule, attributes: AdmissionAttributes, about: GroupVersionResource): boolean {
  return (
    matchesScope(rule.scope, attributes.namespace, about) &&
    has(rule.operations, attributes.operation) &&
    has(rule.apiGroups, about.group) &&
    has(rule.apiVersions, about.version) &&
    rule.resources.some((pattern) => matchesResource(pattern, about.resource, attributes.subresource))
  );
}

/** A namespace is cluster-scoped, although requests for one carry its name as their namespace. */
function matchesScope(scope: string, namespace: string, about: GroupVersionResource): boolean {
  if (scope === '*') return true;
  const isClusterScoped = isNamespaces(about) || namespace === '';
  return scope === 'Cluster' ? isClusterScoped : scope === 'Namespaced' && !isClusterScoped;
}

function has(values: readonly string[], value: string): boolean {
  return values.includes('*') || values.includes(value);
}

/** `*` means all resources, but no subresource. */
function matchesResource(pattern: string, resource: string, subresource: string): boolean {
  const slash = pattern.indexOf('/');
  const wanted = slash < 0 ? pattern : pattern.slice(0, slash);
  const sub = slash < 0 ? '' : pattern.slice(slash + 1);
  return (wanted === '*' || wanted === resource) && (sub === '*' || sub === subresource);
}
