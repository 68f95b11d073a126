/** What a sandbox can begin with. */

/** `big` may be followed by its size, `bookinfo` by tags: `big:100x5`, `big:100x5,plain`, `bookinfo:prod`. */
export const scenarioNames: readonly string[] = ['bookinfo', 'big', 'empty'];

/** The same as people write them; `plain` is without Istio. */
export const scenarioForms: readonly string[] = ['bookinfo[:TAG,…]', 'big[:NAMESPACESxWORKLOADS[xREPLICAS][,plain]]', 'empty'];

export interface BigSize {
  readonly namespaces: number;
  readonly workloads: number;
  readonly replicas: number;
  /** Without Istio. */
  readonly plain: boolean;
}

/** @returns undefined for what is no size */
export function parseBigSize(text: string): BigSize | undefined {
  const match = /^(\d{1,4})x(\d{1,4})(?:x(\d{1,4}))?(,plain)?$/.exec(text);
  if (match === null) return undefined;
  const [, namespaces, workloads, replicas = '1', plain] = match;
  return { namespaces: Number(namespaces), workloads: Number(workloads), replicas: Number(replicas), plain: plain !== undefined };
}

/** Whether there is such a scenario; its module need not be loaded to know. */
export function isScenario(text: string): boolean {
  const [name = '', size] = text.split(':');
  return scenarioNames.includes(name) && (name !== 'big' || size === undefined || parseBigSize(size) !== undefined);
}
