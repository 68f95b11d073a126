/**
 * The part of a pod that Istio's template `gateway` gives: the proxy is the pod's only work, nothing is intercepted.
 * Source: istio/istio, manifests/charts/istio-control/istio-discovery/files/gateway-injection-template.yaml, tags 1.26.8 to 1.31.0-rc.0.
 */
import { recordAt } from '../read-path.ts';
import type { InjectionContext } from './injection-context.ts';
import {
  canonicalLabels,
  customLifecycle,
  defaultContainer,
  proxyArgs,
  proxyEnv,
  proxyVolumeMounts,
  proxyVolumes,
  pullPolicy,
  pullSecrets,
  readiness,
} from './proxy-container.ts';
import type { TemplatePod } from './template-pod.ts';

export function gatewayTemplate(context: InjectionContext): TemplatePod {
  const security = recordAt(context.values, 'gateways.securityContext');
  const lowPorts = { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] };
  return {
    labels: canonicalLabels(context),
    annotations: { 'istio.io/rev': context.revision, ...defaultContainer(context) },
    spec: {
      securityContext: Object.keys(security).length === 0 ? lowPorts : security,
      containers: [
        {
          name: 'istio-proxy',
          image: context.proxyImage,
          ports: [{ containerPort: 15_090, protocol: 'TCP', name: 'http-envoy-prom' }],
          args: proxyArgs(context, 'router'),
          ...customLifecycle(context),
          securityContext: { runAsUser: 1337, runAsGroup: 1337 },
          env: proxyEnv(context, 'router'),
          ...pullPolicy(context),
          ...readiness(context, 'router'),
          volumeMounts: proxyVolumeMounts(context, 'router'),
        },
      ],
      volumes: proxyVolumes(context, 'router'),
      ...pullSecrets(context),
    },
  };
}
