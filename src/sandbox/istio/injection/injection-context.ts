/** What a template of Istio's injection is filled from. */
import type { IstioVersion } from '../istio-version.ts';
import { DEFAULT_STATUS_PORT, type MeshConfig, type ProxyConfig } from '../mesh-config.ts';
import type { Pod } from '../pod-shape.ts';
import { numberAt, textAt } from '../read-path.ts';
import type { PodWorkload } from './workload-of-pod.ts';

export interface InjectionContext {
  /** The pod without what an earlier injection put into it. */
  readonly pod: Pod;
  readonly namespace: string;
  readonly workload: PodWorkload;
  /** The istiod's own: `default` when it has no name. */
  readonly revision: string;
  readonly version: IstioVersion;
  /** Helm's values, from the ConfigMap of the injector. */
  readonly values: unknown;
  readonly mesh: MeshConfig;
  readonly proxyConfig: ProxyConfig;
  readonly native: boolean;
  readonly proxyImage: string;
}

/** A pod's annotation, else a value of the installation. */
export function setting(context: InjectionContext, annotation: string, valuePath: string): string {
  return context.pod.metadata.annotations?.[annotation] ?? textAt(context.values, valuePath) ?? '';
}

export function statusPortOf(context: InjectionContext): number {
  const annotated = context.pod.metadata.annotations?.['status.sidecar.istio.io/port'];
  const configured = numberAt(context.proxyConfig, 'statusPort') ?? DEFAULT_STATUS_PORT;
  return annotated === undefined ? (numberAt(context.values, 'global.proxy.statusPort') ?? configured) : Number(annotated);
}

/** Names of the pod's own containers. */
export function appContainers(context: InjectionContext): readonly string[] {
  return (context.pod.spec?.containers ?? []).map((container) => container.name).filter((name) => name !== 'istio-proxy');
}
