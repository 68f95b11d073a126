/** What an API server made of a pod that was sent to it, without what is another on every play and what nobody looks at. */
import { createHash } from 'node:crypto';
import type { CasePod, InjectionCase } from './injection-cases.ts';

type Labels = Readonly<Record<string, string>>;
type Json = Readonly<Record<string, unknown>>;

interface AnsweredContainer {
  readonly name: string;
  readonly image?: string;
  readonly restartPolicy?: string;
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: Json }[];
  readonly [field: string]: unknown;
}

export interface AnsweredPod {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
    readonly [field: string]: unknown;
  };
  readonly spec: {
    readonly containers: readonly AnsweredContainer[];
    readonly initContainers?: readonly AnsweredContainer[];
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** What injection stamped on a pod. */
export interface StampedFields {
  /** Labels and annotations that the pod was not sent with; null for those it lost. */
  readonly labels: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string | null>>;
  /** `name image`, in their order; with ` (restarts)` for an init container that keeps running. */
  readonly initContainers: readonly string[];
  readonly containers: readonly string[];
  /** Of the proxy, wherever it stands. */
  readonly env: Readonly<Record<string, unknown>>;
  readonly proxy: Json;
  /** Probes and hooks of the other containers: `app.readinessProbe`. */
  readonly probes: Json;
  readonly volumes: readonly string[];
}

export type InjectionAnswer =
  | { readonly kind: 'injected'; readonly revision: string; readonly stamped: StampedFields; /** Of everything. */ readonly digest: string }
  | { readonly kind: 'not-injected'; readonly digest: string }
  | { readonly kind: 'refused'; readonly code: number; readonly message: string };

const PROXY = 'istio-proxy';
const STATUS = 'sidecar.istio.io/status';
const PROBES = ['readinessProbe', 'livenessProbe', 'startupProbe', 'lifecycle'] as const;

export function injectionAnswer({ pod: sent }: InjectionCase, code: number, body: unknown): InjectionAnswer {
  if (code !== 201) return { kind: 'refused', code, message: settledText((body as { readonly message?: string }).message ?? '', sent) };
  const pod = settledPod(sent, body as AnsweredPod);
  const digest = digestOf(pod);
  const status = pod.metadata.annotations?.[STATUS];
  if (status === undefined || status === sent.metadata.annotations?.[STATUS]) return { kind: 'not-injected', digest };
  const { revision } = JSON.parse(status) as { readonly revision: string };
  return { kind: 'injected', revision, stamped: stampedFields(sent, pod), digest };
}

function stampedFields(sent: CasePod, pod: AnsweredPod): StampedFields {
  const { containers, initContainers = [] } = pod.spec;
  const all = [...initContainers, ...containers];
  const proxy = all.find(({ name }) => name === PROXY);
  const { args, ports, lifecycle, restartPolicy, readinessProbe, startupProbe }: AnsweredContainer = proxy ?? { name: PROXY };
  const probes = all
    .filter(({ name }) => name !== PROXY)
    .flatMap((each) => PROBES.flatMap((field) => (each[field] === undefined ? [] : [[`${each.name}.${field}`, each[field]]])));
  return {
    labels: changes(sent.metadata.labels, pod.metadata.labels),
    annotations: changes(sent.metadata.annotations, pod.metadata.annotations),
    initContainers: initContainers.map(inWords),
    containers: containers.map(inWords),
    env: Object.fromEntries((proxy?.env ?? []).map(({ name, value, valueFrom }) => [name, valueFrom ?? value ?? ''])),
    proxy: JSON.parse(JSON.stringify({ args, ports, lifecycle, restartPolicy, readinessProbe, startupProbe })) as Json,
    probes: Object.fromEntries(probes) as Json,
    volumes: ((pod.spec['volumes'] ?? []) as readonly { readonly name: string }[])
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('kube-api-access-')),
  };
}

function inWords({ name, image = '', restartPolicy }: AnsweredContainer): string {
  return `${name} ${image}${restartPolicy === 'Always' ? ' (restarts)' : ''}`;
}

function changes(before: Labels = {}, after: Labels = {}): Readonly<Record<string, string | null>> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return Object.fromEntries(names.flatMap((name) => (before[name] === after[name] ? [] : [[name, after[name] ?? null]])));
}

/** The whole pod, without what the server makes up. */
export function settledPod(sent: CasePod, pod: AnsweredPod): AnsweredPod {
  const { uid: _uid, creationTimestamp: _time, managedFields: _fields, resourceVersion: _version, ...metadata } = pod.metadata;
  const text = JSON.stringify({ ...pod, metadata }).replaceAll(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-<letters>');
  const named = sent.metadata.name === undefined ? text.replaceAll(pod.metadata.name, '<name>') : text;
  return JSON.parse(named) as AnsweredPod;
}

/** istiod names its templates in the order of a Go map, which is another each time. */
function settledText(text: string, { metadata: { name, generateName = '' } }: CasePod): string {
  const ordered = text.replace(/(?<=not found; have ).*/, (names) => names.split(', ').toSorted().join(', '));
  if (name !== undefined) return ordered;
  return ordered.replaceAll(new RegExp(`${generateName}[bcdfghjklmnpqrstvwxz2456789]{5}`, 'g'), '<name>');
}

function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')
    .slice(0, 12);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
