/** How an API server says no: 401 and 403 in its words. */
import { StatusError } from '../objects/status-error.ts';
import type { AccessRequest } from './authorizer.ts';

export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', 'Unauthorized');
}

/**
 * `User "x" cannot list resource "pods" in API group "" in the namespace "y"`: who cannot do what, without what it is about.
 * Characters of HTML are written as entities, as apiserver pkg/endpoints/handlers/responsewriters/errors.go does.
 */
export function forbiddenMessage({ user, verb, group, resource, subresource, namespace, path }: AccessRequest): string {
  const who = `User ${JSON.stringify(user.username)} cannot ${verb}`;
  if (path !== undefined) return withoutHtml(`${who} path ${JSON.stringify(path)}`);
  const what = JSON.stringify(subresource === '' ? resource : `${resource}/${subresource}`);
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return withoutHtml(`${who} resource ${what} in API group ${JSON.stringify(group)} ${where}`);
}

/** The 403 of a request that is not allowed. @param reason of the decision; may be empty */
export function forbiddenError(request: AccessRequest, reason = ''): StatusError {
  const { group, resource, name } = request;
  const why = reason === '' ? forbiddenMessage(request) : `${forbiddenMessage(request)}: ${reason}`;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const details = { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), ...(resource === '' ? {} : { kind: resource }) };
  if (qualified === '') return new StatusError(403, 'Forbidden', `forbidden: ${why}`, details);
  const subject = name === '' ? qualified : `${qualified} ${JSON.stringify(name)}`;
  return new StatusError(403, 'Forbidden', `${subject} is forbidden: ${why}`, details);
}

function withoutHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
