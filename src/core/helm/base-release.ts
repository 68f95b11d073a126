/** The release of the base chart, which owns Istio's CRDs and the webhook that validates for everybody. */
import { DEFAULT_VALIDATOR } from '../mesh/find-revisions.ts';
import type { WebhookConfiguration } from '../mesh/kube-objects.ts';
import { sameIstioVersion } from '../versions/istio-version.ts';
import { isPending, type HelmRelease } from './release.ts';
import { releaseOf } from './release-marks.ts';

const BASE_CHART = 'base';

/** The release of the base chart in the Istio namespace; one that owns the default validator before any other. */
export function findBaseRelease(
  releases: readonly HelmRelease[],
  validatingWebhooks: readonly WebhookConfiguration[],
): HelmRelease | undefined {
  const owner = validatorOwner(validatingWebhooks);
  const bases = releases.filter((release) => release.chart?.name === BASE_CHART && release.status !== 'uninstalled');
  return bases.find((release) => release.name === owner) ?? bases[0];
}

/** Name of the release that has the default validator in its manifest. */
export function validatorOwner(validatingWebhooks: readonly WebhookConfiguration[]): string | undefined {
  const validator = validatingWebhooks.find(({ metadata }) => metadata.name === DEFAULT_VALIDATOR);
  return validator && releaseOf(validator)?.name;
}

/** Why the base release would bring another default back with its next upgrade; undefined when it agrees. */
export function baseDisagreement(
  release: HelmRelease,
  wanted: { readonly revision: string; readonly version: string },
): string | undefined {
  if (isPending(release)) return `${release.name} is ${release.status}`;
  if (release.status !== 'deployed') return `${release.name} is ${release.status}`;
  const revision = release.values['defaultRevision'];
  if (revision !== wanted.revision)
    return `${release.name} has the default revision ${typeof revision === 'string' ? revision : 'default'}`;
  const chart = release.chart?.version ?? 'unknown';
  return sameIstioVersion(chart, wanted.version) ? undefined : `${release.name} is of chart version ${chart}`;
}
