/** How pods behave on this cluster's nodes; scenarios and troubles change it while it runs. */
import type { KubeObject } from '../objects/kube-object.ts';
import type { PodContainer } from './pod-spec.ts';

/** Chooses containers; every field that is given must fit. Without any field it chooses all. */
export interface ContainerMatch {
  readonly namespace?: string;
  /** Labels of the pod. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The whole image; `*` stands for any text. */
  readonly image?: string;
  readonly container?: string;
}

export interface PullRule {
  /** The whole image; `*` stands for any text. */
  readonly image: string;
  readonly pullMs?: number;
  /** Makes it fail: the registry does not have the image, refuses, or is not reached. */
  readonly error?: 'not-found' | 'unauthorized' | 'unreachable';
}

export interface KubeletSettings {
  /** From when a kubelet sees a pod until its sandbox has an address. */
  readonly sandboxMs: number;
  /** From a pulled image to a running process. */
  readonly containerStartMs: number;
  /** For images that are not on the node yet. */
  readonly pullMs: number;
  /** The first rule that fits an image decides. */
  readonly pulls: readonly PullRule[];
  /** Containers that are not ready before so much time has passed since they were started. */
  readonly slowStarts: readonly (ContainerMatch & { readonly delayMs: number })[];
  /** Containers that run, and never are ready. */
  readonly neverReady: readonly ContainerMatch[];
  /** Containers that end by themselves so long after their start. */
  readonly crashes: readonly (ContainerMatch & { readonly afterMs: number; readonly exitCode: number })[];
  /** How long a pod that need not run for ever (restartPolicy other than Always) runs when no program says it. */
  readonly jobMs: number;
  /** Which Event objects are written; thousands of pods are faster without. */
  readonly events: 'all' | 'warnings' | 'none';
  /** How long the changes of a pod's status are gathered before they are written at once; that it is ready, or no longer, is written right away. */
  readonly statusDelayMs: number;
}

export interface KubeletKnobs {
  readonly settings: () => KubeletSettings;
  readonly change: (part: Partial<KubeletSettings>) => void;
  readonly onChange: (listener: () => void) => () => void;
}

export const DEFAULT_SETTINGS: KubeletSettings = {
  sandboxMs: 300,
  containerStartMs: 100,
  pullMs: 0,
  pulls: [],
  slowStarts: [],
  neverReady: [],
  crashes: [],
  jobMs: 2000,
  events: 'all',
  statusDelayMs: 0,
};

export function createKubeletKnobs(initial: Partial<KubeletSettings> = {}): KubeletKnobs {
  let settings: KubeletSettings = { ...DEFAULT_SETTINGS, ...initial };
  const listeners = new Set<() => void>();
  return {
    settings: () => settings,
    change: (part) => {
      settings = { ...settings, ...part };
      for (const listener of listeners) listener();
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

export function containerMatches(match: ContainerMatch, pod: KubeObject, container: Pick<PodContainer, 'name' | 'image'>): boolean {
  if (match.namespace !== undefined && match.namespace !== pod.metadata.namespace) return false;
  if (match.container !== undefined && match.container !== container.name) return false;
  if (match.image !== undefined && !imageMatches(match.image, container.image)) return false;
  const labels = pod.metadata.labels ?? {};
  return Object.entries(match.labels ?? {}).every(([key, value]) => labels[key] === value);
}

/** @param pattern the whole image; `*` stands for any text */
export function imageMatches(pattern: string, image: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === image;
  const last = rest.pop() ?? '';
  if (!image.startsWith(first) || image.length < first.length + last.length || !image.endsWith(last)) return false;
  let from = first.length;
  for (const part of rest) {
    const at = image.indexOf(part, from);
    if (at < 0 || at + part.length > image.length - last.length) return false;
    from = at + part.length;
  }
  return true;
}
