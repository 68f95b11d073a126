/** The scale subresource: the replicas of an object, whatever its kind, as an autoscaling/v1 Scale. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { badRequest, invalid, modified } from '../../objects/status-error.ts';
import { trackScale } from '../../managed-fields/track-scale.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import type { LabelSelector } from './selector-match.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';
import { updateObject } from './update-object.ts';

/** Where an object keeps its replicas, as paths of fields. */
export interface ScalePaths {
  readonly spec: readonly string[];
  readonly status: readonly string[];
  /** Absent where no selector is known. */
  readonly selector?: readonly string[];
}

const WORKLOAD: ScalePaths = { spec: ['spec', 'replicas'], status: ['status', 'replicas'], selector: ['spec', 'selector'] };

/** Workloads have theirs in known places, custom resources where their definition says. */
export function scalePaths({ subresources }: ResourceDefinition): ScalePaths {
  const declared = subresources.find(({ name }) => name === 'scale')?.scale;
  if (declared === undefined) return WORKLOAD;
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = declared;
  return {
    spec: pathOf(specReplicasPath),
    status: pathOf(statusReplicasPath),
    ...(labelSelectorPath === undefined ? {} : { selector: pathOf(labelSelectorPath) }),
  };
}

function pathOf(jsonPath: string): readonly string[] {
  return jsonPath.split('.').filter((part) => part !== '');
}

export function scaleOf(object: KubeObject, paths: ScalePaths): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = paths.selector === undefined ? undefined : selectorText(valueAt(object, paths.selector));
  const replicas = valueAt(object, paths.spec);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: typeof replicas === 'number' && replicas !== 0 ? { replicas } : {},
    status: { replicas: numberAt(object, paths.status), ...(selector === undefined || selector === '' ? {} : { selector }) },
  };
}

/**
 * Sets the replicas that a change of the Scale says.
 * @throws StatusError 409 for a resourceVersion that is not the present one, 422 for replicas below 0
 */
export async function updateScale(
  core: ServerCore,
  context: WriteContext,
  name: string,
  change: (scale: KubeObject) => KubeObject,
): Promise<KubeObject> {
  const paths = scalePaths(context.definition);
  const compute = (live: KubeObject): KubeObject => {
    const next = change(scaleOf(live, paths));
    if (next.metadata.name !== '' && next.metadata.name !== name)
      throw badRequest(`the name of the object (${next.metadata.name}) does not match the name on the URL (${name})`);
    const wanted = next.metadata.resourceVersion;
    if (wanted !== undefined && wanted !== '' && wanted !== live.metadata.resourceVersion) throw modified(context.definition, name);
    const replicas = numberAt(next, ['spec', 'replicas']);
    // Custom resources say themselves what they do not accept.
    if (replicas < 0 && !core.registry.isCustom(context.definition)) throw negative(name, replicas);
    const after = withValue(live, paths.spec, replicas) as KubeObject;
    return trackScale({ before: live, after, replicasPath: paths.spec.join('.'), manager: context.fieldManager });
  };
  return scaleOf(await updateObject(core, context, name, { compute, tracked: true, fromLive: true }), paths);
}

function negative(name: string, replicas: number): Error {
  return invalid({ group: 'autoscaling', kind: 'Scale', resource: 'scale' }, name, [
    { reason: 'FieldValueInvalid', field: 'spec.replicas', message: `Invalid value: ${replicas}: must be greater than or equal to 0` },
  ]);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at: unknown = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at;
}

function numberAt(value: unknown, path: readonly string[]): number {
  const found = valueAt(value, path);
  return typeof found === 'number' ? found : 0;
}

function withValue(value: unknown, [key, ...rest]: readonly string[], replicas: number): unknown {
  if (key === undefined) return replicas;
  const record = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  return { ...record, [key]: withValue(record[key], rest, replicas) };
}

/** A selector as text: custom resources keep the text itself, workloads an object. */
function selectorText(selector: unknown): string | undefined {
  if (typeof selector === 'string') return selector;
  if (typeof selector !== 'object' || selector === null) return undefined;
  const plain = Object.values(selector).every((value) => typeof value === 'string');
  const { matchLabels = {}, matchExpressions = [] } = (plain ? { matchLabels: selector } : selector) as LabelSelector;
  const labels = Object.entries(matchLabels).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => ({ key, text: expressionText(key, operator, values) }));
  return [...labels, ...expressions]
    .toSorted((left, right) => (left.key < right.key ? -1 : 1))
    .map(({ text }) => text)
    .join(',');
}

function expressionText(key: string, operator: string, values: readonly string[]): string {
  if (operator === 'Exists') return key;
  if (operator === 'DoesNotExist') return `!${key}`;
  return `${key} ${operator === 'In' ? 'in' : 'notin'} (${[...values].toSorted().join(',')})`;
}
