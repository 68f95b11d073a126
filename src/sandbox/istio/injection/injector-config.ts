/** The injector's configuration: key `config` of its ConfigMap. Templates count by their names only; the sandbox plays Istio's own. */
import { parse } from 'yaml';
import { listAt, recordAt, textAt } from '../read-path.ts';
import type { InjectionPolicy, LabelSelector } from './decide-injection.ts';

export interface InjectorConfig extends InjectionPolicy {
  readonly defaultTemplates: readonly string[];
  /** Names of the templates that there are, sorted. */
  readonly templates: readonly string[];
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly injectedAnnotations: Readonly<Record<string, string>>;
}

/** @throws Error when it is no YAML */
export function parseInjectorConfig(text: string): InjectorConfig {
  const config: unknown = parse(text);
  const defaults = listAt(config, 'defaultTemplates').map(String);
  const strings = (field: string): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(recordAt(config, field)).map(([key, value]) => [key, String(value)]));
  return {
    policy: textAt(config, 'policy') ?? 'enabled',
    neverInjectSelector: listAt(config, 'neverInjectSelector') as readonly LabelSelector[],
    alwaysInjectSelector: listAt(config, 'alwaysInjectSelector') as readonly LabelSelector[],
    defaultTemplates: defaults.length === 0 ? ['sidecar'] : defaults,
    templates: Object.keys(recordAt(config, 'templates')).toSorted(),
    aliases: Object.fromEntries(
      Object.entries(recordAt(config, 'aliases')).map(([name, value]) => [name, Array.isArray(value) ? value.map(String) : []]),
    ),
    injectedAnnotations: strings('injectedAnnotations'),
  };
}
