/** Defaults of pods and pod templates, as pkg/apis/core/v1/defaults.go of Kubernetes 1.34 sets them. */
import { absent, at, changeEach, changeField, fill, isRecord, record, text, type Json } from '../json-tree.ts';

const CONTAINER_LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** Of a pod, that are not set in templates: links to services, requests taken from limits, host ports on the host's network. */
export function podDefaults<T extends Json>(pod: T): T {
  return changeField(pod, 'spec', (spec) => {
    let next = fill(podSpecDefaults(spec), { enableServiceLinks: true });
    for (const field of ['initContainers', 'containers']) {
      next = changeEach(next, field, requestsFromLimits);
      if (spec['hostNetwork'] === true) next = changeEach(next, field, hostPorts);
    }
    return next;
  });
}

function hostPorts(container: Json): Json {
  return changeEach(container, 'ports', (port) => fill(port, { hostPort: port['containerPort'] }));
}

/** `spec.template` of a workload: requests are not taken from limits here, only in pods. */
export function templateDefaults(spec: Json): Json {
  return changeField(fill(spec, { template: {} }), 'template', (template) =>
    changeField(fill(template, { metadata: {}, spec: {} }), 'spec', podSpecDefaults),
  );
}

export function podSpecDefaults(spec: Json): Json {
  const filled = fill(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    ...(absent(spec['serviceAccount']) ? {} : { serviceAccountName: spec['serviceAccount'] }),
  });
  // The old field follows the new one.
  const { serviceAccountName, terminationGracePeriodSeconds } = filled as Json;
  let next: Json = absent(serviceAccountName) ? filled : { ...filled, serviceAccount: serviceAccountName };
  if (typeof terminationGracePeriodSeconds === 'number' && terminationGracePeriodSeconds < 0)
    next = { ...next, terminationGracePeriodSeconds: 1 };
  for (const field of CONTAINER_LISTS) next = changeEach(next, field, containerDefaults);
  return changeEach(next, 'volumes', volumeDefaults);
}

function containerDefaults(container: Json): Json {
  let next = fill(container, {
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicy(text(container['image'])),
  });
  next = changeEach(next, 'ports', (port) => fill(port, { protocol: 'TCP' }));
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) next = changeField(next, probe, probeDefaults);
  next = changeField(next, 'lifecycle', (lifecycle) => {
    const hook = (handler: Json): Json => changeField(handler, 'httpGet', httpGetDefaults);
    return changeField(changeField(lifecycle, 'postStart', hook), 'preStop', hook);
  });
  return changeEach(next, 'env', (entry) => changeField(entry, 'valueFrom', envSourceDefaults));
}

function envSourceDefaults(source: Json): Json {
  const next = changeField(source, 'fieldRef', (ref) => fill(ref, { apiVersion: 'v1' }));
  return changeField(next, 'resourceFieldRef', (ref) => fill(ref, { divisor: '0' }));
}

/** @source pkg/util/parsers: an image without tag or digest has the tag latest */
function pullPolicy(image: string): string {
  const [named = '', digest] = image.split('@');
  const tag = /:([^/:]+)$/.exec(named)?.[1] ?? (digest === undefined && named !== '' ? 'latest' : '');
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function probeDefaults(probe: Json): Json {
  let next = zeroFill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  next = changeField(next, 'httpGet', httpGetDefaults);
  return changeField(next, 'grpc', (grpc) => fill(grpc, { service: '' }));
}

function httpGetDefaults(get: Json): Json {
  return fill(get, { path: '/', scheme: 'HTTP' });
}

/** As fill, for numbers where 0 means absent. */
function zeroFill(target: Json, defaults: Readonly<Record<string, number>>): Json {
  const missing = Object.entries(defaults).filter(([field]) => absent(target[field]) || target[field] === 0);
  return missing.length === 0 ? target : { ...target, ...Object.fromEntries(missing) };
}

/** Kinds of volumes that have a mode for their files. */
const MODE_VOLUMES = ['configMap', 'secret', 'downwardAPI', 'projected'] as const;

function volumeDefaults(volume: Json): Json {
  const source = Object.keys(volume).find((field) => field !== 'name' && !absent(volume[field]));
  let next: Json = source === undefined ? { ...volume, emptyDir: {} } : volume;
  for (const kind of MODE_VOLUMES) next = changeField(next, kind, (value) => fill(value, { defaultMode: 0o644 }));
  next = changeField(next, 'hostPath', (path) => fill(path, { type: '' }));
  next = changeField(next, 'downwardAPI', downwardDefaults);
  next = changeField(next, 'projected', (projected) => changeEach(projected, 'sources', projectionDefaults));
  next = changeField(next, 'iscsi', (iscsi) => fill(iscsi, { iscsiInterface: 'default' }));
  next = changeField(next, 'rbd', (rbd) => fill(rbd, { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' }));
  return changeField(next, 'ephemeral', (ephemeral) =>
    changeField(ephemeral, 'volumeClaimTemplate', (template) =>
      changeField(fill(template, { metadata: {} }), 'spec', (spec) => fill(spec, { volumeMode: 'Filesystem', resources: {} })),
    ),
  );
}

function downwardDefaults(source: Json): Json {
  return changeEach(source, 'items', envSourceDefaults);
}

function projectionDefaults(source: Json): Json {
  const token = changeField(source, 'serviceAccountToken', (value) => fill(value, { expirationSeconds: 3600 }));
  return changeField(token, 'downwardAPI', downwardDefaults);
}

/** A container that limits a resource and requests none of it requests as much as its limit. */
function requestsFromLimits(container: Json): Json {
  const limits = at(container, 'resources', 'limits');
  if (!isRecord(limits) || Object.keys(limits).length === 0) return container;
  return changeField(container, 'resources', (resources) => ({ ...resources, requests: fill(record(resources['requests']), limits) }));
}
