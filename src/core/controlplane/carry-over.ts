/**
 * Values and mesh configuration of the installed revision, carried over to the new one. Every difference is shown;
 * nothing that people configured is lost without being named.
 */
import { parse, stringify } from 'yaml';
import { isRecord, sortKeys } from './diff-objects.ts';

export interface ValueDifference {
  /** For example `meshConfig.accessLogFile` or `values.global.proxy.resources.limits.cpu`. */
  readonly path: string;
  /** As shown to people; empty when absent. */
  readonly old: string;
  readonly new: string;
  /** `carried over`, `set by the request`, `belongs to the revision`, `default of the new version`, `must be equal`. */
  readonly note: string;
}

export interface CarryOver {
  readonly differences: readonly ValueDifference[];
  /** IstioOperator overlay (YAML) with what is carried over; empty when nothing is. */
  readonly overlay: string;
  /** Differences in keys that two revisions of one mesh must share. */
  readonly mustBeEqual: readonly ValueDifference[];
}

/** What a control plane is configured with, as texts of its ConfigMaps. */
export interface ControlPlaneConfig {
  /** `.data.mesh` of the ConfigMap `istio[-R]`, YAML. */
  readonly mesh?: string;
  /** `.data["original-values"]` of the ConfigMap `values[-R]`, JSON; absent before Istio 1.26, which keeps no values. */
  readonly originalValues?: string;
}

/** Paths that differ between revisions by their nature. */
const OF_THE_REVISION = [
  'meshConfig.defaultConfig.discoveryAddress',
  'values.revision',
  'values.global.tag',
  'values.defaultRevision',
  'values.revisionTags',
];
/**
 * Paths in which two revisions of one mesh must agree, or their proxies cannot talk, with what is effective where nothing
 * is written: the profiles of istioctl write defaults out that the charts leave to the code.
 * @source istio/istio manifests/charts/istio-control/istio-discovery/values.yaml, pkg/config/mesh/mesh.go @86c9f01
 */
const MUST_BE_EQUAL: readonly (readonly [path: string, unwritten: string])[] = [
  ['meshConfig.trustDomain', 'cluster.local'],
  ['meshConfig.trustDomainAliases', '[]'],
  ['meshConfig.rootNamespace', 'istio-system'],
  ['values.global.meshID', ''],
  ['values.global.network', ''],
  ['values.global.multiCluster.clusterName', ''],
  ['values.global.caAddress', ''],
  ['values.global.pilotCertProvider', 'istiod'],
  ['values.global.istioNamespace', 'istio-system'],
];
/** Registries of the Istio project: a release decides which one it uses. Any other hub is the user's and is carried over. */
const PROJECT_HUBS = ['docker.io/istio', 'gcr.io/istio-release', 'registry.istio.io/release', 'istio'];

/**
 * Compares the installed configuration with the one rendered for the new revision.
 * @param requested paths that the request itself sets; they win over what is installed
 * @param canCarry false when the control plane is rendered by the user, so that nothing can be added
 */
export function carryOver(
  installed: ControlPlaneConfig,
  rendered: ControlPlaneConfig,
  requested: readonly string[],
  canCarry: boolean,
): CarryOver {
  const old = flatten(configTree(installed));
  const fresh = flatten(configTree(rendered));
  const overlay: Record<string, unknown> = {};
  const differences: ValueDifference[] = [];
  for (const path of [...new Set([...old.keys(), ...fresh.keys()])].toSorted()) {
    const [before, after] = [old.get(path), fresh.get(path)];
    if (JSON.stringify(before?.value) === JSON.stringify(after?.value)) continue;
    const note = noteFor(path, before?.value, requested, canCarry);
    if (note === 'carried over' && before) setPath(overlay, before.keys, before.value);
    differences.push({ path, old: show(before?.value), new: note === 'carried over' ? show(before?.value) : show(after?.value), note });
  }
  const mustBeEqual = differences.filter(
    (d) =>
      d.note !== 'carried over' &&
      MUST_BE_EQUAL.some(
        ([key, unwritten]) => isUnder(d.path, key) && effective(old, d.path, unwritten) !== effective(fresh, d.path, unwritten),
      ),
  );
  return { differences, overlay: Object.keys(overlay).length === 0 ? '' : stringify(operator(overlay)), mustBeEqual };
}

function effective(leaves: ReadonlyMap<string, Leaf>, path: string, unwritten: string): string {
  const leaf = leaves.get(path);
  return leaf === undefined ? unwritten : show(leaf.value);
}

function operator(spec: Record<string, unknown>): unknown {
  return { apiVersion: 'install.istio.io/v1alpha1', kind: 'IstioOperator', spec };
}

function noteFor(path: string, before: unknown, requested: readonly string[], canCarry: boolean): string {
  if (OF_THE_REVISION.some((key) => isUnder(path, key))) return 'belongs to the revision';
  if (requested.some((key) => isUnder(path, key) || isUnder(key, path))) return 'set by the request';
  if (before === undefined) return 'default of the new version';
  if (path === 'values.global.hub' && typeof before === 'string' && PROJECT_HUBS.includes(before)) return 'default of the new version';
  return canCarry ? 'carried over' : 'only in the installed revision';
}

function isUnder(path: string, key: string): boolean {
  return path === key || path.startsWith(`${key}.`);
}

function configTree(config: ControlPlaneConfig): Record<string, unknown> {
  return { meshConfig: parseText(config.mesh), values: withoutMeshConfig(parseText(config.originalValues)) };
}

/** What the charts are given of the mesh configuration stands in full in the mesh configuration itself. */
function withoutMeshConfig(values: unknown): unknown {
  if (!isRecord(values)) return values;
  const { meshConfig: _, ...rest } = values;
  return rest;
}

function parseText(text: string | undefined): unknown {
  if (text === undefined) return {};
  try {
    return parse(text) ?? {};
  } catch {
    return {};
  }
}

interface Leaf {
  readonly keys: readonly string[];
  readonly value: unknown;
}

/** Leaves by dotted path. Lists are leaves, empty maps are nothing. */
function flatten(tree: unknown, keys: readonly string[] = []): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  if (!isRecord(tree)) {
    if (tree !== undefined && tree !== null && keys.length > 0) leaves.set(keys.join('.'), { keys, value: sortKeys(tree) });
    return leaves;
  }
  for (const [key, value] of Object.entries(tree)) for (const [path, leaf] of flatten(value, [...keys, key])) leaves.set(path, leaf);
  return leaves;
}

function setPath(target: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  let node = target;
  for (const key of keys.slice(0, -1)) {
    const next = isRecord(node[key]) ? (node[key] as Record<string, unknown>) : {};
    node[key] = next;
    node = next;
  }
  const last = keys.at(-1);
  if (last !== undefined) node[last] = value;
}

function show(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * Paths that a request sets: those of `--set` (`meshConfig.x=…`, `values.x=…`; IstioOperator's own shorthands such as
 * `profile` and `revision` are no values) and those of an IstioOperator file.
 */
export function requestedPaths(set: readonly string[], operatorFile: string | undefined): string[] {
  const fromSet = set.map((entry) => entry.split('=')[0] ?? '').map((path) => path.replaceAll(/\[.*$/g, ''));
  const spec = (parseText(operatorFile) as { spec?: Record<string, unknown> } | undefined)?.spec ?? {};
  const fromFile = [...flatten({ meshConfig: spec['meshConfig'], values: spec['values'], hub: spec['hub'] }).keys()];
  const hub = [...fromSet, ...fromFile].includes('hub') ? ['values.global.hub'] : [];
  return [...fromSet, ...fromFile, ...hub].filter((path) => path.startsWith('meshConfig') || path.startsWith('values'));
}
