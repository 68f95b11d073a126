/** PUT: the whole object, as the client wants it. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { badRequest } from '../../objects/status-error.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import { createObject } from './create-object.ts';
import { updateObject } from './update-object.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';

/** A PUT of one that is not there creates it: `AllowCreateOnUpdate` of their strategies (v1.34). */
const CREATED_ON_UPDATE: ReadonlySet<string> = new Set([
  'endpoints',
  'events',
  'limitranges',
  'services',
  'leases.coordination.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'roles.rbac.authorization.k8s.io',
]);

export function isCreatedOnUpdate({ storage }: Pick<ResourceDefinition, 'storage'>): boolean {
  return CREATED_ON_UPDATE.has(storage);
}

export interface Replaced {
  readonly object: KubeObject;
  readonly created: boolean;
}

/** @param object decoded; its name and namespace must be those of the request @throws StatusError */
export async function replaceObject(core: ServerCore, context: WriteContext, name: string, object: KubeObject): Promise<Replaced> {
  const { definition, namespace } = context;
  const sent = object.metadata;
  if (sent.name === '') throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (sent.name !== name) throw badRequest(`the name of the object (${sent.name}) does not match the name on the URL (${name})`);
  if (definition.namespaced && (sent.namespace ?? '') !== '' && sent.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  const exists = core.store.get(definition.storage, namespace, name) !== undefined;
  if (exists || context.subresource !== '' || !isCreatedOnUpdate(definition))
    return { object: await updateObject(core, context, name, { compute: () => object }), created: false };
  // Whoever read it before it went away may still make it anew.
  const { resourceVersion: _gone, ...metadata } = sent;
  return { object: await createObject(core, context, { ...object, metadata }), created: true };
}
