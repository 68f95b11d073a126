/**
 * Pods must keep to the level that their namespace's labels name. As pod-security-admission, v0.34 (policy/check_*.go), but for
 * SELinux, AppArmor, Windows, and hosts of probes; other versions than the latest are checked as the latest.
 */
import type { ClusterView } from '../../cluster/cluster-view.ts';
import { at, isRecord, type Json } from '../../resources/json-tree.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { isPod, refuse, type AdmissionRule } from '../admission-rule.ts';
import { evaluatePodSecurity } from './pod-security-checks.ts';

const PREFIX = 'pod-security.kubernetes.io/';

/** Where the pod's template is, by the resource that makes pods of it. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  pods: [],
  podtemplates: ['template'],
  replicationcontrollers: ['spec', 'template'],
  'deployments.apps': ['spec', 'template'],
  'replicasets.apps': ['spec', 'template'],
  'statefulsets.apps': ['spec', 'template'],
  'daemonsets.apps': ['spec', 'template'],
  'jobs.batch': ['spec', 'template'],
  'cronjobs.batch': ['spec', 'jobTemplate', 'spec', 'template'],
};

export function podSecurity(view: Pick<ClusterView, 'get'>): AdmissionRule {
  return {
    validate: (attributes) => {
      if (!isPod(attributes) || attributes.operation !== 'CREATE') return;
      const violation = violationOf(view, attributes, 'enforce');
      if (violation !== undefined) throw refuse(attributes, `violates ${violation}`);
    },
    warn: (attributes) => {
      const writes = attributes.operation === 'CREATE' || (attributes.operation === 'UPDATE' && !isPod(attributes));
      const violation = writes && attributes.subresource === '' ? violationOf(view, attributes, 'warn') : undefined;
      return violation === undefined ? [] : [`would violate ${violation}`];
    },
  };
}

/** `PodSecurity "restricted:latest": …`; undefined when the pod may be. */
function violationOf(view: Pick<ClusterView, 'get'>, attributes: AdmissionAttributes, mode: 'enforce' | 'warn'): string | undefined {
  const path = TEMPLATES[attributes.storage];
  if (path === undefined || attributes.object === undefined) return undefined;
  const labels = view.get('namespaces', attributes.namespace)?.metadata.labels ?? {};
  const level = labels[`${PREFIX}${mode}`];
  if (level !== 'baseline' && level !== 'restricted') return undefined;
  const template: unknown = path.length === 0 ? attributes.object : at(attributes.object, ...path);
  const spec: Json = isRecord(template) && isRecord(template['spec']) ? template['spec'] : {};
  const found = evaluatePodSecurity(spec, level);
  if (found.length === 0) return undefined;
  return `PodSecurity ${JSON.stringify(`${level}:${labels[`${PREFIX}${mode}-version`] ?? 'latest'}`)}: ${found.join(', ')}`;
}
