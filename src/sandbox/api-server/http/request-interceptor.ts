/** The seam for troubles between clients and the API server. */
import type { UserInfo } from '../../access/authorizer.ts';
import type { Status } from '../../objects/status-error.ts';

export interface InterceptedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: UserInfo;
}

export type Interception =
  | { readonly do: 'pass' }
  /** Answered in place of the server, such as 429 with retryAfterSeconds or 500. */
  | { readonly do: 'answer'; readonly status: Status }
  /** The connection is cut without an answer. */
  | { readonly do: 'reset' }
  /** A watch that never says anything, not even bookmarks; other requests are passed on. */
  | { readonly do: 'silence' }
  | { readonly do: 'delay'; readonly delayMs: number };

/** Asked once for each request over HTTP, after it is known who asks. */
export type RequestInterceptor = (request: InterceptedRequest) => Interception;
