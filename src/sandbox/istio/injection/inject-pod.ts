/**
 * Injects a pod as istiod's webhook does: template, then the user's own settings of the injected containers, then what no template can do.
 * Source: istio/istio, pkg/kube/inject/inject.go (RunTemplate) and webhook.go (injectPod), tag 1.28.2.
 */
import type { IstioVersion } from '../istio-version.ts';
import { DEFAULT_STATUS_PORT, proxyConfigOf, type MeshConfig } from '../mesh-config.ts';
import { PROXY_CONTAINER, allContainers, type Container, type EnvVar, type Pod, type PodSpec } from '../pod-shape.ts';
import { flagAt, numberAt, textAt } from '../read-path.ts';
import { checkAnnotations } from './check-annotations.ts';
import { inDeclaredOrder } from './container-order.ts';
import type { InjectorConfig } from './injector-config.ts';
import { isInjectionRequired } from './decide-injection.ts';
import { gatewayTemplate } from './gateway-template.ts';
import type { InjectionContext } from './injection-context.ts';
import { mergeOver } from './merge-pod.ts';
import { mergePrometheus, withoutOwnPrometheus } from './merge-prometheus.ts';
import { proxyImage } from './proxy-image.ts';
import { describeProbes, rewriteProbes } from './rewrite-probes.ts';
import { holdsApplication, sidecarTemplate } from './sidecar-template.ts';
import type { TemplatePod } from './template-pod.ts';
import { workloadOfPod } from './workload-of-pod.ts';

export interface Injector {
  readonly revision: string;
  readonly version: IstioVersion;
  readonly mesh: MeshConfig;
  readonly config: InjectorConfig;
  /** Helm's values. */
  readonly values: unknown;
  /** Whether a pod's proxy becomes an init container that keeps running, unless the pod says otherwise. */
  readonly native: boolean;
  /** Variables that the path of the webhook's URL sets, such as the cluster and the network. */
  readonly pathEnv: Readonly<Record<string, string>>;
}

export type InjectionOutcome =
  { readonly kind: 'skipped' } | { readonly kind: 'injected'; readonly pod: Pod } | { readonly kind: 'failed'; readonly message: string };

const TEMPLATES: Readonly<Record<string, (context: InjectionContext) => TemplatePod>> = {
  sidecar: sidecarTemplate,
  gateway: gatewayTemplate,
};

/** @param namespace the request's; the pod itself may not have one yet */
export function injectPod(pod: Pod, namespace: string, injector: Injector): InjectionOutcome {
  if (!isInjectionRequired(pod, namespace, injector.config)) return { kind: 'skipped' };
  const problem = checkAnnotations(pod.metadata.annotations ?? {});
  if (problem !== undefined) return { kind: 'failed', message: `failed to run injection template: ${problem}` };
  const names = templateNames(pod, injector.config);
  const unknown = names.find((name) => TEMPLATES[name] === undefined || !injector.config.templates.includes(name));
  if (unknown !== undefined) {
    const known = injector.config.templates.join(', ');
    return {
      kind: 'failed',
      message: `failed to run injection template: requested template ${JSON.stringify(unknown)} not found; have ${known}`,
    };
  }
  return { kind: 'injected', pod: inject(contextOf(pod, namespace, injector), pod, { names, injector }) };
}

function templateNames(pod: Pod, config: InjectorConfig): readonly string[] {
  const asked = pod.metadata.annotations?.['inject.istio.io/templates'];
  const names = asked === undefined ? config.defaultTemplates : asked.split(',').map((name) => name.trim());
  return names.flatMap((name) => config.aliases[name] ?? [name]);
}

function contextOf(pod: Pod, namespace: string, injector: Injector): InjectionContext {
  const annotations = pod.metadata.annotations ?? {};
  const proxyConfig = proxyConfigOf(injector.mesh, annotations);
  const nativeSetting = annotations['sidecar.istio.io/nativeSidecar'];
  // Up to 1.26 the annotation must say true; later anything but false turns it on.
  const native =
    nativeSetting === undefined ? injector.native : injector.version.minor >= 27 ? nativeSetting !== 'false' : nativeSetting === 'true';
  return {
    pod: stripped(pod, meshStatusPort(injector)),
    namespace,
    workload: workloadOfPod(pod, namespace),
    revision: injector.revision,
    version: injector.version,
    values: injector.values,
    mesh: injector.mesh,
    proxyConfig,
    native,
    proxyImage: proxyImage(injector.values, proxyConfig, annotations),
  };
}

/** Prometheus is told the port of the mesh, even where a pod's own configuration has another. */
function meshStatusPort({ mesh }: Injector): number {
  return numberAt(mesh.defaultConfig, 'statusPort') ?? DEFAULT_STATUS_PORT;
}

interface Status {
  readonly initContainers?: readonly string[] | null;
  readonly containers?: readonly string[] | null;
}

function statusOf(pod: Pod): Status | undefined {
  return jsonAt<Status>(pod, 'sidecar.istio.io/status');
}

/** What an injection wrote into an annotation; undefined when it is not there, or no JSON. */
function jsonAt<T>(pod: Pod, annotation: string): T | undefined {
  const text = pod.metadata.annotations?.[annotation];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** The pod as it was before an earlier injection; the user's own settings of Istio's containers are in the annotation since then. */
function stripped(pod: Pod, statusPort: number): Pod {
  const status = statusOf(pod);
  if (status === undefined) return pod;
  const injected = new Set([...(status.initContainers ?? []), ...(status.containers ?? [])]);
  const own = jsonAt<Pick<PodSpec, 'containers' | 'initContainers'>>(pod, 'proxy.istio.io/overrides');
  const kept = (containers: readonly Container[] = [], before: readonly Container[] = []): readonly Container[] => {
    const left = containers.filter(({ name }) => !injected.has(name));
    const names = new Set(left.map(({ name }) => name));
    return [...left, ...before.filter(({ name }) => !names.has(name))];
  };
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: withoutOwnPrometheus(pod.metadata.annotations ?? {}, String(statusPort)) },
    spec: {
      ...pod.spec,
      containers: kept(pod.spec?.containers, own?.containers),
      initContainers: kept(pod.spec?.initContainers, own?.initContainers),
    },
  };
}

interface Job {
  readonly names: readonly string[];
  readonly injector: Injector;
}

function inject(context: InjectionContext, original: Pod, { names, injector }: Job): Pod {
  let spec: PodSpec = original.spec ?? {};
  let template: TemplatePod = { labels: {}, annotations: {}, spec: {} };
  for (const name of names) {
    const rendered = TEMPLATES[name]?.(context) ?? template;
    template = {
      labels: { ...template.labels, ...rendered.labels },
      annotations: { ...template.annotations, ...rendered.annotations },
      spec: mergeOver(template.spec, rendered.spec) as PodSpec,
    };
    spec = mergeOver(withProxyMoved(spec, rendered.spec, context.native), rendered.spec) as PodSpec;
  }
  const overridden = reapplyOwn(spec, original, template.spec);
  const finished = finish(overridden.spec, original, { context, template, injector });
  const network = networkOf(context, injector);
  return {
    ...original,
    metadata: {
      ...original.metadata,
      labels: {
        ...original.metadata.labels,
        ...template.labels,
        ...(network === '' ? {} : { 'topology.istio.io/network': network }),
      },
      annotations: {
        ...finished.annotations,
        ...template.annotations,
        ...overridden.annotations,
        'sidecar.istio.io/status': describe(template.spec, context.revision),
        ...injector.config.injectedAnnotations,
      },
    },
    spec: finished.spec,
  };
}

/** People write their settings of a native sidecar among the containers all the same. */
function withProxyMoved(spec: PodSpec, rendered: PodSpec, native: boolean): PodSpec {
  const own = spec.containers?.find(({ name }) => name === PROXY_CONTAINER);
  if (!native || own === undefined || !(rendered.initContainers ?? []).some(({ name }) => name === PROXY_CONTAINER)) return spec;
  return {
    ...spec,
    containers: (spec.containers ?? []).filter((container) => container !== own),
    initContainers: [...(spec.initContainers ?? []), own],
  };
}

/** Settings that the user wrote for a container of Istio's win over the template, but for the image `auto`. */
function reapplyOwn(
  spec: PodSpec,
  original: Pod,
  template: PodSpec,
): { readonly spec: PodSpec; readonly annotations: Readonly<Record<string, string>> } {
  const status = statusOf(original);
  const earlier = new Set([...(status?.initContainers ?? []), ...(status?.containers ?? [])]);
  const own = (containers: readonly Container[] | undefined, among: readonly Container[]): readonly Container[] =>
    (containers ?? []).flatMap(({ name }) => (earlier.has(name) ? [] : among.filter((container) => container.name === name).slice(0, 1)));
  const containers = own(template.containers, original.spec?.containers ?? []).map(withoutAutoImage);
  const initContainers = own(template.initContainers, allContainers(original.spec)).map(withoutAutoImage);
  if (containers.length + initContainers.length === 0) return { spec, annotations: {} };
  const overrides = { ...(containers.length === 0 ? {} : { containers }), ...(initContainers.length === 0 ? {} : { initContainers }) };
  const described = {
    ...(containers.length === 0 ? {} : { containers: containers.map(inDeclaredOrder) }),
    ...(initContainers.length === 0 ? {} : { initContainers: initContainers.map(inDeclaredOrder) }),
  };
  return {
    spec: mergeOver(spec, overrides) as PodSpec,
    annotations: status === undefined ? { 'proxy.istio.io/overrides': JSON.stringify(described) } : {},
  };
}

function withoutAutoImage(container: Container): Container {
  if (container.image !== 'auto') return container;
  const { image: _, ...rest } = container;
  return rest;
}

interface Finishing {
  readonly context: InjectionContext;
  readonly template: TemplatePod;
  readonly injector: Injector;
}

interface Finished {
  readonly spec: PodSpec;
  readonly annotations: Readonly<Record<string, string>>;
}

function finish(spec: PodSpec, original: Pod, { context, injector }: Finishing): Finished {
  const statusPort = numberAt(context.proxyConfig, 'statusPort') ?? DEFAULT_STATUS_PORT;
  const prometheus = mergePrometheus(original.metadata.annotations ?? {}, injector.mesh, meshStatusPort(injector));
  const network = networkOf(context, injector);
  const cluster = Object.entries({ ...injector.pathEnv, ...(network === '' ? {} : { ISTIO_META_NETWORK: network }) });
  let finished = withProxyEnv(withClusterEnv(spec, cluster), prometheus.env);
  const rewrites = original.metadata.annotations?.['sidecar.istio.io/rewriteAppHTTPProbers'];
  if (rewrites === undefined ? flagAt(context.values, 'sidecarInjectorWebhook.rewriteAppHTTPProbe') !== false : rewrites === 'true') {
    const annotated = original.metadata.annotations?.['status.sidecar.istio.io/port'];
    const described = describeProbes(finished, statusPort);
    finished = withProxyEnv(finished, described === undefined ? [] : [['ISTIO_KUBE_APP_PROBERS', described]]);
    finished = rewriteProbes(finished, annotated === undefined ? statusPort : Number(annotated));
  }
  return { spec: inOrder(finished, holdsApplication(context)), annotations: prometheus.annotations };
}

type Variables = readonly (readonly [name: string, value: string])[];

/** Variables that are there already keep their places. */
function withProxyEnv(spec: PodSpec, variables: Variables): PodSpec {
  const names = new Map(variables);
  return changedProxy(spec, variables, (env) => {
    const kept = env.map((entry) => (names.has(entry.name) ? { name: entry.name, value: names.get(entry.name) ?? '' } : entry));
    const had = new Set(kept.map(({ name }) => name));
    return [...kept, ...variables.filter(([name]) => !had.has(name)).map(([name, value]) => ({ name, value }))];
  });
}

/** These come after all that is there, by name. Source: istio/istio, pkg/kube/inject/webhook.go (updateClusterEnvs), tag 1.28.2. */
function withClusterEnv(spec: PodSpec, variables: Variables): PodSpec {
  const names = new Set(variables.map(([name]) => name));
  const last = variables.toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([name, value]) => ({ name, value }));
  return changedProxy(spec, variables, (env) => [...env.filter(({ name }) => !names.has(name)), ...last]);
}

function changedProxy(spec: PodSpec, variables: Variables, change: (env: readonly EnvVar[]) => readonly EnvVar[]): PodSpec {
  if (variables.length === 0) return spec;
  const changed = (container: Container): Container =>
    container.name === PROXY_CONTAINER ? { ...container, env: change(container.env ?? []) } : container;
  return {
    ...spec,
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(changed) }),
    ...(spec.containers === undefined ? {} : { containers: spec.containers.map(changed) }),
  };
}

/**
 * The proxy comes last, or first where applications wait for it. As an init container it comes right after the interception; else the
 * interception comes after all other init containers, so that these still reach the network, and its check before them.
 */
function inOrder(spec: PodSpec, holds: boolean): PodSpec {
  const { initContainers: init = [], ...rest } = spec;
  const native = init.some(({ name }) => name === PROXY_CONTAINER);
  const first = native ? ['istio-init', 'istio-validation', PROXY_CONTAINER] : ['istio-validation'];
  const last = native ? [] : ['istio-init'];
  const initContainers = placed(init, first, last);
  return {
    ...rest,
    containers: placed(spec.containers ?? [], holds ? [PROXY_CONTAINER] : [], holds ? [] : [PROXY_CONTAINER]),
    ...(initContainers.length === 0 ? {} : { initContainers }),
  };
}

function placed(containers: readonly Container[], first: readonly string[], last: readonly string[]): readonly Container[] {
  const named = (names: readonly string[]): readonly Container[] =>
    names.flatMap((name) => containers.filter((container) => container.name === name));
  return [...named(first), ...containers.filter(({ name }) => !first.includes(name) && !last.includes(name)), ...named(last)];
}

/** The pod's label, else the path of the webhook, else the installation; '' for none. */
function networkOf({ pod, values }: InjectionContext, injector: Injector): string {
  const labelled = pod.metadata.labels?.['topology.istio.io/network'];
  return labelled ?? injector.pathEnv['ISTIO_META_NETWORK'] ?? textAt(values, 'global.network') ?? '';
}

/** What tells people, and a later injection, what was put in. */
function describe(spec: PodSpec, revision: string): string {
  const names = (things: readonly { readonly name?: string }[] | undefined): readonly (string | undefined)[] | null =>
    things === undefined || things.length === 0 ? null : things.map(({ name }) => name);
  return JSON.stringify({
    initContainers: names(spec.initContainers),
    containers: names(spec.containers),
    volumes: names(spec.volumes),
    imagePullSecrets: names(spec.imagePullSecrets),
    revision,
  });
}
