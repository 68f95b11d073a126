/** Gateways that move to a Deployment beside them: what is looked at, and the effects in the order that core judges to be due. */
import { copyAutoscaler, copyGateway, trialPod } from '../../core/gateways/copy-gateway.ts';
import { refKey } from '../../core/controlplane/object-identity.ts';
import type { KubeObject, ObjectRef, Pod, PodController } from '../../core/mesh/kube-objects.ts';
import type { AutoscalerBounds, GatewayRef } from '../../core/plan/gateway-step.ts';
import type { StepOf } from '../../core/plan/step.ts';
import { judgeGateway } from '../../core/run/assess/assess-gateway.ts';
import { isReady, isTerminating } from '../../core/run/assess/describe-pods.ts';
import { rolloutStatus } from '../../core/run/assess/rollout-status.ts';
import type { GatewayObservation, GatewayPods, PortAnswer } from '../../core/run/gateway-observation.ts';
import type { RunPorts } from '../flow-ports.ts';
import { HELM_WRITES } from './gateway-removal.ts';
import type { Effect } from './release-records.ts';

type MoveStep = StepOf<'addGateway' | 'shiftGateway'>;
type ObservingPorts = Pick<RunPorts, 'reader' | 'prober'>;
type PerformingPorts = Pick<RunPorts, 'reader' | 'prober' | 'writer'>;

function sides(step: MoveStep): { up: GatewayRef; down: GatewayRef; pods: number } {
  if (step.kind === 'addGateway') return { up: step.copy, down: step.gateway, pods: 1 };
  return { up: step.up.workload, down: step.down.workload, pods: step.up.to };
}

export async function observeGateway(ports: ObservingPorts, step: MoveStep): Promise<GatewayObservation> {
  const refs = sides(step);
  const [up, down, trial, endpoints, autoscalers] = await Promise.all([
    ports.reader.readWorkload(refs.up),
    ports.reader.readWorkload(refs.down),
    readTrial(ports, step),
    Promise.all(
      step.services.map(async (service) => ({ service, readyPods: await ports.reader.readReadyPods(step.gateway.namespace, service) })),
    ),
    readAutoscalers(ports, step),
  ]);
  // istiods and pods are asked only when everything else is as wanted.
  const complete = up !== undefined && (up.controller.spec?.replicas ?? 1) >= refs.pods && isComplete(up);
  const tries = up === undefined && trial !== undefined && isReady(trial);
  const reports = complete || tries ? await ports.reader.readIstiods(refs.up.namespace) : [];
  const isSeen = complete && endpoints.every(({ readyPods }) => up.pods.some((pod) => readyPods.includes(pod.metadata.name)));
  const fresh = isSeen ? up.pods : tries ? [trial] : [];
  const answers = step.kind === 'addGateway' ? await askPorts(ports, step, fresh, down?.pods ?? []) : [];
  return {
    kind: 'gateway',
    ...(up === undefined ? {} : { up }),
    ...(down === undefined ? {} : { down }),
    ...(trial === undefined ? {} : { trial }),
    endpoints,
    reports,
    autoscalers,
    answers,
  };
}

function trialRef({ copy, trial }: StepOf<'addGateway'>): ObjectRef | undefined {
  return trial && { apiVersion: 'v1', kind: 'Pod', namespace: copy.namespace, name: trial.pod };
}

async function readTrial({ reader }: ObservingPorts, step: MoveStep): Promise<Pod | undefined> {
  const ref = step.kind === 'addGateway' ? trialRef(step) : undefined;
  return ref && ((await reader.readObject(ref)) as Pod | undefined);
}

function isComplete({ controller, pods }: GatewayPods): boolean {
  return rolloutStatus(controller).kind === 'complete' && pods.filter((pod) => !isTerminating(pod)).every(isReady);
}

async function readAutoscalers(ports: ObservingPorts, { gateway, bounds }: MoveStep): Promise<KubeObject[]> {
  const names = new Set(bounds.flatMap(({ name, like }) => (like === undefined ? [name] : [name, like])));
  const found = await Promise.all([...names].map((name) => ports.reader.readObject(autoscalerRef(gateway.namespace, name))));
  return found.filter((object) => object !== undefined);
}

function autoscalerRef(namespace: string, name: string): ObjectRef {
  return { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', namespace, name };
}

/** An old pod is asked only where the new one gives no answer: no listener may be configured there at all. */
async function askPorts(
  ports: ObservingPorts,
  { gateway, httpPorts }: StepOf<'addGateway'>,
  newPods: readonly Pod[],
  oldPods: readonly Pod[],
): Promise<PortAnswer[]> {
  const ready = (pods: readonly Pod[]): string | undefined => pods.find((pod) => !isTerminating(pod) && isReady(pod))?.metadata.name;
  const [fresh, old] = [ready(newPods), ready(oldPods)];
  if (fresh === undefined) return [];
  const answers = await Promise.all(
    httpPorts.map(async (port): Promise<PortAnswer[]> => {
      const answer = { port, pod: fresh, ...(await ports.prober.askPod(gateway.namespace, fresh, port)) };
      if (answer.status !== undefined || old === undefined) return [answer];
      return [answer, { port, pod: old, ...(await ports.prober.askPod(gateway.namespace, old, port)) }];
    }),
  );
  return answers.flat();
}

/** Brings about the one effect that is due now; nothing when it is only to be waited for. */
export async function performGateway(ports: PerformingPorts, step: MoveStep, effect: Effect): Promise<void> {
  const observation = await observeGateway(ports, step);
  const { up, down } = sides(step);
  const { writer } = ports;
  switch (judgeGateway(step, observation).stage) {
    case 'hold':
      return setBounds(ports, { step, when: 'first', autoscalers: observation.autoscalers, effect });
    case 'try':
      return effect('try', () => createTrial(ports, step as StepOf<'addGateway'>));
    case 'create':
      return effect('create', () => createCopy(ports, step as StepOf<'addGateway'>));
    case 'clear':
      return effect('clear', () => clearTrial(ports, step as StepOf<'addGateway'>));
    case 'grow':
      return effect('grow', () => writer.patchObject(deploymentRef(up), { spec: { replicas: (step as StepOf<'shiftGateway'>).up.to } }));
    case 'shrink': {
      await setBounds(ports, { step, when: 'shrink', autoscalers: observation.autoscalers, effect });
      return effect('shrink', () =>
        writer.patchObject(deploymentRef(down), { spec: { replicas: (step as StepOf<'shiftGateway'>).down.to } }),
      );
    }
    case 'release':
      return setBounds(ports, { step, when: 'last', autoscalers: observation.autoscalers, effect });
    case 'wait':
    case 'done':
  }
}

function deploymentRef(ref: GatewayRef): ObjectRef {
  return { apiVersion: 'apps/v1', ...ref };
}

/**
 * Made from the gateway as it lives now, or as its chart renders it; one that is there already is left as it is. What will be of a Helm
 * release is written under Helm's field manager, so that helm 4 meets no conflict later.
 */
async function createCopy({ reader, writer }: PerformingPorts, step: StepOf<'addGateway'>): Promise<void> {
  const [live, there] = await Promise.all([reader.readObject(deploymentRef(step.gateway)), reader.readObject(deploymentRef(step.copy))]);
  if (live === undefined || there !== undefined) return;
  if (step.deployment === undefined) await writer.putObject(copyOf(live, step));
  else await writer.applyObject(copyOf(live, step), HELM_WRITES);
}

function copyOf(live: KubeObject, { revision, label, deployment }: StepOf<'addGateway'>): PodController {
  if (deployment !== undefined) return deployment as unknown as PodController;
  return copyGateway(live as PodController, { revision, replicas: 1, ...(label === undefined ? {} : { label }) });
}

async function createTrial({ reader, writer }: PerformingPorts, step: StepOf<'addGateway'>): Promise<void> {
  const live = await reader.readObject(deploymentRef(step.gateway));
  if (live !== undefined && step.trial !== undefined) await writer.putObject(trialPod(copyOf(live, step), step.trial.without));
}

async function clearTrial({ writer }: PerformingPorts, step: StepOf<'addGateway'>): Promise<void> {
  const ref = trialRef(step);
  if (ref !== undefined) await writer.deleteObject(ref);
}

interface Bounding {
  readonly step: MoveStep;
  readonly when: AutoscalerBounds['when'];
  readonly autoscalers: readonly KubeObject[];
  readonly effect: Effect;
}

async function setBounds({ writer }: PerformingPorts, { step, when, autoscalers, effect }: Bounding): Promise<void> {
  const { namespace } = step.gateway;
  for (const { name, min, max, like, target } of step.bounds.filter((bound) => bound.when === when)) {
    const live = autoscalers.find((a) => a.metadata.name === name);
    const model = autoscalers.find((a) => a.metadata.name === like);
    if (live !== undefined)
      await effect(`${when} ${name}`, () =>
        writer.patchObject(autoscalerRef(namespace, name), {
          spec: { minReplicas: min, maxReplicas: max, ...(target === undefined ? {} : { scaleTargetRef: { name: target } }) },
        }),
      );
    else if (model !== undefined) await effect(`${when} ${name}`, () => writer.putObject(copyAutoscaler(model, name, { min, max })));
  }
}

/**
 * Whether an object that a step gives back is still there, such as the Service of a gateway: then only its labels and annotations
 * come back, so that its address is not touched.
 */
export function keepsItself(step: StepOf<'restoreObject'>, ref: ObjectRef): boolean {
  return step.expect === 'gateway' && step.changes.some((change) => change.action === 'update' && refKey(change.ref) === refKey(ref));
}
