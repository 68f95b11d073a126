/**
 * What a pod's annotations add to the sidecar's volumes: a bootstrap of its own, and whatever else the user wants to mount.
 * Source: istio/istio, manifests/charts/istio-control/istio-discovery/files/injection-template.yaml, tag 1.28.2.
 */
import type { EnvVar, PodSpec } from '../pod-shape.ts';
import type { InjectionContext } from './injection-context.ts';

type Volume = NonNullable<PodSpec['volumes']>[number];

const BOOTSTRAP = 'sidecar.istio.io/bootstrapOverride';
const BOOTSTRAP_VOLUME = 'custom-bootstrap-volume';
const BOOTSTRAP_FOLDER = '/etc/istio/custom-bootstrap';

export function bootstrapEnv(context: InjectionContext): readonly EnvVar[] {
  if (bootstrapOf(context) === undefined) return [];
  return [{ name: 'ISTIO_BOOTSTRAP_OVERRIDE', value: `${BOOTSTRAP_FOLDER}/custom_bootstrap.json` }];
}

export function bootstrapMounts(context: InjectionContext): readonly object[] {
  return bootstrapOf(context) === undefined ? [] : [{ mountPath: BOOTSTRAP_FOLDER, name: BOOTSTRAP_VOLUME }];
}

export function bootstrapVolumes(context: InjectionContext): readonly Volume[] {
  const name = bootstrapOf(context);
  return name === undefined ? [] : [{ name: BOOTSTRAP_VOLUME, configMap: { name } }];
}

export function userMounts(context: InjectionContext): readonly object[] {
  return named(context, 'sidecar.istio.io/userVolumeMount');
}

export function userVolumes(context: InjectionContext): readonly Volume[] {
  return named(context, 'sidecar.istio.io/userVolume');
}

/** Name of a ConfigMap. */
function bootstrapOf({ pod }: InjectionContext): string | undefined {
  return pod.metadata.annotations?.[BOOTSTRAP];
}

/** JSON: an object by name, or a list of things that bring their names along. What is no JSON adds nothing. */
function named({ pod }: InjectionContext, annotation: string): readonly Volume[] {
  let things: unknown;
  try {
    things = JSON.parse(pod.metadata.annotations?.[annotation] ?? '{}');
  } catch {
    return [];
  }
  if (typeof things !== 'object' || things === null) return [];
  const entries = Object.entries(things);
  const inOrder = Array.isArray(things) ? entries : entries.toSorted(([left], [right]) => (left < right ? -1 : 1));
  return inOrder.map(([name, thing]) => ({ name, ...(thing as object) }));
}
