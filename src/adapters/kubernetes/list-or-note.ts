/** Lists objects of one kind; what may not be read is noted, and counts as unknown. */
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import type { Unread } from '../../core/mesh/mesh-objects.ts';
import { Problem } from '../../core/problems/problem.ts';
import type { KubeClient } from './kube-client.ts';
import { errorLine, isNotFound, KubeStatusError } from './kube-errors.ts';
import { resourceRequest, type Resource } from './resource-paths.ts';

/** Where it is told what could not be read. */
export interface ReadNotes {
  readonly unread: Unread[];
  /** Whatever else fails is noted too, in place of being thrown: for a look that has an answer all the same. */
  readonly failuresToo: boolean;
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly accept?: string;
  /** A kind that clusters need not serve. */
  readonly optional?: boolean;
}

/** @returns nothing, with a note in `unread`, where there is no permission or the kind is not served though it must be */
export async function listOrNote<T extends KubeObject>(
  client: KubeClient,
  resource: Resource,
  options: ListOptions,
  notes: ReadNotes,
): Promise<T[]> {
  try {
    return await client.list<T>({
      ...resourceRequest(resource, 'list', options.namespace === undefined ? {} : { namespace: options.namespace }),
      query: { labelSelector: options.labelSelector },
      ...(options.accept === undefined ? {} : { accept: options.accept }),
    });
  } catch (error) {
    if (isNotFound(error)) {
      if (options.optional !== true) notes.unread.push({ what: whatText(resource, options), why: 'the API server does not serve it' });
      return [];
    }
    if (isForbidden(error)) {
      notes.unread.push({
        what: whatText(resource, options),
        why: 'no permission',
        missingRule: {
          verb: 'list',
          group: resource.group,
          resource: resource.plural,
          ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
        },
      });
      return [];
    }
    noteOrThrow(error, whatText(resource, options), notes);
    return [];
  }
}

export function noteOrThrow(error: unknown, what: string, notes: ReadNotes): void {
  if (!notes.failuresToo) throw error;
  notes.unread.push({ what, why: errorLine(error) });
}

function whatText(resource: Resource, options: ListOptions): string {
  const name = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
  if (!resource.namespaced) return name;
  return `${name} ${options.namespace === undefined ? 'in all namespaces' : `in ${options.namespace}`}`;
}

export function isForbidden(error: unknown): boolean {
  return (error instanceof Problem && error.code === 'KUBE-005') || (error instanceof KubeStatusError && error.status === 403);
}
