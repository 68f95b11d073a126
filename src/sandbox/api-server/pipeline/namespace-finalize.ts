/** The finalize subresource of namespaces: the only way to change their finalizers. */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { ServerCore, WriteContext } from '../server-core.ts';
import { updateObject } from './update-object.ts';

/** The namespace goes when it is being deleted and the last finalizer has gone. @throws StatusError */
export function finalizeNamespace(core: ServerCore, context: WriteContext, name: string, written: KubeObject): Promise<KubeObject> {
  const finalizers = ((written['spec'] ?? {}) as { readonly finalizers?: readonly string[] }).finalizers ?? [];
  const compute = (live: KubeObject): KubeObject => {
    const { finalizers: _finalizers, ...spec } = (live['spec'] ?? {}) as Readonly<Record<string, unknown>>;
    const { resourceVersion, uid } = written.metadata;
    return {
      ...live,
      metadata: {
        ...live.metadata,
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        ...(uid === undefined ? {} : { uid }),
      },
      spec: finalizers.length === 0 ? spec : { ...spec, finalizers },
    };
  };
  return updateObject(core, context, name, { compute, trusted: true });
}
