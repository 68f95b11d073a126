/** Injection webhooks as they can be in a cluster that several people have had their hands in, made from a seed, round by round. */
import { seededRandom } from '../../src/sandbox/clock/seeded-random.ts';
import type { CasePod, InjectionCase } from './injection-cases.ts';

type Labels = Readonly<Record<string, string>>;

interface Expression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: readonly string[];
}

interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly Expression[];
}

export interface RoundWebhooks {
  readonly apiVersion: 'admissionregistration.k8s.io/v1';
  readonly kind: 'MutatingWebhookConfiguration';
  readonly metadata: { readonly name: string; readonly labels: Labels };
  readonly webhooks: readonly object[];
}

/** What is done to a webhook configuration that an installation has made. */
export type Edit =
  | { readonly kind: 'as-installed' }
  /** As istioctl switches one off. */
  | { readonly kind: 'off' }
  /** As it is before istioctl switches it off. */
  | { readonly kind: 'on' }
  /** Label and Service lead to another revision, as `tag set --overwrite` does it. */
  | { readonly kind: 'moved'; readonly revision: string }
  /** Only the label does. */
  | { readonly kind: 'mislabelled'; readonly revision: string };

export interface WebhookRound {
  readonly own: readonly RoundWebhooks[];
  /** By the name of the configuration. */
  readonly edits: Readonly<Record<string, Edit>>;
  /** Of the injector of a revision: lines of its configuration to put in the place of others. */
  readonly settings?: {
    readonly revision: string;
    readonly policy: string;
    readonly never: readonly Selector[];
    readonly always: readonly Selector[];
  };
}

export const ROUND_LABEL = 'meshlift-test-round';

interface RoundRules {
  readonly seed: number;
  readonly revisions: readonly string[];
  readonly caBundle: string;
  /** Configurations of the revisions themselves, and of tags. */
  readonly installed: { readonly revisions: readonly string[]; readonly tags: readonly string[] };
}

/** @param count of rounds; the last ones also change what injectors are told */
export function webhookRounds(rules: RoundRules, count: number): readonly WebhookRound[] {
  const random = seededRandom(rules.seed);
  const chance = (share: number): boolean => random() < share;
  const one = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const dice: Dice = { chance, one };
  return Array.from({ length: count }, (_, round): WebhookRound => {
    const own =
      round === 0
        ? []
        : Array.from({ length: one([0, 1, 2, 3, 4]) }, (_each, index) =>
            anyConfiguration(dice, rules, `${String(round)}-${String(index)}`),
          );
    const isTold = round >= count - 3;
    return {
      own,
      edits: round === 0 ? {} : anyEdits(dice, rules),
      ...(isTold
        ? {
            settings: {
              revision: one(rules.revisions),
              policy: one(['disabled', 'enabled', 'disabled']),
              never: chance(0.6) ? [podSelector(dice)] : [],
              always: chance(0.6) ? [podSelector(dice)] : [],
            },
          }
        : {}),
    };
  });
}

interface Dice {
  readonly chance: (share: number) => boolean;
  readonly one: <T>(values: readonly T[]) => T;
}

function anyEdits({ chance, one }: Dice, { installed, revisions }: RoundRules): Record<string, Edit> {
  const edits: Record<string, Edit> = {};
  for (const name of installed.revisions) if (chance(0.5)) edits[name] = one<Edit>([{ kind: 'off' }, { kind: 'on' }, { kind: 'on' }]);
  for (const name of installed.tags) {
    const revision = one(revisions);
    if (chance(0.6))
      edits[name] = one<Edit>([{ kind: 'moved', revision }, { kind: 'mislabelled', revision }, { kind: 'off' }, { kind: 'on' }]);
  }
  return edits;
}

function anyConfiguration(dice: Dice, { revisions, caBundle }: RoundRules, id: string): RoundWebhooks {
  const { chance, one } = dice;
  const revision = one([...revisions, ...revisions, 'ghost', undefined]);
  // istiod writes the bundle of those that carry its revision; without a label, the unrevisioned one does.
  const bundle = revision === 'ghost' && chance(0.4) ? {} : { caBundle };
  const service = chance(0.12) ? 'istiod-gone' : one(['istiod', 'istiod-1-29-1']);
  const entry = (index: number): object => ({
    name: `${one(['own', 'extra', 'legacy'])}${String(index)}.sidecar-injector.istio.io`,
    clientConfig: { ...bundle, service: { name: service, namespace: 'istio-system', path: '/inject', port: 443 } },
    failurePolicy: one(['Fail', 'Fail', 'Ignore']),
    reinvocationPolicy: one(['Never', 'IfNeeded']),
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    rules: [chance(0.3) ? one(OTHER_RULES) : one(POD_RULES)],
    namespaceSelector: chance(0.08) ? { matchLabels: { 'istio.io/deactivated': 'never-match' } } : namespaceSelector(dice),
    objectSelector: chance(0.3) ? {} : podSelector(dice),
  });
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name: `${one(['aaa', 'istio-a', 'istio-revision-x', 'istio-sidecar-a', 'istio-sidecar-z', 'zzz'])}-${id}`,
      labels: {
        app: 'sidecar-injector',
        [ROUND_LABEL]: 'true',
        ...(revision === undefined ? {} : { 'istio.io/rev': revision }),
        ...(chance(0.3) ? { 'istio.io/tag': `tag-${id}` } : {}),
      },
    },
    webhooks: [entry(0), ...(chance(0.4) ? [entry(1)] : [])],
  };
}

const POD_RULES = [
  { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] },
  { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['pods'], scope: 'Namespaced' },
  { operations: ['CREATE', 'UPDATE'], apiGroups: ['', 'apps'], apiVersions: ['v1'], resources: ['configmaps', 'pods'] },
];
const OTHER_RULES = [
  { operations: ['UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] },
  { operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['pods'] },
  { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods/ephemeralcontainers'] },
];

/** Only namespaces of the cases, whatever else it asks for: nothing of the cluster itself shall be kept from starting. */
function namespaceSelector({ chance, one }: Dice): Selector {
  const expressions: Expression[] = [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['istio-system', 'default'] }];
  if (chance(0.6))
    expressions.push(
      one<Expression>([
        { key: 'istio-injection', operator: 'In', values: ['enabled'] },
        { key: 'istio-injection', operator: 'NotIn', values: ['disabled'] },
        { key: 'istio-injection', operator: 'DoesNotExist' },
        { key: 'istio-injection', operator: 'Exists' },
      ]),
    );
  if (chance(0.6))
    expressions.push(
      one<Expression>([
        { key: 'istio.io/rev', operator: 'In', values: ['1-29-1', 'prod', 'ghost'] },
        { key: 'istio.io/rev', operator: 'NotIn', values: ['stable'] },
        { key: 'istio.io/rev', operator: 'Exists' },
        { key: 'istio.io/rev', operator: 'DoesNotExist' },
      ]),
    );
  return { matchExpressions: expressions };
}

function podSelector({ chance, one }: Dice): Selector {
  if (chance(0.3)) return { matchLabels: { app: one(['web', 'shop']) } };
  return {
    matchExpressions: [
      one<Expression>([
        { key: 'app', operator: 'In', values: ['web'] },
        { key: 'app', operator: 'NotIn', values: ['shop'] },
        { key: 'version', operator: 'Exists' },
        { key: 'version', operator: 'DoesNotExist' },
        { key: 'sidecar.istio.io/inject', operator: 'NotIn', values: ['false'] },
        { key: 'istio.io/rev', operator: 'In', values: ['1-29-1', 'ghost', 'prod'] },
      ]),
    ],
  };
}

/** What istiod may refuse a pod for in itself is left out: here it is only asked who injects. */
export function withoutOddities(one: InjectionCase): InjectionCase {
  const { metadata, spec } = one.pod;
  const kept = Object.entries(metadata.annotations ?? {}).filter(
    ([key, value]) => key === 'sidecar.istio.io/inject' || (key === 'inject.istio.io/templates' && value !== 'sidecar,gateway'),
  );
  const plain = ({ name, image, restartPolicy }: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
    name,
    image,
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  });
  const pod: CasePod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, annotations: Object.fromEntries(kept) },
    spec: {
      containers: spec.containers.map(plain),
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(plain) }),
      ...(spec.hostNetwork === undefined ? {} : { hostNetwork: spec.hostNetwork }),
    },
  };
  return { ...one, pod };
}
