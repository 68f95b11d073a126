/**
 * Probes of applications go through the sidecar, which knows how to reach them past its own interception.
 * Source: istio/istio, pkg/kube/inject/app_probe.go, tag 1.28.2.
 */
import { PROXY_CONTAINER, type Container, type PodSpec, type Probe } from '../pod-shape.ts';

interface Taken {
  readonly path: string;
  readonly probe: Probe | undefined;
  readonly lifecycle: boolean;
}

/** What the sidecar is told of the probes it took over, as the value of its variable; undefined when there are none. */
export function describeProbes(spec: PodSpec, statusPort: number): string | undefined {
  const described = [...(spec.initContainers ?? []), ...(spec.containers ?? [])]
    .filter((container) => container.name !== PROXY_CONTAINER)
    .flatMap((container) =>
      takenOver(container).flatMap(({ path, probe, lifecycle }) => {
        const prober = proberOf(probe, container, statusPort);
        if (prober === undefined) return [];
        const timeout =
          lifecycle || probe?.timeoutSeconds === undefined || probe.timeoutSeconds === 0 ? {} : { timeoutSeconds: probe.timeoutSeconds };
        return [[path, { ...prober, ...timeout }] as const];
      }),
    );
  if (described.length === 0) return undefined;
  return JSON.stringify(Object.fromEntries(described.toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

function takenOver(container: Container): readonly Taken[] {
  const health = `/app-health/${container.name}`;
  const lifecycle = `/app-lifecycle/${container.name}`;
  return [
    { path: `${health}/readyz`, probe: container.readinessProbe, lifecycle: false },
    { path: `${health}/livez`, probe: container.livenessProbe, lifecycle: false },
    { path: `${health}/startupz`, probe: container.startupProbe, lifecycle: false },
    { path: `${lifecycle}/prestopz`, probe: container.lifecycle?.preStop, lifecycle: true },
    { path: `${lifecycle}/poststartz`, probe: container.lifecycle?.postStart, lifecycle: true },
  ];
}

function proberOf(probe: Probe | undefined, container: Container, statusPort: number): object | undefined {
  if (probe?.httpGet !== undefined) {
    const port = resolvedPort(probe.httpGet.port, container, statusPort);
    return port === undefined ? undefined : { httpGet: { ...ordered(probe.httpGet), port } };
  }
  if (probe?.tcpSocket !== undefined) {
    const port = resolvedPort(probe.tcpSocket.port, container, statusPort);
    return port === undefined ? undefined : { tcpSocket: { ...probe.tcpSocket, port } };
  }
  return probe?.grpc === undefined ? undefined : { grpc: { port: probe.grpc.port, service: probe.grpc.service ?? null } };
}

/** In the order in which Kubernetes declares the fields. */
function ordered({ path, port, host, scheme, httpHeaders }: NonNullable<Probe['httpGet']>): NonNullable<Probe['httpGet']> {
  return {
    ...(path === undefined ? {} : { path }),
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
    ...(scheme === undefined ? {} : { scheme }),
    ...(httpHeaders === undefined ? {} : { httpHeaders }),
  };
}

/** Undefined for a name that no port has, and for a probe that is taken over already. */
function resolvedPort(port: number | string | undefined, container: Container, statusPort: number): number | undefined {
  if (typeof port === 'string') return container.ports?.find((p) => p.name === port)?.containerPort;
  return port === statusPort ? undefined : port;
}

export function rewriteProbes(spec: PodSpec, statusPort: number): PodSpec {
  const rewrite = (container: Container): Container =>
    container.name === PROXY_CONTAINER ? container : rewriteContainer(container, statusPort);
  return {
    ...spec,
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(rewrite) }),
    ...(spec.containers === undefined ? {} : { containers: spec.containers.map(rewrite) }),
  };
}

function rewriteContainer(container: Container, statusPort: number): Container {
  const [ready, live, startup, preStop, postStart] = takenOver(container);
  const probe = (name: string, taken: Taken | undefined): Readonly<Record<string, Probe>> => {
    const changed = taken === undefined ? undefined : throughSidecar(taken, statusPort);
    return changed === undefined ? {} : { [name]: changed };
  };
  const lifecycle = { ...probe('preStop', preStop), ...probe('postStart', postStart) };
  return {
    ...container,
    ...probe('readinessProbe', ready),
    ...probe('livenessProbe', live),
    ...probe('startupProbe', startup),
    ...(Object.keys(lifecycle).length === 0 ? {} : { lifecycle: { ...container.lifecycle, ...lifecycle } }),
  };
}

function throughSidecar({ path, probe, lifecycle }: Taken, statusPort: number): Probe | undefined {
  if (probe === undefined) return undefined;
  const { tcpSocket, grpc, ...rest } = probe;
  if (probe.httpGet !== undefined) {
    const scheme = probe.httpGet.scheme === 'HTTPS' ? 'HTTP' : probe.httpGet.scheme;
    return { ...probe, httpGet: { ...probe.httpGet, path, port: statusPort, ...(scheme === undefined ? {} : { scheme }) } };
  }
  if (tcpSocket !== undefined || (grpc !== undefined && !lifecycle)) return { ...rest, httpGet: { path, port: statusPort } };
  return undefined;
}
