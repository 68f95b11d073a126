/**
 * Nothing is created in a namespace that is not there or is going away; some namespaces stay.
 * As apiserver pkg/admission/plugin/namespace/lifecycle, v1.34.
 */
import type { ClusterView } from '../../cluster/cluster-view.ts';
import { forbidden, notFound, StatusError } from '../../objects/status-error.ts';
import { at } from '../../resources/json-tree.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { refuse, type AdmissionRule } from '../admission-rule.ts';

const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);
const NAMESPACES = { group: '', resource: 'namespaces', kind: 'Namespace' } as const;

export function namespaceLifecycle(view: Pick<ClusterView, 'get'>): AdmissionRule {
  return { check: (attributes) => checkLifecycle(view, attributes) };
}

function checkLifecycle(view: Pick<ClusterView, 'get'>, attributes: AdmissionAttributes): void {
  const { operation, group, resource, namespace, name } = attributes;
  if (group === '' && resource === 'namespaces') {
    if (operation === 'DELETE' && IMMORTAL.has(name)) throw forbidden(NAMESPACES, name, 'this namespace may not be deleted');
    return;
  }
  const writes = operation === 'CREATE' || operation === 'UPDATE';
  // A review of access must not tell whether there is such a namespace.
  if (!writes || namespace === '' || resource === 'localsubjectaccessreviews') return;
  const found = view.get('namespaces', namespace);
  if (found === undefined) throw notFound(NAMESPACES, namespace);
  if (operation === 'CREATE' && at(found, 'status', 'phase') === 'Terminating') throw terminating(attributes);
}

function terminating(attributes: AdmissionAttributes): StatusError {
  const { namespace } = attributes;
  const { status } = refuse(attributes, `unable to create new content in namespace ${namespace} because it is being terminated`);
  return new StatusError(status.code, status.reason, status.message ?? '', {
    ...status.details,
    causes: [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }],
  });
}
