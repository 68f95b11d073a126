/** The checks of the levels of pod security, in the server's order and words (pod-security-admission, policy/check_*.go, v0.34). */
import { isRecord, type Json } from '../../resources/json-tree.ts';

export type PodSecurityLevel = 'baseline' | 'restricted';

interface Container {
  readonly name: string;
  readonly container: Json;
  /** Its security context; empty when it has none. */
  readonly security: Json;
}

interface PodView {
  readonly spec: Json;
  /** Of the pod. */
  readonly security: Json;
  readonly containers: readonly Container[];
}

/** @returns why a pod may not be; undefined when it may */
type Check = (pod: PodView) => string | undefined;

const BASELINE_CAPABILITIES = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);
const RESTRICTED_CAPABILITIES = new Set(['NET_BIND_SERVICE']);

const RESTRICTED_VOLUMES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

const SAFE_SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

const BASELINE: readonly Check[] = [
  baselineCapabilities,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  privileged,
  procMount,
  unconfined,
  sysctls,
];

/** The stricter checks stand in for the ones of capabilities, volumes of the host, and seccomp. */
const RESTRICTED: readonly Check[] = [
  hostNamespaces,
  hostPorts,
  privileged,
  procMount,
  sysctls,
  privilegeEscalation,
  restrictedCapabilities,
  restrictedVolumes,
  runAsNonRoot,
  runAsRoot,
  seccompProfile,
];

/** @returns one text for each check that the pod fails; none when it may be */
export function evaluatePodSecurity(spec: Json, level: PodSecurityLevel): readonly string[] {
  const pod = { spec, security: recordOf(spec['securityContext']), containers: containersOf(spec) };
  return (level === 'baseline' ? BASELINE : RESTRICTED).flatMap((check) => check(pod) ?? []);
}

function containersOf(spec: Json): readonly Container[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((field) =>
    listOf(spec[field]).map((container) => ({
      name: textOf(container['name']),
      container,
      security: recordOf(container['securityContext']),
    })),
  );
}

function hostNamespaces({ spec }: PodView): string | undefined {
  const used = ['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => spec[field] === true);
  return used.length === 0 ? undefined : `host namespaces (${used.map((field) => `${field}=true`).join(', ')})`;
}

function hostPathVolumes({ spec }: PodView): string | undefined {
  const names = listOf(spec['volumes']).filter((volume) => isRecord(volume['hostPath']));
  return names.length === 0 ? undefined : `hostPath volumes (${counted('volume', names.map(nameOf))})`;
}

function restrictedVolumes({ spec }: PodView): string | undefined {
  const bad = listOf(spec['volumes']).flatMap((volume) => {
    const type = Object.keys(volume).find((field) => field !== 'name');
    return type === undefined || RESTRICTED_VOLUMES.has(type) ? [] : [{ name: nameOf(volume), type }];
  });
  if (bad.length === 0) return undefined;
  const types = [...new Set(bad.map(({ type }) => type))].toSorted();
  const verb = bad.length === 1 ? 'uses' : 'use';
  const kinds = `restricted volume ${counted('type', types)}`;
  return `restricted volume types (${counted(
    'volume',
    bad.map(({ name }) => name),
  )} ${verb} ${kinds})`;
}

function hostPorts({ containers }: PodView): string | undefined {
  const portsOf = ({ container }: Container): readonly number[] =>
    listOf(container['ports']).flatMap(({ hostPort }) => (typeof hostPort === 'number' && hostPort !== 0 ? [hostPort] : []));
  const bad = containers.filter((each) => portsOf(each).length > 0);
  if (bad.length === 0) return undefined;
  const ports = [...new Set(bad.flatMap(portsOf))].toSorted((left, right) => left - right);
  return `hostPort (${containersText(bad)} ${bad.length === 1 ? 'uses' : 'use'} hostPort${ports.length === 1 ? '' : 's'} ${ports.join(', ')})`;
}

function privileged({ containers }: PodView): string | undefined {
  const bad = containers.filter(({ security }) => security['privileged'] === true);
  return bad.length === 0 ? undefined : `privileged (${containersText(bad)} must not set securityContext.privileged=true)`;
}

function procMount({ containers }: PodView): string | undefined {
  const bad = containers.filter(({ security }) => !['', 'Default'].includes(textOf(security['procMount'])));
  if (bad.length === 0) return undefined;
  const values = [...new Set(bad.map(({ security }) => textOf(security['procMount'])))].toSorted();
  return `procMount (${containersText(bad)} must not set securityContext.procMount to ${quoted(values)})`;
}

function sysctls({ security }: PodView): string | undefined {
  const bad = listOf(security['sysctls'])
    .map(nameOf)
    .filter((name) => !SAFE_SYSCTLS.has(name));
  return bad.length === 0 ? undefined : `forbidden sysctls (${bad.join(', ')})`;
}

function privilegeEscalation({ containers }: PodView): string | undefined {
  const bad = containers.filter(({ security }) => security['allowPrivilegeEscalation'] !== false);
  if (bad.length === 0) return undefined;
  return `allowPrivilegeEscalation != false (${containersText(bad)} must set securityContext.allowPrivilegeEscalation=false)`;
}

function baselineCapabilities({ containers }: PodView): string | undefined {
  const added = addedCapabilities(containers, BASELINE_CAPABILITIES);
  return added === undefined ? undefined : `non-default capabilities (${added})`;
}

function restrictedCapabilities({ containers }: PodView): string | undefined {
  const keeping = containers.filter(({ security }) => !textsOf(recordOf(security['capabilities'])['drop']).includes('ALL'));
  const added = addedCapabilities(containers, RESTRICTED_CAPABILITIES);
  const found = [
    ...(keeping.length === 0 ? [] : [`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`]),
    ...(added === undefined ? [] : [added]),
  ];
  return found.length === 0 ? undefined : `unrestricted capabilities (${found.join('; ')})`;
}

function addedCapabilities(containers: readonly Container[], allowed: ReadonlySet<string>): string | undefined {
  const addedBy = ({ security }: Container): readonly string[] =>
    textsOf(recordOf(security['capabilities'])['add']).filter((name) => !allowed.has(name));
  const bad = containers.filter((each) => addedBy(each).length > 0);
  if (bad.length === 0) return undefined;
  const names = [...new Set(bad.flatMap(addedBy))].toSorted();
  return `${containersText(bad)} must not include ${quoted(names)} in securityContext.capabilities.add`;
}

function runAsNonRoot({ security, containers }: PodView): string | undefined {
  const ofPod = security['runAsNonRoot'];
  const explicit = containers.filter((each) => each.security['runAsNonRoot'] === false);
  const implicit = ofPod === true ? [] : containers.filter((each) => typeof each.security['runAsNonRoot'] !== 'boolean');
  const bad = [...(ofPod === false && implicit.length > 0 ? ['pod'] : []), ...(explicit.length === 0 ? [] : [containersText(explicit)])];
  if (bad.length > 0) return `runAsNonRoot != true (${bad.join(' and ')} must not set securityContext.runAsNonRoot=false)`;
  if (implicit.length === 0) return undefined;
  return `runAsNonRoot != true (pod or ${containersText(implicit)} must set securityContext.runAsNonRoot=true)`;
}

function runAsRoot({ security, containers }: PodView): string | undefined {
  const explicit = containers.filter((each) => each.security['runAsUser'] === 0);
  const bad = [...(security['runAsUser'] === 0 ? ['pod'] : []), ...(explicit.length === 0 ? [] : [containersText(explicit)])];
  return bad.length === 0 ? undefined : `runAsUser=0 (${bad.join(' and ')} must not set runAsUser=0)`;
}

function unconfined({ security, containers }: PodView): string | undefined {
  const explicit = containers.filter((each) => profileOf(each.security) === 'Unconfined');
  const bad = [...(profileOf(security) === 'Unconfined' ? ['pod'] : []), ...(explicit.length === 0 ? [] : [containersText(explicit)])];
  if (bad.length === 0) return undefined;
  return `seccompProfile (${bad.join(' and ')} must not set securityContext.seccompProfile.type to "Unconfined")`;
}

function seccompProfile(pod: PodView): string | undefined {
  const refused = unconfined(pod);
  if (refused !== undefined) return refused;
  const implicit = profileOf(pod.security) === '' ? pod.containers.filter(({ security }) => profileOf(security) === '') : [];
  if (implicit.length === 0) return undefined;
  return `seccompProfile (pod or ${containersText(implicit)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`;
}

function profileOf(security: Json): string {
  return textOf(recordOf(security['seccompProfile'])['type']);
}

function containersText(containers: readonly Container[]): string {
  return counted(
    'container',
    containers.map(({ name }) => name),
  );
}

/** `container "a"`, `containers "a", "b"` */
function counted(noun: string, names: readonly string[]): string {
  return `${noun}${names.length === 1 ? '' : 's'} ${quoted(names)}`;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(', ');
}

function nameOf(value: Json): string {
  return textOf(value['name']);
}

function recordOf(value: unknown): Json {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
