/** What the mesh shows about the target of one step, read anew each turn. */
import type { DefaultMove } from '../controlplane/default-pointers.ts';
import type { TagMove } from '../tags/tag-moves.ts';
import type { KubeObject, Labels, ObjectRef, Pod, PodController, WebhookConfiguration } from '../mesh/kube-objects.ts';
import type { IstiodReport } from '../mesh/mesh-objects.ts';
import type { Usage } from '../usage/usage.ts';
import type { GatewayObservation, GatewayRemovalObservation } from './gateway-observation.ts';
import type { CopiesObservation } from './pinned-observation.ts';

/** What a server-side dry run of a pod came back with. Nothing is stored by it. */
export interface InjectionProbe {
  /** Revision that injected the pod; absent when none did. */
  readonly revision?: string;
  /** The webhook failed, or the API server could not be asked: its words. */
  readonly error?: string;
  /** Something that has nothing to do with injection refused the pod, such as a quota: its words. */
  readonly inconclusive?: string;
}

export interface ControlPlaneObservation {
  /** Absent while there is none. */
  readonly deployment?: PodController;
  readonly pods: readonly Pod[];
  readonly webhooks: readonly WebhookConfiguration[];
  /** Absent when the deployment is not ready yet, so that it made no sense to ask. */
  readonly probe?: InjectionProbe;
  /** Objects of the revision beside it whose content is not what it was before the step; absent when not compared. */
  readonly changedBeside?: readonly string[];
}

export type StepObservation =
  | { readonly kind: 'crds'; readonly pending: readonly { readonly name: string; readonly why: string }[] }
  | {
      readonly kind: 'control-plane';
      readonly controlPlane: ControlPlaneObservation;
      readonly missing: readonly ObjectRef[];
      /** Why its Helm release is not deployed; absent when it is, when there is none, or when it was not asked. */
      readonly release?: string;
    }
  | {
      readonly kind: 'namespace';
      /** Absent when the namespace is gone. */
      readonly labels?: Labels;
      readonly probe?: InjectionProbe;
    }
  | {
      readonly kind: 'workload';
      /** Absent when the workload is gone. */
      readonly controller?: PodController;
      /** What is in the way of a restart that has not begun; absent when nothing is. */
      readonly inTheWay?: string;
      /** Pods of the workload, terminating ones included. */
      readonly pods: readonly Pod[];
      readonly reports: readonly IstiodReport[];
    }
  | GatewayObservation
  | GatewayRemovalObservation
  | {
      readonly kind: 'default';
      readonly pending: readonly DefaultMove[] | undefined;
      readonly usage?: Usage;
      readonly base?: string | undefined;
      /** Why the release that takes the tag of the default over does not list it yet. */
      readonly unlisted?: string | undefined;
    }
  | {
      readonly kind: 'tag';
      /** Revision that the tag points to now; absent when the tag is gone. */
      readonly pointsTo?: string;
      /** Undefined when the revision has no webhooks or no Service of its own. */
      readonly pending: readonly TagMove[] | undefined;
      /** Workloads that follow the tag and have not been moved, `namespace/kind/name`; absent when not asked. */
      readonly unmoved?: readonly string[];
      /** What could not be read, so that more may follow the tag. */
      readonly unknown?: readonly string[];
      readonly probe?: InjectionProbe;
      /** Why the release that takes the tag over does not list it yet; absent when it does, or none shall. */
      readonly unlisted?: string;
    }
  | CopiesObservation
  | {
      readonly kind: 'removal';
      readonly present: readonly ObjectRef[];
      readonly usage?: Usage;
      /** What the removal left on purpose, in words. */
      readonly kept?: readonly string[];
    }
  | { readonly kind: 'restore'; readonly pending: readonly KubeObject[]; readonly controlPlane?: ControlPlaneObservation };
