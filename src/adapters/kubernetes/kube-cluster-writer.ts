import type { KubeObject, ObjectRef, PodController } from '../../core/mesh/kube-objects.ts';
import type { WorkloadRef } from '../../core/mesh/mesh-inventory.ts';
import { injectedRevision } from '../../core/mesh/read-proxy.ts';
import type { Pod } from '../../core/mesh/kube-objects.ts';
import { Problem, Transient } from '../../core/problems/problem.ts';
import type { InjectionProbe } from '../../core/run/observation.ts';
import { RESTART_ANNOTATION } from '../../core/plan/restart-mark.ts';
import type { ApplyOptions, ClusterWriter, PodProber, RestartPatch } from '../../ports/cluster.ts';
import type { KubeClient } from './kube-client.ts';
import { isConflict, isNotFound, isOfWebhook, KubeStatusError, toProblem } from './kube-errors.ts';
import { askThroughPod } from './port-forward.ts';
import { known, resourceOf, resourceRequest, type Resource } from './resource-paths.ts';

const MERGE_PATCH = 'application/merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';
export const FIELD_MANAGER = 'meshlift';

export class KubeClusterWriter implements ClusterWriter, PodProber {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async applyObject(object: KubeObject, options: ApplyOptions): Promise<void> {
    const resource = await this.#resource(object);
    try {
      await this.#client.request({
        method: 'PATCH',
        ...resourceRequest(resource, 'patch', object.metadata),
        query: { fieldManager: options.fieldManager, force: options.force ? 'true' : undefined },
        contentType: APPLY_PATCH,
        body: object,
      });
    } catch (error) {
      if (!(error instanceof KubeStatusError)) throw error;
      throw new Problem('KUBE-006', {
        what: `${object.kind} ${object.metadata.name}: ${error.message}`,
        why:
          error.status === 409
            ? 'Another field manager owns what would be changed.'
            : 'The API server, or the namespace it needs, does not allow it.',
        next: [{ label: 'look', command: `kubectl get ${resource.plural} ${object.metadata.name} -o yaml --show-managed-fields` }],
      });
    }
  }

  async setNamespaceLabels(name: string, set: Readonly<Record<string, string | null>>, resourceVersion: string | undefined): Promise<void> {
    await this.#patch(
      known('v1', 'Namespace'),
      { name },
      { metadata: { labels: set, ...(resourceVersion === undefined ? {} : { resourceVersion }) } },
    );
  }

  async markRestart(ref: WorkloadRef, mark: string, { labels, strategy }: RestartPatch = {}): Promise<void> {
    const resource = known('apps/v1', ref.kind);
    const object = (await this.#client.request({ method: 'GET', ...resourceRequest(resource, 'get', ref) })) as PodController;
    if (object.spec?.template?.metadata?.annotations?.[RESTART_ANNOTATION] === mark) return;
    const { resourceVersion, uid } = object.metadata;
    await this.#patch(resource, ref, {
      metadata: { resourceVersion, uid },
      spec: {
        template: { metadata: { annotations: { [RESTART_ANNOTATION]: mark }, ...(labels === undefined ? {} : { labels }) } },
        ...(strategy === undefined ? {} : { strategy }),
      },
    });
  }

  async evictPod({ namespace, name, uid }: { readonly namespace: string; readonly name: string; readonly uid: string }): Promise<void> {
    try {
      await this.#client.request({
        method: 'POST',
        ...resourceRequest(known('v1', 'Pod'), 'create', { namespace, name, subresource: 'eviction' }),
        body: {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { namespace, name },
          deleteOptions: { preconditions: { uid } },
        },
      });
    } catch (error) {
      // Gone, or another pod of the same name by now.
      if (isNotFound(error) || isConflict(error)) return;
      throw toProblem(error, this.#client.server);
    }
  }

  async patchObject(ref: ObjectRef, patch: Readonly<Record<string, unknown>>): Promise<void> {
    const resource = await resourceOf(this.#client, ref);
    if (resource === undefined || (await this.#read(resource, ref)) === undefined) return;
    await this.#patch(resource, ref, patch);
  }

  async putObject(object: KubeObject): Promise<void> {
    const resource = await this.#resource(object);
    const live = await this.#read(resource, object.metadata);
    if (!live) {
      try {
        await this.#client.request({
          method: 'POST',
          ...resourceRequest(resource, 'create', { namespace: object.metadata.namespace }),
          query: { fieldManager: FIELD_MANAGER },
          body: object,
        });
      } catch (error) {
        if (isConflict(error)) throw new Transient('the object was made by somebody else at the same moment', { cause: error });
        throw toProblem(error, this.#client.server);
      }
      return;
    }
    const { resourceVersion } = live.metadata;
    const body = { ...object, metadata: { ...object.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) } };
    try {
      await this.#client.request({
        method: 'PUT',
        ...resourceRequest(resource, 'update', object.metadata),
        query: { fieldManager: FIELD_MANAGER },
        body,
      });
    } catch (error) {
      throw isConflict(error) ? new Transient('the object was changed by somebody else at the same moment', { cause: error }) : error;
    }
  }

  async deleteObject(ref: ObjectRef): Promise<void> {
    const resource = await resourceOf(this.#client, ref);
    if (!resource) return;
    try {
      await this.#client.request({
        method: 'DELETE',
        ...resourceRequest(resource, 'delete', ref),
        body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Foreground' },
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async dryRunPod(namespace: string, labels: Readonly<Record<string, string>>): Promise<InjectionProbe> {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { generateName: 'meshlift-probe-', namespace, labels },
      spec: {
        containers: [{ name: 'probe', image: 'meshlift.invalid/probe', securityContext: RESTRICTED }],
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      },
    };
    try {
      const made = (await this.#client.request({
        method: 'POST',
        ...resourceRequest(known('v1', 'Pod'), 'create', { namespace }),
        query: { dryRun: 'All' },
        body: pod,
      })) as Pod;
      const revision = injectedRevision(made);
      return revision === undefined ? {} : { revision };
    } catch (error) {
      return probeFailure(error);
    }
  }

  askPod(namespace: string, pod: string, port: number): Promise<{ readonly status?: number; readonly error?: string }> {
    return askThroughPod(this.#client, { namespace, pod, port }, '/');
  }

  async #resource(object: KubeObject): Promise<Resource> {
    const resource = await resourceOf(this.#client, object);
    if (resource) return resource;
    throw new Problem('KUBE-006', {
      what: `The API server does not know ${object.kind} of ${object.apiVersion} (${object.metadata.name}).`,
      next: [{ label: 'look', command: 'kubectl api-resources' }],
    });
  }

  async #read(
    resource: Resource,
    target: { readonly namespace?: string | undefined; readonly name: string },
  ): Promise<KubeObject | undefined> {
    try {
      return (await this.#client.request({ method: 'GET', ...resourceRequest(resource, 'get', target) })) as KubeObject;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #patch(
    resource: Resource,
    target: { readonly namespace?: string | undefined; readonly name: string },
    body: unknown,
  ): Promise<void> {
    try {
      await this.#client.request({
        method: 'PATCH',
        ...resourceRequest(resource, 'patch', target),
        query: { fieldManager: FIELD_MANAGER },
        contentType: MERGE_PATCH,
        body,
      });
    } catch (error) {
      if (isConflict(error)) throw new Transient(`${target.name} was changed by somebody else at the same moment`, { cause: error });
      throw toProblem(error, this.#client.server);
    }
  }
}

/**
 * A webhook that cannot be called is an answer about injection; a quota or policy that refuses the pod says nothing of it;
 * a missing permission is a failure, and a server that does not answer now is asked again.
 */
function probeFailure(error: unknown): InjectionProbe {
  if (error instanceof Problem && error.code === 'KUBE-005') {
    const words = error.details.why ?? '';
    if (/cannot create resource "pods"/.test(words)) throw error;
    return { inconclusive: words.replace(/^The API server says: /, '') };
  }
  if (error instanceof Problem && error.code === 'KUBE-006')
    return /webhook/.test(error.details.what) ? { error: error.details.what } : { inconclusive: error.details.what };
  if (error instanceof Transient && isOfWebhook(error)) return { error: error.reason };
  if (error instanceof KubeStatusError) return { error: error.message };
  throw error;
}

/** The probe asks for nothing that a namespace with a pod security policy would refuse. */
const RESTRICTED = { allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: { drop: ['ALL'] } };
