/**
 * Ten thousand small meshes, half of them with parts that could not be read. What is called unused is unused in the whole
 * mesh, as a plain reading of its objects tells (`isUsed`), which knows nothing of inventories, selectors and decisions.
 */
import { expect, it } from 'vitest';
import { injectorWebhooks } from '../../../test/kit/istio-objects.ts';
import { MeshBuilder } from '../../../test/kit/mesh-builder.ts';
import { apiGateway, cni, machine, ztunnel } from '../../../test/kit/unused-mesh.ts';
import { buildInventory } from '../mesh/build-inventory.ts';
import type { KubeObject, Labels, PodTemplate, Service } from '../mesh/kube-objects.ts';
import type { MeshObjects } from '../mesh/mesh-objects.ts';
import { findUses } from './find-uses.ts';
import { usageVerdict } from './usage.ts';

const MESHES = 10_000;
const SEED = 20_261_130;

/** Mulberry32. */
class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  number(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
  below(limit: number): number {
    return Math.floor(this.number() * limit);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
  chance(share: number): boolean {
    return this.number() < share;
  }
}

const VALUES = ['old', 'new', 'new', 'prod', 'ghost', undefined, undefined] as const;
const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout', 'ReplicaSet', 'CronJob', 'Job'] as const;
const revLabel = (value: string | undefined): Labels => (value === undefined ? {} : { 'istio.io/rev': value });

function namespaceLabels(dice: Dice): Labels {
  const injection = dice.pick([undefined, undefined, undefined, 'enabled', 'disabled']);
  return { ...revLabel(dice.pick(VALUES)), ...(injection === undefined ? {} : { 'istio-injection': injection }) };
}

/** What may be in a mesh, each with a random part in it. */
const PARTS: readonly ((mesh: MeshBuilder, dice: Dice, name: string) => void)[] = [
  (mesh, dice, name) => mesh.namespace(name, namespaceLabels(dice), dice.chance(0.1) ? { deletionTimestamp: 'now' } : {}),
  (mesh, dice, name) => {
    const inject = dice.pick([undefined, undefined, 'true', 'false']);
    const labels = { app: name, ...revLabel(dice.pick(VALUES)), ...(inject === undefined ? {} : { 'sidecar.istio.io/inject': inject }) };
    mesh.namespace(name, dice.chance(0.5) ? {} : namespaceLabels(dice));
    const on = dice.pick(['old', 'new', 'new', undefined, undefined]);
    mesh.workload(name, 'w', {
      kind: dice.pick(KINDS),
      replicas: dice.below(3),
      template: { metadata: { labels } },
      phase: dice.pick(['Running', 'Running', 'Running', 'Pending', 'Succeeded']),
      classic: dice.chance(0.5),
      ...(on === undefined ? {} : { on }),
      ...(dice.chance(0.2) ? { connectedTo: null } : {}),
    });
  },
  (mesh, dice, name) =>
    mesh
      .namespace(name)
      .pod(name, 'bare', { on: dice.pick(['old', 'new']), deleting: dice.chance(0.2), ...(dice.chance(0.3) ? { connectedTo: null } : {}) }),
  (mesh, dice, name) => mesh.connection(dice.pick(['old', 'new']), `vm.${name}`, dice.chance(0.2) ? { clusterId: 'west' } : {}),
  (mesh, dice) => mesh.object(ztunnel(dice.pick(['istiod-old', 'istiod-new', 'istiod-revision-tag-prod']))),
  (mesh, dice) => mesh.object(cni(dice.pick(['old', 'new']))),
  (mesh, dice, name) =>
    mesh
      .namespace(name, dice.chance(0.5) ? {} : { ...namespaceLabels(dice), 'istio-injection': 'disabled' })
      .object(apiGateway(name, 'edge', dice.pick(['istio', 'istio-waypoint', 'istio-remote', 'acme']), revLabel(dice.pick(VALUES)))),
  (mesh, dice) => mesh.object({ ...machine('WorkloadGroup', { metadata: { labels: revLabel(dice.pick(VALUES)) } }) }),
  (mesh, dice) => {
    const connected = dice.chance(0.7) ? { 'istio.io/connectedAt': 'now' } : {};
    const istiod = dice.pick(['istiod-old-abc', 'istiod-new-abc', 'istiod-old-gone']);
    mesh.object(machine('WorkloadEntry', {}, { ...connected, 'istio.io/workloadController': istiod }));
  },
  (mesh, dice, name) =>
    mesh.object({
      ...injectorWebhooks({ configuration: name, value: name, revision: 'x', service: dice.pick(['istiod-old', 'istiod-new']) }),
      metadata: { name, labels: revLabel(dice.pick(['old', 'new', undefined])) },
    }),
  (mesh, dice, name) =>
    mesh.object({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name, namespace: 'x', labels: revLabel(dice.pick(['old', 'new', 'prod'])) },
    }),
];

function makeMesh(dice: Dice): MeshObjects {
  const filter = {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name: 'f', namespace: 'x', labels: { 'istio.io/rev': dice.pick(['old', 'new']) } },
  };
  const mesh = new MeshBuilder(dice.chance(0.1) ? { pinnedObjects: [filter] } : {})
    .revision({ revision: 'old', version: '1.28.2' })
    .revision({ revision: 'new', version: '1.29.1' })
    .defaultTo(dice.chance(0.1) ? 'old' : 'new');
  if (dice.chance(0.5)) mesh.tag('prod', dice.chance(0.2) ? 'old' : 'new');
  const parts = dice.below(5);
  for (let index = 0; index < parts; index += 1) dice.pick(PARTS)(mesh, dice, `n${index}`);
  return mesh.objects();
}

const LISTS = [
  'namespaces',
  'pods',
  'deployments',
  'statefulSets',
  'daemonSets',
  'replicaSets',
  'rollouts',
  'jobs',
  'cronJobs',
  'services',
  'mutatingWebhooks',
  'validatingWebhooks',
  'gatewayApiGateways',
  'gatewayClasses',
  'revisionedRoutes',
  'virtualMachines',
  'pinnedObjects',
] as const satisfies readonly (keyof MeshObjects)[];

/** What a reader would have found, had it not been let, or not been answered. Without pods there is nobody to ask. */
function withFailures(objects: MeshObjects, dice: Dice): MeshObjects {
  const lost = LISTS.filter(() => dice.chance(0.06));
  const blank = Object.fromEntries(lost.map((list) => [list, []]));
  const istiods = lost.includes('pods')
    ? []
    : objects.istiods.map((report) => (dice.chance(0.1) ? { ...report, proxies: [], error: 'no answer' } : report));
  return { ...objects, ...blank, istiods, unread: lost.map((what) => ({ what, why: 'no permission' })) };
}

/** The whole mesh, read plainly: does anything need `old`? */
function isUsed(objects: MeshObjects): boolean {
  const labelled = (object: KubeObject, value: string): boolean => object.metadata.labels?.['istio.io/rev'] === value;
  const tags = new Map(
    objects.mutatingWebhooks.flatMap((c) =>
      c.metadata.labels?.['istio.io/tag'] === undefined ? [] : [[c.metadata.labels['istio.io/tag'], c.metadata.labels['istio.io/rev']]],
    ),
  );
  const leads = (value: string | undefined): boolean => value !== undefined && (tags.get(value) ?? value) === 'old';
  const spaces = new Map(objects.namespaces.map((ns) => [ns.metadata.name, ns]));
  const asks = (space: Labels, pod: Labels): boolean => {
    if (pod['sidecar.istio.io/inject'] === 'false') return false;
    if (space['istio-injection'] !== undefined) return space['istio-injection'] === 'enabled' && leads('default');
    const value = space['istio.io/rev'] ?? pod['istio.io/rev'];
    return value === undefined ? pod['sidecar.istio.io/inject'] === 'true' && leads('default') : leads(value);
  };
  const template = (workload: KubeObject): PodTemplate => {
    const spec = workload['spec'] as { template?: PodTemplate; jobTemplate?: { spec: { template: PodTemplate } } } | undefined;
    return spec?.jobTemplate?.spec.template ?? spec?.template ?? {};
  };
  const makers = [
    objects.deployments,
    objects.statefulSets,
    objects.daemonSets,
    objects.rollouts,
    objects.replicaSets,
    objects.jobs,
    objects.cronJobs,
  ].flat();
  const isAlive = (ns: string | undefined): boolean =>
    ns !== undefined && spaces.has(ns) && spaces.get(ns)?.metadata.deletionTimestamp === undefined;
  const isService = (s: Service): boolean => s.metadata.name === 'istiod-old';
  return (
    objects.istiods.some((report) => report.revision === 'old' && report.proxies.length > 0) ||
    objects.pods.some(
      (pod) =>
        ['Running', 'Pending'].includes(pod.status?.phase ?? '') &&
        (pod.metadata.annotations?.['sidecar.istio.io/status'] ?? '').includes('"old"'),
    ) ||
    [...tags.values()].includes('old') ||
    objects.validatingWebhooks.some((c) => c.metadata.name === 'istiod-default-validator' && labelled(c, 'old')) ||
    objects.mutatingWebhooks.some(
      (c) =>
        !labelled(c, 'old') &&
        (c.webhooks ?? []).some((w) => objects.services.filter(isService).some((s) => s.metadata.name === w.clientConfig?.service?.name)),
    ) ||
    objects.namespaces.some(
      (ns) =>
        ns.metadata.deletionTimestamp === undefined &&
        (ns.metadata.labels?.['istio-injection'] ?? ns.metadata.labels?.['istio.io/rev']) !== undefined &&
        asks(ns.metadata.labels ?? {}, {}),
    ) ||
    makers.some(
      (one) =>
        isAlive(one.metadata.namespace) &&
        asks(spaces.get(one.metadata.namespace ?? '')?.metadata.labels ?? {}, template(one).metadata?.labels ?? {}),
    ) ||
    objects.daemonSets.some((one) => {
      const host = JSON.stringify(one).match(/"XDS_ADDRESS","value":"istiod-([a-z-]+)\./)?.[1];
      return leads(host?.replace('revision-tag-', ''));
    }) ||
    objects.gatewayApiGateways.some((gateway) => {
      const own = gateway.metadata.labels?.['istio.io/rev'];
      const isOurs = own !== undefined || ['istio', 'istio-waypoint'].includes(gateway.spec?.gatewayClassName ?? '');
      return (
        isOurs &&
        isAlive(gateway.metadata.namespace) &&
        leads(own ?? spaces.get(gateway.metadata.namespace ?? '')?.metadata.labels?.['istio.io/rev'] ?? 'default')
      );
    }) ||
    objects.virtualMachines.some(
      (vm) =>
        leads(vm.spec?.metadata?.labels?.['istio.io/rev']) ||
        (vm.metadata.annotations?.['istio.io/connectedAt'] !== undefined &&
          vm.metadata.annotations['istio.io/workloadController'] === 'istiod-old-abc'),
    ) ||
    [...objects.pinnedObjects, ...objects.revisionedRoutes].some((object) => labelled(object, 'old'))
  );
}

it('what is called unused is used by nothing, whatever could not be read', () => {
  const dice = new Dice(SEED);
  const seen = { used: 0, unknown: 0, unused: 0 };
  for (let index = 0; index < MESHES; index += 1) {
    const whole = makeMesh(dice);
    const read = dice.chance(0.5) ? withFailures(whole, dice) : whole;
    const usage = findUses('old', buildInventory(read));
    const verdict = usageVerdict(usage);
    seen[verdict] += 1;
    const truth = isUsed(whole);
    const told = `mesh ${index} of seed ${SEED}: ${verdict}, truth ${String(truth)}, uses ${usage.uses.map((use) => use.object).join()}, unread ${read.unread.map((u) => u.what).join()}`;
    if (verdict === 'unused' && truth) expect.fail(told);
    if (read === whole && (verdict === 'used') !== truth) expect.fail(told);
  }
  // Each answer is given often, so that the sentence above says something.
  expect(Math.min(seen.used, seen.unknown, seen.unused)).toBeGreaterThan(MESHES / 10);
}, 60_000);
