/** What a cluster has before anybody did anything: its namespaces, the service of its API server, and roles. */
import { timestamp } from '../clock/sandbox-clock.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { newUid } from './object-metadata.ts';
import type { ServerCore } from './server-core.ts';

const NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'default'];

/** @param serviceIp address of the service `kubernetes` @param roles the roles and bindings that every cluster has */
export function putBootstrapObjects(core: ServerCore, serviceIp: string, roles: readonly KubeObject[]): void {
  for (const name of NAMESPACES) core.store.put('namespaces', namespace(core, name));
  core.store.put('services', apiService(core, serviceIp));
  for (const role of roles) {
    const definition = core.registry.byKind(role.apiVersion, role.kind);
    const metadata = { ...role.metadata, uid: newUid(core.random), creationTimestamp: timestamp(core.clock) };
    if (definition !== undefined) core.store.put(definition.storage, { ...role, metadata });
  }
  core.store.compactAll();
}

function namespace(core: ServerCore, name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      uid: newUid(core.random),
      creationTimestamp: timestamp(core.clock),
      labels: { 'kubernetes.io/metadata.name': name },
      managedFields: [
        {
          manager: 'kube-apiserver',
          operation: 'Update',
          apiVersion: 'v1',
          time: timestamp(core.clock),
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:kubernetes.io/metadata.name': {} } } },
        },
      ],
    },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}

function apiService(core: ServerCore, clusterIP: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      uid: newUid(core.random),
      creationTimestamp: timestamp(core.clock),
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: {
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: 6443 }],
      clusterIP,
      clusterIPs: [clusterIP],
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
    },
    status: { loadBalancer: {} },
  };
}
