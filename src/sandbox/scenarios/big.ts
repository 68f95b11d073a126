/** Many namespaces with many workloads, for measuring and for plans that are long. */
import { istioManifests } from '../istio/manifests/istio-manifests.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { deploymentObject, gatewayObjects, ingressObjects, namespaceObject, serviceObject } from './scenario-objects.ts';
import type { Scenario, ScenarioStage } from './scenario.ts';

export interface BigScenarioOptions {
  readonly namespaces: number;
  /** In each namespace. */
  readonly workloads: number;
  /** Of each workload; 1 when absent. */
  readonly replicas?: number;
  /** False: without Istio, only the workloads. */
  readonly mesh?: boolean;
  /** Of the unrevisioned control plane; 1.28.2 when absent. */
  readonly version?: string;
}

const PORT = 8080;
const IMAGE = 'registry.example.com/shop/app';
/** Kubelets run 110; the rest is for the pods that come beside the old ones in a restart. */
const PODS_PER_NODE = 80;
/** From so many on, sidecars do not listen: each of their ports is an open file. */
const MOST_LISTENING_PODS = 500;

export function bigScenario(options: BigScenarioOptions): Scenario {
  const { namespaces, workloads, replicas = 1, mesh = true, version = '1.28.2' } = options;
  const pods = namespaces * workloads * replicas;
  const names = Array.from({ length: namespaces }, (_, index) => `team-${String(index + 1).padStart(4, '0')}`);
  return {
    name: 'big',
    title: `${namespaces} namespaces with ${workloads} workloads each${mesh ? `, in a mesh of Istio ${version}` : ''}`,
    nodes: Math.max(2, Math.ceil(pods / PODS_PER_NODE)),
    appImages: [`${IMAGE}:*`],
    istio: { sidecarsListen: pods <= MOST_LISTENING_PODS },
    podEvents: pods > MOST_LISTENING_PODS ? 'warnings' : 'all',
    gathersChanges: pods > MOST_LISTENING_PODS,
    stages: [
      ...(mesh ? [controlPlane(version, pods)] : []),
      { name: 'namespaces', objects: names.map((name) => namespaceObject(name, mesh ? INJECTED : {})), until: 'applied' },
      {
        name: 'workloads',
        // Ingress first: istiod is asked about its objects, and it has thousands of pods to inject afterwards.
        objects: [...(mesh ? ingress(names[0] ?? 'default') : []), ...names.flatMap((name) => team(name, workloads, replicas))],
        until: 'workloads-ready',
      },
    ],
  };
}

const INJECTED = { 'istio-injection': 'enabled' };
const INGRESS = 'istio-ingress';

function controlPlane(version: string, pods: number): ScenarioStage {
  const istio = istioManifests({ revision: 'default', version, defaults: 'istioctl', replicas: pods > 1000 ? 2 : 1 });
  return { name: 'control plane', objects: [namespaceObject('istio-system'), ...istio], until: 'control-plane-ready' };
}

function ingress(namespace: string): readonly KubeObject[] {
  return [
    namespaceObject(INGRESS, INJECTED),
    ...gatewayObjects(INGRESS, 'istio-ingressgateway', 2),
    ...ingressObjects(namespace, 'shop', { host: 'app-01', port: PORT }),
  ];
}

/** Workloads that ask each other in a chain of at most three. */
function team(namespace: string, workloads: number, replicas: number): readonly KubeObject[] {
  return Array.from({ length: workloads }, (_, index) => index + 1).flatMap((number) => {
    const app = `app-${String(number).padStart(2, '0')}`;
    const next = number % 3 !== 0 && number < workloads ? [`http://app-${String(number + 1).padStart(2, '0')}:${PORT}/`] : [];
    return [
      serviceObject(namespace, app, PORT, { app }),
      deploymentObject({ namespace, name: app, labels: { app }, image: `${IMAGE}:1.0.0`, replicas, port: PORT, calls: next }),
    ];
  });
}
