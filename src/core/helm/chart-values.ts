/** Values of charts: from an IstioOperator overlay, and which of them a request sets. */
import { parse, stringify } from 'yaml';
import { requestedPaths } from '../controlplane/carry-over.ts';
import { isRecord } from '../controlplane/diff-objects.ts';

/**
 * The overlay of carried-over values as values of the istiod chart: its `values` at the top, its `meshConfig` beside them.
 * @param overlay an IstioOperator as YAML; empty for none
 * @returns YAML; empty when there is nothing to set
 */
export function overlayValues(overlay: string): string {
  if (overlay === '') return '';
  const { spec = {} } = (parse(overlay) ?? {}) as { spec?: { values?: Record<string, unknown>; meshConfig?: unknown } };
  const values = { ...spec.values, ...(spec.meshConfig === undefined ? {} : { meshConfig: spec.meshConfig }) };
  return Object.keys(values).length === 0 ? '' : stringify(values);
}

/**
 * Dotted paths of values and mesh configuration that a request sets, in the form of `requestedPaths` of carry-over.ts.
 * @param files texts of values files that are YAML
 * @param set `KEY=VALUE` as given to helm; several may stand in one, separated by commas
 */
export function requestedChartPaths(files: readonly string[], set: readonly string[]): string[] {
  const fromFiles = files.flatMap((text) => {
    const values = parsed(text);
    if (!isRecord(values)) return [];
    const { meshConfig, ...rest } = values;
    return requestedPaths([], stringify({ spec: { values: rest, ...(meshConfig === undefined ? {} : { meshConfig }) } }));
  });
  const fromSet = set.flatMap((text) => [...text.matchAll(/(?:^|,)\s*([^=,{}]+)=/g)].map(([, key = '']) => key));
  return [
    ...new Set([
      ...fromFiles,
      ...requestedPaths(
        fromSet.map((key) => `${isMeshConfig(key) ? '' : 'values.'}${key}=`),
        undefined,
      ),
    ]),
  ];
}

/** Helm has judged the text before; what only we cannot read sets nothing that we know of. */
function parsed(text: string): unknown {
  try {
    return parse(text, { uniqueKeys: false });
  } catch {
    return undefined;
  }
}

function isMeshConfig(path: string): boolean {
  return path === 'meshConfig' || path.startsWith('meshConfig.');
}
