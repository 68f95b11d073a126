/** Notices what istiod has to push: collects changes for the time that a push takes, then takes them over together. */
import type { Cluster } from '../../cluster/cluster-view.ts';
import type { SandboxClock, Timer } from '../../clock/sandbox-clock.ts';
import type { IstioKnobs } from '../istio-knobs.ts';
import { CONFIG_RESOURCES, type ConfigKind, type ViewBuilder } from './mesh-view.ts';

export type ResourceType = 'cluster' | 'listener' | 'route' | 'endpoint';

export interface ChangeWatchOptions {
  readonly cluster: Cluster;
  readonly clock: SandboxClock;
  readonly knobs: IstioKnobs;
  readonly revision: string;
}

/** Which types a change of a kind makes istiod push. */
const CAUSES: Readonly<Record<'services' | 'slices' | ConfigKind, readonly ResourceType[]>> = {
  services: ['cluster', 'endpoint', 'listener', 'route'],
  slices: ['endpoint'],
  gateways: ['cluster', 'endpoint', 'listener', 'route'],
  virtualServices: ['cluster', 'endpoint', 'listener', 'route'],
  destinationRules: ['cluster', 'endpoint', 'listener', 'route'],
  peerAuthentications: ['cluster', 'endpoint', 'listener'],
};

/** Collects changes for the time of a push, then takes them over together. @returns stops it */
export function watchChanges(
  { cluster, clock, knobs, revision }: ChangeWatchOptions,
  builder: ViewBuilder,
  onPush: (types: ReadonlySet<ResourceType>) => void,
): () => void {
  const services = new Set<string>();
  const kinds = new Set<ConfigKind>();
  let types = new Set<ResourceType>();
  let timer: Timer | undefined;
  const push = (): void => {
    timer = undefined;
    for (const key of services) {
      const [namespace = '', name = ''] = key.split('/');
      builder.takeService(namespace, name);
    }
    for (const kind of kinds) builder.takeConfig(kind);
    services.clear();
    kinds.clear();
    const pushed = types;
    types = new Set();
    onPush(pushed);
  };
  const schedule = (cause: keyof typeof CAUSES): void => {
    for (const type of CAUSES[cause]) types.add(type);
    if (timer === undefined && !knobs.revision(revision).withholdsPushes) timer = clock.after(knobs.settings().pushDelayMs, push);
  };
  const unwatch = [
    cluster.onChange('services', ({ object: { metadata } }) => {
      services.add(`${metadata.namespace ?? ''}/${metadata.name}`);
      schedule('services');
    }),
    cluster.onChange('endpointslices.discovery.k8s.io', ({ object: { metadata } }) => {
      const name = metadata.labels?.['kubernetes.io/service-name'];
      if (name === undefined) return;
      services.add(`${metadata.namespace ?? ''}/${name}`);
      schedule('slices');
    }),
    ...(Object.keys(CONFIG_RESOURCES) as ConfigKind[]).map((kind) =>
      cluster.onChange(CONFIG_RESOURCES[kind], () => {
        kinds.add(kind);
        schedule(kind);
      }),
    ),
    knobs.onChange(() => {
      if (types.size > 0 && timer === undefined && !knobs.revision(revision).withholdsPushes)
        timer = clock.after(knobs.settings().pushDelayMs, push);
    }),
  ];
  return () => {
    timer?.cancel();
    for (const stop of unwatch) stop();
  };
}
