/** Lists: selected, in pages that show one moment, at the newest or an older resourceVersion. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { badRequest, StatusError, type Status } from '../../objects/status-error.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { onlyName, selects, type ListOptions } from './list-options.ts';
import type { ServerCore } from '../server-core.ts';
import { asServed } from './stored-form.ts';

export interface ObjectPage {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  readonly continueToken?: string;
  /** Absent when a selector leaves it unknown. */
  readonly remaining?: number;
}

export interface ListTarget {
  readonly definition: ResourceDefinition;
  /** Absent for all namespaces. */
  readonly namespace?: string;
}

/** A refusal whose Status carries metadata, such as a token to go on with. */
class StatusErrorWithMetadata extends StatusError {
  override readonly status: Status;

  constructor(error: StatusError, metadata: Readonly<Record<string, unknown>>) {
    super(error.status.code, error.status.reason ?? '', error.message, error.status.details);
    this.status = { ...error.status, metadata };
  }
}

interface Position {
  /** -1: the newest state, whatever it is. */
  readonly resourceVersion: number;
  /** The first key that is still to be shown, relative to what is listed. */
  readonly start: string;
}

/** @throws StatusError 400, 410 or 504 */
export function listObjects(core: ServerCore, target: ListTarget, options: ListOptions): ObjectPage {
  const position = options.continueToken === '' ? undefined : positionOf(options);
  const { objects, resourceVersion } = snapshot(core, target, options, position);
  // The real server answers lists at 0 from its watch cache, whole.
  const limit = options.resourceVersion === '0' && position === undefined ? 0 : options.limit;
  return { ...page(target, options, { objects, resourceVersion, limit, start: position?.start }) };
}

interface Cut {
  readonly objects: readonly KubeObject[];
  readonly resourceVersion: number;
  readonly limit: number;
  readonly start: string | undefined;
}

function page({ definition, namespace }: ListTarget, options: ListOptions, { objects, resourceVersion, limit, start }: Cut): ObjectPage {
  const first = start === undefined ? 0 : objects.findIndex((object) => keyOf(object, namespace) >= start);
  const items: KubeObject[] = [];
  let index = first === -1 ? objects.length : first;
  for (; index < objects.length && (limit <= 0 || items.length < limit); index += 1) {
    const object = objects[index];
    if (object !== undefined && selects(options, object)) items.push(asServed(definition, object));
  }
  const next = objects.slice(index).find((object) => selects(options, object));
  if (next === undefined) return { items, resourceVersion: String(resourceVersion) };
  const last = objects[index - 1];
  const token = { v: 'meta.k8s.io/v1', rv: resourceVersion, start: `${last === undefined ? '' : keyOf(last, namespace)}\u0000` };
  return {
    items,
    resourceVersion: String(resourceVersion),
    continueToken: encodeToken(token),
    ...(options.labels === undefined && options.fields === undefined ? { remaining: objects.length - index } : {}),
  };
}

function snapshot(core: ServerCore, { definition, namespace }: ListTarget, options: ListOptions, position: Position | undefined) {
  const { store } = core;
  const wanted = position?.resourceVersion ?? exactVersion(options) ?? -1;
  checkNotTooNew(store.resourceVersion, Math.max(wanted, Number(options.resourceVersion)));
  if (wanted === -1)
    return {
      objects: present(core, { definition, ...(namespace === undefined ? {} : { namespace }) }, options),
      resourceVersion: store.resourceVersion,
    };
  const objects = store.listAt(definition.storage, namespace, wanted);
  if (objects !== undefined) return { objects, resourceVersion: wanted };
  if (position === undefined) throw new StatusError(410, 'Expired', 'The resourceVersion for the provided list is too old.');
  throw tooOld(position);
}

/** The newest state; a list of one name looks at nothing else. */
function present({ store }: ServerCore, { definition, namespace }: ListTarget, options: ListOptions): readonly KubeObject[] {
  const name = onlyName(options);
  if (name === undefined || (definition.namespaced && namespace === undefined)) return store.list(definition.storage, namespace);
  const object = store.get(definition.storage, namespace ?? '', name);
  return object === undefined ? [] : [object];
}

function exactVersion({ resourceVersion, resourceVersionMatch }: ListOptions): number | undefined {
  if (resourceVersion !== '' && !/^\d+$/.test(resourceVersion))
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(resourceVersion)}: strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`,
    );
  return resourceVersionMatch === 'Exact' ? Number(resourceVersion) : undefined;
}

export function checkNotTooNew(current: number, wanted: number): void {
  if (wanted <= current) return;
  throw new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

function tooOld({ start }: Position): StatusError {
  const message =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
  return new StatusErrorWithMetadata(new StatusError(410, 'Expired', message), {
    continue: encodeToken({ v: 'meta.k8s.io/v1', rv: -1, start }),
  });
}

function positionOf({ continueToken, resourceVersion }: ListOptions): Position {
  let token: unknown;
  const bytes = Buffer.from(continueToken, 'base64url');
  try {
    token = JSON.parse(bytes.toString('utf8'));
  } catch {
    const first = goCharacter(bytes[0] ?? 0);
    throw badRequest(`invalid continue token: continue key is not valid: invalid character '${first}' looking for beginning of value`);
  }
  const { v, rv, start } = token as { readonly v?: unknown; readonly rv?: unknown; readonly start?: unknown };
  if (v !== 'meta.k8s.io/v1')
    throw badRequest(
      `invalid continue token: continue key is not valid: server does not recognize this encoded version ${JSON.stringify(v)}`,
    );
  if (typeof rv !== 'number' || rv === 0)
    throw badRequest('invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (typeof start !== 'string' || start === '')
    throw badRequest('invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)');
  if (resourceVersion !== '' && resourceVersion !== '0') throw badRequest('specifying resource version is not allowed when using continue');
  return { resourceVersion: Math.max(rv, -1), start };
}

/** A byte as Go quotes it. */
function goCharacter(byte: number): string {
  const hex = byte.toString(16).padStart(2, '0');
  if (byte < 0x20 || byte === 0x7f) return `\\x${hex}`;
  return byte >= 0x80 && byte <= 0xa0 ? `\\u00${hex}` : String.fromCharCode(byte);
}

function encodeToken(token: Readonly<Record<string, unknown>>): string {
  return Buffer.from(JSON.stringify(token), 'utf8').toString('base64url');
}

function keyOf({ metadata }: KubeObject, namespace: string | undefined): string {
  return namespace === undefined && metadata.namespace !== undefined ? `${metadata.namespace}/${metadata.name}` : metadata.name;
}
