/** Where pods may run. @source kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidateTolerations, validateAffinity) of 1.34 */
import { invalidValue, notSupported, required } from '../field-errors.ts';
import { absent, integer, isRecord, list, record, text, type Json } from '../json-tree.ts';
import { each, follows, NONE, needed, oneOf, qualified, type Errors } from './check.ts';
import { validateSelector } from './label-selector.ts';
import { labelValue } from './name-rules.ts';

export const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function tolerationErrors(toleration: Json, path: string): Errors {
  const key = text(toleration['key']);
  const operator = text(toleration['operator']);
  const effect = text(toleration['effect']);
  const value = text(toleration['value']);
  const all = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
  const timed = !absent(toleration['tolerationSeconds']) && effect !== 'NoExecute';
  return [
    ...(key === '' ? NONE : qualified(`${path}.key`, key)),
    ...(key === '' && operator !== 'Exists' ? [invalidValue(`${path}.operator`, operator, all)] : NONE),
    ...(timed ? [invalidValue(`${path}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")] : NONE),
    ...operatorErrors(operator, value, path),
    ...(effect === '' ? NONE : oneOf(`${path}.effect`, effect, EFFECTS)),
  ];
}

function operatorErrors(operator: string, value: string, path: string): Errors {
  switch (operator) {
    case 'Equal':
    case '':
      return labelValue(value).map((detail) => invalidValue(`${path}.operator`, value, detail));
    case 'Exists':
      return value === '' ? NONE : [invalidValue(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'")];
    default:
      return [notSupported(`${path}.operator`, operator, ['Equal', 'Exists'])];
  }
}

export function spreadErrors(constraint: Json, path: string): Errors {
  const skew = integer(constraint['maxSkew']);
  const key = text(constraint['topologyKey']);
  const whenUnsatisfiable = text(constraint['whenUnsatisfiable']);
  return [
    ...(skew <= 0 ? [invalidValue(`${path}.maxSkew`, skew, 'must be greater than zero')] : NONE),
    ...needed(`${path}.topologyKey`, key, 'can not be empty'),
    ...oneOf(`${path}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']),
    ...validateSelector(constraint['labelSelector'], `${path}.labelSelector`),
  ];
}

export function affinityErrors(affinity: unknown, path: string): Errors {
  if (!isRecord(affinity)) return NONE;
  return [
    ...(isRecord(affinity['nodeAffinity']) ? nodeAffinityErrors(affinity['nodeAffinity'], `${path}.nodeAffinity`) : NONE),
    ...['podAffinity', 'podAntiAffinity'].flatMap((kind) => podAffinityErrors(record(affinity[kind]), `${path}.${kind}`)),
  ];
}

const HARD = 'requiredDuringSchedulingIgnoredDuringExecution';
const SOFT = 'preferredDuringSchedulingIgnoredDuringExecution';

function nodeAffinityErrors(affinity: Json, path: string): Errors {
  const hard = affinity[HARD];
  const terms = `${path}.${HARD}.nodeSelectorTerms`;
  return [
    ...(isRecord(hard)
      ? list(hard['nodeSelectorTerms']).length === 0
        ? [required(terms, 'must have at least one node selector term')]
        : each(terms, hard['nodeSelectorTerms'], nodeTermErrors)
      : NONE),
    ...each(`${path}.${SOFT}`, affinity[SOFT], (soft, at) => [
      ...weightErrors(soft, at),
      ...nodeTermErrors(record(soft['preference']), `${at}.preference`),
    ]),
  ];
}

function weightErrors(term: Json, path: string): Errors {
  const weight = integer(term['weight']);
  return weight < 1 || weight > 100 ? [invalidValue(`${path}.weight`, weight, 'must be in the range 1-100')] : NONE;
}

function nodeTermErrors(term: Json, path: string): Errors {
  return each(`${path}.matchExpressions`, term['matchExpressions'], (expression, at) => {
    const operator = text(expression['operator']);
    const count = list(expression['values']).length;
    const wrong =
      operator === 'In' || operator === 'NotIn'
        ? count === 0
          ? [required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
          : NONE
        : ['Exists', 'DoesNotExist', 'Gt', 'Lt'].includes(operator)
          ? NONE
          : [invalidValue(`${at}.operator`, operator, 'not a valid selector operator')];
    return [...wrong, ...qualified(`${at}.key`, text(expression['key']))];
  });
}

function podAffinityErrors(affinity: Json, path: string): Errors {
  return [
    ...each(`${path}.${HARD}`, affinity[HARD], podTermErrors),
    ...each(`${path}.${SOFT}`, affinity[SOFT], (soft, at) => [
      ...weightErrors(soft, at),
      ...podTermErrors(record(soft['podAffinityTerm']), `${at}.podAffinityTerm`),
    ]),
  ];
}

function podTermErrors(term: Json, path: string): Errors {
  const key = text(term['topologyKey']);
  return [
    ...validateSelector(term['labelSelector'], `${path}.labelSelector`),
    ...needed(`${path}.topologyKey`, key, 'can not be empty'),
    ...qualified(`${path}.topologyKey`, key),
  ];
}

/** Labels that a node must have. */
export function nodeSelectorErrors(selector: unknown, path: string): Errors {
  return Object.entries(record(selector)).flatMap(([key, value]) => [...qualified(path, key), ...follows(labelValue, path, text(value))]);
}
