/** Pods stay five minutes on a node that is gone, unless they say otherwise. As kubernetes plugin/pkg/admission/defaulttolerationseconds, v1.34. */
import { record, records, text, type Json } from '../../resources/json-tree.ts';
import { isPod, type AdmissionRule } from '../admission-rule.ts';

const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const;
const TOLERATION_SECONDS = 300;

export function podTolerations(): AdmissionRule {
  return {
    mutate: (attributes, pod) => {
      if (!isPod(attributes)) return pod;
      const spec = record(pod['spec']);
      const tolerations = records(spec['tolerations']);
      const added = TAINTS.filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint))).map((key) => ({
        key,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: TOLERATION_SECONDS,
      }));
      return added.length === 0 ? pod : { ...pod, spec: { ...spec, tolerations: [...tolerations, ...added] } };
    },
  };
}

function tolerates(toleration: Json, taint: string): boolean {
  const key = text(toleration['key']);
  const effect = text(toleration['effect']);
  return (key === taint || key === '') && (effect === 'NoExecute' || effect === '');
}
