/**
 * A control plane of Istio's shape, of the sandbox's own writing: names, labels, selectors and ports are those of the real charts,
 * so that istioctl's and Meshlift's eyes see a real one. Only the sandbox's istiod can run with it.
 * Source of names: istio/istio, manifests/charts/base and istio-control/istio-discovery, tags 1.26.8 to 1.31.0-rc.0.
 */
import type { KubeObject } from '../../objects/kube-object.ts';
import { istioCrds } from './istio-crds.ts';
import { istiodAccess, readerAccount } from './istiod-access.ts';
import { istiodConfiguration } from './istiod-configuration.ts';
import { istiodWebhooks } from './istiod-webhooks.ts';
import { istiodWorkload } from './istiod-workload.ts';
import { planManifests, type IstioManifestOptions } from './manifest-options.ts';

/** @returns objects in the order in which they can be applied; the namespace is not among them */
export function istioManifests(options: IstioManifestOptions): readonly KubeObject[] {
  const plan = planManifests(options);
  return [
    ...(options.base === false ? [] : [...istioCrds(plan.minor), readerAccount(plan)]),
    ...istiodAccess(plan),
    ...istiodConfiguration(plan),
    ...istiodWorkload(plan),
    ...istiodWebhooks(plan),
  ];
}
