/** Which container of a pod is meant, and the refusals when that is not clear. */
import type { KubeObject } from '../objects/kube-object.ts';
import { badRequest } from '../objects/status-error.ts';

interface NamedContainer {
  readonly name: string;
  readonly image: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

interface SpecWithContainers {
  readonly nodeName?: string;
  readonly containers?: readonly NamedContainer[];
  readonly initContainers?: readonly NamedContainer[];
  readonly ephemeralContainers?: readonly NamedContainer[];
}

/**
 * @throws StatusError 400 when none is given and there are several, or when there is no such container
 * @source kubernetes/kubernetes podHasContainerWithName and LogLocation of pkg/registry/core/pod/strategy.go @v1.34
 */
export function chooseContainer(pod: KubeObject, wanted: string | undefined): NamedContainer {
  const spec = (pod['spec'] ?? {}) as SpecWithContainers;
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec;
  const { name } = pod.metadata;
  if (wanted !== undefined && wanted !== '') {
    const found = [...containers, ...initContainers, ...ephemeralContainers].find((container) => container.name === wanted);
    if (found === undefined) throw badRequest(`container ${wanted} is not valid for pod ${name}`);
    return found;
  }
  const only = containers[0];
  if (only !== undefined && containers.length === 1) return only;
  if (only === undefined) throw badRequest(`a container name must be specified for pod ${name}`);
  let text = `a container name must be specified for pod ${name}, choose one of: [${namesOf(containers)}]`;
  if (initContainers.length > 0) text += ` or one of the init containers: [${namesOf(initContainers)}]`;
  throw badRequest(text);
}

function namesOf(containers: readonly NamedContainer[]): string {
  return containers.map(({ name }) => name).join(' ');
}

export function nodeOf(pod: KubeObject): string | undefined {
  const { nodeName } = (pod['spec'] ?? {}) as SpecWithContainers;
  return nodeName === '' ? undefined : nodeName;
}

/** @throws StatusError 400 for a pod that no node has */
export function requireNode(pod: KubeObject): void {
  if (nodeOf(pod) === undefined) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
}
