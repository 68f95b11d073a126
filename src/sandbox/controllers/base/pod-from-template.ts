/** Pods as controllers make them from a template: `GetPodFromTemplate` of Kubernetes. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { controllerReference } from './ownership.ts';
import type { Labels, Pod, PodSpec, PodTemplate } from './workload-shapes.ts';

export interface PodPlan {
  readonly owner: KubeObject;
  readonly template: PodTemplate;
  /** Given for pods with an identity; else the API server makes one from the prefix. */
  readonly name?: string;
  /** `generateName`; absent, the owner's name and a dash. */
  readonly namePrefix?: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly finalizers?: readonly string[];
  readonly spec?: Partial<PodSpec>;
}

export function podFromTemplate(plan: PodPlan): Pod {
  const { owner, template, name } = plan;
  const finalizers = [...(template.metadata?.finalizers ?? []), ...(plan.finalizers ?? [])];
  const annotations = { ...template.metadata?.annotations, ...plan.annotations };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: name ?? '',
      generateName: plan.namePrefix ?? `${owner.metadata.name}-`,
      ...(owner.metadata.namespace === undefined ? {} : { namespace: owner.metadata.namespace }),
      labels: { ...template.metadata?.labels, ...plan.labels },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(finalizers.length === 0 ? {} : { finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: { ...template.spec, ...plan.spec },
  };
}
