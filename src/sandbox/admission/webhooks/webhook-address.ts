/** Where a webhook is reached: by a service of the cluster or by a URL. */
import { isIP } from 'node:net';
import type { ClusterView } from '../../cluster/cluster-view.ts';
import type { Endpoint, PodNetwork } from '../../cluster/pod-network.ts';
import { at, records, text } from '../../resources/json-tree.ts';
import type { ServiceReference, Webhook } from './registered-webhooks.ts';

export interface WebhookAddress {
  /** As messages name it, without the query. */
  readonly url: string;
  /** Path and query of the request, without the timeout. */
  readonly path: string;
  /** What the certificate must be for. */
  readonly serverName: string;
  /** `10.0.0.1:443`, as messages about connections name it. */
  readonly dialed: string;
  /** Where it is on this machine, or why it cannot be found, in Go's words. */
  readonly target: Endpoint | { readonly problem: string };
}

export interface AddressOptions {
  readonly view: Pick<ClusterView, 'get'>;
  readonly network: Pick<PodNetwork, 'resolve' | 'resolveService'>;
  /**
   * Connections go to endpoints, not to the address of the service, as with `--enable-aggregator-routing`; seen only in
   * messages. Absent means not, as by default.
   */
  readonly routesToEndpoints?: boolean;
}

/** @returns undefined for a configuration with neither a service nor a URL that can be read */
export function addressOf({ service, url }: Webhook, options: AddressOptions): WebhookAddress | undefined {
  if (service !== undefined) return serviceAddress(service, options);
  return URL.canParse(url) ? urlAddress(new URL(url), url, options) : undefined;
}

function urlAddress(url: URL, written: string, { network }: AddressOptions): WebhookAddress {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? 443 : Number(url.port);
  const isAddress = isIP(host) !== 0;
  return {
    url: withPath(written.replace(/[?#].*$/, '')),
    path: `${url.pathname}${url.search}`,
    serverName: host,
    dialed: joinPort(host, port),
    target: (isAddress ? network.resolve(host, port) : undefined) ?? { host, port },
  };
}

/** A port that is written stays, also where it is the one that is meant anyway. */
function withPath(url: string): string {
  return /^[^/]*\/\/[^/]*$/.test(url) ? `${url}/` : url;
}

function serviceAddress(reference: ServiceReference, options: AddressOptions): WebhookAddress {
  const { namespace, name, port } = reference;
  const serverName = `${name}.${namespace}.svc`;
  const path = reference.path.startsWith('/') ? reference.path : `/${reference.path}`;
  const found = findService(reference, options);
  return { url: `https://${serverName}:${port}${path}`, path, serverName, ...found };
}

/** As apiserver pkg/util/proxy/proxy.go, v1.34. */
function findService(reference: ServiceReference, options: AddressOptions): Pick<WebhookAddress, 'dialed' | 'target'> {
  const { namespace, name, port } = reference;
  const service = options.view.get('services', name, namespace);
  const unknown = (problem: string): Pick<WebhookAddress, 'dialed' | 'target'> => ({ dialed: '', target: { problem } });
  if (service === undefined) return unknown(`service ${JSON.stringify(name)} not found`);
  const type = text(at(service, 'spec', 'type')) || 'ClusterIP';
  const clusterIp = text(at(service, 'spec', 'clusterIP'));
  if (type === 'ExternalName') return externalName(text(at(service, 'spec', 'externalName')), port, options);
  if (clusterIp === 'None' && options.routesToEndpoints !== true) return unknown('cannot route to service with ClusterIP "None"');
  if (!records(at(service, 'spec', 'ports')).some((one) => one['port'] === port))
    return unknown(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const endpoint = options.network.resolveService(namespace, name, port);
  if (endpoint === undefined && options.routesToEndpoints === true)
    return unknown(`no endpoints available for service ${JSON.stringify(name)}`);
  const dialed =
    options.routesToEndpoints === true && endpoint !== undefined ? joinPort(endpoint.ip, endpoint.port) : joinPort(clusterIp, port);
  const target = endpoint === undefined ? undefined : options.network.resolve(endpoint.ip, endpoint.port);
  return { dialed, target: target ?? { problem: `dial tcp ${dialed}: connect: connection refused` } };
}

function externalName(name: string, port: number, { routesToEndpoints }: AddressOptions): Pick<WebhookAddress, 'dialed' | 'target'> {
  if (routesToEndpoints === true) return { dialed: '', target: { problem: 'unsupported service type "ExternalName"' } };
  return { dialed: joinPort(name, port), target: { host: name, port } };
}

function joinPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
