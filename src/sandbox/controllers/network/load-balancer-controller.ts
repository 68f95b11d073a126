/** Services of type LoadBalancer get an address, as from the controller of a cloud. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { type Controller, type ControllerContext, defineController, read } from '../base/controller.ts';
import { keyOf, parseKey } from '../base/ownership.ts';
import type { LoadBalancerIngress, Service } from './service-shapes.ts';

const CLEANUP_FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';

/** @param addressFor the ingress of a service; undefined leaves it pending */
export function createLoadBalancerController(
  context: ControllerContext,
  addressFor: (service: KubeObject) => LoadBalancerIngress | undefined,
): Controller {
  return defineController(context, {
    name: 'service-controller',
    watches: [{ resource: 'services', onChange: ({ object }, queue) => queue.add(keyOf(object.metadata)) }],
    reconcile: async (key) => {
      const { namespace, name } = parseKey(key);
      const service = read<Service>(context.cluster, 'services', name, namespace);
      if (service === undefined || service.spec.loadBalancerClass !== undefined) return;
      const isWanted = service.spec.type === 'LoadBalancer' && service.metadata.deletionTimestamp === undefined;
      if (isWanted) await giveAddress(context, service, addressFor(service));
      else await takeBack(context, service);
    },
  });
}

async function giveAddress(
  { writer, events }: ControllerContext,
  service: Service,
  ingress: LoadBalancerIngress | undefined,
): Promise<void> {
  const { name, namespace, finalizers = [], resourceVersion } = service.metadata;
  if ((service.status?.loadBalancer?.ingress ?? []).length > 0 || ingress === undefined) return;
  events.record(service, { type: 'Normal', reason: 'EnsuringLoadBalancer', message: 'Ensuring load balancer' });
  if (!finalizers.includes(CLEANUP_FINALIZER)) {
    await writer.patch('services', name, namespace, { metadata: { resourceVersion, finalizers: [...finalizers, CLEANUP_FINALIZER] } });
  }
  const mode = ingress.ip === undefined || ingress.ipMode !== undefined ? {} : { ipMode: 'VIP' };
  await writer.patch('services', name, namespace, { status: { loadBalancer: { ingress: [{ ...ingress, ...mode }] } } }, 'status');
  events.record(service, { type: 'Normal', reason: 'EnsuredLoadBalancer', message: 'Ensured load balancer' });
}

async function takeBack({ writer }: ControllerContext, service: Service): Promise<void> {
  const { name, namespace, finalizers = [] } = service.metadata;
  if (!finalizers.includes(CLEANUP_FINALIZER)) return;
  if ((service.status?.loadBalancer?.ingress ?? []).length > 0) {
    await writer.patch('services', name, namespace, { status: { loadBalancer: { ingress: null } } }, 'status');
  }
  await writer.patch('services', name, namespace, { metadata: { finalizers: finalizers.filter((one) => one !== CLEANUP_FINALIZER) } });
}
