/**
 * Every pod has a service account, and its containers that account's token, unless somebody does not want it.
 * As kubernetes plugin/pkg/admission/serviceaccount, v1.34; rules about mountable secrets and mirror pods are not here.
 */
import type { SandboxClock } from '../../clock/sandbox-clock.ts';
import type { ClusterView } from '../../cluster/cluster-view.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { changeEach, list, record, records, text, type Json } from '../../resources/json-tree.ts';
import { isPod, refuse, type AdmissionRule } from '../admission-rule.ts';
import type { AdmissionAttributes } from '../admission.ts';

export interface ServiceAccountOptions {
  readonly view: Pick<ClusterView, 'get' | 'onChange'>;
  readonly clock: Pick<SandboxClock, 'after'>;
  /** 0 to 1. */
  readonly random: () => number;
}

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
/** What generated names are made of: no vowels, nothing that looks like something else (apimachinery pkg/util/rand). */
const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
/** How long a pod waits for the account `default` of a new namespace, which a controller makes. */
const DEFAULT_ACCOUNT_WAIT_MS = 1500;

export function podServiceAccount(options: ServiceAccountOptions): AdmissionRule {
  return {
    mutate: async (attributes, pod) => {
      if (!isPod(attributes) || attributes.operation !== 'CREATE') return pod;
      const name = accountNameOf(pod) || 'default';
      const account = await findAccount(options, attributes, name);
      return withAccount(pod, name, account, options.random);
    },
    validate: (attributes) => {
      const { object, operation, namespace } = attributes;
      if (!isPod(attributes) || operation !== 'CREATE' || object === undefined) return;
      const name = accountNameOf(object);
      if (name === '') throw refuse(attributes, `no service account specified for pod ${namespace}/${object.metadata.name}`);
      if (options.view.get('serviceaccounts', name, namespace) === undefined) throw missing(attributes, name);
    },
  };
}

function accountNameOf(pod: KubeObject): string {
  const spec = record(pod['spec']);
  return text(spec['serviceAccountName']) || text(spec['serviceAccount']);
}

function missing(attributes: AdmissionAttributes, name: string): Error {
  const why = `serviceaccount ${JSON.stringify(name)} not found`;
  return refuse(attributes, `error looking up service account ${attributes.namespace}/${name}: ${why}`);
}

async function findAccount({ view, clock }: ServiceAccountOptions, attributes: AdmissionAttributes, name: string): Promise<KubeObject> {
  const { namespace } = attributes;
  const known = view.get('serviceaccounts', name, namespace);
  if (known !== undefined) return known;
  const late = name === 'default' ? await appearing({ view, clock }, namespace, name) : undefined;
  if (late === undefined) throw missing(attributes, name);
  return late;
}

/** Waits by the sandbox's clock, and by that of the machine as well: whoever holds the clock may be waiting for this pod. */
function appearing(
  { view, clock }: Omit<ServiceAccountOptions, 'random'>,
  namespace: string,
  name: string,
): Promise<KubeObject | undefined> {
  return new Promise((resolve) => {
    const finish = (account: KubeObject | undefined): void => {
      unsubscribe();
      timer.cancel();
      resolve(account);
    };
    const unsubscribe = view.onChange('serviceaccounts', ({ type, object }) => {
      if (type !== 'DELETED' && object.metadata.namespace === namespace && object.metadata.name === name) finish(object);
    });
    const timer = clock.after(DEFAULT_ACCOUNT_WAIT_MS, () => finish(undefined));
    AbortSignal.timeout(DEFAULT_ACCOUNT_WAIT_MS).addEventListener('abort', () => finish(undefined), { once: true });
  });
}

function withAccount(pod: KubeObject, name: string, account: KubeObject, random: () => number): KubeObject {
  const spec: Json = { ...record(pod['spec']), serviceAccountName: name, serviceAccount: name };
  const mounted = wantsToken(spec, account) ? withToken(spec, random) : spec;
  return { ...pod, spec: withPullSecrets(mounted, account) };
}

/** The pod's wish counts before the account's. */
function wantsToken(spec: Json, account: KubeObject): boolean {
  const wish = spec['automountServiceAccountToken'] ?? account['automountServiceAccountToken'];
  return wish !== false;
}

function withPullSecrets(spec: Json, account: KubeObject): Json {
  const secrets = records(account['imagePullSecrets']);
  if (list(spec['imagePullSecrets']).length > 0 || secrets.length === 0) return spec;
  return { ...spec, imagePullSecrets: secrets.map((secret) => ({ name: secret['name'] })) };
}

function withToken(spec: Json, random: () => number): Json {
  const volumes = records(spec['volumes']);
  const existing = volumes.find((volume) => text(volume['name']).startsWith(VOLUME_PREFIX));
  const name = existing === undefined ? `${VOLUME_PREFIX}${suffix(random)}` : text(existing['name']);
  const mount = { name, readOnly: true, mountPath: TOKEN_PATH };
  const addMount = (container: Json): Json => {
    const mounts = records(container['volumeMounts']);
    return mounts.some((one) => one['mountPath'] === TOKEN_PATH) ? container : { ...container, volumeMounts: [...mounts, mount] };
  };
  const next = changeEach(changeEach(spec, 'initContainers', addMount), 'containers', addMount);
  const isUsed = [...records(next['initContainers']), ...records(next['containers'])].some((container) =>
    records(container['volumeMounts']).some((one) => one === mount),
  );
  return existing !== undefined || !isUsed ? next : { ...next, volumes: [...volumes, tokenVolume(name)] };
}

function suffix(random: () => number): string {
  return Array.from({ length: SUFFIX_LENGTH }, () => NAME_LETTERS.charAt(Math.floor(random() * NAME_LETTERS.length))).join('');
}

function tokenVolume(name: string): Json {
  return {
    name,
    projected: {
      sources: [
        // An hour and seven seconds: kubelets know by it that nobody asked for this token.
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
      defaultMode: 0o644,
    },
  };
}
