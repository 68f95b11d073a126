/** Fields that a resource, or a subresource, does not let clients set; nobody comes to own them that way. */
import type { FieldSet } from './field-set.ts';
import { setOf } from './field-set.ts';
import { fieldElement } from './path-element.ts';

/** @param paths such as `status` or `metadata.labels` */
export function resetFieldSet(paths: readonly string[] | undefined): FieldSet {
  return setOf(...(paths ?? []).map((path) => path.split('.').map(fieldElement)));
}

export interface ResetQuestion {
  readonly group: string;
  /** Plural. */
  readonly resource: string;
  /** '' for the resource itself. */
  readonly subresource: string;
  /** Whether it comes from a custom resource definition. */
  readonly custom: boolean;
  readonly hasStatus: boolean;
}

const SPEC_ONLY: readonly string[] = ['spec'];

/**
 * Of built-in resources, what status updates leave alone; without an entry it is `spec`.
 * @source kubernetes pkg/registry: GetResetFields of the strategies, v1.34
 */
const LEFT_BY_STATUS: Readonly<Record<string, readonly string[]>> = {
  'pods.': ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'],
  'nodes.': ['spec'],
  'deployments.apps': ['spec', 'metadata.labels'],
  'customresourcedefinitions.apiextensions.k8s.io': ['metadata', 'spec'],
  'apiservices.apiregistration.k8s.io': ['spec', 'metadata'],
  'networkpolicies.networking.k8s.io': ['spec'],
  'flowschemas.flowcontrol.apiserver.k8s.io': ['spec', 'metadata.managedFields'],
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': ['spec', 'metadata.managedFields'],
};

/** What `applyServerSide` and `trackUpdate` want as `resetFields`. */
export function resetFieldsOf({ group, resource, subresource, custom, hasStatus }: ResetQuestion): readonly string[] {
  if (subresource === '') return hasStatus ? ['status'] : [];
  if (subresource !== 'status') return [];
  if (custom) return SPEC_ONLY;
  return LEFT_BY_STATUS[`${resource}.${group}`] ?? SPEC_ONLY;
}
