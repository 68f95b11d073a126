/** The only file of the command line that knows the sandbox. */
import { KubeClient } from '../adapters/kubernetes/kube-client.ts';
import { loadKubeConfig } from '../adapters/kubernetes/load-kube-config.ts';
import { known, resourceRequest } from '../adapters/kubernetes/resource-paths.ts';
import { isScenario, scenarioForms } from '../sandbox/scenarios/scenario-names.ts';
import type { Sandbox, SandboxOptions } from '../sandbox/start-sandbox.ts';

export type { Sandbox, SandboxOptions };

export async function composeSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { startSandbox } = await import('../sandbox/start-sandbox.ts');
  return startSandbox(options);
}

/** Mistakes in what a sandbox shall begin with. */
export function mistakesOfScenario(scenario: string): string[] {
  return isScenario(scenario) ? [] : [`--scenario ${scenario}: it must be one of ${scenarioForms.join(', ')}`];
}

/** A small control plane of the sandbox's own writing, as YAML. */
export async function composeManifests(input: { readonly revision: string; readonly version: string }): Promise<string> {
  const { istioManifestsYaml } = await import('../sandbox/istio-manifests-yaml.ts');
  return istioManifestsYaml(input);
}

export interface TroubleForm {
  readonly name: string;
  readonly explanation: string;
  /** `revision`, `ratio=0.05`: what must be given, and what is taken when it is not. */
  readonly settings: readonly string[];
}

export async function knownTroubles(): Promise<readonly TroubleForm[]> {
  const { TROUBLES, troubleNames } = await import('../sandbox/scenarios/troubles.ts');
  return troubleNames.map((name) => ({
    name,
    explanation: TROUBLES[name].explanation,
    settings: TROUBLES[name].settings.map((one) => (one.fallback === undefined ? one.name : `${one.name}=${one.fallback}`)),
  }));
}

/** @returns what is wrong with a trouble as it was written; nothing when all is well */
export async function mistakesOfTrouble(name: string, settings: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { parseTrouble } = await import('../sandbox/scenarios/troubles.ts');
  const parsed = parseTrouble(name, settings);
  return 'mistakes' in parsed ? parsed.mistakes : [];
}

/** Switches a trouble on (with its settings as written) or off (null) in a running sandbox. */
export async function switchTrouble(kubeconfig: string, name: string, written: string | null): Promise<void> {
  const client = new KubeClient(loadKubeConfig({ kubeconfig }));
  try {
    const { TROUBLES_NAME, TROUBLES_NAMESPACE } = await import('../sandbox/run-troubles.ts');
    await client.request({
      method: 'PATCH',
      ...resourceRequest(known('v1', 'ConfigMap'), 'patch', { namespace: TROUBLES_NAMESPACE, name: TROUBLES_NAME }),
      query: { fieldManager: 'meshlift' },
      contentType: 'application/merge-patch+json',
      body: { data: { [name]: written } },
    });
  } finally {
    client.close();
  }
}
