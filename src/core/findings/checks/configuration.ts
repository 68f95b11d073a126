import { resolveInjection } from '../../injection/resolve-injection.ts';
import { isGitopsManager } from '../../mesh/owner-marks.ts';
import type { Check } from '../check-context.ts';
import type { Finding } from '../finding.ts';

export const injectionLabels: Check = {
  name: 'injection labels of namespaces',
  codes: ['CONF-002', 'CONF-003'],
  look({ inventory }) {
    return inventory.namespaces.flatMap((namespace): Finding[] => {
      const { 'istio-injection': injection, 'istio.io/rev': revision } = namespace.labels;
      const decision = resolveInjection({ namespace: namespace.name, namespaceLabels: namespace.labels, template: {} }, inventory.webhooks);
      const findings: Finding[] = [];
      if (injection !== undefined && revision !== undefined) {
        findings.push({
          code: 'CONF-002',
          level: 'warning',
          objects: [namespace.name],
          what: `namespace ${namespace.name} has istio-injection=${injection} and istio.io/rev=${revision}; Istio obeys the first: ${decision.kind === 'injected' ? `${decision.revision} injects` : 'nobody injects'}`,
          why: 'The revision label has no effect.',
          next: ['Remove one of the labels; a plan does it in the patch that moves the namespace.'],
        });
      }
      if (decision.kind === 'not-injected' && decision.reason === 'ghost') {
        findings.push({
          code: 'CONF-003',
          level: 'warning',
          objects: [namespace.name],
          what: `namespace ${namespace.name}: ${decision.detail}`,
          why: 'Its pods get no sidecar, without any error.',
          next: [`kubectl label namespace ${namespace.name} istio.io/rev=REVISION --overwrite`],
        });
      }
      return findings;
    });
  },
};

/**
 * @source istio/istio pilot/pkg/config/kube/gateway/deploymentcontroller.go @86c9f01; istio/istio issues 56321 and 59959:
 *   the old istiod sends empty configuration to gateway pods that still run, until they are replaced
 */
export const gatewaysThatFollow: Check = {
  name: 'gateways that follow the label of their namespace',
  codes: ['CONF-006'],
  look({ moves, inventory }) {
    const relabelled = new Map((moves?.namespaces ?? []).filter(({ set }) => 'istio.io/rev' in set).map((m) => [m.namespace.name, m.set]));
    return inventory.gateways
      .filter((gateway) => gateway.managed && gateway.revisionLabel === undefined && relabelled.has(gateway.namespace))
      .map(({ namespace, name }): Finding => ({
        code: 'CONF-006',
        level: 'error',
        objects: [`${namespace}/${name}`],
        what: `Gateway ${namespace}/${name} follows the label of its namespace: the new istiod restarts it as soon as ${namespace} is relabelled`,
        why: 'No step would verify it, and istiod up to 1.29.4 empties the configuration of gateway pods that it no longer owns, until they are replaced.',
        next: [`kubectl -n ${namespace} label gateway ${name} istio.io/rev=REVISION, with the present revision; move it at a quiet time`],
      }));
  },
};

/** Field managers that put a label back when it is changed under them; Helm with its next upgrade. */
function putsBack(manager: string): boolean {
  return isGitopsManager(manager) || manager.toLowerCase() === 'helm';
}

export const labelOwners: Check = {
  name: 'owners of injection labels',
  codes: ['CONF-004'],
  look({ moves }) {
    return (moves?.namespaces ?? []).flatMap(({ namespace, set }): Finding[] => {
      const owned = namespace.labelManagers.filter((owner) => owner.label in set && putsBack(owner.manager));
      const first = owned[0];
      if (!first) return [];
      return [
        {
          code: 'CONF-004',
          level: 'error',
          objects: [namespace.name],
          what: `the label ${first.label} of namespace ${namespace.name} is written by ${first.manager}`,
          why: 'The tool would set the label back, and the next pods would get the old sidecar again.',
          next: [
            `commit there: ${Object.entries(set)
              .map(([key, value]) => (value === null ? `remove ${key}` : `${key}: ${value}`))
              .join(', ')}`,
          ],
        },
      ];
    });
  },
};

export const firstInjection: Check = {
  name: 'namespaces that are injected for the first time',
  codes: ['CONF-005'],
  look({ moves, inventory }) {
    return (moves?.namespaces ?? []).flatMap(({ namespace, set }): Finding[] => {
      // Where pods ask by their own labels, the namespace gets none, and nobody joins.
      if (Object.keys(set).length === 0) return [];
      const now = resolveInjection({ namespace: namespace.name, namespaceLabels: namespace.labels, template: {} }, inventory.webhooks);
      if (now.kind !== 'not-injected') return [];
      return [
        {
          code: 'CONF-005',
          level: 'warning',
          objects: [namespace.name],
          what: `nothing injects pods of namespace ${namespace.name} now (${now.detail})`,
          why: 'All of its pods join the mesh.',
          next: ['Make sure that this is meant.'],
        },
      ];
    });
  },
};
