/** What checks look at. A check reads values only; whatever it needs is gathered before. */
import type { HelmView } from '../helm/helm-view.ts';
import type { KubeObject, Service } from '../mesh/kube-objects.ts';
import type { MeshInventory } from '../mesh/mesh-inventory.ts';
import type { Moves } from '../moves/select-moves.ts';
import type { PinnedPlan } from '../pinned/settle-pinned.ts';
import type { AccessAnswer } from '../permissions/access-rules.ts';
import type { UpgradeRequest } from '../request/upgrade-request.ts';
import type { CouldNotLook, Finding, FindingCode } from './finding.ts';

export interface CheckContext {
  readonly inventory: MeshInventory;
  readonly services?: readonly Service[];
  /** Gateways of Istio's own API, of all namespaces. */
  readonly istioGateways?: readonly KubeObject[];
  /** CRDs of Istio as they are in the cluster. */
  readonly liveCrds: readonly KubeObject[];
  readonly request: UpgradeRequest;
  readonly from?: { readonly revision: string; readonly version: string };
  readonly to?: { readonly revision: string; readonly version: string };
  /** With the choice how each is restarted; absent when nothing is moved. */
  readonly moves?: Moves;
  /** What only the old revision or old proxies obey, and what becomes of it; absent when nothing is moved away from. */
  readonly pinned?: PinnedPlan;
  /** Releases of Helm; absent when nobody looked. */
  readonly helm?: HelmView;
  /** Absent when permissions were not asked. */
  readonly access?: readonly AccessAnswer[];
  /** What was rendered for the new control plane; absent when nothing is installed. */
  readonly rendered?: {
    readonly crds: readonly KubeObject[];
    readonly mustBeEqual: readonly { readonly path: string; readonly old: string; readonly new: string }[];
    /** The installed revision does not say which values it was installed with. */
    readonly valuesUnknown: boolean;
    /** The installer would make the new revision the default at once. */
    readonly movesDefault: boolean;
  };
  /** RFC 3339 date. */
  readonly today: string;
}

export interface Check {
  readonly name: string;
  /** Every code that it may give. */
  readonly codes: readonly FindingCode[];
  look(context: CheckContext): readonly (Finding | CouldNotLook)[];
}

export function isFinding(result: Finding | CouldNotLook): result is Finding {
  return 'code' in result;
}
