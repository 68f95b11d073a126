/** Short forms for requests of sequences. */
import type { PlayedRequest } from '../../../kit/http-player.ts';

export type Body = Readonly<Record<string, unknown>>;

export const CORE = '/api/v1/namespaces/{{ns}}';
export const APPS = '/apis/apps/v1/namespaces/{{ns}}';

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const APPLY = 'application/apply-patch+yaml';

export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

export function get(path: string, accept?: string): PlayedRequest {
  return { method: 'GET', path, ...(accept === undefined ? {} : { headers: { accept } }) };
}

/** Reads until a part of the answer has a value: for what a controller writes. */
export function getUntil(path: string, pointer: string, equals: unknown): PlayedRequest {
  return { method: 'GET', path, until: { pointer, equals } };
}

export function post(path: string, body: unknown): PlayedRequest {
  return { method: 'POST', path, body };
}

export function put(path: string, body: unknown): PlayedRequest {
  return { method: 'PUT', path, body };
}

export function remove(path: string, body?: Body): PlayedRequest {
  return { method: 'DELETE', path, ...(body === undefined ? {} : { body }) };
}

function patchAs(type: string): (path: string, body: unknown) => PlayedRequest {
  return (path, body) => ({ method: 'PATCH', path, headers: { 'content-type': type }, body });
}

export const mergePatch = patchAs(MERGE);
export const strategicPatch = patchAs(STRATEGIC);
export const jsonPatch = patchAs(JSON_PATCH);
export const apply = patchAs(APPLY);

export function configMap(name: string, data: Body, metadata: Body = {}): Body {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: '{{ns}}', ...metadata }, data };
}

/** One that no controller acts on: paused, and without replicas. */
export function deployment(name: string, spec: Body = {}, metadata: Body = {}): Body {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: '{{ns}}', labels: { app: name }, ...metadata },
    spec: {
      paused: true,
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'app', image: 'example.test/app:1' }] } },
      ...spec,
    },
  };
}

/** The status that the deployment controller gives to such a deployment; after it nobody writes to the object. */
export function settled(path: string, generation: number): PlayedRequest {
  return getUntil(path, '/status/observedGeneration', generation);
}

/** A custom resource definition of its own for each play: `widgets.{{id}}.test`. */
export function widgetCrd(): Body {
  const properties = {
    spec: {
      type: 'object',
      properties: {
        paused: { type: 'boolean' },
        size: { type: 'integer', minimum: 1, default: 3 },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['port'],
          items: { type: 'object', required: ['port'], properties: { port: { type: 'integer' }, name: { type: 'string' } } },
        },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: { type: 'object', properties: { phase: { type: 'string' }, driver: { type: 'string' } } },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.{{id}}.test', labels: { 'app.kubernetes.io/name': 'fidelity' } },
    spec: {
      group: '{{id}}.test',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList', shortNames: ['wd'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [{ name: 'Phase', type: 'string', jsonPath: '.status.phase' }],
          schema: { openAPIV3Schema: { type: 'object', properties } },
        },
      ],
    },
  };
}

export const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
export const WIDGETS = '/apis/{{id}}.test/v1/namespaces/{{ns}}/widgets';

/** Makes the definition, as Meshlift does, and waits until it is served. */
export const makeCrd: readonly PlayedRequest[] = [
  apply(`${CRDS}/widgets.{{id}}.test?fieldManager=meshlift&force=true`, widgetCrd()),
  getUntil(`${WIDGETS}?limit=1`, '/kind', 'WidgetList'),
];

export const dropCrd: readonly PlayedRequest[] = [remove(`${CRDS}/widgets.{{id}}.test`)];

export function widget(name: string, spec: Body = {}, metadata: Body = {}): Body {
  return { apiVersion: '{{id}}.test/v1', kind: 'Widget', metadata: { name, namespace: '{{ns}}', ...metadata }, spec };
}

export const MUTATING = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/** A configuration whose rules match nothing. */
export function webhooks(labels: Body, failurePolicy?: string): Body {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'sbx-fid-{{id}}', labels },
    webhooks: ['namespace', 'object'].map((kind) => ({
      name: `${kind}.{{id}}.test`,
      clientConfig: { service: { name: 'istiod-1-28', namespace: '{{ns}}', path: '/inject', port: 443 } },
      rules: [{ operations: ['CREATE'], apiGroups: ['nothing.{{id}}.test'], apiVersions: ['v1'], resources: ['nothings'] }],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...(failurePolicy === undefined ? {} : { failurePolicy }),
      namespaceSelector: { matchExpressions: [{ key: 'istio.io/rev', operator: 'In', values: ['1-28'] }] },
    })),
  };
}
