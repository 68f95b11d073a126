/** Containers of pods and templates. @source kubernetes/kubernetes pkg/apis/core/validation/validation.go (validateContainers) of 1.34 */
import { duplicate, forbidden, invalidValue, notFoundValue, notSupported, required } from '../field-errors.ts';
import { absent, list, record, records, text, type Json } from '../json-tree.ts';
import { each, follows, named, needed, NONE, oneOf, portNumber, type Errors } from './check.ts';
import { envErrors, envFromErrors } from './env-validation.ts';
import { dnsLabel, portName } from './name-rules.ts';
import { lifecycleErrors, probeErrors } from './probe-validation.ts';
import { resourcesErrors } from './resource-validation.ts';
import { securityContextErrors } from './security-validation.ts';

export interface ContainerContext {
  /** Names of the pod's volumes. */
  readonly volumes: ReadonlySet<string>;
  /** Seconds. */
  readonly gracePeriod: number;
}

export const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];

export function containersErrors(containers: unknown, path: string, context: ContainerContext): Errors {
  if (list(containers).length === 0) return [required(path)];
  const all = records(containers);
  const errors = each(path, all, (container, at, index) => [
    ...commonErrors(container, at, context),
    ...nameRepeated(all, container, at, index),
    ...lifecycleErrors(container['lifecycle'], `${at}.lifecycle`, context.gracePeriod),
    ...probesErrors(container, at),
    ...restartErrors(container, at),
  ]);
  return [...errors, ...hostPortErrors(all, path)];
}

/** @param others names of the containers that run later */
export function initContainersErrors(containers: unknown, path: string, context: ContainerContext, others: ReadonlySet<string>): Errors {
  const all = records(containers);
  const errors = each(path, all, (container, at, index) => {
    const sidecar = container['restartPolicy'] === 'Always';
    const probes = ['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'].filter((field) => !absent(container[field]));
    const taken = others.has(text(container['name'])) || all.slice(0, index).some((earlier) => earlier['name'] === container['name']);
    return [
      ...commonErrors(container, at, context),
      ...(taken && text(container['name']) !== '' ? [duplicate(`${at}.name`, container['name'])] : NONE),
      ...(sidecar
        ? [...lifecycleErrors(container['lifecycle'], `${at}.lifecycle`, context.gracePeriod), ...probesErrors(container, at)]
        : probes.map((field) => forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'))),
    ];
  });
  return [...errors, ...hostPortErrors(all, path)];
}

export function ephemeralContainersErrors(containers: unknown, path: string, names: ReadonlySet<string>): Errors {
  return each(path, containers, (container, at) =>
    names.has(text(container['name'])) ? [duplicate(`${at}.name`, container['name'])] : named(dnsLabel, `${at}.name`, container['name']),
  );
}

function commonErrors(container: Json, path: string, context: ContainerContext): Errors {
  const image = text(container['image']);
  return [
    ...named(dnsLabel, `${path}.name`, container['name']),
    ...needed(`${path}.image`, image),
    ...(image.trim() === image ? NONE : [invalidValue(`${path}.image`, image, 'must not have leading or trailing whitespace')]),
    ...oneOf(`${path}.terminationMessagePolicy`, container['terminationMessagePolicy'], ['File', 'FallbackToLogsOnError']),
    ...portsErrors(container['ports'], `${path}.ports`),
    ...envErrors(container['env'], `${path}.env`),
    ...envFromErrors(container['envFrom'], `${path}.envFrom`),
    ...mountErrors(container['volumeMounts'], `${path}.volumeMounts`, context.volumes),
    ...oneOf(`${path}.imagePullPolicy`, container['imagePullPolicy'], PULL_POLICIES),
    ...resourcesErrors(record(container['resources']), `${path}.resources`),
    ...securityContextErrors(container['securityContext'], `${path}.securityContext`),
  ];
}

function nameRepeated(all: readonly Json[], container: Json, path: string, index: number): Errors {
  const name = text(container['name']);
  const repeated = name !== '' && all.slice(0, index).some((earlier) => earlier['name'] === name);
  return repeated ? [duplicate(`${path}.name`, name)] : NONE;
}

function probesErrors(container: Json, path: string): Errors {
  const { livenessProbe, readinessProbe, startupProbe } = container;
  return [
    ...probeErrors(livenessProbe, `${path}.livenessProbe`, 'once'),
    ...probeErrors(readinessProbe, `${path}.readinessProbe`, 'readiness'),
    ...probeErrors(startupProbe, `${path}.startupProbe`, 'once'),
  ];
}

function restartErrors(container: Json, path: string): Errors {
  return absent(container['restartPolicy']) ? NONE : [forbidden(`${path}.restartPolicy`, 'may not be set for non-init containers')];
}

/** @source validateContainerPorts */
function portsErrors(ports: unknown, path: string): Errors {
  const seen = new Set<string>();
  return each(path, ports, (port, at) => {
    const name = text(port['name']);
    const naming = name === '' ? NONE : follows(portName, `${at}.name`, name);
    const repeated = naming.length === 0 && name !== '' && seen.has(name);
    seen.add(name);
    const containerPort = port['containerPort'];
    return [
      ...naming,
      ...(repeated ? [duplicate(`${at}.name`, name)] : NONE),
      ...(absent(containerPort) || containerPort === 0
        ? [required(`${at}.containerPort`)]
        : portNumber(`${at}.containerPort`, containerPort)),
      ...(absent(port['hostPort']) ? NONE : portNumber(`${at}.hostPort`, port['hostPort'])),
      ...(text(port['protocol']) === '' ? [required(`${at}.protocol`)] : oneOf(`${at}.protocol`, port['protocol'], PROTOCOLS)),
    ];
  });
}

export const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

/** @source ValidateHostNetwork: every port of such a pod is the node's own */
export function hostNetworkErrors(spec: Json, path: string): Errors {
  if (spec['hostNetwork'] !== true) return NONE;
  return each(`${path}.containers`, spec['containers'], (container, at) =>
    each(`${at}.ports`, container['ports'], (port, portPath) =>
      absent(port['hostPort']) || port['hostPort'] === port['containerPort']
        ? NONE
        : [invalidValue(`${portPath}.hostPort`, port['hostPort'], 'must match `containerPort` when `hostNetwork` is true')],
    ),
  );
}

function hostPortErrors(containers: readonly Json[], path: string): Errors {
  const seen = new Set<string>();
  return each(path, containers, (container, at) =>
    each(`${at}.ports`, container['ports'], (port, portPath) => {
      if (absent(port['hostPort']) || port['hostPort'] === 0) return NONE;
      const id = `${text(port['protocol'])}/${text(port['hostIP'])}/${String(port['hostPort'] as number)}`;
      if (seen.has(id)) return [duplicate(`${portPath}.hostPort`, id)];
      seen.add(id);
      return NONE;
    }),
  );
}

/** @source ValidateVolumeMounts */
function mountErrors(mounts: unknown, path: string, volumes: ReadonlySet<string>): Errors {
  const seen = new Set<string>();
  return each(path, mounts, (mount, at) => {
    const name = text(mount['name']);
    const place = text(mount['mountPath']);
    const unknown = name !== '' && !volumes.has(name);
    const repeated = seen.has(place);
    seen.add(place);
    const subPath = text(mount['subPath']);
    return [
      ...needed(`${at}.name`, name),
      ...(unknown ? [notFoundValue(`${at}.name`, name)] : NONE),
      ...needed(`${at}.mountPath`, place),
      ...(repeated ? [invalidValue(`${at}.mountPath`, place, 'must be unique')] : NONE),
      ...(subPath === '' ? NONE : localPathErrors(subPath, `${path}.subPath`)),
      ...(subPath !== '' && text(mount['subPathExpr']) !== ''
        ? [invalidValue(`${path}.subPathExpr`, mount['subPathExpr'], 'subPathExpr and subPath are mutually exclusive')]
        : NONE),
      ...mountPropagation(mount, at),
    ];
  });
}

function mountPropagation(mount: Json, path: string): Errors {
  const modes = ['Bidirectional', 'HostToContainer', 'None'];
  const value = mount['mountPropagation'];
  return absent(value) || modes.includes(text(value)) ? NONE : [notSupported(`${path}.mountPropagation`, value, modes)];
}

/** A relative path that stays inside. */
export function localPathErrors(path: string, field: string): Errors {
  return [
    ...(path.startsWith('/') ? [invalidValue(field, path, 'must be a relative path')] : NONE),
    ...(path.split('/').includes('..') ? [invalidValue(field, path, "must not contain '..'")] : NONE),
  ];
}

export function namesOf(containers: unknown): ReadonlySet<string> {
  return new Set(records(containers).map((container) => text(container['name'])));
}
