/** Controllers on a cluster in memory with one node, in virtual time. */
import { VirtualClock } from '../../src/sandbox/clock/virtual-clock.ts';
import { type Controllers, type ControllersInput, createControllers } from '../../src/sandbox/controllers/create-controllers.ts';
import type { KubeObject } from '../../src/sandbox/objects/kube-object.ts';
import { ClusterDouble, type KubeletPlan, obedientKubelet } from './sandbox-cluster-double.ts';

export interface ControllersWorld {
  readonly clock: VirtualClock;
  readonly cluster: ClusterDouble;
  readonly controllers: Controllers;
  /** What went wrong in a controller and was not a conflict. */
  readonly errors: string[];
}

export interface WorldOptions extends Partial<ControllersInput>, Partial<KubeletPlan> {
  readonly nodes?: readonly string[];
  readonly startMs?: number;
}

export function controllersWorld({
  nodes = ['node-1'],
  startMs,
  readyAfterMs,
  goneAfterMs,
  endsAfterMs,
  ...input
}: WorldOptions = {}): ControllersWorld {
  const clock = new VirtualClock(startMs);
  const cluster = new ClusterDouble(clock);
  const errors: string[] = [];
  obedientKubelet(cluster, clock, {
    readyAfterMs: readyAfterMs ?? (() => 1000),
    ...(goneAfterMs === undefined ? {} : { goneAfterMs }),
    ...(endsAfterMs === undefined ? {} : { endsAfterMs }),
  });
  for (const name of nodes)
    cluster.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec: {} });
  const controllers = createControllers({
    cluster,
    clock,
    random: () => 0.5,
    caCertificate: 'the CA',
    workers: 1,
    recordEvents: 'none',
    onError: (controller, key, error) => {
      const text = error instanceof Error ? error.message : String(error);
      if (!text.startsWith('Operation cannot be fulfilled'))
        errors.push(`${controller} ${key}: ${error instanceof Error ? error.stack : text}`);
    },
    ...input,
  });
  controllers.start();
  return { clock, cluster, controllers, errors };
}

/** An object of the `apps` group with a pod template, labelled `app`. */
export function workload(kind: string, name: string, spec: Readonly<Record<string, unknown>> = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'shop' },
    spec: { selector: { matchLabels: { app: name } }, template: template(name), ...spec },
  };
}

export function template(app: string, image = 'app:1'): Readonly<Record<string, unknown>> {
  return { metadata: { labels: { app } }, spec: { containers: [{ name: 'app', image }] } };
}
