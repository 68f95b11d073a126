import type { AccessAnswer, AccessRule } from '../../core/permissions/access-rules.ts';
import type { KubeObject, ObjectRef, Pod, PodController } from '../../core/mesh/kube-objects.ts';
import type { IstiodReport, MeshObjects } from '../../core/mesh/mesh-objects.ts';
import type { WorkloadRef } from '../../core/mesh/mesh-inventory.ts';
import type { ClusterReader, MeshScope } from '../../ports/cluster.ts';
import type { KubeClient } from './kube-client.ts';
import { isNotFound } from './kube-errors.ts';
import { readGatewayObjects, readReadyPods } from './read-gateways.ts';
import { isIstiodPod, readMeshObjects } from './read-mesh-objects.ts';
import { readIstiods } from './read-istiods.ts';
import { known, resourceOf, resourceRequest } from './resource-paths.ts';

/** CRDs of Istio up to 1.31, for clusters in which all CRDs together would be a very long list. */
const ISTIO_CRDS = [
  ...[
    'destinationrules',
    'envoyfilters',
    'gateways',
    'proxyconfigs',
    'serviceentries',
    'sidecars',
    'virtualservices',
    'workloadentries',
    'workloadgroups',
  ].map((plural) => `${plural}.networking.istio.io`),
  ...['authorizationpolicies', 'peerauthentications', 'requestauthentications'].map((plural) => `${plural}.security.istio.io`),
  'telemetries.telemetry.istio.io',
  'wasmplugins.extensions.istio.io',
  'trafficextensions.extensions.istio.io',
];

/** Kinds that Istio's control plane charts make. */
const CONTROL_PLANE_KINDS: readonly (readonly [apiVersion: string, kind: string, inIstioNamespace: boolean])[] = [
  ['apps/v1', 'Deployment', true],
  ['apps/v1', 'DaemonSet', true],
  ['v1', 'Service', true],
  ['v1', 'ConfigMap', true],
  ['v1', 'ServiceAccount', true],
  ['autoscaling/v2', 'HorizontalPodAutoscaler', true],
  ['policy/v1', 'PodDisruptionBudget', true],
  ['networking.k8s.io/v1', 'NetworkPolicy', true],
  ['rbac.authorization.k8s.io/v1', 'Role', true],
  ['rbac.authorization.k8s.io/v1', 'RoleBinding', true],
  ['rbac.authorization.k8s.io/v1', 'ClusterRole', false],
  ['rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', false],
  ['admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', false],
  ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', false],
];

export interface KubeClusterOptions {
  readonly istioNamespace: string;
  readonly clusterName: string;
}

export class KubeClusterReader implements ClusterReader {
  readonly #client: KubeClient;
  readonly #options: KubeClusterOptions;

  constructor(client: KubeClient, options: KubeClusterOptions) {
    this.#client = client;
    this.#options = options;
  }

  readMesh(scope: MeshScope): Promise<MeshObjects> {
    return readMeshObjects({ client: this.#client, ...this.#options, nowMs: Date.now }, scope);
  }

  async readIstioCrds(): Promise<readonly KubeObject[]> {
    const crds = await Promise.all(
      ISTIO_CRDS.map((name) => this.readObject({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name })),
    );
    return crds.filter((crd) => crd !== undefined);
  }

  async readControlPlaneObjects(): Promise<readonly KubeObject[]> {
    const lists = await Promise.all(
      CONTROL_PLANE_KINDS.map(([apiVersion, kind, inNamespace]) =>
        this.#client.list({
          ...resourceRequest(known(apiVersion, kind), 'list', inNamespace ? { namespace: this.#options.istioNamespace } : {}),
        }),
      ),
    );
    return lists.flat();
  }

  async readAccess(rules: readonly AccessRule[]): Promise<readonly AccessAnswer[]> {
    return Promise.all(rules.map((rule) => this.#mayI(rule)));
  }

  async #mayI(rule: AccessRule): Promise<AccessAnswer> {
    const [resource, subresource] = rule.resource.split('/');
    const resourceAttributes = {
      verb: rule.verb,
      group: rule.group,
      resource,
      ...(subresource === undefined ? {} : { subresource }),
      ...(rule.name === undefined ? {} : { name: rule.name }),
      ...(rule.where === 'istio' ? { namespace: this.#options.istioNamespace } : {}),
    };
    const answer = (await this.#client.request({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      verb: 'create',
      group: 'authorization.k8s.io',
      resource: 'selfsubjectaccessreviews',
      body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
    })) as { status?: { allowed?: boolean; reason?: string } };
    return { rule, allowed: answer.status?.allowed === true, reason: answer.status?.reason ?? '' };
  }

  async readObject(ref: ObjectRef): Promise<KubeObject | undefined> {
    const resource = await resourceOf(this.#client, ref);
    if (!resource) return undefined;
    try {
      return (await this.#client.request({ method: 'GET', ...resourceRequest(resource, 'get', ref) })) as KubeObject;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async readWorkload(ref: WorkloadRef): Promise<{ readonly controller: PodController; readonly pods: readonly Pod[] } | undefined> {
    const controller = (await this.readObject({ apiVersion: ref.kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1', ...ref })) as
      PodController | undefined;
    if (!controller) return undefined;
    const pods = await this.#client.list<Pod>({
      ...resourceRequest(known('v1', 'Pod'), 'list', { namespace: ref.namespace }),
      query: { labelSelector: selectorText(controller) },
    });
    return { controller, pods: pods.filter((pod) => isPodOf(pod, controller)) };
  }

  async readIstiodPods(revision: string): Promise<readonly Pod[]> {
    const pods = await this.#istiodPods();
    return pods.filter((pod) => (pod.metadata.labels?.['istio.io/rev'] || 'default') === revision);
  }

  async readIstiods(namespace?: string): Promise<readonly IstiodReport[]> {
    return readIstiods(this.#client, await this.#istiodPods(), { namespace, withVersion: false });
  }

  readReadyPods(namespace: string, service: string): Promise<readonly string[]> {
    return readReadyPods(this.#client, namespace, service);
  }

  readGatewayObjects(namespaces: readonly string[]): Promise<readonly KubeObject[]> {
    return readGatewayObjects(this.#client, namespaces);
  }

  async #istiodPods(): Promise<readonly Pod[]> {
    const pods = await this.#client.list<Pod>({
      ...resourceRequest(known('v1', 'Pod'), 'list', { namespace: this.#options.istioNamespace }),
      query: { labelSelector: 'app=istiod' },
    });
    return pods.filter(isIstiodPod);
  }
}

function selectorText(controller: PodController): string {
  const { matchLabels = {}, matchExpressions = [] } = controller.spec?.selector ?? {};
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'In' || operator === 'NotIn') return `${key} ${operator.toLowerCase()} (${values.join(',')})`;
    return operator === 'Exists' ? key : `!${key}`;
  });
  return [...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`), ...expressions].join(',');
}

/** Selectors may overlap; the owner decides. A Deployment owns through a ReplicaSet, whose name ends with the pod's template hash. */
function isPodOf(pod: Pod, controller: PodController): boolean {
  const owner = pod.metadata.ownerReferences?.find((o) => o.controller === true);
  if (!owner) return false;
  if (controller.kind !== 'Deployment') return owner.uid === controller.metadata.uid;
  const hash = pod.metadata.labels?.['pod-template-hash'];
  return owner.kind === 'ReplicaSet' && owner.name === `${controller.metadata.name}-${hash ?? ''}`;
}
