/** Probes and lifecycle hooks. @source kubernetes/kubernetes pkg/apis/core/validation/validation.go (validateProbe, validateHandler) of 1.34 */
import { forbidden, invalidValue, required } from '../field-errors.ts';
import { absent, integer, isRecord, list, text, type Json } from '../json-tree.ts';
import { each, follows, NONE, needed, notNegative, oneOf, portNumber, portNumberOrName, type Errors } from './check.ts';
import { headerName } from './name-rules.ts';

/** @param form `once`: one success is enough, as for liveness and startup */
export function probeErrors(probe: unknown, path: string, form: 'once' | 'readiness'): Errors {
  if (!isRecord(probe)) return NONE;
  const numbers = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'];
  const grace = probe['terminationGracePeriodSeconds'];
  const threshold = integer(probe['successThreshold']);
  return [
    ...handlerErrors(probe, path),
    ...numbers.flatMap((field) => notNegative(`${path}.${field}`, probe[field])),
    ...(typeof grace === 'number' && grace <= 0
      ? [invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0')]
      : NONE),
    ...(form === 'once' && threshold !== 1 ? [invalidValue(`${path}.successThreshold`, threshold, 'must be 1')] : NONE),
    ...(form === 'readiness' && !absent(grace)
      ? [invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes')]
      : NONE),
  ];
}

/** @param gracePeriod seconds that the pod has to terminate */
export function lifecycleErrors(lifecycle: unknown, path: string, gracePeriod: number): Errors {
  if (!isRecord(lifecycle)) return NONE;
  return ['postStart', 'preStop'].flatMap((hook) => {
    const handler = lifecycle[hook];
    return isRecord(handler) ? handlerErrors(handler, `${path}.${hook}`, gracePeriod) : NONE;
  });
}

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function handlerErrors(handler: Json, path: string, gracePeriod = 0): Errors {
  const given = HANDLERS.filter((kind) => isRecord(handler[kind]));
  const [first, ...others] = given;
  if (first === undefined) return [required(path, 'must specify a handler type')];
  const value = handler[first];
  return [
    ...(isRecord(value) ? actionErrors(first, value, `${path}.${first}`, gracePeriod) : NONE),
    ...others.map((kind) => forbidden(`${path}.${kind}`, 'may not specify more than 1 handler type')),
  ];
}

function actionErrors(kind: (typeof HANDLERS)[number], action: Json, path: string, gracePeriod: number): Errors {
  switch (kind) {
    case 'exec':
      return list(action['command']).length === 0 ? [required(`${path}.command`)] : NONE;
    case 'httpGet':
      return httpErrors(action, path);
    case 'tcpSocket':
      return portNumberOrName(`${path}.port`, action['port']);
    case 'grpc':
      return portNumber(`${path}.port`, action['port']);
    case 'sleep': {
      const seconds = integer(action['seconds']);
      const detail = `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`;
      return seconds < 0 || seconds > gracePeriod ? [invalidValue(path, seconds, detail)] : NONE;
    }
  }
}

function httpErrors(get: Json, path: string): Errors {
  return [
    ...needed(`${path}.path`, get['path']),
    ...portNumberOrName(`${path}.port`, get['port']),
    ...oneOf(`${path}.scheme`, get['scheme'], ['HTTP', 'HTTPS']),
    ...each(`${path}.httpHeaders`, get['httpHeaders'], (header) => follows(headerName, `${path}.httpHeaders`, text(header['name']))),
  ];
}
