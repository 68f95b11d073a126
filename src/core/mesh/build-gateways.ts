/** Finds gateways and where the outside reaches them. */
import type { Service } from './kube-objects.ts';
import { selectsPod } from './match-selector.ts';
import type { Gateway, Workload } from './mesh-inventory.ts';
import type { MeshObjects } from './mesh-objects.ts';

/**
 * Classes that every istiod makes, so that they are known where the list of classes was not read.
 * @source istio/istio pilot/pkg/config/kube/gateway/builtin_controllers.go and manifests of 1.28.2
 */
const BUILTIN_CLASSES: Readonly<Record<string, string>> = {
  istio: 'istio.io/gateway-controller',
  'istio-remote': 'istio.io/unmanaged-gateway',
  'istio-waypoint': 'istio.io/mesh-controller',
  'istio-east-west': 'istio.io/eastwest-controller',
};

export function buildGateways(objects: MeshObjects, workloads: readonly Workload[]): Gateway[] {
  const controllers = new Map(objects.gatewayClasses.map((c) => [c.metadata.name, c.spec?.controllerName]));
  const apiGateways = objects.gatewayApiGateways.map((gateway): Gateway => {
    const namespace = gateway.metadata.namespace ?? '';
    const revisionLabel = gateway.metadata.labels?.['istio.io/rev'];
    const className = gateway.spec?.gatewayClassName;
    const controller = className === undefined ? undefined : (controllers.get(className) ?? BUILTIN_CLASSES[className]);
    const workload = workloads.find(
      (w) => w.namespace === namespace && w.template.metadata?.labels?.['gateway.networking.k8s.io/gateway-name'] === gateway.metadata.name,
    );
    return {
      namespace,
      name: gateway.metadata.name,
      source: 'gateway-api',
      managed: workload?.template.metadata?.labels?.['gateway.istio.io/managed'] !== undefined,
      ...(className === undefined ? {} : { className }),
      ...(controller === undefined ? {} : { controller }),
      ...(revisionLabel === undefined ? {} : { revisionLabel }),
      ...(workload === undefined ? {} : { workload: { kind: workload.kind, namespace, name: workload.name } }),
      services: workload === undefined ? [] : servicesFor(workload, objects.services).map((s) => s.metadata.name),
      addresses: (gateway.status?.addresses ?? []).flatMap((a) => (a.value === undefined ? [] : [a.value])),
    };
  });
  const managed = new Set(apiGateways.flatMap((g) => (g.workload ? [`${g.namespace}/${g.workload.name}`] : [])));
  const injected = workloads.filter((w) => isInjectedGateway(w) && !managed.has(`${w.namespace}/${w.name}`));
  return [...injected.map((w) => injectedGateway(w, objects.services)), ...apiGateways].toSorted(
    (a, b) => a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name),
  );
}

/** A workload whose template asks for the gateway template, or whose live proxies are routers. */
export function isInjectedGateway(workload: Workload): boolean {
  const templates = workload.template.metadata?.annotations?.['inject.istio.io/templates'] ?? '';
  if (templates.split(',').some((name) => name.trim() === 'gateway')) return true;
  return workload.pods.some((pod) => pod.proxy?.type === 'gateway');
}

function injectedGateway(workload: Workload, services: readonly Service[]): Gateway {
  const serving = servicesFor(workload, services);
  return {
    namespace: workload.namespace,
    name: workload.name,
    source: 'injected',
    managed: false,
    workload: { kind: workload.kind, namespace: workload.namespace, name: workload.name },
    services: serving.map((s) => s.metadata.name),
    addresses: [...new Set(serving.flatMap(addressesOf))],
  };
}

function servicesFor(workload: Workload, services: readonly Service[]): Service[] {
  const labels = workload.template.metadata?.labels ?? {};
  return services.filter((s) => s.metadata.namespace === workload.namespace && selectsPod(s.spec?.selector, labels));
}

function addressesOf(service: Service): string[] {
  const balanced = (service.status?.loadBalancer?.ingress ?? []).flatMap((i) => i.hostname ?? i.ip ?? []);
  return [...balanced, ...(service.spec?.externalIPs ?? [])];
}
