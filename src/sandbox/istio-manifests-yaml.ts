/** The sandbox's own control plane as a file, for those who install it with kubectl or Meshlift. */
import { stringify } from 'yaml';
import { istioManifests } from './istio/manifests/istio-manifests.ts';

/** @param input revision `default` is a control plane without a name, which becomes the default as istioctl makes it */
export function istioManifestsYaml(input: { readonly revision: string; readonly version: string }): string {
  const objects = istioManifests({ ...input, defaults: input.revision === 'default' ? 'istioctl' : 'none' });
  return objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n');
}
