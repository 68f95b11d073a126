/** What stands in the way of a gateway's move, or makes it lose requests. */
import { COPY_LABEL, copyName } from '../../gateways/copy-gateway.ts';
import { resolveInjection } from '../../injection/resolve-injection.ts';
import { isInjectedGateway } from '../../mesh/build-gateways.ts';
import type { Service } from '../../mesh/kube-objects.ts';
import { selectsPod } from '../../mesh/match-selector.ts';
import { workloadKey, type Workload } from '../../mesh/mesh-inventory.ts';
import type { WorkloadMove } from '../../moves/select-moves.ts';
import { REVISION_LABEL, selectsByRevision, withTemplateLabel } from '../../moves/select-gateways.ts';
import { drainSeconds, graceSeconds, meshDrainSeconds, USUAL_DRAIN_SECONDS } from '../../restarts/termination.ts';
import type { Check, CheckContext } from '../check-context.ts';
import type { Finding } from '../finding.ts';

/** Labels that name a revision of Istio or of a workload, and change with it. */
const REVISION_LABELS = [REVISION_LABEL, 'service.istio.io/canonical-revision'];

function gatewayMoves({ moves }: CheckContext): readonly WorkloadMove[] {
  return (moves?.namespaces ?? []).flatMap((n) => n.workloads.filter((move) => move.gateway));
}

function servicesOf(workload: Workload, services: readonly Service[]): Service[] {
  const labels = workload.template.metadata?.labels ?? {};
  return services.filter((s) => s.metadata.namespace === workload.namespace && selectsPod(s.spec?.selector, labels));
}

function serviceName({ metadata }: Service): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

export const gatewaySelectors: Check = {
  name: 'selectors of gateway Services',
  codes: ['GATE-001'],
  look(context) {
    const { services = [] } = context;
    return gatewayMoves(context).flatMap(({ workload, templateLabel }): Finding[] => {
      const after = withTemplateLabel(workload.template, templateLabel?.to ?? null, templateLabel !== undefined).metadata?.labels ?? {};
      return servicesOf(workload, services)
        .filter((service) => Object.keys(service.spec?.selector ?? {}).some((key) => REVISION_LABELS.includes(key)))
        .map((service): Finding => {
          const lost = !selectsPod(service.spec?.selector, after);
          const key = REVISION_LABELS.find((label) => service.spec?.selector?.[label] !== undefined) ?? '';
          return {
            code: 'GATE-001',
            level: lost ? 'error' : 'warning',
            objects: [serviceName(service)],
            what: `Service ${serviceName(service)} selects ${key}=${service.spec?.selector?.[key] ?? ''}`,
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
        return !own.some(
          (w) =>
            selectsPod(s.spec?.selector, w.template.metadata?.labels ?? {}) ||
            w.pods.some((pod) => selectsPod(s.spec?.selector, pod.labels)),
        );
      })
      .map((service): Finding => ({
        code: 'GATE-002',
        level: 'warning',
        objects: [serviceName(service)],
        what: `Service ${serviceName(service)} selects no pod (${Object.entries(service.spec?.selector ?? {})
          .map(([key, value]) => `${key}=${value}`)
          .join(', ')})`,
        why: 'Nothing answers at its address, before an upgrade and after it.',
        next: [`kubectl -n ${service.metadata.namespace ?? ''} get pods --show-labels`],
      }));
  },
};

export const waitingAddresses: Check = {
  name: 'addresses of gateways',
  codes: ['GATE-003'],
  look(context) {
    const waiting = gatewayMoves(context).flatMap(({ workload }) =>
      servicesOf(workload, context.services ?? []).filter(
        (s) =>
          s.spec?.type === 'LoadBalancer' &&
          (s.status?.loadBalancer?.ingress ?? []).length === 0 &&
          (s.spec.externalIPs ?? []).length === 0,
      ),
    );
    return waiting.map((service): Finding => ({
      code: 'GATE-003',
      level: 'warning',
      objects: [serviceName(service)],
      what: `Service ${serviceName(service)} of type LoadBalancer has no address`,
      why: 'Whatever shifts behind it has no traffic from outside, so that its move proves nothing.',
      next: [`kubectl -n ${service.metadata.namespace ?? ''} describe service ${service.metadata.name}`],
    }));
  },
};

export const gatewayTemplates: Check = {
  name: 'templates and selectors of gateways',
  codes: ['GATE-004', 'GATE-005'],
  look({ inventory }) {
    const namespaces = new Map(inventory.namespaces.map((n) => [n.name, n.labels]));
    return inventory.workloads.flatMap((workload): Finding[] => {
      const key = workloadKey(workload);
      const subject = {
        namespace: workload.namespace,
        namespaceLabels: namespaces.get(workload.namespace) ?? {},
        template: workload.template,
      };
      const injected = ['injected', 'ambiguous', 'refused'].includes(resolveInjection(subject, inventory.webhooks).kind);
      const isAuto = (workload.template.spec?.containers ?? []).some((c) => c.name === 'istio-proxy' && c.image === 'auto');
      return [
        ...(isAuto && !injected
          ? [
              {
                code: 'GATE-004',
                level: 'warning',
                objects: [key],
                what: `${key} has the proxy image auto, and no webhook injects its next pod`,
                why: 'The next pod cannot pull an image of that name, and never starts.',
                next: [`label its pod template, or namespace ${workload.namespace}, with istio.io/rev=REVISION`],
              } as const,
            ]
          : []),
        ...(selectsByRevision(workload) && injected
          ? [
              {
                code: 'GATE-005',
                level: 'warning',
                objects: [key],
                what: `the selector of ${key} names ${REVISION_LABEL}`,
                why: 'It cannot change, so its pods cannot move to another revision; and an injector before 1.18 writes that label itself, so that pods are made without end.',
                next: ['Make it anew without that label in its selector; --gateways canary does so for a gateway.'],
              } as const,
            ]
          : []),
      ];
    });
  },
};

export const copyNames: Check = {
  name: 'names of new gateways',
  codes: ['GATE-006'],
  look(context) {
    return gatewayMoves(context).flatMap(({ workload, canary, revision }): Finding[] => {
      if (canary !== true || workload.controller === undefined || revision === undefined) return [];
      const name = copyName(workload.controller, revision);
      const there = context.inventory.workloads.find(
        (w) => w.kind === 'Deployment' && w.namespace === workload.namespace && w.name === name,
      );
      if (there === undefined || there.controller?.spec?.selector?.matchLabels?.[COPY_LABEL] === revision) return [];
      return [
        {
          code: 'GATE-006',
          level: 'error',
          objects: [workloadKey(there)],
          what: `${workloadKey(there)} has the name that the new gateway beside ${workload.name} would have`,
          why: 'It is not a gateway that Meshlift made, and is not replaced.',
          next: [`rename or remove it, or choose another --revision, or --gateways inPlace`],
        },
      ];
    });
  },
};

/** Marks by which Argo CD and Flux know what they keep as it is in git. */
const TRACKED = /^(argocd\.argoproj\.io\/(tracking-id|instance)|(kustomize|helm)\.toolkit\.fluxcd\.io\/name)$/;

export const gatewayOwners: Check = {
  name: 'owners of gateways',
  codes: ['GATE-007'],
  look(context) {
    return gatewayMoves(context).flatMap(({ workload, canary, templateLabel }): Finding[] => {
      if (canary !== true && templateLabel === undefined) return [];
      const { labels = {}, annotations = {} } = workload.controller?.metadata ?? {};
      const mark = Object.keys({ ...labels, ...annotations }).find((key) => TRACKED.test(key));
      if (mark === undefined) return [];
      const key = workloadKey(workload);
      return [
        {
          code: 'GATE-007',
          level: 'error',
          objects: [key],
          what: `${key} is kept as it is in git (${mark})`,
          why:
            canary === true
              ? 'The tool would scale the old gateway up again, or make it anew.'
              : 'The tool would set the label of its template back.',
          next: [
            canary === true
              ? `commit there: a second Deployment for ${context.to?.revision ?? 'the new revision'}; then --gateways leave`
              : `commit there: ${REVISION_LABEL}: ${templateLabel?.to ?? ''} in its pod template; then --gateways leave`,
          ],
        },
      ];
    });
  },
};

export const gatewayDrains: Check = {
  name: 'time that gateways have to drain',
  codes: ['GATE-008'],
  look(context) {
    const ofMesh = meshDrainSeconds(context.inventory.meshConfigs[context.from?.revision ?? '']?.mesh);
    return gatewayMoves(context).flatMap(({ workload }): Finding[] => {
      const drain = drainSeconds(workload.template, ofMesh);
      const grace = graceSeconds(workload.template);
      const why =
        grace <= drain
          ? `Its pods are killed after ${grace} s, before the ${drain} s in which connections may end are over.`
          : `Connections have ${drain} s to end; whoever balances load needs some seconds to forget a pod.`;
      if (grace > drain && drain >= USUAL_DRAIN_SECONDS) return [];
      const key = workloadKey(workload);
      return [
        {
          code: 'GATE-008',
          level: 'warning',
          objects: [key],
          what: `${key} drains for ${drain} s, and is killed after ${grace} s`,
          why,
          next: [
            'annotate its pod template: proxy.istio.io/config: {terminationDrainDuration: 10s}, and terminationGracePeriodSeconds: 30',
          ],
        },
      ];
    });
  },
};
