/** Requests about resources: finds what they are about and does what their verb says. */
import { REVIEW_KINDS, reviewAccess } from '../../access/access-reviews.ts';
import { checkBearer } from '../../access/authentication.ts';
import { timestamp } from '../../clock/sandbox-clock.ts';
import { trackUpdate } from '../../managed-fields/track-update.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { notFound } from '../../objects/status-error.ts';
import type { ResourceDefinition, Verb } from '../../resources/resource-definition.ts';
import { bodyTypeOf, decodeBody } from './decode-body.ts';
import {
  createFromRequest,
  deleteCollectionFromRequest,
  deleteFromRequest,
  patchFromRequest,
  replaceFromRequest,
} from './write-requests.ts';
import { namespaceOf, presentationOf, presented, selectableOf, type Exchange, type FrontParts } from './exchange.ts';
import { jsonAnswer, methodNotAllowed, noSuchResource, pageNotFound, type Answer } from './http-answers.ts';
import { canonical } from '../pipeline/canonical-object.ts';
import { listObjects } from '../pipeline/list-objects.ts';
import { readListOptions } from '../pipeline/list-options.ts';
import { presentList, presentObject } from './present-objects.ts';
import { readBody } from './read-body.ts';
import type { ResourceRequest } from './request-info.ts';
import { asServed } from '../pipeline/stored-form.ts';
import { answerBinding, answerSubresource } from './subresource-requests.ts';
import { readWriteOptions } from './write-options.ts';
import { serveWatch } from './serve-watch.ts';

/** What the real server warns of, by resource (`APILifecycleDeprecated` of the types, v1.34). */
const DEPRECATED: Readonly<Record<string, string>> = {
  componentstatuses: 'v1 ComponentStatus is deprecated in v1.19+',
  endpoints: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
};

/** What a request about a known resource is answered with; undefined when it has been answered, as a stream. */
export async function answerResource(parts: FrontParts, exchange: Exchange): Promise<Answer | undefined> {
  const { info, query } = exchange;
  const definition = parts.core.registry.find(info.group, info.version, info.resource);
  if (definition === undefined) return unknownResource(parts, info);
  if (definition.namespaced ? info.namespace === '' && info.name !== '' && isNamed(info) : isMisplaced(info)) throw noSuchResource();
  if (parts.core.registry.isCustom(definition) && isUnknownToCustom(exchange, definition)) return pageNotFound();
  if (info.subresource !== '') return answerSubresource(parts, exchange, definition);
  const deprecation = DEPRECATED[definition.storage];
  if (deprecation !== undefined && definition.group === '') exchange.warnings.push(deprecation);
  if (definition.storage === 'bindings') return answerBinding(parts, exchange, definition);
  if (REVIEW_KINDS.has(definition.kind)) return answerReview(parts, exchange, definition);
  if (!definition.verbs.includes(info.verb as Verb) || isWrongPlace(exchange, definition)) throw methodNotAllowed();
  switch (info.verb) {
    case 'get':
      return getObject(parts, exchange, definition);
    case 'list':
      return list(parts, exchange, definition);
    case 'watch':
      serveWatch(parts, exchange, definition);
      return undefined;
    case 'create':
      return createFromRequest(parts, exchange, definition);
    case 'update':
      return replaceFromRequest(parts, exchange, definition, '');
    case 'patch':
      return patchFromRequest(parts, exchange, definition, '');
    case 'delete':
      return deleteFromRequest(parts, exchange, definition);
    default:
      return deleteCollectionFromRequest(parts, exchange, definition, readListOptions(query, selectableOf(parts, definition), false));
  }
}

/** The real server's own groups answer with a Status, the others are no paths of it at all. */
function unknownResource({ core }: FrontParts, { group }: ResourceRequest): Answer {
  const builtIn = core.registry.all().some((each) => each.group === group && !core.registry.isCustom(each));
  if (builtIn || group === '') throw noSuchResource();
  return pageNotFound();
}

/** A namespaced custom resource has no path for writes without a namespace. */
function isUnknownToCustom({ info }: Exchange, definition: ResourceDefinition): boolean {
  return definition.namespaced && info.namespace === '' && info.verb !== 'list' && info.verb !== 'watch';
}

function isNamed({ verb }: ResourceRequest): boolean {
  return verb === 'get' || verb === 'update' || verb === 'patch' || verb === 'delete';
}

/** A resource of the cluster that is asked for inside of a namespace; a namespace's own path looks like that. */
function isMisplaced({ namespace, resource }: ResourceRequest): boolean {
  return namespace !== '' && resource !== 'namespaces';
}

/** Writes that need a name and have none, or the other way round. */
function isWrongPlace({ info, message }: Exchange, definition: ResourceDefinition): boolean {
  if (message.method === 'POST') return info.name !== '' || (definition.namespaced && info.namespace === '');
  if (info.verb === 'deletecollection') return definition.namespaced && info.namespace === '';
  return (info.verb === 'update' || info.verb === 'patch') && info.name === '';
}

/** @throws StatusError 404 */
export function getObject(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): Answer {
  const presentation = presentationOf(parts, exchange);
  const { name } = exchange.info;
  const stored = parts.core.store.get(definition.storage, namespaceOf(exchange, definition), name);
  if (stored === undefined) throw notFound(definition, name);
  return presentObject(presentation, presented(parts, definition), asServed(definition, stored));
}

function list(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): Answer {
  const presentation = presentationOf(parts, exchange);
  const options = readListOptions(exchange.query, selectableOf(parts, definition), false);
  const { namespace } = exchange.info;
  const target = { definition, ...(namespace === '' || !definition.namespaced ? {} : { namespace }) };
  const page = listObjects(parts.core, target, options);
  return presentList(presentation, presented(parts, definition), page);
}

/** Kinds that are answered and never stored. */
async function answerReview(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): Promise<Answer> {
  const { info, message, query, user, warnings } = exchange;
  if (info.verb !== 'create' || info.name !== '') throw methodNotAllowed();
  const { fieldValidation, fieldManager } = readWriteOptions('CreateOptions', query, message.headers['user-agent']);
  const body = await readBody(message);
  const review = decodeBody(body, bodyTypeOf(definition, false), {
    contentType: message.headers['content-type'],
    fieldValidation,
    warnings,
  });
  const read = canonical(review, false);
  const whole = definition.applyDefaults?.(read) ?? read;
  const answered = reviewAccess(tracked(parts, definition, whole, fieldManager), user, parts.authorizer, {
    namespace: info.namespace,
    clock: parts.core.clock,
    checkToken: (token, audiences) => checkBearer(token, parts.bearer, audiences),
  });
  const { name, ...metadata } = answered.metadata;
  return jsonAnswer(201, { ...answered, metadata: name === '' || (name as unknown) === undefined ? metadata : answered.metadata });
}

/** Even what is not stored says who wrote it. */
function tracked({ core }: FrontParts, definition: ResourceDefinition, review: KubeObject, manager: string): KubeObject {
  if (definition.kind === 'SelfSubjectReview') return review;
  return trackUpdate({
    before: undefined,
    after: review,
    schema: definition.schema,
    manager,
    apiVersion: review.apiVersion,
    time: timestamp(core.clock),
  });
}
