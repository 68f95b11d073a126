/**
 * Gives containers the requests and limits that a LimitRange of their namespace has for those that name none.
 * As the defaults of kubernetes plugin/pkg/admission/limitranger, v1.34; its minimums, maximums and ratios are not checked here.
 */
import type { ClusterView } from '../../cluster/cluster-view.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { at, changeEach, record, records, text, type Json } from '../../resources/json-tree.ts';
import { isPod, type AdmissionRule } from '../admission-rule.ts';

const ANNOTATION = 'kubernetes.io/limit-ranger';

export function limitRanges(view: Pick<ClusterView, 'list'>): AdmissionRule {
  return {
    mutate: (attributes, pod) => {
      if (!isPod(attributes) || attributes.operation !== 'CREATE') return pod;
      return view.list('limitranges', { namespace: attributes.namespace }).reduce(withLimits, pod);
    },
  };
}

interface Defaults {
  readonly requests: Json;
  readonly limits: Json;
}

function withLimits(pod: KubeObject, range: KubeObject): KubeObject {
  const forContainers = records(at(range, 'spec', 'limits')).filter((limit) => limit['type'] === 'Container');
  const defaults: Defaults = {
    requests: Object.assign({}, ...forContainers.map((limit) => record(limit['defaultRequest']))),
    limits: Object.assign({}, ...forContainers.map((limit) => record(limit['default']))),
  };
  const added: string[] = [];
  const complete =
    (what: string) =>
    (container: Json): Json => {
      const resources = record(container['resources']);
      const missing = {
        requests: missingIn(resources['requests'], defaults.requests),
        limits: missingIn(resources['limits'], defaults.limits),
      };
      added.push(...describe(missing, `${what} ${text(container['name'])}`));
      return { ...container, resources: withMissing(resources, missing) };
    };
  const spec = changeEach(
    changeEach(record(pod['spec']), 'containers', complete('container')),
    'initContainers',
    complete('init container'),
  );
  if (added.length === 0) return pod;
  const annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${added.join('; ')}` };
  return { ...pod, metadata: { ...pod.metadata, annotations }, spec };
}

function missingIn(given: unknown, defaults: Json): Json {
  const present = record(given);
  return Object.fromEntries(Object.entries(defaults).filter(([resource]) => !Object.hasOwn(present, resource)));
}

function describe({ requests, limits }: Defaults, container: string): readonly string[] {
  return (
    [
      ['request', requests],
      ['limit', limits],
    ] as const
  ).flatMap(([what, values]) => {
    const names = Object.keys(values).toSorted();
    return names.length === 0 ? [] : [`${names.join(', ')} ${what} for ${container}`];
  });
}

function withMissing(resources: Json, missing: Defaults): Json {
  const filled = (['requests', 'limits'] as const)
    .filter((field) => Object.keys(missing[field]).length > 0)
    .map((field) => [field, { ...record(resources[field]), ...missing[field] }]);
  return filled.length === 0 ? resources : { ...resources, ...Object.fromEntries(filled) };
}
