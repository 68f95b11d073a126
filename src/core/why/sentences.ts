/** The one sentence that answers first. */
import type { MeshPod, Workload } from '../mesh/mesh-inventory.ts';
import type { NextPod, PodNow } from './why-answer.ts';

/** `canary (1.29.1)`. */
export function revisionText(revision: string | undefined, version: string | undefined): string {
  return version === undefined || version === 'unknown'
    ? (revision ?? 'an unknown revision')
    : `${revision ?? 'an unknown revision'} (${version})`;
}

export function workloadSentence({ namespace, name, kind }: Workload, next: NextPod, pods: readonly PodNow[]): string {
  const its = kind === 'Pod' ? `${namespace}/${name}, created again,` : `The next pod of ${namespace}/${name}`;
  return `${its} ${nextText(next)}${nowText(next, pods, 'its')}.`;
}

export function podSentence(pod: MeshPod, { kind }: Workload, next: NextPod, now: PodNow | undefined): string {
  const has = now === undefined || now.proxy === 'none' ? 'has no proxy' : `has a proxy from ${revisionText(now.revision, now.version)}`;
  const after = kind === 'Pod' ? 'nothing replaces it, but created again it' : 'the pod that replaces it';
  return `${pod.namespace}/${pod.name} ${has}; ${after} ${nextText(next)}.`;
}

export function namespaceSentence(name: string, next: NextPod, pods: readonly PodNow[]): string {
  const gets = nextText(next)
    .replace(/^gets /, 'get ')
    .replace(/^is /, 'are ')
    .replace('its template', 'their templates');
  return `New pods in ${name} ${gets}${nowText(next, pods, 'the')}.`;
}

function nextText(next: NextPod): string {
  switch (next.gets) {
    case 'injected':
      return `gets a proxy from ${revisionText(next.revision, next.version)}`;
    case 'nothing':
      return 'gets no proxy';
    case 'refused':
      return 'is refused by the API server';
    case 'in-template':
      return 'has the proxy that stands in its template';
    case 'made-by-istiod':
      return `is made by istiod${next.revision === undefined ? '' : ` of ${next.revision}`}, with its proxy`;
  }
}

function nowText(next: NextPod, pods: readonly PodNow[], whose: 'its' | 'the'): string {
  if (pods.length === 0) return '; none runs now';
  const groups = [
    ...Map.groupBy(pods, (pod) => (pod.proxy === 'none' ? 'no proxy' : `one from ${revisionText(pod.revision, pod.version)}`)),
  ];
  const all = pods.length === 1 ? `${whose} running pod has` : `${whose} ${pods.length} running pods have`;
  const only = groups.length === 1 ? groups[0]?.[0] : undefined;
  if (only === undefined) {
    const parts = groups.map(([what, list]) => `${list.length} ${list.length === 1 ? 'has' : 'have'} ${what}`);
    return `; of ${whose} ${pods.length} running pods, ${parts.join(', ')}`;
  }
  const isSame = (next.gets === 'injected' || next.gets === 'nothing') && pods.every((pod) => pod.differs === '');
  if (isSame) return `, as ${all}`;
  return `; ${all} ${next.gets === 'nothing' || next.gets === 'injected' ? only : only.replace(/^one /, 'a proxy ')}`;
}
