/** Rendered YAML as objects. */
import { LineCounter, parseAllDocuments } from 'yaml';
import type { KubeObject } from '../mesh/kube-objects.ts';
import { Problem } from '../problems/problem.ts';

/** Kinds that have no namespace; every other one in a control plane's manifests has. */
const CLUSTER_KINDS = new Set([
  'Namespace',
  'CustomResourceDefinition',
  'ClusterRole',
  'ClusterRoleBinding',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'GatewayClass',
  'PriorityClass',
]);

/**
 * @param source name of the file, for messages
 * @param namespace for objects that name none, as kubectl -n would give it
 * @returns every object, lists unfolded, in order; a Problem that names line and column when it is not YAML, or the document
 *   when it is no object
 */
export function parseManifests(text: string, source: string, namespace: string): KubeObject[] | Problem {
  const lineCounter = new LineCounter();
  const objects: KubeObject[] = [];
  for (const [index, document] of parseAllDocuments(text, { lineCounter, uniqueKeys: false }).entries()) {
    const syntax = document.errors[0];
    if (syntax) {
      const { line, col } = lineCounter.linePos(syntax.pos[0]);
      return manifestProblem(`${source}, line ${line}, column ${col}: ${syntax.message.split('\n')[0]?.replace(/ at line.*$/, '') ?? ''}`);
    }
    const value = toValue(document);
    if (value instanceof Error) return manifestProblem(`${source}, document ${index + 1}: ${value.message}`);
    if (value === null || value === undefined) continue;
    const items = isList(value) ? value.items : [value];
    for (const item of items) {
      if (!isObject(item)) return manifestProblem(`${source}, document ${index + 1}: it has no apiVersion, kind or metadata.name`);
      objects.push(withNamespace(item, namespace));
    }
  }
  return objects;
}

/** Aliases are only resolved here: one that points nowhere, or so many that they would fill the memory, are errors of the text. */
function toValue(document: { toJS(): unknown }): unknown {
  try {
    return document.toJS();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function manifestProblem(what: string): Problem {
  return new Problem('PLAN-003', {
    what: `${what}.`,
    next: [{ label: 'render it again', command: 'istioctl manifest generate … > FILE' }],
  });
}

function isList(value: unknown): value is { items: unknown[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as { kind?: unknown }).kind === 'List' &&
    Array.isArray((value as { items?: unknown }).items)
  );
}

function isObject(value: unknown): value is KubeObject {
  const object = value as { apiVersion?: unknown; kind?: unknown; metadata?: { name?: unknown } } | null;
  return typeof object?.apiVersion === 'string' && typeof object.kind === 'string' && typeof object.metadata?.name === 'string';
}

function withNamespace(object: KubeObject, namespace: string): KubeObject {
  if (object.metadata.namespace !== undefined || CLUSTER_KINDS.has(object.kind)) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}
