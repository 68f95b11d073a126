/** What stands in the way of a gateway's move, or makes it lose requests. */
import { copyName, madeFor } from '../../gateways/copy-gateway.ts';
import { resolveInjection } from '../../injection/resolve-injection.ts';
import { workloadKey } from '../../mesh/mesh-inventory.ts';
import { trackingMark } from '../../mesh/owner-marks.ts';
import { REVISION_LABEL, selectsByRevision } from '../../moves/select-gateways.ts';
import { drainSeconds, graceSeconds, meshDrainSeconds, USUAL_DRAIN_SECONDS } from '../../restarts/termination.ts';
import type { Check } from '../check-context.ts';
import type { Finding } from '../finding.ts';
import { gatewayMoves } from './gateway-services.ts';

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
      if (there === undefined || (there.controller !== undefined && madeFor(there.controller) === revision)) return [];
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

export const gatewayOwners: Check = {
  name: 'owners of gateways',
  codes: ['GATE-007'],
  look(context) {
    return gatewayMoves(context).flatMap(({ workload, canary, templateLabel }): Finding[] => {
      if (canary !== true && templateLabel === undefined) return [];
      const mark = workload.controller && trackingMark(workload.controller);
      if (mark === undefined) return [];
      const key = workloadKey(workload);
      return [
        {
          code: 'GATE-007',
          level: 'error',
          objects: [key],
          what: `${key} is kept as it is in git (${mark.key})`,
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
