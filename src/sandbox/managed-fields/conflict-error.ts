/**
 * The refusal of an apply that would change what others own.
 * @source kubernetes/apimachinery pkg/util/managedfields/internal/conflict.go, v0.34
 */
import { StatusError } from '../objects/status-error.ts';
import { pathsOf, type FieldSet } from './field-set.ts';
import type { Manager } from './managers.ts';
import { pathText, type PathElement } from './path-element.ts';

/** What one manager owns and the apply would change. */
export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

/** @param conflicts in the order of the managers' identifiers */
export class ApplyConflictError extends StatusError {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    const paths = conflicts.flatMap(({ manager, fields }) => pathsOf(fields).map((path) => ({ manager, path })));
    const causes = paths.map(({ manager, path }) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${managerText(manager)}`,
      field: pathText(path),
    }));
    super(409, 'Conflict', conflictText(paths), { causes });
    this.name = 'ApplyConflictError';
    this.conflicts = conflicts;
  }
}

function conflictText(paths: readonly { readonly manager: Manager; readonly path: readonly PathElement[] }[]): string {
  const [only] = paths;
  if (paths.length === 1 && only !== undefined) {
    return `Apply failed with 1 conflict: conflict with ${managerText(only.manager)}: ${pathText(only.path)}`;
  }
  const lines: string[] = [];
  let last: Manager | undefined;
  for (const { manager, path } of paths) {
    if (manager !== last) lines.push(`conflicts with ${managerText(manager)}:`);
    last = manager;
    lines.push(`- ${pathText(path)}`);
  }
  return `Apply failed with ${String(paths.length)} conflicts: ${lines.join('\n')}`;
}

function managerText({ manager, operation, apiVersion, subresource }: Manager): string {
  const name = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
