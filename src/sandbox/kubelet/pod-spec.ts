/** A pod as its kubelet reads it: the fields that change what happens, and what follows from them. */
import type { ContainerSpec } from '../cluster/pod-program.ts';
import type { KubeObject } from '../objects/kube-object.ts';

export interface Probe {
  readonly httpGet?: { readonly path?: string; readonly port: number | string; readonly scheme?: string };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

export interface PreStop {
  readonly sleep?: { readonly seconds: number };
  readonly exec?: { readonly command?: readonly string[] };
}

type Quantities = Readonly<Record<string, string>>;

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
}

export interface PodContainer extends ContainerSpec {
  /** `Always` on an init container makes it a sidecar. */
  readonly restartPolicy?: string;
  readonly imagePullPolicy?: string;
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop?: PreStop };
  readonly resources?: { readonly requests?: Quantities; readonly limits?: Quantities };
  readonly volumeMounts?: readonly VolumeMount[];
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly restartPolicy?: string;
  readonly hostNetwork?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly activeDeadlineSeconds?: number;
  readonly readinessGates?: readonly { readonly conditionType: string }[];
  readonly initContainers?: readonly PodContainer[];
  readonly containers: readonly PodContainer[];
}

export interface PodCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastProbeTime?: string | null;
  readonly lastTransitionTime?: string;
  readonly observedGeneration?: number;
}

export interface PodStatus {
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly qosClass?: string;
  readonly startTime?: string;
  readonly conditions?: readonly PodCondition[];
  readonly [field: string]: unknown;
}

export type ContainerRole = 'init' | 'sidecar' | 'main';

export function podSpec(pod: KubeObject): PodSpec {
  return (pod['spec'] ?? { containers: [] }) as PodSpec;
}

export function storedStatus(pod: KubeObject): PodStatus {
  return (pod['status'] ?? {}) as PodStatus;
}

/** Init containers first, as they are started. */
export function containersOf(spec: PodSpec): readonly { readonly container: PodContainer; readonly role: ContainerRole }[] {
  return [
    ...(spec.initContainers ?? []).map(
      (container) => ({ container, role: container.restartPolicy === 'Always' ? 'sidecar' : 'init' }) as const,
    ),
    ...spec.containers.map((container) => ({ container, role: 'main' }) as const),
  ];
}

/**
 * Guaranteed when cpu and memory of every container have equal requests and limits, BestEffort without any, else Burstable.
 * @source kubernetes/kubernetes pkg/apis/core/v1/helper/qos @v1.34
 */
export function qosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = [...(spec.initContainers ?? []), ...spec.containers].map(({ resources }) => resources ?? {});
  const names = ['cpu', 'memory'];
  const any = all.some(({ requests, limits }) => names.some((name) => requests?.[name] !== undefined || limits?.[name] !== undefined));
  if (!any) return 'BestEffort';
  const guaranteed = all.every(({ requests, limits }) =>
    names.every((name) => limits?.[name] !== undefined && (requests?.[name] ?? limits[name]) === limits[name]),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** The port of a probe by number or by the name of one of the container's ports. */
export function probePort(container: PodContainer, probe: Probe): number | undefined {
  const port = probe.httpGet?.port;
  if (typeof port === 'number' || port === undefined) return port;
  return container.ports?.find(({ name }) => name === port)?.containerPort;
}
