/** Finds what a person means by a name, as kubectl's users write names. */
import { controllerOf } from '../mesh/build-workloads.ts';
import type { WorkloadKind, WorkloadRef } from '../mesh/mesh-inventory.ts';
import { Problem } from '../problems/problem.ts';
import { shortName } from '../plan/build-steps.ts';
import type { Seen } from './next-pod.ts';
import type { WhyTarget } from './why-answer.ts';

/** Names of kinds as kubectl takes them. */
const KINDS: Readonly<Record<WhyTarget['kind'], readonly string[]>> = {
  Namespace: ['ns', 'namespace', 'namespaces'],
  Pod: ['po', 'pod', 'pods'],
  Deployment: ['deploy', 'deployment', 'deployments', 'deployment.apps', 'deployments.apps'],
  StatefulSet: ['sts', 'statefulset', 'statefulsets', 'statefulset.apps', 'statefulsets.apps'],
  DaemonSet: ['ds', 'daemonset', 'daemonsets', 'daemonset.apps', 'daemonsets.apps'],
  ReplicaSet: ['rs', 'replicaset', 'replicasets', 'replicaset.apps', 'replicasets.apps'],
  Rollout: ['ro', 'rollout', 'rollouts', 'rollout.argoproj.io', 'rollouts.argoproj.io'],
  Job: ['job', 'jobs', 'job.batch', 'jobs.batch'],
  CronJob: ['cj', 'cronjob', 'cronjobs', 'cronjob.batch', 'cronjobs.batch'],
};
const SHOWN = 5;

interface Asked {
  readonly kind?: WhyTarget['kind'];
  readonly namespace?: string;
  readonly name: string;
}

/**
 * @param text `cart`, `shop/cart`, `deploy/cart`, `shop/deploy/cart`, `pod/cart-abc`, `cart-abc.shop`, `ns/shop`
 * @param namespaces where to look for names that do not say it; empty: everywhere
 * @throws Problem MESH-003, MESH-004 with names that are near, MESH-007 when it may be among what could not be read, MESH-011 when several fit
 */
export function findTarget(text: string, namespaces: readonly string[], seen: Seen): WhyTarget {
  const readings = readingsOf(text);
  const all = candidates(seen);
  for (const asked of readings) {
    const found = all.filter((candidate) => fits(candidate, asked, asked.namespace === undefined ? namespaces : []));
    const [first] = found;
    if (first !== undefined && found.length === 1) return first;
    if (first !== undefined) throw severalFit(text, found);
  }
  throw notFound({ text, asked: readings[0] ?? { name: text }, namespaces, inventory: seen.inventory, all });
}

/** The ways to read a text, the likeliest first. */
function readingsOf(text: string): Asked[] {
  const parts = text.split('/');
  const kindOf = (word: string): WhyTarget['kind'] | undefined =>
    (Object.keys(KINDS) as WhyTarget['kind'][]).find((kind) => KINDS[kind].includes(word.toLowerCase()));
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 3) {
    const kind = kindOf(second);
    return kind === undefined ? [] : [{ kind, namespace: first, name: third }];
  }
  if (parts.length === 2) {
    const kind = kindOf(first);
    return [...(kind === undefined ? [] : [{ kind, name: second }]), { namespace: first, name: second }];
  }
  const dot = text.lastIndexOf('.');
  // As Istio names proxies.
  return [{ name: text }, ...(dot > 0 ? [{ kind: 'Pod', name: text.slice(0, dot), namespace: text.slice(dot + 1) } as const] : [])];
}

interface Candidate extends WhyTarget {
  /** Found only by a reading that names its kind: what stands between a workload and its pods. */
  readonly onlyByKind?: WhyTarget['kind'];
  readonly calledBy?: string;
}

function candidates({ inventory, objects }: Seen): Candidate[] {
  const owners = new Map(inventory.workloads.map((w) => [`${w.namespace}/${w.kind}/${w.name}`, w]));
  const between = [...objects.replicaSets, ...objects.jobs].flatMap((object): Candidate[] => {
    const owner = controllerOf(object);
    const namespace = object.metadata.namespace ?? '';
    const workload = owners.get(`${namespace}/${owner?.kind ?? ''}/${owner?.name ?? ''}`);
    if (workload === undefined) return [];
    const onlyByKind = object.kind as WorkloadKind;
    return [{ kind: workload.kind, namespace, name: workload.name, onlyByKind, calledBy: object.metadata.name }];
  });
  return [
    ...inventory.namespaces.map(({ name }): Candidate => ({ kind: 'Namespace', namespace: name, name })),
    ...inventory.workloads.map(({ kind, namespace, name }): Candidate => ({ kind, namespace, name })),
    ...inventory.workloads.flatMap((workload) =>
      workload.kind === 'Pod'
        ? []
        : workload.pods.map(({ namespace, name }): Candidate => ({ kind: 'Pod', namespace, name, ownedBy: refOf(workload) })),
    ),
    ...between,
  ];
}

function refOf({ kind, namespace, name }: WorkloadRef): WorkloadRef {
  return { kind, namespace, name };
}

function fits(candidate: Candidate, asked: Asked, namespaces: readonly string[]): boolean {
  const { onlyByKind, calledBy = candidate.name } = candidate;
  if (calledBy !== asked.name) return false;
  if (onlyByKind !== undefined && asked.kind !== onlyByKind) return false;
  if (asked.kind !== undefined && (onlyByKind ?? candidate.kind) !== asked.kind) return false;
  if (candidate.kind === 'Namespace') return asked.namespace === undefined && (asked.kind === 'Namespace' || namespaces.length === 0);
  if (asked.namespace !== undefined) return candidate.namespace === asked.namespace;
  return namespaces.length === 0 || namespaces.includes(candidate.namespace);
}

/** `deploy/cart -n shop`, as it can be typed again. */
export function targetText({ kind, namespace, name }: WhyTarget): string {
  return kind === 'Namespace' ? `ns/${name}` : `${shortName({ kind, namespace, name })} -n ${namespace}`;
}

function severalFit(text: string, found: readonly WhyTarget[]): Problem {
  const shown = found.slice(0, SHOWN);
  return new Problem('MESH-011', {
    what: `${text} could be ${found.length} things.`,
    ...(found.length > SHOWN ? { why: `${found.length - SHOWN} more are not shown.` } : {}),
    next: shown.map((target) => ({ label: target.kind, command: `meshlift why ${targetText(target)}` })),
    facts: { candidates: found.map(targetText) },
  });
}

interface NotFound {
  readonly text: string;
  readonly asked: Asked;
  readonly namespaces: readonly string[];
  readonly inventory: Seen['inventory'];
  readonly all: readonly Candidate[];
}

function notFound({ text, asked, namespaces, inventory, all }: NotFound): Problem {
  const unread = inventory.unread.filter(({ what }) =>
    /^(namespaces|pods|deployments|statefulsets|daemonsets|replicasets|jobs|cronjobs)\b/.test(what),
  );
  if (unread.length > 0)
    return new Problem('MESH-007', {
      what: `${text} was not found, and these could not be read: ${unread.map((u) => `${u.what} (${u.why})`).join(', ')}.`,
      next: [{ label: 'which permissions are missing', command: 'meshlift rbac --check --for look' }],
    });
  const names = inventory.namespaces.map((n) => n.name);
  const wanted = asked.kind === 'Namespace' ? [asked.name] : asked.namespace === undefined ? namespaces : [asked.namespace];
  const missing = wanted.find((name) => !names.includes(name));
  if (missing !== undefined)
    return new Problem('MESH-003', {
      what: `There is no namespace ${missing}.`,
      why: nearText(missing, names),
      next: [{ label: 'look', command: 'kubectl get namespaces' }],
    });
  const here = all.filter(
    (c) => c.onlyByKind === undefined && c.kind !== 'Namespace' && (wanted.length === 0 || wanted.includes(c.namespace)),
  );
  const near = nearest(
    asked.name,
    here.filter((c) => asked.kind === undefined || c.kind === asked.kind),
  );
  const what = asked.kind === undefined ? `no workload, pod or namespace called ${asked.name}` : `no ${asked.kind} called ${asked.name}`;
  return new Problem('MESH-004', {
    what: `There is ${what}${wanted.length === 0 ? '' : ` in ${wanted.join(', ')}`}.`,
    why: 'A workload is named deploy/cart -n shop, shop/cart or cart; a pod pod/cart-abc; a namespace ns/shop.',
    next:
      near.length === 0
        ? [{ label: 'all workloads', command: 'meshlift status -o wide' }]
        : near.map((target) => ({ label: 'near', command: `meshlift why ${targetText(target)}` })),
  });
}

function nearText(name: string, names: readonly string[]): string {
  const near = nearest(
    name,
    names.map((one) => ({ name: one })),
  );
  return near.length === 0 ? '' : `Near it: ${near.map((one) => one.name).join(', ')}.`;
}

/** Up to five whose names differ by little, or contain what was asked for, the nearest first. */
function nearest<T extends { readonly name: string }>(name: string, all: readonly T[]): T[] {
  const limit = Math.max(2, Math.floor(name.length / 3));
  return all
    .map((one) => ({ one, distance: one.name.includes(name) || name.includes(one.name) ? 1 : distanceOf(name, one.name) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, SHOWN)
    .map(({ one }) => one);
}

/** How many letters have to be changed, added or taken out. */
function distanceOf(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [row, letter] of Array.from(a).entries()) {
    const now = [row + 1];
    for (const [column, other] of Array.from(b).entries())
      now.push(Math.min((now[column] ?? 0) + 1, (before[column + 1] ?? 0) + 1, (before[column] ?? 0) + (letter === other ? 0 : 1)));
    before = now;
  }
  return before.at(-1) ?? 0;
}
