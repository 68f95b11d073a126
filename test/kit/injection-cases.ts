/** Namespaces and pods that ask for injection in many ways, made from a seed: for comparing one injector with another. */
import { seededRandom } from '../../src/sandbox/clock/seeded-random.ts';
import { injectionAnnotations } from './injection-annotations.ts';

type Labels = Readonly<Record<string, string>>;
type Json = Readonly<Record<string, unknown>>;

export interface CaseNamespace {
  readonly name: string;
  readonly labels: Labels;
}

/** A pod as a client or a controller sends it. */
export interface CasePod {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
    readonly ownerReferences?: readonly Json[];
  };
  readonly spec: {
    readonly containers: readonly Json[];
    readonly initContainers?: readonly Json[];
    readonly hostNetwork?: boolean;
    readonly [field: string]: unknown;
  };
}

export interface InjectionCase {
  /** Set-up and number: `istioctl-two/07`. */
  readonly name: string;
  readonly namespace: CaseNamespace;
  readonly pod: CasePod;
}

/** The service account that pods of some cases run as; it must be there in each of the case namespaces. */
export const CASE_ACCOUNT = 'app';

const NAMESPACE_INJECTION = { none: undefined, on: 'enabled', off: 'disabled', empty: '', odd: 'True' } as const;
/** `ghost` is what nobody serves; the tags and the revision only some set-ups have. */
const NAMESPACE_REVISION = {
  none: undefined,
  default: 'default',
  rev: '1-29-1',
  prod: 'prod',
  stable: 'stable',
  ghost: 'ghost',
} as const;

function caseNamespace(injection: keyof typeof NAMESPACE_INJECTION, revision: keyof typeof NAMESPACE_REVISION): CaseNamespace {
  return {
    name: `sbx-inj-${injection}-${revision}`,
    labels: given({ 'istio-injection': NAMESPACE_INJECTION[injection], 'istio.io/rev': NAMESPACE_REVISION[revision] }),
  };
}

/** Every combination of the labels with which namespaces ask. */
export const caseNamespaces: readonly CaseNamespace[] = keysOf(NAMESPACE_INJECTION).flatMap((injection) =>
  keysOf(NAMESPACE_REVISION).map((revision) => caseNamespace(injection, revision)),
);

/** @returns the same cases for the same set-ups, seed and count */
export function injectionCases(setUp: string, seed: number, count: number): readonly InjectionCase[] {
  const dice = new Dice(seededRandom(seed));
  return Array.from({ length: count }, (_, index): InjectionCase => {
    const namespace = anyNamespace(dice);
    return {
      name: `${setUp}/${String(index + 1).padStart(2, '0')}`,
      namespace,
      pod: anyPod(dice, namespace.name, namespace.name.startsWith('kube-')),
    };
  });
}

/** Every annotation once, on pods that ask for injection by the revision or by the default. */
export function annotationCases(setUp: string, seed: number): readonly InjectionCase[] {
  const dice = new Dice(seededRandom(seed));
  return injectionAnnotations.flat().map((annotations, index): InjectionCase => {
    const namespace = index % 2 === 0 ? caseNamespace('on', 'none') : caseNamespace('none', 'rev');
    const owner = anyOwner(dice);
    const metadata = { ...owner.identity, namespace: namespace.name, labels: { app: 'web', ...owner.labels }, annotations };
    const pod: CasePod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...anySpec(dice, false), hostNetwork: false } };
    return { name: `${setUp}/annotation-${String(index + 1).padStart(2, '0')}`, namespace, pod };
  });
}

function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): readonly K[] {
  return Object.keys(record) as K[];
}

/** Only the fields that have a value. */
function given<T>(fields: Readonly<Record<string, T | undefined>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, T] => entry[1] !== undefined));
}

type Weighted<T> = readonly (readonly [weight: number, value: T])[];

class Dice {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** @param share 0 to 1 */
  chance(share: number): boolean {
    return this.#random() < share;
  }

  one<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)] as T;
  }

  weighted<T>(choices: Weighted<T>): T {
    let left = this.#random() * choices.reduce((sum, [weight]) => sum + weight, 0);
    const found = choices.find(([weight]) => (left -= weight) < 0) ?? choices.at(-1);
    return (found as readonly [number, T])[1];
  }

  some<T>(values: readonly T[], share: number): readonly T[] {
    return values.filter(() => this.chance(share));
  }
}

function anyNamespace(dice: Dice): CaseNamespace {
  if (dice.chance(0.03)) return { name: dice.one(['kube-system', 'kube-public']), labels: {} };
  const injection = dice.weighted<keyof typeof NAMESPACE_INJECTION>([
    [50, 'none'],
    [38, 'on'],
    [5, 'off'],
    [3, 'empty'],
    [4, 'odd'],
  ]);
  const revision = dice.weighted<keyof typeof NAMESPACE_REVISION>([
    [32, 'none'],
    [10, 'default'],
    [30, 'rev'],
    [13, 'prod'],
    [8, 'stable'],
    [7, 'ghost'],
  ]);
  return caseNamespace(injection, revision);
}

function anyPod(dice: Dice, namespace: string, bare: boolean): CasePod {
  const gateway = dice.chance(0.06);
  const owner = anyOwner(dice);
  const annotations = { ...anyAnnotations(dice), ...(gateway ? { 'inject.istio.io/templates': 'gateway' } : {}) };
  const labels = { ...anyLabels(dice), ...owner.labels };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...owner.identity,
      namespace,
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: gateway ? gatewaySpec(dice, bare) : anySpec(dice, bare),
  };
}

function anyLabels(dice: Dice): Labels {
  const longName = 'a-name-of-the-full-sixty-three-letters-that-a-label-can-have-123';
  return given({
    'sidecar.istio.io/inject': dice.weighted([
      [50, undefined],
      [40, 'true'],
      [6, 'false'],
      [3, 'yes'],
      [2, ''],
    ]),
    'istio.io/rev': dice.weighted([
      [50, undefined],
      [8, 'default'],
      [22, '1-29-1'],
      [10, 'prod'],
      [5, 'stable'],
      [6, 'ghost'],
    ]),
    app: dice.one(['web', 'shop', undefined]),
    version: dice.one(['v1', undefined, undefined]),
    'app.kubernetes.io/name': dice.one(['web-server', undefined, undefined]),
    'app.kubernetes.io/version': dice.one(['2.0.1', undefined, undefined, undefined]),
    'service.istio.io/canonical-name': dice.weighted([
      [10, undefined],
      [1, 'canon'],
      [1, longName.slice(0, 63)],
    ]),
    'service.istio.io/canonical-revision': dice.weighted([
      [10, undefined],
      [1, 'r7'],
    ]),
    'security.istio.io/tlsMode': dice.weighted([
      [12, undefined],
      [1, 'disabled'],
      [1, ''],
    ]),
    'topology.istio.io/network': dice.weighted([
      [14, undefined],
      [1, 'network-b'],
    ]),
  });
}

interface Owner {
  readonly identity: { readonly name?: string; readonly generateName?: string; readonly ownerReferences?: readonly Json[] };
  readonly labels: Labels;
}

const OWNER_UID = '11111111-2222-4333-8444-555555555555';

function owned(apiVersion: string, kind: string, name: string, labels: Labels = {}): Owner {
  return {
    identity: { generateName: `${name}-`, ownerReferences: [{ apiVersion, kind, name, uid: OWNER_UID, controller: true }] },
    labels,
  };
}

function anyOwner(dice: Dice): Owner {
  return dice.weighted<Owner>([
    [40, owned('apps/v1', 'ReplicaSet', 'web-7c5ddbdf54', { 'pod-template-hash': '7c5ddbdf54' })],
    [4, owned('apps/v1', 'ReplicaSet', 'alone')],
    [6, owned('apps/v1', 'StatefulSet', 'db')],
    [6, owned('apps/v1', 'DaemonSet', 'agent')],
    [5, owned('batch/v1', 'Job', 'migrate')],
    [5, owned('batch/v1', 'Job', 'nightly-29384756')],
    [5, owned('apps/v1', 'ReplicaSet', 'roll-6d8f7', { 'rollouts-pod-template-hash': '6d8f7' })],
    [15, { identity: { name: 'alone' }, labels: {} }],
    [8, { identity: { generateName: 'nobodys-' }, labels: {} }],
  ]);
}

function anyAnnotations(dice: Dice): Labels {
  const count = dice.weighted([
    [30, 0],
    [40, 1],
    [20, 2],
    [10, 3],
  ]);
  const picked = Array.from({ length: count }, (): Labels => {
    const group = dice.one(injectionAnnotations);
    return dice.chance(0.4) ? (group[0] ?? {}) : dice.one(group);
  });
  return Object.assign({}, ...picked) as Labels;
}

function anyProbe(dice: Dice, port: number): Json {
  const handler = dice.one<Json>([
    { httpGet: { path: '/ready', port } },
    { httpGet: { path: '/ready', port: 'http', scheme: 'HTTPS', httpHeaders: [{ name: 'X-Probe', value: '1' }] } },
    { httpGet: { port: 'http', host: 'example.com' } },
    { tcpSocket: { port } },
    { tcpSocket: { port: 'http' } },
    { grpc: { port: port + 1 } },
    { grpc: { port: port + 1, service: 'health' } },
    { exec: { command: ['true'] } },
  ]);
  return { ...handler, ...(dice.chance(0.5) ? { periodSeconds: 5, timeoutSeconds: 3 } : {}) };
}

/** @param port its first; on the host's network no two containers can have the same */
function anyContainer(dice: Dice, name: string, port: number): Json {
  const hook = dice.one<Json>([{ exec: { command: ['sleep', '5'] } }, { httpGet: { path: '/stop', port } }]);
  return {
    name,
    image: `registry.example/${name}:1`,
    ...(dice.chance(0.6)
      ? {
          ports: [
            { name: 'http', containerPort: port },
            ...dice.some<Json>(
              [
                { containerPort: port + 1, name: 'grpc' },
                { containerPort: port, protocol: 'UDP' },
              ],
              0.3,
            ),
          ],
        }
      : {}),
    ...(dice.chance(0.35) ? { readinessProbe: anyProbe(dice, port) } : {}),
    ...(dice.chance(0.25) ? { livenessProbe: anyProbe(dice, port) } : {}),
    ...(dice.chance(0.12) ? { startupProbe: anyProbe(dice, port) } : {}),
    ...(dice.chance(0.12) ? { lifecycle: { preStop: hook } } : {}),
    ...(dice.chance(0.2) ? { env: [{ name: 'MODE', value: 'fast' }] } : {}),
    ...(dice.chance(0.2) ? { resources: { requests: { cpu: '10m', memory: '16Mi' } } } : {}),
  };
}

/** The user's own settings of the proxy. */
function ownProxy(dice: Dice): Json {
  return {
    name: 'istio-proxy',
    image: dice.one(['auto', 'auto', 'registry.example/own-proxy:7']),
    ...(dice.chance(0.5) ? { resources: { requests: { cpu: '20m' } } } : {}),
    ...(dice.chance(0.5) ? { env: [{ name: 'OWN', value: '1' }] } : {}),
    ...(dice.chance(0.3) ? { volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] } : {}),
    ...(dice.chance(0.3) ? { lifecycle: { preStop: { exec: { command: ['sleep', '9'] } } } } : {}),
  };
}

function anySpec(dice: Dice, bare: boolean): CasePod['spec'] {
  const own = dice.chance(0.12) ? ownProxy(dice) : undefined;
  const ownIsInit = dice.chance(0.4);
  const inits = dice.some<Json>(
    [
      { name: 'migrate', image: 'registry.example/migrate:1', command: ['true'] },
      { name: 'tail', image: 'registry.example/tail:1', restartPolicy: 'Always' },
    ],
    0.2,
  );
  const containers = ['app', ...dice.some(['side', 'other'], 0.25)].map((name, index) => anyContainer(dice, name, 8080 + 10 * index));
  const initContainers = [...inits, ...(own !== undefined && ownIsInit ? [{ ...own, restartPolicy: 'Always' }] : [])];
  return {
    containers: own === undefined || ownIsInit ? containers : dice.chance(0.5) ? [...containers, own] : [own, ...containers],
    ...(initContainers.length === 0 ? {} : { initContainers }),
    volumes: [{ name: 'scratch', emptyDir: {} }],
    ...(dice.chance(0.06) ? { hostNetwork: true } : {}),
    ...(!bare && dice.chance(0.3) ? { serviceAccountName: CASE_ACCOUNT } : {}),
    ...(dice.chance(0.1) ? { automountServiceAccountToken: false } : {}),
    restartPolicy: dice.weighted([
      [8, 'Always'],
      [1, 'OnFailure'],
      [1, 'Never'],
    ]),
    ...(dice.chance(0.15) ? { terminationGracePeriodSeconds: 60 } : {}),
    ...(dice.chance(0.15) ? { securityContext: { runAsUser: 1000, fsGroup: 2000 } } : {}),
    ...(dice.chance(0.1) ? { imagePullSecrets: [{ name: 'pull' }] } : {}),
    ...(dice.chance(0.1) ? { dnsConfig: { searches: ['example.com'] } } : {}),
  };
}

/** As the chart of a gateway writes it. */
function gatewaySpec(dice: Dice, bare: boolean): CasePod['spec'] {
  return {
    containers: [{ name: 'istio-proxy', image: 'auto', ports: [{ containerPort: 8080, name: 'http2' }] }],
    ...(!bare && dice.chance(0.5) ? { serviceAccountName: CASE_ACCOUNT } : {}),
    ...(dice.chance(0.5) ? { securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] } } : {}),
  };
}
