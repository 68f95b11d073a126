/** Requests about subresources. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { badRequest, notFound, StatusError } from '../../objects/status-error.ts';
import { age } from '../../resources/columns/cell-text.ts';
import type { PrinterColumn, ResourceDefinition, Subresource } from '../../resources/resource-definition.ts';
import { builtInSchemas } from '../../schema/built-in-schemas.ts';
import { decodeBody } from './decode-body.ts';
import { fromBody } from './delete-requests.ts';
import { evictPod } from '../pipeline/evict-pod.ts';
import { presentationOf, presented, storedObject, type Exchange, type FrontParts } from './exchange.ts';
import { jsonAnswer, methodNotAllowed, noSuchResource, type Answer } from './http-answers.ts';
import { finalizeNamespace } from '../pipeline/namespace-finalize.ts';
import { readPatch } from './patch-requests.ts';
import { applyPatchTo } from '../pipeline/patch-object.ts';
import { bindPod, partialPod } from '../pipeline/pod-subresources.ts';
import { presentObject } from './present-objects.ts';
import { readBody } from './read-body.ts';
import { scaleOf, scalePaths, updateScale } from '../pipeline/scale-subresource.ts';
import type { WriteContext } from '../server-core.ts';
import { answerStream } from './stream-requests.ts';
import { answerTokenRequest } from './token-request.ts';
import { updateObject } from '../pipeline/update-object.ts';
import { readWriteOptions } from './write-options.ts';
import { bodyObject, patchFromRequest, replaceFromRequest, writeContext } from './write-requests.ts';

const SCALE_COLUMNS: readonly PrinterColumn[] = [
  scaleColumn('Name', 'string', ({ metadata }) => metadata.name),
  scaleColumn('Desired', 'integer', (scale) => replicasIn(scale['spec'])),
  scaleColumn('Available', 'integer', (scale) => replicasIn(scale['status'])),
  scaleColumn('Age', 'string', age),
];

function scaleColumn(name: string, type: PrinterColumn['type'], cell: PrinterColumn['cell']): PrinterColumn {
  return { name, type, format: '', description: '', priority: 0, cell };
}

function replicasIn(part: unknown): number {
  return (part as { readonly replicas?: number } | undefined)?.replicas ?? 0;
}

const STREAMS: ReadonlySet<string> = new Set(['log', 'exec', 'attach', 'portforward']);

/** @returns undefined when it has been answered as a stream @throws StatusError */
export async function answerSubresource(
  parts: FrontParts,
  exchange: Exchange,
  definition: ResourceDefinition,
): Promise<Answer | undefined> {
  const { info } = exchange;
  const subresource = definition.subresources.find(({ name }) => name === info.subresource);
  if (subresource === undefined && parts.core.registry.isCustom(definition)) throw notFound(definition, info.name);
  if (subresource === undefined || (info.rest.length > 0 && subresource.name !== 'proxy')) throw noSuchResource();
  if (!subresource.verbs.includes(info.verb)) throw methodNotAllowed();
  if (definition.storage === 'pods' && STREAMS.has(subresource.name)) {
    await answerStream(parts, exchange, definition);
    return undefined;
  }
  switch (subresource.name) {
    case 'scale':
      return answerScale(parts, exchange, definition);
    case 'eviction':
    case 'binding':
    case 'token':
      return answerCreation(parts, exchange, definition, subresource);
    case 'status':
    case 'approval':
      return answerPart(parts, exchange, definition);
    case 'ephemeralcontainers':
    case 'resize':
      return answerPodPart(parts, exchange, definition);
    case 'finalize':
      return answerFinalize(parts, exchange, definition);
    default:
      throw new StatusError(
        501,
        'NotImplemented',
        `the sandbox does not serve the subresource ${JSON.stringify(subresource.name)} of ${definition.resource}`,
      );
  }
}

/** The resource itself, of which only a part can be written. */
async function answerPart(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): Promise<Answer> {
  const { verb, subresource } = exchange.info;
  const part = subresource === 'approval' ? 'status' : subresource;
  if (verb === 'update') return replaceFromRequest(parts, exchange, definition, part);
  if (verb === 'patch') return patchFromRequest(parts, exchange, definition, part);
  return presentObject(presentationOf(parts, exchange), presented(parts, definition), storedObject(parts, exchange, definition));
}

async function answerPodPart(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): Promise<Answer> {
  const { verb, subresource, name } = exchange.info;
  if (verb === 'get')
    return presentObject(presentationOf(parts, exchange), presented(parts, definition), storedObject(parts, exchange, definition));
  const { context, change } = await changeOf(parts, exchange, definition);
  const compute = (live: KubeObject): KubeObject => partialPod(subresource, live, change(live));
  const updated = await updateObject(parts.core, context, name, { compute, trusted: true, fromLive: true });
  return presentObject(presentationOf(parts, exchange), presented(parts, definition), updated);
}

interface RequestedChange {
  readonly context: WriteContext;
  readonly change: (live: KubeObject) => KubeObject;
}

/** What a PUT or a patch makes of an object that is not stored as such. */
async function changeOf(
  parts: FrontParts,
  exchange: Exchange,
  definition: ResourceDefinition,
  type = definition,
): Promise<RequestedChange> {
  const { subresource } = exchange.info;
  if (exchange.info.verb === 'patch') {
    const { patch, options } = await readPatch(parts, exchange, type);
    const context = writeContext(exchange, definition, 'PatchOptions', { ...options, subresource });
    return { context, change: (live) => applyPatchTo(type, live, patch) };
  }
  const options = readWriteOptions('UpdateOptions', exchange.query, exchange.message.headers['user-agent']);
  const object = await bodyObject(parts, exchange, type, options);
  return { context: writeContext(exchange, definition, 'UpdateOptions', { ...options, subresource }), change: () => object };
}

async function answerScale(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): Promise<Answer> {
  const { verb, name } = exchange.info;
  const presentation = presentationOf(parts, exchange);
  const asScale = {
    definition: { ...definition, group: 'autoscaling', version: 'v1', kind: 'Scale', columns: SCALE_COLUMNS },
    custom: false,
  };
  if (verb === 'get') {
    const scale = scaleOf(storedObject(parts, exchange, definition), scalePaths(definition));
    return presentObject(presentation, asScale, scale);
  }
  const schema = builtInSchemas('autoscaling/v1', 'Scale');
  const type = { ...asScale.definition, ...(schema === undefined ? {} : { schema }) };
  const { context, change } = await changeOf(parts, exchange, definition, type);
  return presentObject(presentation, asScale, await updateScale(parts.core, context, name, change));
}

async function answerFinalize(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): Promise<Answer> {
  const presentation = presentationOf(parts, exchange);
  const options = readWriteOptions('UpdateOptions', exchange.query, exchange.message.headers['user-agent']);
  const object = await bodyObject(parts, exchange, definition, options);
  const context = writeContext(exchange, definition, 'UpdateOptions', { ...options, subresource: 'finalize' });
  const updated = await finalizeNamespace(parts.core, context, exchange.info.name, object);
  return presentObject(presentation, presented(parts, definition), updated);
}

/** Subresources that are created: what is posted is an order, not an object that stays. */
async function answerCreation(
  parts: FrontParts,
  exchange: Exchange,
  definition: ResourceDefinition,
  subresource: Subresource,
): Promise<Answer> {
  const { message, warnings, info, query } = exchange;
  const options = readWriteOptions('CreateOptions', query, message.headers['user-agent']);
  const apiVersion = subresource.apiVersion ?? 'v1';
  const type = { apiVersion, kind: subresource.kind, schema: builtInSchemas(apiVersion, subresource.kind), custom: false };
  const order = decodeBody(await readBody(message), type, {
    contentType: message.headers['content-type'],
    fieldValidation: options.fieldValidation,
    warnings,
  });
  const { name: ordered } = order.metadata;
  if (ordered !== '' && ordered !== info.name) throw badRequest(`name in URL does not match name in ${subresource.kind} object`);
  const context = writeContext(exchange, definition, 'CreateOptions', { ...options, subresource: subresource.name });
  if (subresource.name === 'token') return answerTokenRequest(parts, context, info.name, order);
  if (subresource.name === 'binding') bindPod(parts.core, context, info.name, order);
  else await evictPod(parts.core, evictionContext(context, order), info.name, fromBody(order['deleteOptions'] ?? {}));
  return jsonAnswer(201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
}

function evictionContext(context: WriteContext, eviction: KubeObject): WriteContext {
  const { dryRun = [] } = (eviction['deleteOptions'] ?? {}) as { readonly dryRun?: readonly string[] };
  return dryRun.length === 0 ? context : { ...context, dryRun: true };
}

/** The old way to bind a pod: a resource of its own. */
export async function answerBinding(parts: FrontParts, exchange: Exchange, definition: ResourceDefinition): Promise<Answer> {
  const { info, query, message } = exchange;
  const pods = parts.core.registry.byStorage('pods');
  if (info.verb !== 'create' || pods === undefined) throw methodNotAllowed();
  const options = readWriteOptions('CreateOptions', query, message.headers['user-agent']);
  const binding = await bodyObject(parts, exchange, definition, options);
  const context = writeContext(exchange, pods, 'CreateOptions', { ...options, subresource: 'binding' });
  bindPod(parts.core, context, binding.metadata.name, binding);
  return jsonAnswer(201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
}
