/** Defaults of what makes pods, as pkg/apis/apps/v1/defaults.go and pkg/apis/batch/v1/defaults.go of Kubernetes 1.34 set them. */
import { absent, at, changeEach, changeField, fill, record, text, without, type Json } from '../json-tree.ts';
import { templateDefaults } from './pod-defaults.ts';

/** Counts that one kind leaves out when they are 0, though others write them. */
function withoutZeros<T extends Json>(object: T, ...fields: readonly string[]): T {
  return changeField(object, 'status', (status) => without(status, ...fields.filter((field) => status[field] === 0)));
}

export function deploymentDefaults<T extends Json>(object: T): T {
  return changeField(withoutZeros(fill(object, { spec: {}, status: {} }), 'replicas', 'availableReplicas'), 'spec', (spec) => {
    const filled = fill(templateDefaults(spec), { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    return changeField(filled, 'strategy', (strategy) => {
      const typed = fill(strategy, { type: 'RollingUpdate' });
      if (typed['type'] !== 'RollingUpdate') return typed;
      return changeField(fill(typed, { rollingUpdate: {} }), 'rollingUpdate', (rolling) =>
        fill(rolling, { maxUnavailable: '25%', maxSurge: '25%' }),
      );
    });
  });
}

export function replicaSetDefaults<T extends Json>(object: T): T {
  const filled = withoutZeros(fill(object, { spec: {}, status: { replicas: 0 } }), 'availableReplicas');
  return changeField(filled, 'spec', (spec) => fill(templateDefaults(spec), { replicas: 1 }));
}

export function statefulSetDefaults<T extends Json>(object: T): T {
  const filled = changeField(fill(object, { spec: {}, status: {} }), 'status', (status) =>
    fill(status, { replicas: 0, availableReplicas: 0 }),
  );
  return changeField(filled, 'spec', (spec) => {
    const next = fill(templateDefaults(spec), {
      replicas: 1,
      serviceName: '',
      podManagementPolicy: 'OrderedReady',
      updateStrategy: {},
      revisionHistoryLimit: 10,
      persistentVolumeClaimRetentionPolicy: {},
    });
    const retained = changeField(next, 'persistentVolumeClaimRetentionPolicy', (policy) =>
      fill(policy, { whenDeleted: 'Retain', whenScaled: 'Retain' }),
    );
    return changeEach(changeField(retained, 'updateStrategy', partitioned), 'volumeClaimTemplates', (claim) =>
      claimDefaults(fill(claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim' })),
    );
  });
}

function partitioned(strategy: Json): Json {
  const typed = fill(strategy, { type: 'RollingUpdate' });
  if (typed['type'] !== 'RollingUpdate') return typed;
  return changeField(fill(typed, { rollingUpdate: {} }), 'rollingUpdate', (rolling) => fill(rolling, { partition: 0 }));
}

export function daemonSetDefaults<T extends Json>(object: T): T {
  const status = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };
  const filled = changeField(fill(object, { spec: {}, status: {} }), 'status', (given) => fill(given, status));
  return changeField(filled, 'spec', (spec) => {
    const next = fill(templateDefaults(spec), { updateStrategy: {}, revisionHistoryLimit: 10 });
    return changeField(next, 'updateStrategy', (strategy) => {
      const typed = fill(strategy, { type: 'RollingUpdate' });
      if (typed['type'] !== 'RollingUpdate') return typed;
      return changeField(fill(typed, { rollingUpdate: {} }), 'rollingUpdate', (rolling) =>
        fill(rolling, { maxUnavailable: 1, maxSurge: 0 }),
      );
    });
  });
}

export function jobDefaults<T extends Json>(object: T): T {
  const labels = at(object, 'spec', 'template', 'metadata', 'labels');
  const metadata = record(object['metadata']);
  const labelled = absent(metadata['labels']) && labels !== undefined ? { ...object, metadata: { ...metadata, labels } } : object;
  return changeField(fill(labelled, { spec: {}, status: {} }), 'spec', (spec) => {
    const single = absent(spec['completions']) && absent(spec['parallelism']) ? { completions: 1 } : {};
    const perIndex = absent(spec['backoffLimitPerIndex']) ? 6 : 2_147_483_647;
    return fill(podFailureDefaults(templateDefaults(spec)), {
      ...single,
      parallelism: 1,
      backoffLimit: perIndex,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: absent(spec['podFailurePolicy']) ? 'TerminatingOrFailed' : 'Failed',
    });
  });
}

function podFailureDefaults(spec: Json): Json {
  return changeField(spec, 'podFailurePolicy', (policy) =>
    changeEach(policy, 'rules', (rule) => changeEach(rule, 'onPodConditions', (condition) => fill(condition, { status: 'True' }))),
  );
}

export function cronJobDefaults<T extends Json>(object: T): T {
  return changeField(fill(object, { spec: {}, status: {} }), 'spec', (spec) => {
    const filled = fill(spec, { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
    return changeField(filled, 'jobTemplate', (template) =>
      changeField(fill(template, { metadata: {} }), 'spec', (jobSpec) => podFailureDefaults(templateDefaults(jobSpec))),
    );
  });
}

export function replicationControllerDefaults<T extends Json>(object: T): T {
  const labels = at(object, 'spec', 'template', 'metadata', 'labels');
  const metadata = record(object['metadata']);
  const labelled = absent(metadata['labels']) && labels !== undefined ? { ...object, metadata: { ...metadata, labels } } : object;
  return changeField(fill(labelled, { status: { replicas: 0 } }), 'spec', (spec) =>
    fill(templateDefaults(spec), { replicas: 1, selector: labels }),
  );
}

export function podTemplateDefaults<T extends Json>(object: T): T {
  return templateDefaults(object) as T;
}

export function claimDefaults<T extends Json>(claim: T): T {
  const filled = changeField(fill(claim, { status: {} }), 'status', (status) => fill(status, { phase: 'Pending' }));
  return changeField(filled, 'spec', (spec) => {
    const next = fill(spec, { volumeMode: 'Filesystem', resources: {} });
    const source = record(next['dataSource']);
    if (Object.keys(source).length === 0) return next;
    const named = fill(next, { dataSourceRef: source });
    const grouped = (ref: Json): Json => ({ ...ref, apiGroup: ref['apiGroup'] ?? null });
    return changeField(changeField(named, 'dataSource', grouped), 'dataSourceRef', grouped);
  });
}

/** Limits of a kind of thing: what is missing follows from the maximum and the minimum. */
export function limitRangeDefaults<T extends Json>(object: T): T {
  return changeField(object, 'spec', (spec) =>
    changeEach(spec, 'limits', (limit) => {
      if (text(limit['type']) !== 'Container') return limit;
      const limits = fill(record(limit['default']), record(limit['max']));
      const requests = fill(fill(record(limit['defaultRequest']), limits), record(limit['min']));
      const some = (values: Json): Json | undefined => (Object.keys(values).length === 0 ? undefined : values);
      return { ...limit, ...(some(limits) && { default: limits }), ...(some(requests) && { defaultRequest: requests }) };
    }),
  );
}
