/** What an istiod injects of what it is asked for, by its own settings: the key `config` of its injector's ConfigMap. */
import { parse } from 'yaml';
import type { LabelSelector } from './kube-objects.ts';

export interface InjectorPolicy {
  /** `enabled`: unless something says no; `disabled`: only what says yes; anything else: never. */
  readonly policy: string;
  readonly neverInjectSelector: readonly LabelSelector[];
  readonly alwaysInjectSelector: readonly LabelSelector[];
  /** Names by which pods can ask for a template; absent when none are said. */
  readonly templates?: readonly string[];
}

/** Beside these keys stand the templates, which are long: only their names are looked at. */
const KEYS = /^(?:policy|neverInjectSelector|alwaysInjectSelector|aliases):/;

/**
 * @param config YAML as Istio's chart writes it
 * @returns undefined when it cannot be read; a key that is missing has istiod's own default: no selectors, and no injection at all
 * @source istio/istio pkg/kube/inject/webhook.go (UnmarshalConfig), inject.go (Config) @6991a379
 */
export function readInjectorPolicy(config: string): InjectorPolicy | undefined {
  try {
    const parsed: unknown = parse(config.trimStart().startsWith('{') ? config : wantedLines(config));
    if (parsed !== null && typeof parsed !== 'object') return undefined;
    const told = (parsed ?? {}) as Partial<Record<keyof InjectorPolicy | 'aliases', unknown>>;
    const templates = [...(told.templates === undefined ? templateNames(config) : namesIn(told.templates)), ...namesIn(told.aliases)];
    return {
      policy: typeof told.policy === 'string' ? told.policy : '',
      neverInjectSelector: selectors(told.neverInjectSelector),
      alwaysInjectSelector: selectors(told.alwaysInjectSelector),
      ...(templates.length === 0 ? {} : { templates }),
    };
  } catch {
    return undefined;
  }
}

function selectors(value: unknown): readonly LabelSelector[] {
  return Array.isArray(value) ? value.filter((one): one is LabelSelector => typeof one === 'object' && one !== null) : [];
}

function namesIn(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}

/** Keys of the first level below `templates`, whatever stands in them. */
function templateNames(config: string): string[] {
  const block = /^templates:[ \t]*\n((?:[ \t#].*\n?|\n)*)/m.exec(config)?.[1] ?? '';
  const indent = /^( +)\S/m.exec(block)?.[1] ?? ' ';
  return block.split('\n').flatMap((line) => {
    const key =
      line.startsWith(indent) && line[indent.length] !== ' ' ? /^["']?([\w.-]+)["']?:/.exec(line.slice(indent.length))?.[1] : undefined;
    return key === undefined ? [] : [key];
  });
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
