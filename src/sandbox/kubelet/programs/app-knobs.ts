/** How simulated applications answer; scenarios and troubles change it while they run. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { containerMatches, type ContainerMatch } from '../kubelet-knobs.ts';

export interface AppBehaviour {
  /** Before every answer. */
  readonly latencyMs?: number;
  /** Share of requests, 0 to 1, that are answered with `errorStatus`. */
  readonly errorRatio?: number;
  /** 500 when it is left out. */
  readonly errorStatus?: number;
  /** From its start until it is ready. */
  readonly startupMs?: number;
  /**
   * What SIGTERM does. `graceful` takes no new connections and ends when the last request is answered; `abrupt` ends at
   * once, and what is under way is lost.
   */
  readonly onStop?: 'graceful' | 'abrupt';
}

export interface AppRule extends ContainerMatch {
  readonly behaviour: AppBehaviour;
}

export interface AppKnobs {
  /** Later rules win over earlier ones, field by field. */
  readonly rules: () => readonly AppRule[];
  readonly change: (rules: readonly AppRule[]) => void;
}

export function createAppKnobs(initial: readonly AppRule[] = []): AppKnobs {
  let rules = initial;
  return {
    rules: () => rules,
    change: (next) => {
      rules = next;
    },
  };
}

export function behaviourOf(knobs: AppKnobs, pod: KubeObject, container: { readonly name: string; readonly image: string }): AppBehaviour {
  const fitting = knobs.rules().filter((rule) => containerMatches(rule, pod, container));
  return Object.assign({}, ...fitting.map(({ behaviour }) => behaviour)) as AppBehaviour;
}
