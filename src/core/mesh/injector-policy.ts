/** What an istiod injects of what it is asked for, by its own settings: the key `config` of its injector's ConfigMap. */
import { parse } from 'yaml';
import type { LabelSelector } from './kube-objects.ts';

export interface InjectorPolicy {
  /** `enabled`: unless something says no; `disabled`: only what says yes; anything else: never. */
  readonly policy: string;
  readonly neverInjectSelector: readonly LabelSelector[];
  readonly alwaysInjectSelector: readonly LabelSelector[];
}

/** Beside these keys stand the templates, which are long and not looked at. */
const KEYS = /^(?:policy|neverInjectSelector|alwaysInjectSelector):/;

/**
 * @param config YAML as Istio's chart writes it
 * @returns undefined when it cannot be read; a key that is missing has istiod's own default: no selectors, and no injection at all
 * @source istio/istio pkg/kube/inject/webhook.go (UnmarshalConfig), inject.go (Config) @6991a379
 */
export function readInjectorPolicy(config: string): InjectorPolicy | undefined {
  try {
    const parsed: unknown = parse(config.trimStart().startsWith('{') ? config : wantedLines(config));
    if (parsed !== null && typeof parsed !== 'object') return undefined;
    const { policy, neverInjectSelector, alwaysInjectSelector } = (parsed ?? {}) as Partial<Record<keyof InjectorPolicy, unknown>>;
    return {
      policy: typeof policy === 'string' ? policy : '',
      neverInjectSelector: selectors(neverInjectSelector),
      alwaysInjectSelector: selectors(alwaysInjectSelector),
    };
  } catch {
    return undefined;
  }
}

function selectors(value: unknown): readonly LabelSelector[] {
  return Array.isArray(value) ? value.filter((one): one is LabelSelector => typeof one === 'object' && one !== null) : [];
}

/** The top-level keys that count, each with the lines that belong to it. */
function wantedLines(config: string): string {
  let isWanted = false;
  return config
    .split('\n')
    .filter((line) => {
      if (/^[^\s#-]/.test(line)) isWanted = KEYS.test(line);
      return isWanted;
    })
    .join('\n');
}
