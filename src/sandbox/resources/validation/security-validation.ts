/** Security contexts. @source kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidateSecurityContext) of 1.34 */
import { duplicate, invalidValue } from '../field-errors.ts';
import { isRecord, text, type Json } from '../json-tree.ts';
import { each, needed, NONE, oneOf, type Errors } from './check.ts';

const MAX_ID = 2_147_483_647;

function idErrors(context: Json, path: string, fields: readonly string[]): Errors {
  return fields.flatMap((field) => {
    const id = context[field];
    return typeof id === 'number' && (id < 0 || id > MAX_ID)
      ? [invalidValue(`${path}.${field}`, id, `must be between 0 and ${MAX_ID}, inclusive`)]
      : NONE;
  });
}

function profileErrors(profile: unknown, path: string): Errors {
  if (!isRecord(profile)) return NONE;
  const local =
    profile['type'] === 'Localhost'
      ? needed(`${path}.localhostProfile`, profile['localhostProfile'], 'must be set when seccomp type is Localhost')
      : NONE;
  return [...oneOf(`${path}.type`, profile['type'] ?? '', ['Localhost', 'RuntimeDefault', 'Unconfined']), ...local];
}

export function securityContextErrors(context: unknown, path: string): Errors {
  if (!isRecord(context)) return NONE;
  const detail = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true';
  const contradicts = context['privileged'] === true && context['allowPrivilegeEscalation'] === false;
  return [
    ...idErrors(context, path, ['runAsUser', 'runAsGroup']),
    ...oneOf(`${path}.procMount`, context['procMount'], ['Default', 'Unmasked']),
    ...profileErrors(context['seccompProfile'], `${path}.seccompProfile`),
    ...(contradicts ? [invalidValue(path, printed(context), detail)] : NONE),
  ];
}

/** Fields under the names that they have in Go, in which the server prints them. */
function printed(context: Json): Json {
  const fields = ['capabilities', 'privileged', 'seLinuxOptions', 'windowsOptions', 'runAsUser', 'runAsGroup', 'runAsNonRoot'];
  const more = ['readOnlyRootFilesystem', 'allowPrivilegeEscalation', 'procMount', 'seccompProfile', 'appArmorProfile'];
  return Object.fromEntries([...fields, ...more].map((field) => [goName(field), context[field] ?? null]));
}

function goName(field: string): string {
  return field === 'seLinuxOptions' ? 'SELinuxOptions' : `${field.charAt(0).toUpperCase()}${field.slice(1)}`;
}

const SYSCTL_NAME = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const SYSCTL_RULE =
  'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';

export function podSecurityErrors(context: unknown, path: string): Errors {
  if (!isRecord(context)) return NONE;
  const seen = new Set<string>();
  return [
    ...idErrors(context, path, ['fsGroup', 'runAsUser', 'runAsGroup']),
    ...each(`${path}.sysctls`, context['sysctls'], (sysctl, at) => {
      const name = text(sysctl['name']);
      const repeated = seen.has(name);
      seen.add(name);
      const rule = name === '' || SYSCTL_NAME.test(name) ? NONE : [invalidValue(`${at}.name`, name, SYSCTL_RULE)];
      return [...needed(`${at}.name`, name), ...rule, ...(repeated ? [duplicate(`${at}.name`, name)] : NONE)];
    }),
    ...oneOf(`${path}.fsGroupChangePolicy`, context['fsGroupChangePolicy'], ['OnRootMismatch', 'Always']),
    ...profileErrors(context['seccompProfile'], `${path}.seccompProfile`),
  ];
}
