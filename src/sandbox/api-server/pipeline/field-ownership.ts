/** Which fields a write through a resource or a subresource never owns. */
import { resetFieldsOf } from '../../managed-fields/reset-fields.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';

export function resetFields(core: ServerCore, { definition, subresource }: WriteContext): readonly string[] {
  const { group, resource, subresources } = definition;
  // The strategy of custom resources names metadata as well, and yet the real server records what was written there.
  if (subresource === 'status' && core.registry.isCustom(definition)) return ['spec'];
  return resetFieldsOf({
    group,
    resource,
    subresource,
    custom: core.registry.isCustom(definition),
    hasStatus: subresources.some(({ name }) => name === 'status'),
  });
}
