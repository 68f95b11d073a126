/** Gateways and waypoints of the Gateway API, which belong to a revision without injection, and machines outside of Kubernetes. */
import type { Gateway } from '../mesh/mesh-inventory.ts';
import { DEFAULT_VALIDATOR } from '../mesh/find-revisions.ts';
import { leadsTo, relabelGateway, type UsageContext } from './usage-context.ts';
import type { Use } from './usage.ts';

const WAYPOINT_CONTROLLER = 'istio.io/mesh-controller';
/** A class whose Gateways only tell addresses. */
const UNMANAGED_CONTROLLER = 'istio.io/unmanaged-gateway';

export function gatewayUses(context: UsageContext): Use[] {
  const { inventory, namespaces, another } = context;
  return inventory.gateways.flatMap((gateway): Use[] => {
    if (gateway.source !== 'gateway-api' || !namespaces.has(gateway.namespace) || !isIstios(gateway)) return [];
    const why = belongsBy(gateway, context);
    if (why === undefined) return [];
    const users = inventory.attachments.waypointUsers.filter((user) => user.waypoint === `${gateway.namespace}/${gateway.name}`);
    const first = users[0];
    const followed =
      first === undefined ? '' : `; ${first.object}${users.length > 1 ? ` and ${users.length - 1} more` : ''} use it as waypoint`;
    return [
      {
        kind: gateway.controller === WAYPOINT_CONTROLLER || users.length > 0 ? 'waypoint' : 'gateway',
        object: `${gateway.namespace}/${gateway.name}`,
        detail: `${why}${followed}`,
        toFree: relabelGateway(gateway.namespace, gateway.name, another),
        passing: false,
      },
    ];
  });
}

/** A class of another product is none of Istio's, unless its Gateway says so itself. */
function isIstios({ controller, managed, revisionLabel }: Gateway): boolean {
  if (revisionLabel !== undefined || managed) return true;
  return controller !== undefined && controller.startsWith('istio.io/') && controller !== UNMANAGED_CONTROLLER;
}

/**
 * Its own label, else that of its namespace, else the default; the labels may name a tag.
 * @source istio/istio pkg/revisions/tag_watcher.go (IsMine) @86c9f01
 */
function belongsBy(gateway: Gateway, context: UsageContext): string | undefined {
  const { inventory, namespaces, revision } = context;
  const own = gateway.revisionLabel;
  if (own !== undefined) return leadsTo(own, context) ? `its label istio.io/rev=${own}` : undefined;
  const ofNamespace = namespaces.get(gateway.namespace)?.labels['istio.io/rev'];
  if (ofNamespace !== undefined) return leadsTo(ofNamespace, context) ? `istio.io/rev=${ofNamespace} of its namespace` : undefined;
  const validator = inventory.attachments.webhookCalls.find((call) => call.ref.name === DEFAULT_VALIDATOR)?.label;
  const hasDefault =
    inventory.tags.some((t) => t.name === 'default') || inventory.revisions.some((r) => r.name === 'default' && r.deployment !== undefined);
  const isDefault = hasDefault || validator === undefined ? leadsTo('default', context) : validator === revision;
  return isDefault ? 'it follows the default' : undefined;
}

/** Machines that are connected, as the istiod noted it, or whose labels name the revision. */
export function machineUses(context: UsageContext): Use[] {
  const { inventory, revision, another } = context;
  const istiods = new Set((inventory.revisions.find((r) => r.name === revision)?.istiods ?? []).map((report) => report.pod));
  return inventory.attachments.virtualMachines.flatMap((machine): Use[] => {
    const isConnected = machine.connectedTo !== undefined && istiods.has(machine.connectedTo);
    const isLabelled = machine.revisionLabel !== undefined && leadsTo(machine.revisionLabel, context);
    if (!isConnected && !isLabelled) return [];
    const group = machine.kind === 'WorkloadGroup';
    return [
      {
        kind: 'virtual-machine',
        object: `${machine.kind} ${machine.namespace}/${machine.name}`,
        detail: isConnected
          ? `its machine is connected to ${machine.connectedTo ?? ''}`
          : `${group ? 'its machines are' : 'its machine is'} labelled istio.io/rev=${machine.revisionLabel ?? ''}`,
        toFree: isConnected
          ? `start its proxy again with files of istioctl x workload entry configure --revision ${another}`
          : `kubectl -n ${machine.namespace} edit ${machine.kind.toLowerCase()} ${machine.name}: label istio.io/rev=${another}`,
        passing: false,
      },
    ];
  });
}
