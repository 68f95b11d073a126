/** All controllers of the sandbox, as kube-controller-manager and kube-scheduler run them. */
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { Cluster, ClusterWriter } from '../cluster/cluster-view.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { Controller, ControllerContext } from './base/controller.ts';
import { createEventRecorder, type EventRecorder, SILENT_RECORDER, warningsOnly } from './base/event-recorder.ts';
import { OrphanIndex } from './base/orphan-index.ts';
import { createCronJobController } from './batch/cron-job-controller.ts';
import { createJobController } from './batch/job-controller.ts';
import { createDaemonSetController } from './daemonset/daemon-set-controller.ts';
import { createDeploymentController } from './deployment/deployment-controller.ts';
import { createDefinitionFinalizer } from './lifecycle/definition-finalizer.ts';
import { createGarbageCollector } from './lifecycle/garbage-collector.ts';
import { createNamespaceController } from './lifecycle/namespace-controller.ts';
import { createRootCaPublisher, createServiceAccountController } from './lifecycle/namespace-contents.ts';
import { ResourceCatalog } from './lifecycle/resource-catalog.ts';
import { createEndpointsController, createEndpointSliceController } from './network/endpoints-controllers.ts';
import { createLoadBalancerController } from './network/load-balancer-controller.ts';
import type { LoadBalancerIngress } from './network/service-shapes.ts';
import { createRoleAggregationController } from './rbac/role-aggregation-controller.ts';
import { createReplicaSetController } from './replicaset/replica-set-controller.ts';
import { createAutoscalerController, type DesiredReplicas } from './scaling/autoscaler-controller.ts';
import { createDisruptionController } from './scaling/disruption-controller.ts';
import { createScheduler } from './scheduling/scheduler.ts';
import { createStatefulSetController } from './statefulset/stateful-set-controller.ts';

export interface ControllersInput {
  readonly cluster: Cluster;
  readonly clock: SandboxClock;
  /** 0 to 1, from the seed of the sandbox. */
  readonly random: () => number;
  /** PEM of the cluster's CA, for `kube-root-ca.crt` in each namespace. */
  readonly caCertificate: string;
  /** How many keys each controller works on at the same time, 5 as in kube-controller-manager; 1 makes the order of writes certain. */
  readonly workers?: number;
  /** Between a change and a controller's look at it; 1 ms. */
  readonly latencyMs?: number;
  /** Which Event objects are written: all, unless there are too many pods for that. */
  readonly recordEvents?: 'all' | 'warnings' | 'none';
  /** `terminatingReplicas` in the status of deployments and ReplicaSets; off, as in Kubernetes 1.34. */
  readonly reportTerminatingReplicas?: boolean;
  /** From the deletion of a namespace until its content is deleted; none, while Kubernetes waits 5 s. */
  readonly namespaceGraceMs?: number;
  /** The address of a service of type LoadBalancer; undefined leaves it pending. By default each gets one of 192.0.2.0/24. */
  readonly loadBalancerAddress?: (service: KubeObject) => LoadBalancerIngress | undefined;
  /** What metrics would ask an autoscaler for; undefined leaves it to the annotation `sandbox.meshlift.io/desired-replicas`. */
  readonly desiredReplicas?: DesiredReplicas;
  /** Told of each failed look, which is tried again; nobody by default. */
  readonly onError?: (controller: string, key: string, error: unknown) => void;
}

export interface Controllers {
  start(): void;
  stop(): void;
  /** Resolves when no controller has anything to look at now; what they wait for does not count. */
  idle(): Promise<void>;
}

export function createControllers(input: ControllersInput): Controllers {
  const { cluster } = input;
  const orphans = new OrphanIndex(cluster, ['pods', 'replicasets.apps', 'controllerrevisions.apps']);
  const catalog = new ResourceCatalog(cluster);
  const contexts: ControllerContext[] = [];
  const contextOf = (name: string): ControllerContext => {
    const context = contextFor(input, orphans, name);
    contexts.push(context);
    return context;
  };
  const controllers = all(input, catalog, contextOf);
  return {
    start: () => {
      orphans.start();
      catalog.start();
      for (const one of controllers) one.start();
    },
    stop: () => {
      for (const one of controllers) one.stop();
      for (const { events } of contexts) events.stop();
      catalog.stop();
      orphans.stop();
    },
    idle: async () => {
      await Promise.all(controllers.map((one) => one.idle()));
    },
  };
}

function all(input: ControllersInput, catalog: ResourceCatalog, contextOf: (name: string) => ControllerContext): readonly Controller[] {
  const reportTerminating = input.reportTerminatingReplicas ?? false;
  return [
    createServiceAccountController(contextOf('serviceaccount-controller')),
    createRootCaPublisher(contextOf('root-ca-certificate-publisher'), input.caCertificate),
    createDeploymentController(contextOf('deployment-controller'), reportTerminating),
    createReplicaSetController(contextOf('replicaset-controller'), reportTerminating),
    createStatefulSetController(contextOf('statefulset-controller')),
    createDaemonSetController(contextOf('daemonset-controller')),
    createJobController(contextOf('job-controller')),
    createCronJobController(contextOf('cronjob-controller')),
    createScheduler(contextOf('default-scheduler')),
    createEndpointSliceController(contextOf('endpointslice-controller')),
    createEndpointsController(contextOf('endpoint-controller')),
    createLoadBalancerController(contextOf('service-controller'), input.loadBalancerAddress ?? exampleAddresses()),
    createDisruptionController(contextOf('controllermanager')),
    createAutoscalerController(contextOf('horizontal-pod-autoscaler'), input.desiredReplicas ?? (() => undefined)),
    createRoleAggregationController(contextOf('clusterrole-aggregation-controller')),
    createGarbageCollector(contextOf('garbage-collector'), catalog),
    createNamespaceController(contextOf('namespace-controller'), catalog, input.namespaceGraceMs ?? 0),
    createDefinitionFinalizer(contextOf('crd-finalizer'), catalog),
  ];
}

/** @param name of the component in events */
function contextFor(input: ControllersInput, orphans: OrphanIndex, name: string): ControllerContext {
  const { cluster, clock, random } = input;
  const isScheduler = name === 'default-scheduler';
  const writer = isScheduler
    ? cluster.as('system:kube-scheduler', 'kube-scheduler')
    : cluster.as('system:kube-controller-manager', 'kube-controller-manager');
  const events = recorderFor(input, writer, name);
  return {
    cluster,
    clock,
    random,
    writer,
    events,
    orphans,
    // The scheduler places one pod after the other, else two could take the same room.
    workers: isScheduler ? 1 : (input.workers ?? 5),
    latencyMs: input.latencyMs ?? 1,
    onError: input.onError ?? (() => undefined),
  };
}

function recorderFor({ clock, recordEvents = 'all' }: ControllersInput, writer: ClusterWriter, component: string): EventRecorder {
  if (recordEvents === 'none') return SILENT_RECORDER;
  const recorder = createEventRecorder({ clock, writer, component });
  return recordEvents === 'all' ? recorder : warningsOnly(recorder);
}

/** From the range for documentation, since nothing listens there. */
function exampleAddresses(): () => LoadBalancerIngress {
  let given = 0;
  return () => {
    given = (given % 254) + 1;
    return { ip: `192.0.2.${given}` };
  };
}
