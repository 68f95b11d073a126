/** Which groups, versions and resources there are: aggregated, as clients of today ask, and as the lists of old. */
import { createHash } from 'node:crypto';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { jsonAnswer, type Answer } from '../http/http-answers.ts';
import { apiVersionOf, type ResourceRegistry } from '../resource-registry.ts';

export interface Discovery {
  /** @returns undefined for a path that is none of discovery's */
  readonly answer: (path: string, accept: string | undefined) => Answer | undefined;
  readonly paths: () => readonly string[];
}

interface Group {
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly { readonly version: string; readonly resources: readonly ResourceDefinition[] }[];
}

const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export function createDiscovery(registry: ResourceRegistry): Discovery {
  let known: { readonly revision: number; readonly groups: readonly Group[] } | undefined;
  const groups = (): readonly Group[] => {
    if (known?.revision !== registry.revision) known = { revision: registry.revision, groups: groupsOf(registry) };
    return known.groups;
  };
  return {
    answer: (path, accept) => {
      const [prefix, group, version, ...rest] = path.slice(1).split('/');
      if (rest.length > 0) return undefined;
      if (prefix === 'api') return answerCore(groups(), group, version, accept);
      return prefix === 'apis' ? answerGroups(registry, groups(), { group, version, accept }) : undefined;
    },
    paths: () => [
      '/api',
      '/api/v1',
      '/apis',
      ...groups()
        .filter(({ name }) => name !== '')
        .flatMap(({ name, versions }) => [`/apis/${name}`, ...versions.map(({ version }) => `/apis/${name}/${version}`)])
        .toSorted(),
      '/healthz',
      '/livez',
      '/openapi/v3',
      '/readyz',
      '/version',
    ],
  };
}

function answerCore(
  groups: readonly Group[],
  version: string | undefined,
  more: string | undefined,
  accept: string | undefined,
): Answer | undefined {
  const core = groups.filter(({ name }) => name === '');
  if (version === undefined) {
    if (wantsAggregated(accept)) return aggregated(core, () => false);
    return jsonAnswer(200, { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] });
  }
  const found = more === undefined ? core[0]?.versions.find((each) => each.version === version) : undefined;
  return found === undefined ? undefined : resourceList('', found);
}

interface Asked {
  readonly group: string | undefined;
  readonly version: string | undefined;
  readonly accept: string | undefined;
}

function answerGroups(registry: ResourceRegistry, all: readonly Group[], { group, version, accept }: Asked): Answer | undefined {
  const groups = all.filter(({ name }) => name !== '');
  if (group === undefined) {
    if (wantsAggregated(accept)) return aggregated(groups, (definition) => registry.isCustom(definition));
    return jsonAnswer(200, { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupObject) });
  }
  const found = groups.find(({ name }) => name === group);
  if (found === undefined) return undefined;
  if (version === undefined) return jsonAnswer(200, { kind: 'APIGroup', apiVersion: 'v1', ...groupObject(found) });
  const served = found.versions.find((each) => each.version === version);
  return served === undefined ? undefined : resourceList(group, served);
}

/** Groups in the order of the registry, their versions by priority: `v1` before `v1beta1` before `v1alpha1`, higher numbers first. */
function groupsOf(registry: ResourceRegistry): readonly Group[] {
  const byGroup = new Map<string, Map<string, ResourceDefinition[]>>();
  for (const definition of registry.all()) {
    const versions = byGroup.get(definition.group) ?? new Map<string, ResourceDefinition[]>();
    byGroup.set(definition.group, versions);
    versions.set(definition.version, [...(versions.get(definition.version) ?? []), definition]);
  }
  return [...byGroup].map(([name, versions]) => ({
    name,
    versions: [...versions.keys()].toSorted(compareVersions).map((version) => ({
      version,
      resources: (versions.get(version) ?? []).toSorted((left, right) => (left.resource < right.resource ? -1 : 1)),
    })),
  }));
}

/** As apimachinery, pkg/version/helpers.go (CompareKubeAwareVersionStrings), v0.34; the higher one first. */
export function compareVersions(left: string, right: string): number {
  const [one, other] = [rankOf(left), rankOf(right)];
  for (const [index, rank] of one.entries()) {
    const difference = (other[index] ?? 0) - rank;
    if (difference !== 0) return difference;
  }
  return left < right ? -1 : 1;
}

function rankOf(version: string): readonly number[] {
  const [, major, stage, minor] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
  if (major === undefined) return [0, 0, 0];
  const stageRank = stage === undefined ? 3 : stage === 'beta' ? 2 : 1;
  return [stageRank, Number(major), Number(minor ?? 0)];
}

function groupObject({ name, versions }: Group) {
  const listed = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: listed, preferredVersion: listed[0] };
}

function resourceList(group: string, { version, resources }: Group['versions'][number]): Answer {
  return jsonAnswer(200, {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version }),
    resources: resources.flatMap(legacyResources),
  });
}

function legacyResources(definition: ResourceDefinition): readonly unknown[] {
  const { resource, singular, namespaced, kind, verbs, shortNames, categories, subresources } = definition;
  const itself = {
    name: resource,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(verbs.includes('get') && verbs.includes('create') ? { storageVersionHash: storageVersionHash(definition) } : {}),
  };
  const parts = subresources.map((each) => {
    const [group, version] = each.apiVersion?.split('/') ?? [];
    return {
      name: `${resource}/${each.name}`,
      singularName: '',
      namespaced,
      ...(version === undefined ? {} : { group, version }),
      kind: each.kind,
      verbs: each.verbs,
    };
  });
  return [itself, ...parts];
}

/** As apiserver pkg/endpoints/discovery/storageversionhash.go, v0.34; clients only look whether it changes. */
function storageVersionHash({ storageApiVersion, kind }: ResourceDefinition): string {
  const text = `${storageApiVersion.includes('/') ? '' : '/'}${storageApiVersion}/${kind}`;
  return createHash('sha256').update(text).digest().subarray(0, 8).toString('base64');
}

function wantsAggregated(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some((range) => range.includes('g=apidiscovery.k8s.io') && /;\s*v=v2(?:;|$|\s)/.test(`${range};`));
}

function aggregated(groups: readonly Group[], isCustom: (definition: ResourceDefinition) => boolean): Answer {
  const items = groups.map(({ name, versions }) => ({
    metadata: name === '' ? {} : { name },
    versions: versions.map(({ version, resources }) => ({
      version,
      resources: resources.map((definition) => aggregatedResource(definition, isCustom(definition))),
      freshness: 'Current',
    })),
  }));
  const body = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
  return { ...jsonAnswer(200, body), contentType: AGGREGATED_TYPE, headers: { Vary: 'Accept' } };
}

/** Built-in resources leave out the group and version of their own kind. */
function aggregatedResource(definition: ResourceDefinition, custom: boolean): unknown {
  const { group, version, resource, singular, namespaced, kind, verbs, shortNames, categories, subresources } = definition;
  const own = custom ? { group, version } : { group: '', version: '' };
  return {
    resource,
    responseKind: { ...own, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0 ? {} : { subresources: subresources.map((each) => aggregatedSubresource(each, own)) }),
  };
}

function aggregatedSubresource(
  { name, kind, apiVersion, verbs }: ResourceDefinition['subresources'][number],
  own: { readonly group: string; readonly version: string },
): unknown {
  const [group = '', version = ''] = apiVersion?.includes('/') === true ? apiVersion.split('/') : [own.group, own.version];
  return { subresource: name, responseKind: { group, version, kind }, verbs };
}
