/** What every namespace has: the ServiceAccount `default` and the CA in `kube-root-ca.crt`. */
import type { GroupResource, KubeObject } from '../../objects/kube-object.ts';
import { type Controller, type ControllerContext, defineController, isAlreadyExists, isNamespaceTerminating } from '../base/controller.ts';
import { sameContent } from '../base/stable-hash.ts';

interface Content {
  readonly controller: string;
  readonly resource: GroupResource;
  readonly object: (namespace: string) => KubeObject;
  /** What is put back when somebody changes it. */
  readonly kept?: readonly string[];
}

export function createServiceAccountController(context: ControllerContext): Controller {
  return keepInNamespaces(context, {
    controller: 'serviceaccount-controller',
    resource: 'serviceaccounts',
    object: (namespace) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }),
  });
}

/** @param caCertificate PEM */
export function createRootCaPublisher(context: ControllerContext, caCertificate: string): Controller {
  const description =
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. ' +
    'No other usage is guaranteed across distributions of Kubernetes clusters.';
  return keepInNamespaces(context, {
    controller: 'root-ca-certificate-publisher',
    resource: 'configmaps',
    kept: ['data'],
    object: (namespace) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kube-root-ca.crt', namespace, annotations: { 'kubernetes.io/description': description } },
      data: { 'ca.crt': caCertificate },
    }),
  });
}

function keepInNamespaces(context: ControllerContext, { controller, resource, object, kept = [] }: Content): Controller {
  const { cluster, writer } = context;
  const { name } = object('').metadata;
  return defineController(context, {
    name: controller,
    watches: [
      { resource: 'namespaces', onChange: (change, queue) => queue.add(change.object.metadata.name) },
      {
        resource,
        onChange: (change, queue) => {
          const { metadata } = change.object;
          if (metadata.name === name && metadata.namespace !== undefined && change.type !== 'ADDED') queue.add(metadata.namespace);
        },
      },
    ],
    reconcile: async (namespace) => {
      const parent = cluster.get('namespaces', namespace);
      if (parent === undefined || parent.metadata.deletionTimestamp !== undefined) return;
      const present = cluster.get(resource, name, namespace);
      const wanted = object(namespace);
      try {
        if (present === undefined) await writer.create(resource, wanted);
        else if (kept.some((field) => !sameContent(present[field], wanted[field]))) {
          await writer.update(resource, { ...present, ...Object.fromEntries(kept.map((field) => [field, wanted[field]])) });
        }
      } catch (error) {
        if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
      }
    },
  });
}
