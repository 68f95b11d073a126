/** Routes as VirtualServices give them, for gateways and for sidecars: which destination a request is for. */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { MeshView } from '../discovery/mesh-view.ts';
import { durationMs, listAt, numberAt, recordAt, textAt } from '../read-path.ts';

export interface RequestLine {
  readonly host: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Destination {
  /** `name.namespace` of a service. */
  readonly name: string;
  readonly namespace: string;
  /** Absent when the service's only port is meant. */
  readonly port?: number;
  /** Labels that endpoints must have. */
  readonly subset?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly destination: Destination;
  /** The path that is sent on. */
  readonly path: string;
  readonly timeoutMs?: number;
  /** Undefined for Istio's default. */
  readonly attempts?: number;
}

export type Routed =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  | { readonly kind: 'response'; readonly status: number; readonly body: string }
  | { readonly kind: 'none' };

export interface RouteChoice {
  readonly view: MeshView;
  /** `namespace/name` of gateways, or `mesh` for sidecars. */
  readonly gateways: ReadonlySet<string>;
  /** 0 to 1, for weights. */
  readonly random: () => number;
  /** Where short names of hosts are looked up. */
  readonly namespace: string;
}

/** The first route, of all VirtualServices for the host, that the request fits. */
export function chooseRoute(request: RequestLine, choice: RouteChoice): Routed {
  const candidates = choice.view
    .config('virtualServices')
    .filter((service) => isAttached(service, choice.gateways))
    .map((service) => ({ service, rank: hostRank(service, request.host, choice) }))
    .filter(({ rank }) => rank > 0)
    .toSorted((a, b) => b.rank - a.rank);
  const best = candidates[0]?.rank;
  for (const { service, rank } of candidates) {
    if (rank !== best) break;
    const http = listAt(service['spec'], 'http').find((entry) => fits(entry, request));
    if (http !== undefined) return routed(http, request, { ...choice, namespace: service.metadata.namespace ?? choice.namespace });
  }
  return { kind: 'none' };
}

function isAttached({ metadata, ...service }: KubeObject, gateways: ReadonlySet<string>): boolean {
  const named = listAt(service['spec'], 'gateways').map(String);
  const names = named.length === 0 ? ['mesh'] : named;
  return names.some((name) => gateways.has(name === 'mesh' || name.includes('/') ? name : `${metadata.namespace ?? ''}/${name}`));
}

/** 0 when no host fits; exact names come before suffixes, longer suffixes before shorter ones. */
function hostRank(service: KubeObject, host: string, choice: RouteChoice): number {
  const names = listAt(service['spec'], 'hosts').map(String);
  return Math.max(0, ...names.map((name) => rankOf(name, host, service.metadata.namespace ?? choice.namespace)));
}

function rankOf(pattern: string, host: string, namespace: string): number {
  if (pattern === '*') return 1;
  if (pattern.startsWith('*')) return host.endsWith(pattern.slice(1)) ? 1 + pattern.length : 0;
  return pattern === host || qualified(pattern, namespace) === qualified(host, namespace) ? 10_000 : 0;
}

/** `reviews` in the namespace shop is `reviews.shop`, and so are its longer forms. */
export function qualified(host: string, namespace: string): string {
  const short = host.replace(/\.svc(?:\.cluster\.local)?$/, '');
  return short.includes('.') ? short : `${short}.${namespace}`;
}

/** No conditions fit everything; of several, one must. */
function fits(http: unknown, request: RequestLine): boolean {
  const matches = listAt(http, 'match');
  return matches.length === 0 || matches.some((match) => fitsAll(match, request));
}

function fitsAll(match: unknown, { method, path, headers, host }: RequestLine): boolean {
  const [pathname = ''] = path.split('?');
  return (
    fitsText(recordAt(match, 'uri'), pathname) &&
    fitsText(recordAt(match, 'method'), method) &&
    fitsText(recordAt(match, 'authority'), host) &&
    Object.entries(recordAt(match, 'headers')).every(([name, value]) => {
      const header = headers[name.toLowerCase()];
      return header !== undefined && fitsText(value, header);
    })
  );
}

function fitsText(condition: unknown, text: string): boolean {
  const exact = textAt(condition, 'exact');
  const prefix = textAt(condition, 'prefix');
  const regex = textAt(condition, 'regex');
  if (exact !== undefined) return text === exact;
  if (prefix !== undefined) return text.startsWith(prefix);
  if (regex === undefined) return true;
  try {
    return new RegExp(`^(?:${regex})$`).test(text);
  } catch {
    return false;
  }
}

function routed(http: unknown, request: RequestLine, choice: RouteChoice): Routed {
  const redirect = recordAt(http, 'redirect');
  if (Object.keys(redirect).length > 0) {
    const location = `http://${textAt(redirect, 'authority') ?? request.host}${textAt(redirect, 'uri') ?? request.path}`;
    return { kind: 'redirect', status: numberAt(redirect, 'redirectCode') ?? 301, location };
  }
  const direct = recordAt(http, 'directResponse');
  if (Object.keys(direct).length > 0) {
    return { kind: 'response', status: numberAt(direct, 'status') ?? 200, body: textAt(direct, 'body.string') ?? '' };
  }
  const destination = weighted(listAt(http, 'route'), choice.random());
  const host = textAt(destination, 'destination.host');
  if (host === undefined) return { kind: 'none' };
  const [name = '', namespace = ''] = qualified(host, choice.namespace).split('.');
  const port = numberAt(destination, 'destination.port.number');
  const subset = textAt(destination, 'destination.subset');
  const timeoutMs = durationMs(textAt(http, 'timeout'));
  const attempts = numberAt(http, 'retries.attempts');
  return {
    kind: 'route',
    route: {
      destination: {
        name,
        namespace,
        ...(port === undefined ? {} : { port }),
        ...(subset === undefined ? {} : { subset: subsetLabels(choice.view, { name, namespace, subset }) }),
      },
      path: rewritten(http, request.path),
      ...(timeoutMs === undefined || timeoutMs === 0 ? {} : { timeoutMs }),
      ...(attempts === undefined ? {} : { attempts }),
    },
  };
}

function weighted(routes: readonly unknown[], drawn: number): unknown {
  if (routes.length === 1) return routes[0];
  const total = routes.reduce<number>((sum, route) => sum + (numberAt(route, 'weight') ?? 0), 0);
  let left = drawn * total;
  return routes.find((route) => (left -= numberAt(route, 'weight') ?? 0) < 0) ?? routes[0];
}

/** The prefix that matched is replaced, or the whole path. */
function rewritten(http: unknown, path: string): string {
  const uri = textAt(http, 'rewrite.uri');
  if (uri === undefined) return path;
  const [pathname = '', query] = path.split('?');
  const prefix = listAt(http, 'match')
    .map((match) => textAt(match, 'uri.prefix'))
    .find((candidate) => candidate !== undefined && pathname.startsWith(candidate));
  const rest = prefix === undefined ? '' : pathname.slice(prefix.length);
  const joined = uri.endsWith('/') && rest.startsWith('/') ? uri + rest.slice(1) : uri + rest;
  return query === undefined ? joined : `${joined}?${query}`;
}

/** A subset that no DestinationRule has selects nothing: its label can never be there. */
function subsetLabels(
  view: MeshView,
  { name, namespace, subset }: { readonly name: string; readonly namespace: string; readonly subset: string },
): Readonly<Record<string, string>> {
  for (const rule of view.config('destinationRules')) {
    const host = textAt(rule['spec'], 'host');
    if (host === undefined || qualified(host, rule.metadata.namespace ?? '') !== `${name}.${namespace}`) continue;
    const found = listAt(rule['spec'], 'subsets').find((entry) => textAt(entry, 'name') === subset);
    if (found !== undefined) return recordAt(found, 'labels') as Readonly<Record<string, string>>;
  }
  return { 'istio.io/no-such-subset': subset };
}
