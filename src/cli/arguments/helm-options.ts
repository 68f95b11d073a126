/** Options of an installation with helm. */
import type { Command } from 'commander';
import type { InstallRequest } from '../../core/request/upgrade-request.ts';

export interface HelmOptions {
  readonly helm?: string;
  readonly charts?: string;
  readonly chartVersion?: string;
  readonly values?: readonly string[];
  readonly file?: readonly string[];
  readonly set?: readonly string[];
  readonly istioctl?: string;
  readonly manifests?: readonly string[];
}

export function withHelm(command: Command, gather: (value: string, before?: readonly string[]) => string[]): Command {
  return command
    .option('--helm <path>', 'helm 3 or 4 (else helm on PATH)')
    .option('--charts <where>', "Istio's charts: folder, repository (URL or name), or oci://HOST/PATH")
    .option('--chart-version <version>', 'version of the charts in a repository (default: the target version)')
    .option('--values <file>', 'values file for helm, also -f (repeat)', gather);
}

/** Only helm has these. */
export function impliesHelm({ helm, charts, chartVersion, values = [] }: HelmOptions): boolean {
  return helm !== undefined || charts !== undefined || chartVersion !== undefined || values.length > 0;
}

export function helmInstall(options: HelmOptions, mistakes: string[]): InstallRequest | undefined {
  const { helm = 'helm', charts, chartVersion, values = [], file = [], set = [], istioctl, manifests = [] } = options;
  if (istioctl !== undefined) mistakes.push('--istioctl goes with --with istioctl, not with --with helm');
  if (manifests.length > 0) mistakes.push('--manifests goes with --with manifests, not with --with helm');
  for (const setting of set.filter((text) => !text.includes('='))) mistakes.push(`--set ${setting}: it must be KEY=VALUE`);
  if (charts === undefined || charts === '') {
    mistakes.push('--with helm needs --charts FOLDER, REPOSITORY or oci://HOST/PATH');
    return undefined;
  }
  return {
    with: 'helm',
    helm,
    charts,
    ...(chartVersion === undefined ? {} : { chartVersion }),
    values: [...values, ...file],
    set: [...set],
  };
}
