/** What stands before gateways: their Services with their addresses and owners, and the Gateways of Istio that give them listeners. */
import { MANAGED_BY, RELEASE_NAME, releaseOf } from '../../helm/release-marks.ts';
import { isInjectedGateway } from '../../mesh/build-gateways.ts';
import type { KubeObject, Labels, Service } from '../../mesh/kube-objects.ts';
import { selectsPod } from '../../mesh/match-selector.ts';
import { workloadKey, type Workload } from '../../mesh/mesh-inventory.ts';
import type { WorkloadMove } from '../../moves/select-moves.ts';
import { REVISION_LABEL, withTemplateLabel } from '../../moves/select-gateways.ts';
import type { Check, CheckContext } from '../check-context.ts';
import type { Finding } from '../finding.ts';

/** Labels that name a revision of Istio or of a workload, and change with it. */
const REVISION_LABELS = [REVISION_LABEL, 'service.istio.io/canonical-revision'];

export function gatewayMoves({ moves }: CheckContext): readonly WorkloadMove[] {
  return (moves?.namespaces ?? []).flatMap((n) => n.workloads.filter((move) => move.gateway));
}

/** Gateways, and whatever else gets another revision in the labels of its pods. */
function revisionMoves({ moves }: CheckContext): readonly WorkloadMove[] {
  return (moves?.namespaces ?? []).flatMap((n) => n.workloads.filter((move) => move.gateway || move.templateLabel !== undefined));
}

function servicesOf(workload: Workload, services: readonly Service[]): Service[] {
  const labels = workload.template.metadata?.labels ?? {};
  return services.filter((s) => s.metadata.namespace === workload.namespace && selectsPod(s.spec?.selector, labels));
}

/** Labels of the pods of a gateway after its move. */
function labelsAfter({ workload, templateLabel }: WorkloadMove): Labels {
  return withTemplateLabel(workload.template, templateLabel?.to ?? null, templateLabel !== undefined).metadata?.labels ?? {};
}

function selects({ pods, template }: Workload, selector: Labels | undefined): boolean {
  return selectsPod(selector, template.metadata?.labels ?? {}) || pods.some((pod) => selectsPod(selector, pod.labels));
}

function nameOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function selectorText(selector: Labels | undefined): string {
  return Object.entries(selector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

export const gatewaySelectors: Check = {
  name: 'Services that select a revision',
  codes: ['GATE-001'],
  look(context) {
    const { services = [] } = context;
    return revisionMoves(context).flatMap((move): Finding[] => {
      const { workload } = move;
      const after = labelsAfter(move);
      return servicesOf(workload, services)
        .filter((service) => Object.keys(service.spec?.selector ?? {}).some((key) => REVISION_LABELS.includes(key)))
        .map((service): Finding => {
          const lost = !selectsPod(service.spec?.selector, after);
          const key = REVISION_LABELS.find((label) => service.spec?.selector?.[label] !== undefined) ?? '';
          return {
            code: 'GATE-001',
            level: lost ? 'error' : 'warning',
            objects: [nameOf(service)],
            what: `Service ${nameOf(service)} selects ${key}=${service.spec?.selector?.[key] ?? ''}`,
            why: lost
              ? `Pods of ${context.to?.revision ?? 'the new revision'} would not be behind it, so that nobody would answer at its address.`
              : 'Pods that carry another value are not behind it.',
            next: [
              `kubectl -n ${workload.namespace} patch service ${service.metadata.name} --type=json -p '[{"op":"remove","path":"/spec/selector/${key.replaceAll('/', '~1')}"}]'`,
            ],
          };
        });
    });
  },
};

export const idleServices: Check = {
  name: 'Services beside gateways that select nothing',
  codes: ['GATE-002'],
  look({ services = [], inventory }) {
    const gateways = inventory.workloads.filter(isInjectedGateway);
    const namespaces = new Set(gateways.map((w) => w.namespace));
    return services
      .filter(
        (s) =>
          namespaces.has(s.metadata.namespace ?? '') && s.spec?.type === 'LoadBalancer' && Object.keys(s.spec.selector ?? {}).length > 0,
      )
      .filter((s) => {
        const own = inventory.workloads.filter((w) => w.namespace === s.metadata.namespace);
        return !own.some((w) => selects(w, s.spec?.selector));
      })
      .map((service): Finding => ({
        code: 'GATE-002',
        level: 'warning',
        objects: [nameOf(service)],
        what: `Service ${nameOf(service)} selects no pod (${selectorText(service.spec?.selector)})`,
        why: 'Nothing answers at its address, before an upgrade and after it.',
        next: [`kubectl -n ${service.metadata.namespace ?? ''} get pods --show-labels`],
      }));
  },
};

export const waitingAddresses: Check = {
  name: 'addresses of gateways',
  codes: ['GATE-003'],
  look(context) {
    const { services = [], inventory } = context;
    const workloads =
      context.moves === undefined ? inventory.workloads.filter(isInjectedGateway) : gatewayMoves(context).map(({ workload }) => workload);
    const waiting = new Set(workloads.flatMap((workload) => servicesOf(workload, services)).filter(waitsForAddress));
    return [...waiting].map((service): Finding => ({
      code: 'GATE-003',
      level: 'warning',
      objects: [nameOf(service)],
      what: `Service ${nameOf(service)} of type LoadBalancer has no address`,
      why: 'Nothing comes to the gateway from outside, so that its move proves nothing. A run does not wait for an address.',
      next: [`kubectl -n ${service.metadata.namespace ?? ''} describe service ${service.metadata.name}`],
    }));
  },
};

function waitsForAddress({ spec, status }: Service): boolean {
  return spec?.type === 'LoadBalancer' && (status?.loadBalancer?.ingress ?? []).length === 0 && (spec.externalIPs ?? []).length === 0;
}

/**
 * A Gateway of Istio chooses pods in every namespace by their labels; without a selector it is for all of them.
 * @source istio/api networking/v1alpha3/gateway.proto (Gateway.selector) @1.29
 */
export const gatewayListeners: Check = {
  name: 'selectors of Istio Gateways',
  codes: ['GATE-011'],
  look(context) {
    const { istioGateways = [], inventory } = context;
    return istioGateways.flatMap((gateway): Finding[] => {
      const selector = (gateway['spec'] as { selector?: Labels } | undefined)?.selector;
      if (Object.keys(selector ?? {}).length === 0) return [];
      if (!inventory.workloads.some((w) => selects(w, selector))) return [listensNowhere(gateway, selector)];
      if (selector?.[REVISION_LABEL] === undefined) return [];
      const lost = gatewayMoves(context).filter((move) => selects(move.workload, selector) && !selectsPod(selector, labelsAfter(move)));
      return [bindsToRevision(gateway, selector, lost, context)];
    });
  },
};

function listensNowhere(gateway: KubeObject, selector: Labels | undefined): Finding {
  return {
    code: 'GATE-011',
    level: 'warning',
    objects: [`Gateway/${nameOf(gateway)}`],
    what: `Gateway ${nameOf(gateway)} selects no pod (${selectorText(selector)})`,
    why: 'No proxy listens for its hosts, before an upgrade and after it.',
    next: [`kubectl get pods -A -l '${selectorText(selector).replaceAll(', ', ',')}'`],
  };
}

function bindsToRevision(gateway: KubeObject, selector: Labels, lost: readonly WorkloadMove[], { to }: CheckContext): Finding {
  const { namespace, name } = gateway.metadata;
  return {
    code: 'GATE-011',
    level: lost.length > 0 ? 'error' : 'warning',
    objects: [`Gateway/${nameOf(gateway)}`],
    what: `Gateway ${nameOf(gateway)} selects ${REVISION_LABEL}=${selector[REVISION_LABEL] ?? ''}`,
    why:
      lost.length > 0
        ? `Pods of ${lost.map(({ workload }) => workloadKey(workload)).join(', ')} on ${to?.revision ?? 'the new revision'} would not listen for its hosts: connections are refused.`
        : 'Pods that carry another value do not listen for its hosts.',
    next: [
      `kubectl -n ${namespace ?? ''} patch gateways.networking.istio.io ${name} --type=json -p '[{"op":"remove","path":"/spec/selector/${REVISION_LABEL.replaceAll('/', '~1')}"}]'`,
    ],
  };
}

/** Labels in which charts write the name of the release that they are rendered for. */
const INSTANCE_LABELS = ['app.kubernetes.io/instance', 'release'];

export const serviceReleases: Check = {
  name: 'Helm releases of gateway Services',
  codes: ['GATE-012'],
  look({ services = [], inventory }) {
    return inventory.workloads.filter(isInjectedGateway).flatMap((workload) =>
      servicesOf(workload, services).flatMap((service): Finding[] => {
        const others = otherReleases(service, workload);
        return others === undefined ? [] : [sharedByReleases(service, others)];
      }),
    );
  },
};

/** What a Service and its gateway say of their releases, where they do not agree; undefined when they do. */
function otherReleases(service: Service, { controller, name }: Workload): string | undefined {
  const own = releaseOf(service);
  if (own === undefined) return undefined;
  const label = INSTANCE_LABELS.find((key) => (service.metadata.labels?.[key] ?? own.name) !== own.name);
  if (service.metadata.labels?.[MANAGED_BY] === 'Helm' && label !== undefined)
    return `its label ${label} names ${service.metadata.labels[label] ?? ''}`;
  const gateway = controller && releaseOf(controller);
  return gateway === undefined || (gateway.name === own.name && gateway.namespace === own.namespace)
    ? undefined
    : `its Deployment ${name} belongs to ${gateway.name}`;
}

function sharedByReleases(service: Service, others: string): Finding {
  const release = service.metadata.annotations?.[RELEASE_NAME] ?? '';
  const { namespace = '', name } = service.metadata;
  return {
    code: 'GATE-012',
    level: 'warning',
    objects: [nameOf(service)],
    what: `Service ${nameOf(service)} belongs to the Helm release ${release}, and ${others}`,
    why: `helm uninstall ${release} deletes the Service with its address, whoever's pods are behind it.`,
    next: [
      `helm get manifest ${release} -n ${service.metadata.annotations?.['meta.helm.sh/release-namespace'] ?? namespace} shows whether it has Service ${name}; let one release have both, and do not uninstall ${release} before`,
    ],
  };
}
