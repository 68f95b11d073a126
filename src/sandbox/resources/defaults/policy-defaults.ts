/** Defaults of autoscalers, access rules, webhooks, admission policies and other rules, as Kubernetes 1.34 sets them. */
import { absent, at, changeEach, changeField, fill, integer, isRecord, list, record, text, without, type Json } from '../json-tree.ts';
import { canonicalQuantity } from '../quantity.ts';

/** autoscaling/v2. */
export function autoscalerDefaults<T extends Json>(object: T): T {
  const filled = changeField(fill(object, { status: {} }), 'status', (status) => ({
    desiredReplicas: 0,
    ...status,
    currentMetrics: status['currentMetrics'] ?? null,
  }));
  return changeField(filled, 'spec', (spec) => {
    const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };
    const next = fill(spec, { minReplicas: 1, metrics: [cpu] });
    const measured = changeEach(next, 'metrics', metricQuantities);
    return changeField(measured, 'behavior', scaling);
  });
}

function metricQuantities(metric: Json): Json {
  let next = metric;
  for (const kind of ['resource', 'containerResource', 'pods', 'object', 'external']) {
    next = changeField(next, kind, (source) => {
      return changeField(source, 'target', (target) =>
        absent(target['value']) ? target : { ...target, value: canonicalQuantity(target['value'] as string) },
      );
    });
  }
  return next;
}

const UP = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};
const DOWN = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] };

function scaling(behavior: Json): Json {
  return { ...behavior, scaleUp: fill(record(behavior['scaleUp']), UP), scaleDown: fill(record(behavior['scaleDown']), DOWN) };
}

/** A condition always has its message, also an empty one. */
export function budgetDefaults<T extends Json>(object: T): T {
  const counts = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  return changeField(fill(object, { status: {} }), 'status', (status) =>
    changeEach(fill(status, counts), 'conditions', (condition) => fill(condition, { message: '' })),
  );
}

const RBAC = 'rbac.authorization.k8s.io';

export function bindingDefaults<T extends Json>(object: T): T {
  const role = changeField(object, 'roleRef', (ref) => fill(ref, { apiGroup: RBAC }));
  return changeEach(role, 'subjects', (subject) => (subject['kind'] === 'ServiceAccount' ? subject : fill(subject, { apiGroup: RBAC })));
}

/** Roles always have the field, even when it is null. */
export function roleDefaults<T extends Json>(object: T): T {
  return { ...object, rules: object['rules'] ?? null };
}

export function mutatingWebhookDefaults<T extends Json>(object: T): T {
  return changeEach(object, 'webhooks', (webhook) => fill(webhookDefaults(webhook), { reinvocationPolicy: 'Never' }));
}

export function validatingWebhookDefaults<T extends Json>(object: T): T {
  return changeEach(object, 'webhooks', webhookDefaults);
}

function webhookDefaults(webhook: Json): Json {
  const filled = fill(webhook, {
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
  });
  const client = changeField(filled, 'clientConfig', (config) => changeField(config, 'service', (service) => fill(service, { port: 443 })));
  return changeEach(client, 'rules', ruleDefaults);
}

function ruleDefaults(rule: Json): Json {
  return fill(rule, { scope: '*' });
}

function matchResources(resources: Json): Json {
  const filled = fill(resources, { namespaceSelector: {}, objectSelector: {}, matchPolicy: 'Equivalent' });
  return changeEach(changeEach(filled, 'resourceRules', ruleDefaults), 'excludeResourceRules', ruleDefaults);
}

export function admissionPolicyDefaults<T extends Json>(object: T): T {
  return changeField(fill(object, { status: {} }), 'spec', (spec) =>
    changeField(fill(spec, { failurePolicy: 'Fail' }), 'matchConstraints', matchResources),
  );
}

export function admissionPolicyBindingDefaults<T extends Json>(object: T): T {
  return changeField(object, 'spec', (spec) => changeField(spec, 'matchResources', matchResources));
}

/** Names, conversion and the stored version of a CRD; the fields of its status are always there. */
export function crdDefaults<T extends Json>(object: T): T {
  const filled = changeField(object, 'spec', (spec) => {
    const named = changeField(fill(spec, { conversion: { strategy: 'None' } }), 'names', (names) => {
      const kind = text(names['kind']);
      return fill(names, { singular: kind.toLowerCase(), ...(kind === '' ? {} : { listKind: `${kind}List` }) });
    });
    return changeField(named, 'conversion', (conversion) =>
      changeField(conversion, 'webhook', (webhook) =>
        changeField(webhook, 'clientConfig', (config) => changeField(config, 'service', (service) => fill(service, { port: 443 }))),
      ),
    );
  });
  const versioned = changeField(filled, 'spec', (spec) =>
    changeEach(spec, 'versions', (version) =>
      changeEach(version, 'additionalPrinterColumns', (column) => (column['priority'] === 0 ? without(column, 'priority') : column)),
    ),
  );
  const status = record(filled['status']);
  const stored = list(at(filled, 'spec', 'versions'))
    .map(record)
    .filter((version) => version['storage'] === true)
    .map((version) => text(version['name']));
  const storedVersions = list(status['storedVersions']).length > 0 ? status['storedVersions'] : stored;
  const names = fill(record(status['acceptedNames']), { plural: '', kind: '' });
  return { ...versioned, status: { ...status, conditions: status['conditions'] ?? null, acceptedNames: names, storedVersions } };
}

export function storageClassDefaults<T extends Json>(object: T): T {
  return fill(object, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
}

export function persistentVolumeDefaults<T extends Json>(object: T): T {
  const filled = changeField(fill(object, { status: {} }), 'status', (status) => fill(status, { phase: 'Pending' }));
  return changeField(filled, 'spec', (spec) =>
    changeField(fill(spec, { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }), 'hostPath', (path) =>
      fill(path, { type: '' }),
    ),
  );
}

export function csiDriverDefaults<T extends Json>(object: T): T {
  return changeField(object, 'spec', (spec) =>
    fill(spec, {
      attachRequired: true,
      podInfoOnMount: false,
      volumeLifecycleModes: ['Persistent'],
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      requiresRepublish: false,
      seLinuxMount: false,
    }),
  );
}

export function priorityClassDefaults<T extends Json>(object: T): T {
  return fill(object, { preemptionPolicy: 'PreemptLowerPriority', value: 0 });
}

export function apiServiceDefaults<T extends Json>(object: T): T {
  return changeField(fill(object, { status: {} }), 'spec', (spec) =>
    changeField(spec, 'service', (service) => fill(service, { port: 443 })),
  );
}

export function flowSchemaDefaults<T extends Json>(object: T): T {
  return changeField(fill(object, { status: {} }), 'spec', (spec) =>
    integer(spec['matchingPrecedence']) === 0 ? { ...spec, matchingPrecedence: 1000 } : spec,
  );
}

const NODE_INFO = {
  machineID: '',
  systemUUID: '',
  bootID: '',
  kernelVersion: '',
  osImage: '',
  containerRuntimeVersion: '',
  kubeletVersion: '',
  kubeProxyVersion: '',
  operatingSystem: '',
  architecture: '',
};

/** Every field of a node's description is written, even when it is empty. */
export function nodeDefaults<T extends Json>(object: T): T {
  const filled = fill(object, { spec: {}, status: {} });
  return changeField(filled, 'status', (status) => {
    const allocatable = isRecord(status['capacity']) ? { allocatable: status['capacity'] } : {};
    const next = fill(status, { ...allocatable, daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, nodeInfo: NODE_INFO });
    return changeField(next, 'nodeInfo', (info) => fill(info, NODE_INFO));
  });
}

/** Each namespace carries its own name as a label. */
export function namespaceDefaults<T extends Json>(object: T): T {
  const metadata = record(object['metadata']);
  const name = text(metadata['name']);
  const labels = name === '' ? metadata['labels'] : { ...record(metadata['labels']), 'kubernetes.io/metadata.name': name };
  const labelled = labels === undefined ? object : { ...object, metadata: { ...metadata, labels } };
  return changeField(fill(labelled, { spec: {}, status: {} }), 'status', (status) => fill(status, { phase: 'Active' }));
}
