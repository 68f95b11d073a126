/** The custom resource that a run lives under, made from the one schema of requests. */
import * as z from 'zod';
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import { upgradeRequestSchema } from '../../core/request/upgrade-request.ts';

export const RUN_API_VERSION = 'meshlift.io/v1alpha1';
export const RUN_KIND = 'MeshUpgrade';
export const RUN_CRD_NAME = 'meshupgrades.meshlift.io';

type Schema = Record<string, unknown>;

const text = { type: 'string' };
const integer = { type: 'integer' };

const statusSchema: Schema = {
  type: 'object',
  properties: {
    phase: text,
    direction: text,
    step: text,
    stepsDone: integer,
    stepsTotal: integer,
    message: text,
    from: text,
    to: text,
    driver: text,
    startedAt: text,
    updatedAt: text,
    planDigest: text,
  },
};

export function runCrd(): KubeObject {
  const request = structural(z.toJSONSchema(upgradeRequestSchema, { target: 'openapi-3.0', io: 'input' }) as Schema);
  const spec = {
    ...request,
    properties: { ...(request['properties'] as Schema), paused: { type: 'boolean', description: 'Stops the run between two steps.' } },
  };
  const column = (name: string, jsonPath: string, type = 'string'): Schema => ({ name, type, jsonPath });
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: RUN_CRD_NAME, labels: { 'app.kubernetes.io/name': 'meshlift' } },
    spec: {
      group: 'meshlift.io',
      scope: 'Namespaced',
      names: { kind: RUN_KIND, listKind: 'MeshUpgradeList', plural: 'meshupgrades', singular: 'meshupgrade' },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            column('From', '.status.from'),
            column('To', '.status.to'),
            column('Phase', '.status.phase'),
            column('Step', '.status.step'),
            column('Age', '.metadata.creationTimestamp', 'date'),
          ],
          schema: { openAPIV3Schema: { type: 'object', properties: { spec, status: statusSchema } } },
        },
      ],
    },
  };
}

/**
 * A JSON schema as Kubernetes wants it: no `additionalProperties: false` beside properties, maps with the schema of their values, no types inside `oneOf`,
 * whose variants are merged into one object.
 * @source kubernetes/apiextensions-apiserver pkg/apiserver/schema (structural schemas)
 */
function structural(schema: Schema): Schema {
  const { additionalProperties, oneOf, anyOf, const: constant, $schema: _schema, properties, items, ...rest } = schema;
  const variants = (oneOf ?? anyOf) as Schema[] | undefined;
  if (variants) return mergeVariants(variants.map(structural), rest);
  return {
    ...rest,
    ...(constant === undefined ? {} : { enum: [constant], type: 'string' }),
    ...(isMap(additionalProperties) ? { additionalProperties: structural(additionalProperties) } : {}),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties as Schema).map(([key, value]) => [key, structural(value as Schema)])) }),
    ...(items === undefined ? {} : { items: structural(items as Schema) }),
  };
}

function mergeVariants(variants: readonly Schema[], rest: Schema): Schema {
  const properties: Record<string, Schema> = {};
  for (const variant of variants) {
    for (const [key, value] of Object.entries((variant['properties'] ?? {}) as Record<string, Schema>)) {
      const values = [...((properties[key]?.['enum'] as unknown[] | undefined) ?? []), ...((value['enum'] as unknown[] | undefined) ?? [])];
      properties[key] = values.length > 0 ? { ...value, enum: [...new Set(values)] } : value;
    }
  }
  return { ...rest, type: 'object', properties };
}

/** Whether it says what the values of a map are; the names of maps are free in Kubernetes. */
function isMap(additionalProperties: unknown): additionalProperties is Schema {
  return typeof additionalProperties === 'object' && additionalProperties !== null;
}
