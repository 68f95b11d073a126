/** Whether a workload takes plain text. */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { MeshView } from '../discovery/mesh-view.ts';
import { recordAt, textAt } from '../read-path.ts';
import { selects, type LabelSelector } from '../injection/decide-injection.ts';

export interface Workload {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The policy of the workload, else of its namespace, else of the mesh; without any, plain text is taken. */
export function isMutualTlsRequired(view: MeshView, { namespace, labels }: Workload, port: number): boolean {
  const policies = view
    .config('peerAuthentications')
    .filter((policy) => [namespace, view.rootNamespace].includes(policy.metadata.namespace ?? ''));
  const own = policies.filter(
    (policy) => hasSelector(policy) && policy.metadata.namespace === namespace && selects(selectorOf(policy), labels),
  );
  const ofNamespace = policies.filter((policy) => !hasSelector(policy) && policy.metadata.namespace === namespace);
  const ofMesh = policies.filter((policy) => !hasSelector(policy) && policy.metadata.namespace === view.rootNamespace);
  for (const policy of [...own, ...ofNamespace, ...ofMesh]) {
    const mode = textAt(recordAt(policy, 'spec.portLevelMtls')[String(port)], 'mode') ?? textAt(policy, 'spec.mtls.mode');
    if (mode !== undefined && mode !== 'UNSET') return mode === 'STRICT';
  }
  return false;
}

function hasSelector(policy: KubeObject): boolean {
  return Object.keys(recordAt(policy, 'spec.selector')).length > 0;
}

function selectorOf(policy: KubeObject): LabelSelector {
  return recordAt(policy, 'spec.selector');
}
