/** The options of a DELETE: from its body when it has one, else from its query. */
import { invalid, StatusError } from '../../objects/status-error.ts';
import { decodeProtobuf } from '../../schema/decode-protobuf.ts';
import { parseJsonStrict } from '../../schema/parse-json-strict.ts';
import { mediaTypeOf, parseYaml } from './decode-body.ts';
import type { Deletion } from '../pipeline/delete-options.ts';
import type { Exchange } from './exchange.ts';
import { integer, truth } from '../pipeline/list-options.ts';
import { readBody } from './read-body.ts';
import { dryRunErrors, readWriteOptions, type WriteOptions } from './write-options.ts';

interface BodyOptions {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly dryRun?: readonly string[];
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface DeletionRequest {
  readonly deletion: Deletion;
  readonly options: WriteOptions;
}

/** @throws StatusError 400, 415, 422 or 500, as the real server answers */
export async function readDeletion({ message, query }: Exchange): Promise<DeletionRequest> {
  const body = await readBody(message);
  const userAgent = message.headers['user-agent'];
  if (body.byteLength === 0) return { deletion: fromQuery(query), options: readWriteOptions('DeleteOptions', query, userAgent) };
  const sent = decodeOptions(body, message.headers['content-type']);
  const dryRun = sent.dryRun ?? [];
  const errors = dryRunErrors(dryRun);
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', resource: '', kind: 'DeleteOptions' }, '', errors);
  // A body makes the query count for nothing.
  const options = { ...readWriteOptions('DeleteOptions', new URLSearchParams(), userAgent), dryRun: dryRun.length > 0 };
  return { deletion: fromBody(sent), options };
}

function fromQuery(query: URLSearchParams): Deletion {
  const gracePeriodSeconds = integer(query.get('gracePeriodSeconds'));
  const propagationPolicy = query.get('propagationPolicy');
  const orphanDependents = query.get('orphanDependents');
  return {
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === null ? {} : { propagationPolicy }),
    ...(orphanDependents === null ? {} : { orphanDependents: truth(orphanDependents) }),
  };
}

export function fromBody({ gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions }: BodyOptions): Deletion {
  const { uid, resourceVersion } = preconditions ?? {};
  return {
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

function decodeOptions(body: Buffer, contentType: string | undefined): BodyOptions {
  const mediaType = mediaTypeOf(contentType);
  if (mediaType === 'protobuf') return decodeProtobuf(body) as unknown as BodyOptions;
  const text = body.toString('utf8');
  const value =
    mediaType === 'json' ? jsonOptions(text) : parseYaml(text, (why) => new StatusError(500, '', `couldn't get version/kind; ${why}`));
  const sent = (typeof value === 'object' && value !== null ? value : {}) as BodyOptions;
  if (sent.kind !== undefined && sent.kind !== '' && sent.kind !== 'DeleteOptions')
    throw new StatusError(
      500,
      '',
      `no kind ${JSON.stringify(sent.kind)} is registered for version ${JSON.stringify(sent.apiVersion ?? '')} in scheme "pkg/runtime/scheme.go:110"`,
    );
  return sent;
}

function jsonOptions(text: string): unknown {
  try {
    return parseJsonStrict(text).value;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StatusError(500, '', `couldn't get version/kind; json parse error: ${why}`);
  }
}
