/** Turns what the API server and the network say into problems that people can act on, or into "try again". */
import { Problem, Transient } from '../../core/problems/problem.ts';

/** What a request wanted, in the words of RBAC. */
export interface RequestIntent {
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  /** Plural with subresource, such as `pods/portforward`; or the path, for requests that are about no resource. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** An answer of the API server that is not a success. */
export class KubeStatusError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  readonly intent: RequestIntent;

  constructor(status: number, body: { reason?: string; message?: string }, intent: RequestIntent, retryAfterMs?: number) {
    super(body.message ?? `HTTP ${status}`);
    this.name = 'KubeStatusError';
    this.status = status;
    this.reason = body.reason ?? '';
    this.retryAfterMs = retryAfterMs;
    this.intent = intent;
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof KubeStatusError && error.status === 404;
}

export function isConflict(error: unknown): boolean {
  return error instanceof KubeStatusError && error.status === 409;
}

/** The words of a webhook that does not answer, or refuses, are an answer: asked again, the server would say the same. */
const OF_A_WEBHOOK = /(failed calling|admission|conversion) webhook/;
const PASSING_STATUS: readonly number[] = [429, 500, 502, 503, 504];
const PASSING_CODES: readonly string[] = ['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN'];

/** @returns undefined when the same request would fail again, as far as can be told */
export function mayPass(error: unknown): { readonly retryAfterMs?: number | undefined } | undefined {
  if (error instanceof KubeStatusError)
    return PASSING_STATUS.includes(error.status) && !OF_A_WEBHOOK.test(error.message) ? { retryAfterMs: error.retryAfterMs } : undefined;
  if (error instanceof Transient) return mayPass(error.cause);
  return PASSING_CODES.includes((error as { code?: string } | null)?.code ?? '') ? {} : undefined;
}

/** The server has not begun with it: 429 comes before anything else. Every other failure may be that of an answer only. */
export function wasRefused(error: unknown): boolean {
  return error instanceof KubeStatusError && error.status === 429;
}

export function isOfWebhook(error: Transient): boolean {
  return OF_A_WEBHOOK.test(error.reason);
}

/** `patch deployments.apps in namespace shop`. */
export function intentText({ verb, group, resource, namespace }: RequestIntent): string {
  const what = group === '' ? resource : `${resource}.${group}`;
  return `${verb} ${what}${namespace === undefined ? '' : ` in namespace ${namespace}`}`;
}

/** The RBAC rule that allows a request, as YAML in one line. */
export function ruleThatAllows({ verb, group, resource }: RequestIntent): string {
  return `{apiGroups: ["${group}"], resources: ["${resource}"], verbs: ["${verb}"]}`;
}

/** What an error means for the person at the keyboard. @returns the error itself when it is one of ours already */
export function toProblem(error: unknown, server: string): Error {
  if (error instanceof Problem || error instanceof Transient) return error;
  if (error instanceof KubeStatusError) return statusProblem(error);
  return networkProblem(error, server);
}

function statusProblem(error: KubeStatusError): Error {
  const { status, intent, message } = error;
  if (status === 401) {
    return new Problem('KUBE-004', {
      what: `The API server says: ${message}.`,
      next: [
        { label: 'who am I', command: 'kubectl auth whoami' },
        { label: 'contexts', command: 'kubectl config get-contexts' },
      ],
    });
  }
  if (status === 403) return forbiddenProblem(error);
  if (status === 409 && error.reason !== 'AlreadyExists' && intent.verb !== 'patch') return new Transient(message);
  if (status === 429 || status >= 500)
    return new Transient(`the API server says ${status}: ${message}`, { retryAfterMs: error.retryAfterMs, cause: error });
  return new Problem('KUBE-006', {
    what: `${intentText(intent)}${intent.name === undefined ? '' : ` ${intent.name}`}: ${message}`,
    next: [{ label: 'look', command: 'meshlift status' }],
    facts: { status, reason: error.reason },
  });
}

function forbiddenProblem({ intent, message }: KubeStatusError): Problem {
  return new Problem('KUBE-005', {
    what: `You may not ${intentText(intent)}.`,
    why: `The API server says: ${message}`,
    next: [
      { label: 'the rule that allows it', command: ruleThatAllows(intent) },
      { label: 'all roles', command: 'meshlift rbac' },
    ],
    facts: { verb: intent.verb, group: intent.group, resource: intent.resource, namespace: intent.namespace ?? '' },
  });
}

const TLS_CODES = /^(UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_(?!HAS_EXPIRED)|ERR_TLS_CERT)/;

function networkProblem(error: unknown, server: string): Error {
  const code = (error as { code?: string } | null)?.code ?? '';
  const text = error instanceof Error ? error.message : String(error);
  if (TLS_CODES.test(code) || code === 'CERT_HAS_EXPIRED') {
    return new Problem('KUBE-007', { what: `${server}: ${text}.`, next: [{ label: 'look', command: 'kubectl config view --minify' }] });
  }
  if (/alert (certificate|bad certificate|unknown ca)|certificate expired|sslv3 alert/i.test(text)) {
    return new Problem('KUBE-004', {
      what: `${server} refuses the client certificate: ${text}.`,
      next: [{ label: 'look', command: 'kubectl config view --minify' }],
    });
  }
  return new Transient(`${server} does not answer: ${code === '' ? text : code}`, { cause: error });
}

/** The first line of what an error says. */
export function errorLine(error: unknown): string {
  const details = (error as { details?: { what?: string } } | null)?.details;
  return (details?.what ?? (error instanceof Error ? error.message : String(error))).split('\n')[0] ?? '';
}
