import type { InjectionWebhook } from '../../mesh/mesh-inventory.ts';
import { matchingWebhooks } from '../../injection/resolve-injection.ts';
import type { Check } from '../check-context.ts';
import type { Finding } from '../finding.ts';

/** Label sets for which webhooks are asked even when no namespace of the cluster has them. */
const TYPICAL: readonly { readonly ns: Record<string, string>; readonly pod: Record<string, string> }[] = [
  { ns: { 'istio-injection': 'enabled' }, pod: {} },
  { ns: {}, pod: { 'sidecar.istio.io/inject': 'true' } },
  { ns: { 'istio.io/rev': 'default' }, pod: {} },
];

export const webhookOverlap: Check = {
  name: 'overlapping injection webhooks',
  codes: ['CTRL-001'],
  look({ inventory }) {
    const { webhooks } = inventory;
    const probes = [
      ...TYPICAL.map(({ ns, pod }) => ({ name: 'any', ns, pod })),
      ...webhooks.map((w) => ({ name: 'any', ns: { 'istio.io/rev': w.tag ?? w.revision }, pod: {} })),
      ...inventory.namespaces.map((n) => ({ name: n.name, ns: n.labels, pod: {} })),
      ...inventory.workloads.map((w) => ({
        name: w.namespace,
        ns: inventory.namespaces.find((n) => n.name === w.namespace)?.labels ?? {},
        pod: w.template.metadata?.labels ?? {},
      })),
    ];
    const pairs = new Set<string>();
    for (const probe of probes) {
      const configurations = new Set(matchingWebhooks(probe.name, probe.ns, probe.pod, webhooks).map((w) => w.configuration));
      if (configurations.size > 1) pairs.add([...configurations].join(' and '));
    }
    return [...pairs].map((pair): Finding => ({
      code: 'CTRL-001',
      level: 'error',
      objects: pair.split(' and '),
      what: `${pair} match the same pods`,
      why: 'Pods are injected twice; the configuration that is later by name wins, which is often the old one.',
      next: ['Deactivate or remove one of them; istioctl tag set default deactivates the unrevisioned one.'],
    }));
  },
};

export const webhookTargets: Check = {
  name: 'dangling injection webhooks',
  codes: ['CTRL-002', 'CTRL-003'],
  look({ inventory }) {
    const active = inventory.webhooks.filter((w) => !w.deactivated);
    return [
      ...grouped(active.filter((w) => !w.serviceExists)).map(([configuration, webhook]): Finding => ({
        code: 'CTRL-002',
        level: 'error',
        objects: [configuration],
        what: `${configuration} points to the Service ${webhook.entry.clientConfig?.service?.name ?? '?'}, which does not exist`,
        why: 'Pods that it matches are refused.',
        next: ['kubectl delete mutatingwebhookconfiguration, or point it to a living revision with istioctl tag set'],
      })),
      ...grouped(active.filter((w) => w.serviceExists && !w.hasCaBundle && w.entry.clientConfig?.url === undefined)).map(
        ([configuration]): Finding => ({
          code: 'CTRL-003',
          level: 'error',
          objects: [configuration],
          what: `${configuration} has no CA bundle`,
          why: 'The API server cannot call the webhook, so pods that it matches are refused.',
          next: ['Look at the log of the istiod of its revision.'],
        }),
      ),
    ];
  },
};

function grouped(webhooks: readonly InjectionWebhook[]): [string, InjectionWebhook][] {
  return [...new Map(webhooks.map((w) => [w.configuration, w])).entries()];
}

export const readiness: Check = {
  name: 'control planes ready and answering',
  codes: ['CTRL-005', 'CTRL-007'],
  look({ inventory }) {
    return inventory.revisions.flatMap((r): Finding[] => {
      const silent = r.istiods.filter((report) => report.error !== undefined);
      return [
        ...(r.deployment !== undefined && r.replicas.ready < r.replicas.desired
          ? [
              {
                code: 'CTRL-005' as const,
                level: 'error' as const,
                objects: [`${r.namespace}/${r.deployment}`],
                what: `${r.replicas.ready} of ${r.replicas.desired} istiod pods of revision ${r.name} are ready`,
                why: 'An upgrade beside a sick control plane cannot be judged, and could not be taken back.',
                next: [`kubectl -n ${r.namespace} describe deployment ${r.deployment}`],
              },
            ]
          : []),
        ...silent.map((report): Finding => ({
          code: 'CTRL-007',
          level: 'error',
          objects: [`${report.namespace}/${report.pod}`],
          what: `${report.pod} does not say which proxies are connected: ${report.error ?? ''}`,
          why: 'Without it no move can be verified, and no revision can be shown to be unused.',
          next: ['Check the permission pods/portforward, and that istiod listens on 15014.'],
        })),
      ];
    });
  },
};

export const mustBeEqual: Check = {
  name: 'configuration that must be equal',
  codes: ['CTRL-004'],
  look({ rendered }) {
    return (rendered?.mustBeEqual ?? []).map((difference): Finding => ({
      code: 'CTRL-004',
      level: 'error',
      objects: [difference.path],
      what: `${difference.path} is "${difference.old}" now and would be "${difference.new}" on the new revision`,
      why: 'Proxies of the two revisions could not talk to each other with mTLS, or would be in different meshes.',
      next: [`Set ${difference.path} to "${difference.old}" for the new revision.`],
    }));
  },
};

export const valuesKnown: Check = {
  name: 'values of the installed revision',
  codes: ['CTRL-008'],
  look({ rendered, from }) {
    if (rendered?.valuesUnknown !== true || from === undefined) return [];
    return [
      {
        code: 'CTRL-008',
        level: 'warning',
        objects: [from.revision],
        what: `${from.revision} (${from.version}) does not keep the values that it was installed with`,
        why: 'They are neither compared nor carried over; only the mesh configuration is.',
        next: ['Pass them with -f or --set (of a Helm release: helm get values RELEASE -o yaml), and compare the two injector ConfigMaps.'],
      },
    ];
  },
};

export const defaultMove: Check = {
  name: 'the default revision stays where it is',
  codes: ['CTRL-006'],
  look({ rendered, inventory, to }) {
    if (!rendered?.movesDefault) return [];
    const holder = inventory.revisions.find((r) => r.defaultFor.includes('injection'));
    if (!holder) return [];
    return [
      {
        code: 'CTRL-006',
        level: 'error',
        objects: [holder.name],
        what: `no default tag exists, so istioctl would make ${to?.revision ?? 'the new revision'} the default for injection and validation, in place of ${holder.name}`,
        why: 'Every new pod in a namespace with istio-injection=enabled would get the new sidecar at once.',
        next: [`istioctl tag set default --revision ${holder.name}   (then plan again)`, 'or install with --manifests'],
      },
    ];
  },
};
