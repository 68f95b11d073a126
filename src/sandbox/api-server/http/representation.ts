/** In which form a client wants its answer: objects, rows of a table, or metadata alone; as JSON or YAML. */
import { badRequest, StatusError } from '../../objects/status-error.ts';

export interface Representation {
  readonly form: 'object' | 'table' | 'metadata';
  readonly yaml: boolean;
  /** Of tables: what each row carries besides its cells. */
  readonly rowObject: 'Metadata' | 'Object' | 'None';
}

export const PLAIN: Representation = { form: 'object', yaml: false, rowObject: 'Metadata' };

const MEDIA_TYPES = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';

const STREAM_TYPES = 'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch';

/** The first media range of an Accept header that can be served; protobuf is passed over, every client takes JSON as well. */
export function negotiate(accept: string | undefined, query: URLSearchParams): Representation {
  const ranges = (accept ?? '*/*').split(',').map((range) => range.trim());
  for (const range of ranges.length === 1 && ranges[0] === '' ? ['*/*'] : ranges) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const form = formOf(parameters);
    if (form === undefined) continue;
    if (type === 'application/json' || type === '*/*') return representation(form, false, query);
    if (type === 'application/yaml') return representation(form, true, query);
  }
  throw refused(ranges);
}

function refused(ranges: readonly string[]): StatusError {
  const asked = ranges.some((range) => range.includes('as='));
  const message = asked
    ? `only the following media types are accepted: ${MEDIA_TYPES}`
    : `406: Not Acceptable\n\nAvailable representations: ${MEDIA_TYPES}, ${STREAM_TYPES}`;
  return asked ? new StatusError(406, 'NotAcceptable', message) : new StatusError(406, 'NotAcceptable', message, {});
}

function representation(form: Representation['form'], yaml: boolean, query: URLSearchParams): Representation {
  if (form !== 'table') return { ...PLAIN, form, yaml };
  const rowObject = query.get('includeObject') ?? '';
  if (rowObject !== '' && rowObject !== 'Metadata' && rowObject !== 'Object' && rowObject !== 'None')
    throw badRequest(
      `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(rowObject)}: must be 'Metadata', 'Object', 'None', or empty`,
    );
  return { form, yaml, rowObject: rowObject === '' ? 'Metadata' : rowObject };
}

/** @returns undefined for a form that is not served */
function formOf(parameters: readonly string[]): Representation['form'] | undefined {
  const values = new Map(parameters.map((parameter) => splitOnce(parameter)));
  const as = values.get('as');
  if (as === undefined) return 'object';
  if (values.get('g') !== 'meta.k8s.io' || (values.get('v') !== 'v1' && values.get('v') !== 'v1beta1')) return undefined;
  if (as === 'Table') return 'table';
  return as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList' ? 'metadata' : undefined;
}

function splitOnce(parameter: string): readonly [string, string] {
  const at = parameter.indexOf('=');
  return at === -1 ? [parameter, ''] : [parameter.slice(0, at).trim(), parameter.slice(at + 1).trim()];
}
