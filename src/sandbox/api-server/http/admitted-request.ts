/** Who sends a request, what it is about, and whether its sender may. */
import type { IncomingMessage } from 'node:http';
import { forbiddenError } from '../../access/access-refusals.ts';
import type { AccessRequest, Authorizer, UserInfo } from '../../access/authorizer.ts';
import type { Identify } from './request-identity.ts';
import { readRequestInfo, type ResourceRequest } from './request-info.ts';

export interface AdmittedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Undefined for paths that are about no resource. */
  readonly info: ResourceRequest | undefined;
  readonly user: UserInfo;
}

/** @throws StatusError 401 or 403 */
export function admitRequest(message: IncomingMessage, identify: Identify, authorizer: Authorizer): AdmittedRequest {
  const { path, query } = readUrl(message.url ?? '/');
  const method = message.method ?? 'GET';
  const info = readRequestInfo(method, path, query);
  const admitted = { method, path, query, info, user: identify(message) };
  checkAccess(authorizer, admitted);
  return admitted;
}

function readUrl(url: string): { readonly path: string; readonly query: URLSearchParams } {
  const at = url.indexOf('?');
  const raw = at === -1 ? url : url.slice(0, at);
  let path = raw;
  try {
    path = decodeURIComponent(raw);
  } catch {
    // Left as it is: nothing is found under it.
  }
  return { path, query: new URLSearchParams(at === -1 ? '' : url.slice(at + 1)) };
}

/** @throws StatusError 403 */
function checkAccess(authorizer: Authorizer, { method, path, info, user }: AdmittedRequest): void {
  const request: AccessRequest =
    info === undefined
      ? { user, verb: pathVerb(method), group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path }
      : {
          user,
          verb: info.verb,
          group: info.group,
          version: info.version,
          resource: info.resource,
          subresource: info.subresource,
          namespace: info.namespace,
          name: info.name,
        };
  const { allowed, reason } = authorizer(request);
  if (!allowed) throw forbiddenError(request, reason);
}

/** Paths that are about no resource have the method for a verb. */
export function pathVerb(method: string): string {
  return method.toLowerCase();
}
