/** Requests and limits. @source kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidateContainerResourceRequirements) of 1.34 */
import { invalidValue, required } from '../field-errors.ts';
import { record, text, type Json } from '../json-tree.ts';
import { canonicalQuantity, compareQuantities } from '../quantity.ts';
import { NONE, NOT_NEGATIVE, type Errors } from './check.ts';
import { qualifiedName } from './name-rules.ts';

const CONTAINER_RESOURCES = new Set(['cpu', 'memory', 'ephemeral-storage']);
const STANDARD = new Set([
  ...CONTAINER_RESOURCES,
  'storage',
  'pods',
  'services',
  'secrets',
  'configmaps',
  'resourcequotas',
  'persistentvolumeclaims',
]);

export function resourcesErrors(resources: Json, path: string): Errors {
  const limits = record(resources['limits']);
  const requests = record(resources['requests']);
  const errors = [
    ...Object.entries(limits).flatMap(([name, value]) => amountErrors(name, value, `${path}.limits[${name}]`)),
    ...Object.entries(requests).flatMap(([name, value]) => requestErrors(name, value, limits[name], path)),
  ];
  const lacking = Object.keys(requests).some((name) => limits[name] === undefined && !isOvercommittable(name));
  return lacking ? [...errors, required(`${path}.limits`, 'Limit must be set for non overcommitable resources')] : errors;
}

function isOvercommittable(name: string): boolean {
  return !name.includes('/') && !name.startsWith('hugepages-');
}

function amountErrors(name: string, value: unknown, field: string): Errors {
  const standard = STANDARD.has(name) || name.includes('/') || name.startsWith('hugepages-');
  const fitting = CONTAINER_RESOURCES.has(name) || name.includes('/') || name.startsWith('hugepages-');
  const negative = compareQuantities(value, '0') < 0;
  return [
    ...qualifiedName(name).map((detail) => invalidValue(field, name, detail)),
    ...(standard ? NONE : [invalidValue(field, name, 'must be a standard resource type or fully qualified')]),
    ...(fitting ? NONE : [invalidValue(field, name, 'must be a standard resource for containers')]),
    ...(negative ? [invalidValue(field, canonicalQuantity(text(value)), NOT_NEGATIVE)] : NONE),
  ];
}

function requestErrors(name: string, value: unknown, limit: unknown, path: string): Errors {
  const own = amountErrors(name, value, `${path}.requests[${name}]`);
  if (limit === undefined) return own;
  const difference = compareQuantities(value, limit);
  if (difference > 0 && isOvercommittable(name)) {
    return [...own, invalidValue(`${path}.requests`, value, `must be less than or equal to ${name} limit of ${text(limit)}`)];
  }
  if (difference !== 0 && !isOvercommittable(name))
    return [...own, invalidValue(`${path}.requests`, value, `must be equal to ${name} limit of ${text(limit)}`)];
  return own;
}
