/** The users under which the parts of a cluster work, and what they may do. */
import type { UserInfo } from './authorizer.ts';

const COMPONENTS: ReadonlySet<string> = new Set(['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver']);

/** Controllers of a real controller manager that work as service accounts of kube-system. */
const CONTROLLERS: ReadonlySet<string> = new Set(
  [
    'clusterrole-aggregation-controller',
    'cronjob-controller',
    'daemon-set-controller',
    'deployment-controller',
    'disruption-controller',
    'endpoint-controller',
    'endpointslice-controller',
    'generic-garbage-collector',
    'horizontal-pod-autoscaler',
    'job-controller',
    'namespace-controller',
    'node-controller',
    'pod-garbage-collector',
    'replicaset-controller',
    'resourcequota-controller',
    'root-ca-cert-publisher',
    'service-account-controller',
    'service-controller',
    'statefulset-controller',
    'ttl-after-finished-controller',
  ].map((name) => `system:serviceaccount:kube-system:${name}`),
);

/**
 * In a real cluster each of these has a role of its own, and nodes have an authorizer of their own. The sandbox lets them do
 * everything: they are its own code, and only somebody who may impersonate them, or has the key of its CA, can come as one.
 * A node must be in the group `system:nodes`.
 * @returns the reason for the allowance; undefined for everybody else
 */
export function componentRole(user: UserInfo): string | undefined {
  const name = user.username;
  if (COMPONENTS.has(name)) return reason(name, `User ${JSON.stringify(name)}`);
  if (CONTROLLERS.has(name)) {
    const controller = name.slice(name.lastIndexOf(':') + 1);
    return reason(`system:controller:${controller}`, `ServiceAccount ${JSON.stringify(`${controller}/kube-system`)}`);
  }
  return name.startsWith('system:node:') && user.groups.includes('system:nodes') ? '' : undefined;
}

function reason(role: string, subject: string): string {
  return `RBAC: allowed by ClusterRoleBinding ${JSON.stringify(role)} of ClusterRole ${JSON.stringify(role)} to ${subject}`;
}
