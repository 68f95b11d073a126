/** What a dry run must not use up. */
import type { Allocator } from '../../resources/resource-definition.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';

export function allocatorOf({ allocator }: ServerCore, { dryRun }: WriteContext): Allocator {
  return dryRun ? (allocator.preview?.() ?? allocator) : allocator;
}
