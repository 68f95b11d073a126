/** Nobody may give rights that he does not have. A real server checks it in the storage of roles and bindings, after webhooks have changed them. */
import { checkEscalation } from '../../access/escalation-check.ts';
import type { RbacAuthorizer } from '../../access/rbac-authorizer.ts';
import type { ClusterView } from '../../cluster/cluster-view.ts';
import type { AdmissionRule } from '../admission-rule.ts';

export function roleEscalation(view: Pick<ClusterView, 'get' | 'list'>, authorizer: RbacAuthorizer): AdmissionRule {
  return {
    validate: ({ group, resource, namespace, object, oldObject, user }) => {
      if (group !== 'rbac.authorization.k8s.io' || object === undefined) return;
      const change = { user, resource, namespace, object, ...(oldObject === undefined ? {} : { oldObject }) };
      checkEscalation(change, authorizer, view);
    },
  };
}
