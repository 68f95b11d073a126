/** How long a pod takes to end, and how long it is given. */
import { parse } from 'yaml';
import type { Container, PodTemplate } from '../mesh/kube-objects.ts';

/** What Istio gives connections when nothing is said. @source istio/api mesh/v1alpha1/proxy.proto @1.29 */
export const USUAL_DRAIN_SECONDS = 5;
/** What Kubernetes gives a pod when nothing is said. */
const USUAL_GRACE_SECONDS = 30;

export function graceSeconds({ spec }: PodTemplate): number {
  return spec?.terminationGracePeriodSeconds ?? USUAL_GRACE_SECONDS;
}

/** How long proxies of a mesh let connections end: `mesh` is the text of its configuration, undefined when it was not read. */
export function meshDrainSeconds(mesh: string | undefined): number {
  return parseSeconds(yamlField(mesh, ['defaultConfig', 'terminationDrainDuration'])) ?? USUAL_DRAIN_SECONDS;
}

/** How long the proxy of a pod lets connections end: its own annotation, else what the mesh says. */
export function drainSeconds(template: PodTemplate, ofMeshSeconds: number): number {
  const own = yamlField(template.metadata?.annotations?.['proxy.istio.io/config'], ['terminationDrainDuration']);
  return own === undefined ? ofMeshSeconds : (parseSeconds(own) ?? USUAL_DRAIN_SECONDS);
}

/**
 * How long the preStop hook of a container sleeps, for the two forms that say it: `sleep`, and a command `sleep N`, in a shell
 * or not; undefined for every other hook, and for none.
 */
export function preStopSeconds({ lifecycle }: Container): number | undefined {
  const hook = lifecycle?.preStop as { sleep?: { seconds?: unknown }; exec?: { command?: unknown } } | undefined;
  const slept = hook?.sleep?.seconds;
  if (typeof slept === 'number') return slept;
  const command = hook?.exec?.command;
  if (!Array.isArray(command)) return undefined;
  const match = /^(?:(?:\S*\/)?(?:ba|da|a)?sh -c )?(?:\S*\/)?sleep (\d+(?:\.\d+)?)s?$/.exec(command.join(' '));
  return match === null ? undefined : Number(match[1]);
}

function yamlField(text: string | undefined, path: readonly string[]): string | undefined {
  if (text === undefined) return undefined;
  try {
    const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], parse(text) as unknown);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A duration as Go writes it, of hours, minutes and seconds; undefined for any other text. */
function parseSeconds(text: string | undefined): number | undefined {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text ?? '');
  if (match === null || (text ?? '') === '') return undefined;
  return Number(match[1] ?? 0) * 3600 + Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0);
}
