/** What the parts of the HTTP front know of each other and of a request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { UserInfo } from '../../access/authorizer.ts';
import type { BearerOptions } from '../../access/authentication.ts';
import type { RbacAuthorizer } from '../../access/rbac-authorizer.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { notFound } from '../../objects/status-error.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import type { StreamHandler } from '../../streams/stream-handler.ts';
import type { SelectableFields } from '../../store/field-selector.ts';
import type { ObjectSerializer } from './object-serializer.ts';
import type { Presentation, Presented } from './present-objects.ts';
import { asServed } from '../pipeline/stored-form.ts';
import { negotiate } from './representation.ts';
import type { ResourceRequest } from './request-info.ts';
import type { ServerCore } from '../server-core.ts';

/** The parts of the server that answer requests over HTTP. */
export interface FrontParts {
  readonly core: ServerCore;
  readonly authorizer: RbacAuthorizer;
  readonly bearer: BearerOptions;
  readonly serializer: ObjectSerializer;
  readonly streams: () => StreamHandler | undefined;
  /** Streams that are open: called when the server stops. */
  readonly open: Set<() => void>;
}

/** One request and everything that is known of it. */
export interface Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly info: ResourceRequest;
  readonly user: UserInfo;
  readonly warnings: string[];
  /** The clock need not wait for this request any longer: it goes on for as long as its client likes. */
  readonly release: () => void;
  /** A watch that is to say nothing. */
  readonly silent: boolean;
}

export function presentationOf({ core, serializer }: FrontParts, { message, query }: Exchange): Presentation {
  return { serializer, representation: negotiate(message.headers.accept, query), nowMs: core.clock.nowMs() };
}

export function selectableOf({ core }: FrontParts, definition: ResourceDefinition): SelectableFields {
  return { storage: definition.storage, ...(core.registry.isCustom(definition) ? { custom: [] } : {}) };
}

export function namespaceOf({ info }: Pick<Exchange, 'info'>, definition: ResourceDefinition): string {
  return definition.namespaced ? info.namespace : '';
}

export function presented({ core }: FrontParts, definition: ResourceDefinition): Presented {
  return { definition, custom: core.registry.isCustom(definition) };
}

/** The object that a request is about, as its version shows it. @throws StatusError 404 */
export function storedObject(parts: FrontParts, exchange: Pick<Exchange, 'info'>, definition: ResourceDefinition): KubeObject {
  const { name } = exchange.info;
  const stored = parts.core.store.get(definition.storage, namespaceOf(exchange, definition), name);
  if (stored === undefined) throw notFound(definition, name);
  return asServed(definition, stored);
}
