/** What pods say about why they are not ready, in lines for people. */
import type { ContainerStatus, Pod } from '../../mesh/kube-objects.ts';

/** Longest message of a container that is shown. */
const LONGEST_MESSAGE = 200;

export function isReady(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True');
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** One line for each pod that is not ready, at most `limit`; empty when all are. */
export function describeUnready(pods: readonly Pod[], limit = 3): string[] {
  const unready = pods.filter((pod) => !isTerminating(pod) && !isReady(pod));
  const lines = unready.slice(0, limit).map((pod) => `${pod.metadata.name}: ${describePod(pod)}`);
  return unready.length > limit ? [...lines, `and ${unready.length - limit} more`] : lines;
}

function describePod(pod: Pod): string {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const telling = statuses.map(describeContainer).filter((text) => text !== undefined);
  if (telling[0] !== undefined) return telling[0];
  const unscheduled = pod.status?.conditions?.find((c) => c.type === 'PodScheduled' && c.status !== 'True');
  if (unscheduled) return cut(`not scheduled: ${unscheduled.message ?? unscheduled.reason ?? ''}`);
  return pod.status?.message !== undefined ? cut(pod.status.message) : `phase ${pod.status?.phase ?? 'unknown'}, not ready`;
}

function describeContainer(status: ContainerStatus): string | undefined {
  const waiting = status.state?.waiting;
  const quiet = waiting?.reason === 'PodInitializing' || waiting?.reason === 'ContainerCreating';
  if (waiting && !quiet)
    return cut(`container ${status.name}: ${waiting.reason ?? 'waiting'}${waiting.message === undefined ? '' : `, ${waiting.message}`}`);
  const terminated = status.state?.terminated;
  if (terminated && terminated.exitCode !== 0)
    return cut(
      `container ${status.name} ended with ${terminated.exitCode ?? '?'}: ${terminated.reason ?? ''} ${terminated.message ?? ''}`.trim(),
    );
  if (status.state?.running !== undefined && status.ready === false) return `container ${status.name} is running, not ready`;
  return undefined;
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}…` : line;
}
