/** What a control plane is to be like. */
import { defaultHub, parseIstioVersion } from '../istio-version.ts';
import { revisionSuffix } from '../control-plane/istiod-settings.ts';

export interface IstioManifestOptions {
  /** `default` for a control plane without a name. */
  readonly revision: string;
  /** 1.26 to 1.31, such as `1.28.2`. */
  readonly version: string;
  /** `istio-system` when absent. */
  readonly namespace?: string;
  /** Images come from `<hub>/pilot:<version>` and `<hub>/proxyv2:<version>`; the version's own registry when absent. */
  readonly hub?: string;
  /** 1 when absent. */
  readonly replicas?: number;
  /** Adds a HorizontalPodAutoscaler. */
  readonly autoscale?: { readonly min: number; readonly max: number };
  /** Merged into the mesh configuration. */
  readonly meshConfig?: Readonly<Record<string, unknown>>;
  /** Merged into the values that the injector reads. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** Tags that point to this revision. */
  readonly tags?: readonly string[];
  /**
   * What is the default besides: `istioctl` makes the tag `default`, which takes over injection from the control plane's own
   * webhooks, and the default validator; `helm` makes the validator alone; `none` neither, as for a canary.
   */
  readonly defaults?: 'istioctl' | 'helm' | 'none';
  /** CRDs and the reader's account; true when absent. They are shared by all revisions. */
  readonly base?: boolean;
}

/** The options with everything that follows from them. */
export interface ManifestPlan {
  readonly options: IstioManifestOptions;
  readonly revision: string;
  readonly version: string;
  readonly minor: number;
  readonly namespace: string;
  readonly hub: string;
  /** `istiod` or `istiod-<revision>`: Deployment, Service, account and roles. */
  readonly name: string;
  /** '' or `-<revision>` */
  readonly suffix: string;
}

export function planManifests(options: IstioManifestOptions): ManifestPlan {
  const version = parseIstioVersion(options.version);
  const suffix = revisionSuffix(options.revision);
  return {
    options,
    revision: options.revision,
    version: options.version,
    minor: version.minor,
    namespace: options.namespace ?? 'istio-system',
    hub: options.hub ?? defaultHub(version),
    name: `istiod${suffix}`,
    suffix,
  };
}

/** Of everything that belongs to a control plane. */
export function commonLabels({ version }: ManifestPlan, name = 'istiod'): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'istio', 'app.kubernetes.io/version': version, release: 'istio' };
}

/** Of what istioctl and Meshlift take for a part of one revision. */
export function revisionLabels(plan: ManifestPlan): Readonly<Record<string, string>> {
  return { ...commonLabels(plan), 'istio.io/rev': plan.revision, 'operator.istio.io/component': 'Pilot' };
}
