/** What brings a control plane into the cluster: istioctl, helm, or manifests that the user rendered. */
import type { ReleaseName } from '../core/helm/release.ts';
import type { KubeObject } from '../core/mesh/kube-objects.ts';
import type { Pin } from '../core/plan/plan.ts';

export interface RenderedInstall {
  readonly objects: readonly KubeObject[];
  /** Tools and files that the plan is pinned to. */
  readonly pins: readonly Pin[];
  /** Dotted paths of values and mesh configuration that the request itself sets. */
  readonly requestedPaths: readonly string[];
}

export interface InstallTarget {
  readonly revision: string;
  /** Version asked for; undefined when whatever is rendered is meant. */
  readonly version: string | undefined;
  readonly namespace: string;
  /** IstioOperator overlay with values that are carried over; empty for none. */
  readonly overlay: string;
  /** Version of the API server, such as `v1.34.3`, which charts may ask for; absent when it is not known. */
  readonly kubernetes?: string;
}

/** The Helm release of the base chart, brought to the version and the default revision of the target. */
export interface BaseUpgrade {
  readonly release: ReleaseName;
  readonly target: InstallTarget;
  /** What its user has set; kept. */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Tags that the release of a control plane lists from now on. Their objects name it as their owner already. */
export interface TagAdoption {
  readonly release: ReleaseName;
  readonly target: InstallTarget;
  /** All tags of the release, those that it lists already included. */
  readonly tags: readonly string[];
}

/** A gateway as a Helm release of Istio's chart for gateways. */
export interface GatewayInstall {
  readonly release: ReleaseName;
  /** All that its chart is told. It may hold credentials: never shown, never stored. */
  readonly values: Readonly<Record<string, unknown>>;
}

export interface RenderedGateways {
  /** Version of the chart. */
  readonly chart: string;
  /** For each gateway what the chart renders, in order; undefined where it does not render with those values. */
  readonly objects: readonly (readonly KubeObject[] | undefined)[];
  /** The tool and the chart. */
  readonly pins: readonly Pin[];
}

export interface ControlPlaneInstaller {
  /** True when values of the installed revision can be carried over to what it renders. */
  readonly canCarryOver: boolean;
  /** True when installing makes the new revision the default if no default tag exists. */
  readonly movesDefaultWhenNoTag: boolean;
  /**
   * Renders without touching a cluster.
   * @param pins of a plan that is rendered again: what came from standard input is taken from there
   * @throws Problem TOOL-001, TOOL-002, TOOL-003, ARGS-002, PLAN-003
   */
  render(target: InstallTarget, pins?: readonly Pin[]): Promise<RenderedInstall>;
  /**
   * Installs; may be called again after it was cut off. CRDs were applied before.
   * @param onOutput gets the tool's output line by line
   * @throws Problem TOOL-003 with the output; Problem PLAN-015 when a pinned file or tool has changed
   */
  install(target: InstallTarget, pins: readonly Pin[], onOutput: (line: string) => void): Promise<void>;
  /**
   * Brings the base release along; only installers that know Helm can. May be called again after it was cut off, once the
   * release is not pending any more.
   * @throws Problem TOOL-003 with the output, TOOL-005, PLAN-015
   */
  upgradeBase?(upgrade: BaseUpgrade, pins: readonly Pin[], onOutput: (line: string) => void): Promise<void>;
  /**
   * Makes a release list tags that changed hands, everything else in it as it is; only installers that know Helm can. May be called
   * again after it was cut off, once the release is not pending any more.
   * @throws Problem TOOL-003 with the output, TOOL-005, PLAN-015
   */
  adoptTags?(adoption: TagAdoption, pins: readonly Pin[], onOutput: (line: string) => void): Promise<void>;
  /**
   * Renders gateways with Istio's chart of the target, without touching a cluster; only installers that know Helm can.
   * @throws Problem ARGS-002 or TOOL-003 when there is no such chart, TOOL-001, TOOL-002, PLAN-003, PLAN-015
   */
  renderGateways?(gateways: readonly GatewayInstall[], target: InstallTarget, pins: readonly Pin[]): Promise<RenderedGateways>;
  /**
   * Makes a release of a gateway whose objects are there and name it as their owner already. May be called again after it was cut off,
   * once no record of that is left.
   * @throws Problem TOOL-003 with the output, TOOL-005, PLAN-015
   */
  installGateway?(gateway: GatewayInstall, target: InstallTarget, pins: readonly Pin[], onOutput: (line: string) => void): Promise<void>;
}
