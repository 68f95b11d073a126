/** The patches of an EnvoyFilter, sorted by what becomes of them with proxies of another version. */
import type { KubeObject } from '../mesh/kube-objects.ts';
import { isRecord } from '../controlplane/diff-objects.ts';
import { expressionFor, matchesAnyVersion, matchesProxyVersion } from './proxy-version.ts';

type ConfigPatch = Readonly<Record<string, unknown>>;

/** One patch that applies to proxies of the old version and not to those of the new one. */
export interface LostPatch {
  readonly index: number;
  readonly expression: string;
  /** The same for the new version; absent when it cannot be written without knowing what is meant. */
  readonly rewritten?: string;
}

export interface VersionPatches {
  readonly lost: readonly LostPatch[];
  /** Expressions that match the new version and not the old one. */
  readonly gained: readonly string[];
  /** Expressions of which it is unknown whom they match. */
  readonly unknown: readonly string[];
  /** How many patches there are in all. */
  readonly count: number;
}

export interface Versions {
  /** Versions that proxies of the old revision have; at least one. */
  readonly old: readonly string[];
  readonly to: string;
}

export function isEnvoyFilter(object: KubeObject): boolean {
  return object.kind === 'EnvoyFilter' && object.apiVersion.startsWith('networking.istio.io/');
}

/** @returns nothing of anything for an object that is no EnvoyFilter */
export function versionPatches(object: KubeObject, { old, to }: Versions): VersionPatches {
  const lost: LostPatch[] = [];
  const gained: string[] = [];
  const unknown: string[] = [];
  const patches = configPatches(object);
  for (const [index, patch] of patches.entries()) {
    const expression = proxyVersionOf(patch);
    if (expression === undefined || expression === '') continue;
    const [before, after] = [matchesAnyVersion(expression, old), matchesProxyVersion(expression, to)];
    if (before === 'unknown' || after === 'unknown') unknown.push(expression);
    else if (before === 'no' && after === 'yes') gained.push(expression);
    else if (before === 'yes' && after === 'no') {
      const rewritten = expressionFor(expression, old, to);
      lost.push({ index, expression, ...(rewritten === undefined ? {} : { rewritten }) });
    }
  }
  return { lost, gained, unknown, count: patches.length };
}

export function configPatches(object: KubeObject): readonly ConfigPatch[] {
  const spec = isEnvoyFilter(object) ? object['spec'] : undefined;
  const patches = isRecord(spec) ? spec['configPatches'] : undefined;
  return Array.isArray(patches) ? patches.filter(isRecord) : [];
}

function proxyVersionOf(patch: ConfigPatch): string | undefined {
  const match = patch['match'];
  const proxy = isRecord(match) ? match['proxy'] : undefined;
  const expression = isRecord(proxy) ? proxy['proxyVersion'] : undefined;
  return typeof expression === 'string' ? expression : undefined;
}

/** The same patch with another expression; without one when there is none. */
export function withProxyVersion(patch: ConfigPatch, expression: string | undefined): ConfigPatch {
  const match = isRecord(patch['match']) ? patch['match'] : {};
  const { proxyVersion: _before, ...proxy } = isRecord(match['proxy']) ? match['proxy'] : {};
  return { ...patch, match: { ...match, proxy: { ...proxy, ...(expression === undefined ? {} : { proxyVersion: expression }) } } };
}
