/** Meshes for questions about what keeps a revision. */
import type { KubeObject, Labels } from '../../src/core/mesh/kube-objects.ts';
import { MeshBuilder } from './mesh-builder.ts';

/** Two control planes of which nothing uses `old`. */
export function unusedOld(extra: ConstructorParameters<typeof MeshBuilder>[0] = {}): MeshBuilder {
  return new MeshBuilder(extra)
    .revision({ revision: 'old', version: '1.28.2' })
    .revision({ revision: 'new', version: '1.29.1' })
    .defaultTo('new')
    .namespace('shop', { 'istio.io/rev': 'new' })
    .workload('shop', 'web', { on: 'new', proxyVersion: '1.29.1' });
}

/** A Gateway of the Gateway API. */
export function apiGateway(namespace: string, name: string, gatewayClassName: string, labels: Labels = {}): KubeObject {
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { namespace, name, labels }, spec: { gatewayClassName } };
}

/** The DaemonSet of ztunnel, as its chart makes it. @param host of the istiod that it asks */
export function ztunnel(host: string): KubeObject {
  return nodeAgent('ztunnel', { app: 'ztunnel' }, {}, [
    {
      name: 'istio-proxy',
      image: 'docker.io/istio/ztunnel:1.28.2',
      env: [{ name: 'XDS_ADDRESS', value: `${host}.istio-system.svc:15012` }],
    },
  ]);
}

/** The DaemonSet of the CNI plugin. @param revision its label: whoever installed it last */
export function cni(revision: string): KubeObject {
  const containers = [{ name: 'install-cni', image: 'docker.io/istio/install-cni:1.28.2' }];
  return nodeAgent('istio-cni-node', { 'k8s-app': 'istio-cni-node' }, { 'istio.io/rev': revision }, containers);
}

function nodeAgent(name: string, podLabels: Labels, labels: Labels, containers: readonly object[]): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: 'istio-system', labels },
    spec: { selector: { matchLabels: podLabels }, template: { metadata: { labels: podLabels }, spec: { containers } } },
    status: { desiredNumberScheduled: 1 },
  };
}

export function machine(kind: 'WorkloadEntry' | 'WorkloadGroup', spec: object, annotations: Labels = {}): KubeObject {
  return { apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'vm', namespace: 'fleet', annotations }, spec };
}

/** A Service beside the control planes. */
export const istioService = (name: string, labels: Labels, spec: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'istio-system', labels },
  spec,
});

/** A webhook of somebody else that calls the old istiod by URL. */
export const urlWebhook: KubeObject = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'by-url' },
  webhooks: [{ name: 'x', clientConfig: { url: 'https://istiod-old.istio-system.svc:443/validate' } }],
};
