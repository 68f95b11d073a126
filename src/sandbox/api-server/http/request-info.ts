/** What a request is about, read from its method and path alone (apiserver, pkg/endpoints/request/requestinfo.go, v0.34). */

export interface ResourceRequest {
  /** '' for methods that Kubernetes does not know. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  /** '' when the path has none. */
  readonly namespace: string;
  readonly resource: string;
  /** '' for collections. */
  readonly name: string;
  readonly subresource: string;
  /** What follows the subresource, as with `proxy`. */
  readonly rest: readonly string[];
}

/** Subresources of namespaces; anything else after a namespace's name is a resource in it. */
const OF_NAMESPACES: ReadonlySet<string> = new Set(['status', 'finalize']);

/** @returns undefined for a path that is about no resource, such as `/version` or `/apis/apps/v1` */
export function readRequestInfo(method: string, path: string, query: URLSearchParams): ResourceRequest | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const [prefix, ...afterPrefix] = parts;
  if (prefix === 'api') return read({ method, query, group: '', version: afterPrefix[0] ?? '', parts: afterPrefix.slice(1) });
  if (prefix !== 'apis') return undefined;
  return read({ method, query, group: afterPrefix[0] ?? '', version: afterPrefix[1] ?? '', parts: afterPrefix.slice(2) });
}

interface Pieces {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly group: string;
  readonly version: string;
  readonly parts: readonly string[];
}

function read({ method, query, group, version, parts }: Pieces): ResourceRequest | undefined {
  const [first = '', second = '', third = ''] = parts;
  if (first === '') return undefined;
  const inNamespace = first === 'namespaces' && third !== '' && !OF_NAMESPACES.has(third);
  const [resource = '', name = '', subresource = '', ...rest] = inNamespace ? parts.slice(2) : parts;
  const namespace = first === 'namespaces' ? second : '';
  const verb = verbOf(method, name, query);
  const named = name === '' && (verb === 'list' || verb === 'watch' || verb === 'deletecollection') ? selectedName(query) : name;
  return { verb, group, version, namespace, resource, name: named, subresource, rest };
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    case 'GET':
    case 'HEAD':
      if (name !== '') return 'get';
      return isTrue(query.get('watch')) ? 'watch' : 'list';
    default:
      return '';
  }
}

/** A list of one name counts as about that name when rights are asked for. */
function selectedName(query: URLSearchParams): string {
  const [, name = ''] = /(?:^|,)metadata\.name==?([^,=!\\]+)(?:,|$)/.exec(query.get('fieldSelector') ?? '') ?? [];
  return name;
}

function isTrue(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0';
}
