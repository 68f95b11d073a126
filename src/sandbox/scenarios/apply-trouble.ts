/** Troubles of the mesh and of the cluster's objects; those of nodes and of the API server are told to these. */
import type { Cluster } from '../cluster/cluster-view.ts';
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { IstioKnobs } from '../istio/istio-knobs.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { disruptionBudgetObject } from './scenario-objects.ts';
import type { PlannedTrouble, Trouble } from './troubles.ts';

/** @returns false when it is no trouble of the mesh */
export function applyIstioTrouble(knobs: IstioKnobs, trouble: Trouble): boolean {
  switch (trouble.kind) {
    case 'failing-proxies':
      knobs.changeRevision(trouble.revision, { errorShare: trouble.ratio, errorStatus: trouble.status });
      return true;
    case 'slow-proxies':
      knobs.changeRevision(trouble.revision, { latencyMs: trouble.ms });
      return true;
    case 'webhook-down':
      knobs.changeRevision(trouble.revision, { webhook: 'down' });
      return true;
    case 'lost-proxies':
      knobs.changeRevision(trouble.revision, { refusesProxies: true });
      return true;
    case 'silent-istiod':
      knobs.changeRevision(trouble.revision, { withholdsPushes: true });
      return true;
    case 'unready-istiod':
      knobs.changeRevision(trouble.revision, { neverReady: true });
      return true;
    default:
      return false;
  }
}

/** The user as whom a person acts who meddles. */
const PERSON = 'someone@example.com';

/** @returns false when it is no trouble of the cluster's objects @throws StatusError as a write does */
export async function applyClusterTrouble(cluster: Cluster, trouble: Trouble): Promise<boolean> {
  const writer = cluster.as(PERSON, 'kubectl-label');
  if (trouble.kind === 'relabelled-namespace') {
    const value = trouble.value === '' ? null : trouble.value;
    await writer.patch('namespaces', trouble.namespace, undefined, { metadata: { labels: { [trouble.label]: value } } });
    return true;
  }
  if (trouble.kind !== 'blocking-budget') return false;
  const budget = disruptionBudgetObject(trouble.namespace, `${trouble.app}-blocked`, { app: trouble.app });
  await writer.create('poddisruptionbudgets.policy', { ...budget, spec: { ...(budget['spec'] as object), minAvailable: '100%' } });
  return true;
}

/** Calls at the trouble's moment. @returns gives up waiting for it */
export function atMoment(
  planned: PlannedTrouble,
  { clock, cluster }: { readonly clock: SandboxClock; readonly cluster: Cluster },
  act: () => void,
): () => void {
  const { moment } = planned;
  if (moment === undefined) {
    act();
    return () => undefined;
  }
  if ('afterMs' in moment) {
    const timer = clock.after(moment.afterMs, act);
    return () => timer.cancel();
  }
  const { resource, namespace, name } = moment.onChange;
  const fits = ({ metadata }: KubeObject): boolean =>
    (namespace === undefined || metadata.namespace === namespace) && (name === undefined || metadata.name.startsWith(name));
  let waiting = true;
  const stop = cluster.onChange(resource, ({ object }) => {
    if (!waiting || !fits(object)) return;
    waiting = false;
    // Never within the change itself.
    clock.after(0, act);
  });
  return () => {
    waiting = false;
    stop();
  };
}
