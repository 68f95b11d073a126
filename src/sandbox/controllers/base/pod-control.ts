/** Creates and deletes pods for a controller, with the events that tell of it: `RealPodControl` of Kubernetes. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { type ControllerContext, isNamespaceTerminating, isNotFound, messageOf } from './controller.ts';
import { podFromTemplate, type PodPlan } from './pod-from-template.ts';
import type { Pod } from './workload-shapes.ts';

/** @throws what the API server refused it with, after the event FailedCreate; nothing when the namespace goes away anyway */
export async function createPod({ writer, events }: ControllerContext, plan: PodPlan): Promise<Pod | undefined> {
  const { owner } = plan;
  try {
    const pod = (await writer.create('pods', podFromTemplate(plan))) as Pod;
    events.record(owner, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` });
    return pod;
  } catch (error) {
    if (isNamespaceTerminating(error)) return undefined;
    const message = `Error creating: ${messageOf(error)}`;
    events.record(owner, { type: 'Warning', reason: 'FailedCreate', message });
    throw error;
  }
}

/** A pod that is gone already is well. */
export async function deletePod({ writer, events }: ControllerContext, owner: KubeObject, pod: KubeObject): Promise<void> {
  const { name, namespace, uid } = pod.metadata;
  try {
    await writer.delete('pods', name, namespace, uid === undefined ? {} : { uid });
  } catch (error) {
    if (isNotFound(error)) return;
    const message = `Error deleting: ${messageOf(error)}`;
    events.record(owner, { type: 'Warning', reason: 'FailedDelete', message });
    throw error;
  }
  events.record(owner, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${name}` });
}
