/** The Gateway API as far as tests need it: three kinds with every field allowed. */
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';

const GROUP = 'gateway.networking.k8s.io';
/** istiod heeds only CRDs of a bundle, and of new enough a one. */
const BUNDLE = {
  'gateway.networking.k8s.io/bundle-version': 'v1.4.0',
  'gateway.networking.k8s.io/channel': 'standard',
  'api-approved.kubernetes.io': 'unapproved, for a test',
};
const KINDS = [
  ['GatewayClass', 'gatewayclasses', 'Cluster'],
  ['Gateway', 'gateways', 'Namespaced'],
  ['HTTPRoute', 'httproutes', 'Namespaced'],
] as const;

export const gatewayApiCrds: readonly KubeObject[] = KINDS.map(([kind, plural, scope]) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${GROUP}`, annotations: BUNDLE },
  spec: {
    group: GROUP,
    names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
    scope,
    // Older clients, istiod 1.28 among them, ask for v1beta1.
    versions: ['v1', 'v1beta1'].map((name) => ({
      name,
      served: true,
      storage: name === 'v1',
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      subresources: { status: {} },
    })),
  },
}));
