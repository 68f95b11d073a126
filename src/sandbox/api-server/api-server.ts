/** The API server of a sandbox: a store, the pipeline of writes around it, and its two fronts, HTTPS and in-process. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { bootstrapAccess } from '../access/bootstrap-access.ts';
import type { UserInfo } from '../access/authorizer.ts';
import { rbacAuthorizer, type RbacAuthorizer } from '../access/rbac-authorizer.ts';
import { createServiceAccountTokens, type ServiceAccountTokens } from '../access/service-account-tokens.ts';
import type { AdmissionChain } from '../admission/admission.ts';
import { createAdmissionChain, type AdmissionOptions, type ClosableAdmissionChain } from '../admission/admission-chain.ts';
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { Cluster, ClusterView } from '../cluster/cluster-view.ts';
import { applyJsonPatch } from '../patches/json-patch.ts';
import { builtInResources } from '../resources/built-in-resources.ts';
import type { Allocator, ResourceDefinition } from '../resources/resource-definition.ts';
import { MemoryStore } from '../store/memory-store.ts';
import type { StreamHandler } from '../streams/stream-handler.ts';
import { putBootstrapObjects } from './bootstrap-objects.ts';
import { followDefinitions } from './custom-definitions.ts';
import { createHttpFront } from './http/http-front.ts';
import { inProcessCluster } from './in-process-cluster.ts';
import { newUid } from './object-metadata.ts';
import type { RequestInterceptor } from './http/request-interceptor.ts';
import { ResourceRegistry } from './resource-registry.ts';
import type { ServerCore } from './server-core.ts';
import { serviceAllocator } from './service-allocator.ts';

export interface ApiServerOptions {
  readonly clock: SandboxClock;
  /** 0 to 1. */
  readonly random: () => number;
  /** Absent means those of a Kubernetes 1.34 server. */
  readonly resources?: readonly ResourceDefinition[];
  /** How webhooks of services are reached; absent means not at all. */
  readonly network?: AdmissionOptions['network'];
  /** See AdmissionOptions. */
  readonly routesToEndpoints?: boolean;
  /** Absent means the rules of a real server and webhooks. */
  readonly createAdmission?: (cluster: Cluster, authorizer: RbacAuthorizer) => ClosableAdmissionChain;
  /** Absent means RBAC with the roles that every cluster has. */
  readonly createAuthorizer?: (view: ClusterView) => RbacAuthorizer;
  /** Bearer tokens that are users of their own. */
  readonly staticTokens?: ReadonlyMap<string, UserInfo>;
  /** Signs tokens of service accounts. */
  readonly tokenKey?: string;
  /** First half of services' addresses; absent means `10.96`. */
  readonly servicePrefix?: string;
  readonly allocator?: Allocator;
  /** Events that are remembered for each resource. */
  readonly historySize?: number;
}

/** Certificates (PEM) of the HTTPS front. */
export interface ServerTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface ApiServer {
  readonly cluster: Cluster;
  readonly store: MemoryStore;
  readonly registry: ResourceRegistry;
  readonly authorizer: RbacAuthorizer;
  readonly tokens: ServiceAccountTokens;
  /** Listens on 127.0.0.1. @param port 0 for a free one @returns the port @throws the error of listen, such as EADDRINUSE */
  readonly start: (tls: ServerTls, port?: number) => Promise<number>;
  /** Closes the listener and every connection. */
  readonly stop: () => Promise<void>;
  /** Answers one request, for servers of one's own; the user comes from the connection's certificate or a token. */
  readonly handle: (message: IncomingMessage, response: ServerResponse) => void;
  readonly handleUpgrade: (message: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Logs, commands and forwarded ports are answered from now on. */
  readonly serveStreams: (handler: StreamHandler) => void;
  /** Lets troubles into the HTTPS front; undefined takes them out. */
  readonly intercept: (interceptor: RequestInterceptor | undefined) => void;
}

/** Idle connections stay open for longer than clients keep them pooled, so that a client never writes into one that is being closed. */
const KEEP_ALIVE_MS = 180_000;

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { core, cluster, authorizer, tokens, closeAdmission } = assemble(options);
  const { staticTokens } = options;
  const front = createHttpFront({ core, authorizer, tokens, ...(staticTokens === undefined ? {} : { staticTokens }) });
  let server: Server | undefined;
  return {
    cluster,
    store: core.store,
    registry: core.registry,
    authorizer,
    tokens,
    handle: front.handle,
    handleUpgrade: front.handleUpgrade,
    serveStreams: front.serveStreams,
    intercept: front.intercept,
    start: async (tls, port = 0) => {
      server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' }, front.handle);
      server.on('upgrade', front.handleUpgrade);
      server.keepAliveTimeout = KEEP_ALIVE_MS;
      server.requestTimeout = 0;
      server.headersTimeout = 0;
      await listen(server, port);
      return (server.address() as AddressInfo).port;
    },
    stop: async () => {
      front.close();
      closeAdmission();
      const closing = server;
      server = undefined;
      if (closing === undefined) return;
      await new Promise<void>((resolve) => {
        closing.close(() => resolve());
        closing.closeAllConnections();
      });
    },
  };
}

interface Assembled {
  readonly core: ServerCore;
  readonly cluster: Cluster;
  readonly authorizer: RbacAuthorizer;
  readonly tokens: ServiceAccountTokens;
  readonly closeAdmission: () => void;
}

/** A store with its pipeline, and in it what every cluster has. */
function assemble(options: ApiServerOptions): Assembled {
  const { clock, random } = options;
  const store = new MemoryStore(options.historySize === undefined ? {} : { historySize: options.historySize });
  const registry = new ResourceRegistry(options.resources ?? builtInResources());
  const prefix = options.servicePrefix ?? '10.96';
  // Admission looks at the cluster, whose writes go through it.
  const late: { admission?: AdmissionChain } = {};
  const core: ServerCore = {
    store,
    registry,
    clock,
    random,
    allocator: options.allocator ?? serviceAllocator(store, prefix),
    admission: {
      mutate: async (attributes) => (await late.admission?.mutate(attributes)) ?? { warnings: [] },
      validate: async (attributes) => (await late.admission?.validate(attributes)) ?? [],
    },
  };
  const cluster = inProcessCluster(core);
  const authorizer = (options.createAuthorizer ?? rbacAuthorizer)(cluster);
  const admission = options.createAdmission?.(cluster, authorizer) ?? usualAdmission(options, core, cluster, authorizer);
  late.admission = admission;
  const uid = (): string => newUid(random);
  const tokens = createServiceAccountTokens({ key: options.tokenKey ?? uid(), view: cluster, clock, newUid: uid });
  putBootstrapObjects(core, `${prefix}.0.1`, bootstrapAccess());
  followDefinitions(core);
  return { core, cluster, authorizer, tokens, closeAdmission: admission.close };
}

function usualAdmission(
  { network, routesToEndpoints }: ApiServerOptions,
  { clock, random, registry }: ServerCore,
  view: ClusterView,
  authorizer: RbacAuthorizer,
): ClosableAdmissionChain {
  return createAdmissionChain({
    view,
    network: network ?? { resolve: () => undefined, resolveService: () => undefined },
    clock,
    random,
    newUid: () => newUid(random),
    definitions: (storage) => registry.versionsOf(storage),
    applyJsonPatch,
    authorizer,
    ...(routesToEndpoints === undefined ? {} : { routesToEndpoints }),
  });
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
