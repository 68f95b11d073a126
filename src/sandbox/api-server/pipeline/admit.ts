/** Hands a write to the admission chain and gathers its warnings. */
import type { AdmissionAttributes } from '../../admission/admission.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';

export interface Admitted {
  readonly operation: AdmissionAttributes['operation'];
  readonly name: string;
  readonly object?: KubeObject;
  readonly oldObject?: KubeObject;
}

/** @returns the object as webhooks and rules want it @throws StatusError */
export async function mutate(core: ServerCore, context: WriteContext, admitted: Admitted): Promise<KubeObject | undefined> {
  const { object, warnings } = await core.admission.mutate(attributesOf(context, admitted));
  context.warnings.push(...warnings);
  return object ?? admitted.object;
}

/** @throws StatusError */
export async function validate(core: ServerCore, context: WriteContext, admitted: Admitted): Promise<void> {
  context.warnings.push(...(await core.admission.validate(attributesOf(context, admitted))));
}

function attributesOf(context: WriteContext, { operation, name, object, oldObject }: Admitted): AdmissionAttributes {
  const { definition, namespace, subresource, user, dryRun, options } = context;
  return {
    operation,
    group: definition.group,
    version: definition.version,
    resource: definition.resource,
    kind: definition.kind,
    storage: definition.storage,
    subresource,
    // A namespace is in itself, as far as selectors of webhooks go.
    namespace: definition.storage === 'namespaces' ? name : namespace,
    name,
    ...(object === undefined ? {} : { object }),
    ...(oldObject === undefined ? {} : { oldObject }),
    user,
    dryRun,
    ...(options === undefined ? {} : { options }),
  };
}
