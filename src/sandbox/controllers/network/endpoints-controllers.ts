/** EndpointSlices and Endpoints follow services and pods. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { type Controller, type ControllerContext, defineController, deleteQuietly, read, type Watch } from '../base/controller.ts';
import { hasLabels } from '../base/label-selector.ts';
import { controllerKey, keyOf, parseKey } from '../base/ownership.ts';
import { isReady, isTerminating, podPhase } from '../base/pod-state.ts';
import { canonicalJson, sameContent } from '../base/stable-hash.ts';
import type { Labels, Pod } from '../base/workload-shapes.ts';
import { type EndpointSlice, MANAGED_BY, MANAGER, planSlices, SERVICE_NAME } from './endpoint-slices.ts';
import { subsetsOf } from './endpoints-object.ts';
import { isHeadless, type Service } from './service-shapes.ts';
import { stamped, TriggerTimes } from './trigger-times.ts';
import { watchSelectedPods } from './watch-selected-pods.ts';

const SLICES = 'endpointslices.discovery.k8s.io';

export function createEndpointSliceController(context: ControllerContext): Controller {
  const { cluster } = context;
  const times = new TriggerTimes();
  return defineController(context, {
    name: 'endpointslice-controller',
    watches: [
      watchServices(),
      watchServicePods(context),
      {
        resource: SLICES,
        onChange: ({ object }, queue) => {
          const key = object.metadata.labels?.[MANAGED_BY] === MANAGER ? controllerKey(object, 'Service') : undefined;
          if (key !== undefined) queue.add(key);
        },
      },
    ],
    reconcile: async (key) => {
      const { namespace, name } = parseKey(key);
      const service = read<Service>(cluster, 'services', name, namespace);
      const present = cluster.list(SLICES, {
        namespace,
        labels: { [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER },
      }) as readonly EndpointSlice[];
      if (service === undefined) {
        times.forget(key);
        for (const slice of present) await deleteQuietly(context.writer, SLICES, slice);
      } else if (isManaged(service)) {
        const pods = podsOf(context, service);
        await writeSlices(context, { service, pods, present, time: times.next(service, pods) });
      }
    },
  });
}

interface ServiceState<Present> {
  readonly service: Service;
  readonly pods: readonly Pod[];
  readonly present: Present;
  readonly time: string | undefined;
}

async function writeSlices({ cluster, writer }: ControllerContext, state: ServiceState<readonly EndpointSlice[]>): Promise<void> {
  const zoneOf = (node: string): string | undefined => cluster.get('nodes', node)?.metadata.labels?.['topology.kubernetes.io/zone'];
  const { create, update, remove } = planSlices({ ...state, zoneOf });
  const withTime = (slice: EndpointSlice): KubeObject => ({
    ...slice,
    metadata: { ...slice.metadata, annotations: stamped(slice.metadata.annotations, state.time) },
  });
  // Of a service that is being deleted the garbage collector takes the slices away; new ones would keep it for ever.
  // Source: kubernetes/endpointslice reconciler.go (finalize), v0.34.
  if (state.service.metadata.deletionTimestamp === undefined) for (const slice of create) await writer.create(SLICES, withTime(slice));
  for (const slice of update) await writer.update(SLICES, withTime(slice));
  for (const slice of remove) await deleteQuietly(writer, SLICES, slice);
}

export function createEndpointsController(context: ControllerContext): Controller {
  const { cluster } = context;
  const times = new TriggerTimes();
  return defineController(context, {
    name: 'endpoint-controller',
    watches: [watchServices(), watchServicePods(context)],
    reconcile: async (key) => {
      const { namespace, name } = parseKey(key);
      const service = read<Service>(cluster, 'services', name, namespace);
      const present = cluster.get('endpoints', name, namespace);
      if (service === undefined) {
        times.forget(key);
        if (present !== undefined) await deleteQuietly(context.writer, 'endpoints', present);
      } else if (isManaged(service)) {
        const pods = podsOf(context, service);
        await writeEndpoints(context, { service, pods, present, time: times.next(service, pods) });
      }
    },
  });
}

async function writeEndpoints({ writer }: ControllerContext, state: ServiceState<KubeObject | undefined>): Promise<void> {
  const { service, pods, present, time } = state;
  const subsets = subsetsOf(service, pods);
  const labels: Labels = {
    ...service.metadata.labels,
    'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
    ...(isHeadless(service) ? { 'service.kubernetes.io/headless': '' } : {}),
  };
  const isSame = sameContent(present?.['subsets'] ?? [], subsets) && canonicalJson(present?.metadata.labels) === canonicalJson(labels);
  if (present !== undefined && isSame) return;
  const { name, namespace } = service.metadata;
  const metadata = present?.metadata ?? { name, ...(namespace === undefined ? {} : { namespace }) };
  const next: KubeObject = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...metadata, labels, annotations: stamped(metadata.annotations, time) },
    ...(subsets.length === 0 ? {} : { subsets }),
  };
  if (present === undefined) await writer.create('endpoints', next);
  else await writer.update('endpoints', next);
}

/** Services without a selector have endpoints made by somebody else. */
function isManaged({ spec }: Service): boolean {
  return spec.selector !== undefined && Object.keys(spec.selector).length > 0 && spec.type !== 'ExternalName';
}

function podsOf({ cluster }: ControllerContext, { metadata, spec }: Service): readonly Pod[] {
  return cluster.list('pods', { namespace: metadata.namespace ?? '', labels: spec.selector ?? {} }) as readonly Pod[];
}

function watchServices(): Watch {
  return { resource: 'services', onChange: ({ object }, queue) => queue.add(keyOf(object.metadata)) };
}

function watchServicePods({ cluster }: ControllerContext): Watch {
  return watchSelectedPods({
    cluster,
    resource: 'services',
    selects: (service, labels) => isManaged(service as Service) && hasLabels((service as Service).spec.selector, labels),
    matters: (pod, previous) => changesEndpoints(pod as Pod, previous as Pod),
  });
}

function changesEndpoints(pod: Pod, previous: Pod): boolean {
  return (
    pod.status?.podIP !== previous.status?.podIP ||
    podPhase(pod) !== podPhase(previous) ||
    isReady(pod) !== isReady(previous) ||
    isTerminating(pod) !== isTerminating(previous) ||
    pod.spec.nodeName !== previous.spec.nodeName ||
    !sameContent(pod.metadata.labels, previous.metadata.labels)
  );
}
