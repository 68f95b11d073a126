/** Every namespace carries its own name as a label, for selectors. In a real server this is part of its defaults (kubernetes pkg/apis/core/v1/defaults.go). */
import type { KubeObject } from '../../objects/kube-object.ts';
import type { AdmissionRule } from '../admission-rule.ts';

const LABEL = 'kubernetes.io/metadata.name';

export function namespaceLabel(): AdmissionRule {
  return {
    mutate: ({ group, resource, subresource }, object) =>
      group === '' && resource === 'namespaces' && subresource === '' ? withLabel(object) : object,
  };
}

function withLabel(namespace: KubeObject): KubeObject {
  const { metadata } = namespace;
  if (metadata.name === '' || metadata.labels?.[LABEL] === metadata.name) return namespace;
  return { ...namespace, metadata: { ...metadata, labels: { ...metadata.labels, [LABEL]: metadata.name } } };
}
