/** The Node objects of a sandbox, in the shape in which a kubelet v1.34.3 registers itself. */
import { timestamp, type SandboxClock } from '../clock/sandbox-clock.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { sha256 } from './container-status.ts';

export interface NodePlan {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Pods it may run; 110 as kubelets have it by default. */
  readonly pods?: number;
  readonly cpu?: string;
  readonly memory?: string;
  /** `v1.34.3`; older ones change which kind of sidecars Istio injects. */
  readonly kubeletVersion?: string;
}

const DEFAULT_KUBELET_VERSION = 'v1.34.3';

/** @param number from 0; decides its address, 127.63.0.1 and on */
export function nodeAddress(number: number): string {
  return `127.63.${Math.floor(number / 254)}.${(number % 254) + 1}`;
}

export function planNodes(nodes: number | readonly NodePlan[]): readonly NodePlan[] {
  return typeof nodes === 'number' ? Array.from({ length: nodes }, (_, index) => ({ name: `node-${index + 1}` })) : nodes;
}

export function nodeObject(plan: NodePlan, number: number): KubeObject {
  const zone = 'abc'[number % 3] ?? 'a';
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: plan.name,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': plan.name,
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/region': 'sandbox',
        'topology.kubernetes.io/zone': `sandbox-${zone}`,
        ...plan.labels,
      },
      annotations: { 'node.alpha.kubernetes.io/ttl': '0', 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: {},
  };
}

export const LEASE_NAMESPACE = 'kube-node-lease';

/** Shows that a node lives. It is not renewed: no controller here looks at it, and the writes would only wake up watches. */
export function nodeLease({ metadata }: KubeObject, clock: SandboxClock): KubeObject {
  const { name, uid = '' } = metadata;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: LEASE_NAMESPACE, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }] },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: timestamp(clock).replace('Z', '.000000Z') },
  };
}

export function nodeStatus(plan: NodePlan, number: number, clock: SandboxClock): Readonly<Record<string, unknown>> {
  const resources = {
    cpu: plan.cpu ?? '64',
    'ephemeral-storage': '264212084Ki',
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: plan.memory ?? '268435456Ki',
    pods: String(plan.pods ?? 110),
  };
  const machineId = sha256(plan.name).slice(0, 32);
  return {
    addresses: [
      { type: 'InternalIP', address: nodeAddress(number) },
      { type: 'Hostname', address: plan.name },
    ],
    allocatable: resources,
    capacity: resources,
    conditions: nodeConditions(timestamp(clock)),
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    images: [],
    nodeInfo: {
      architecture: 'amd64',
      bootID: uuidOf(`boot ${plan.name}`),
      containerRuntimeVersion: 'containerd://2.1.4',
      kernelVersion: '6.12.0',
      kubeProxyVersion: '',
      kubeletVersion: plan.kubeletVersion ?? DEFAULT_KUBELET_VERSION,
      machineID: machineId,
      operatingSystem: 'linux',
      osImage: 'Meshlift sandbox',
      systemUUID: machineId,
    },
  };
}

function nodeConditions(now: string): readonly Readonly<Record<string, string>>[] {
  const condition = (type: string, status: string, reason: string, message: string): Readonly<Record<string, string>> => ({
    type,
    status,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
    reason,
    message,
  });
  return [
    condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
  ];
}

function uuidOf(text: string): string {
  const hex = sha256(text);
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}
