/** A world to begin with, as data: objects in the order in which they are applied, and how its parts behave. */
import type { IstioSettings } from '../istio/istio-knobs.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { parseBigSize } from './scenario-names.ts';

export interface ScenarioStage {
  readonly name: string;
  readonly objects: readonly KubeObject[];
  /** What has to be before the next stage: pods are only injected once istiod's webhooks can be called. */
  readonly until: 'applied' | 'control-plane-ready' | 'workloads-ready';
}

export interface Scenario {
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  readonly nodes: number;
  readonly stages: readonly ScenarioStage[];
  /** Images of the generic application, with `*` for any text; requests to it are answered. */
  readonly appImages: readonly string[];
  readonly istio: Partial<IstioSettings>;
  /** Thousands of pods write too many events. */
  readonly podEvents: 'all' | 'warnings' | 'none';
  /** Controllers and kubelets gather changes for a moment and write them at once: what thousands of pods need to come up in seconds. */
  readonly gathersChanges?: boolean;
}

/**
 * @param text a name, for `big` with its size: `big:NAMESPACESxWORKLOADS` or `big:NAMESPACESxWORKLOADSxREPLICAS`, both
 * without Istio when `,plain` follows, for `bookinfo` perhaps with tags: `bookinfo:prod,stable`
 * @returns undefined for a name that there is not; the module of the scenario is loaded when it is asked for
 */
export async function findScenario(text: string): Promise<Scenario | undefined> {
  const [name, size] = text.split(':');
  if (name === 'bookinfo') {
    const tags = (size ?? '').split(',').filter((tag) => tag !== '');
    return (await import('./bookinfo.ts')).bookinfoScenario({ tags });
  }
  if (name === 'empty')
    return {
      name,
      title: 'Kubernetes without Istio',
      nodes: 1,
      stages: [],
      appImages: ['docker.io/istio/examples-bookinfo-*'],
      istio: {},
      podEvents: 'all',
    };
  if (name !== 'big') return undefined;
  const big = parseBigSize(size ?? '20x5');
  if (big === undefined) return undefined;
  const { plain, ...counts } = big;
  return (await import('./big.ts')).bigScenario({ ...counts, mesh: !plain });
}
