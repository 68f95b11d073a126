/** From options of the command line to a request; everything that is wrong is told at once. */
import { HIGHEST_RATE_PER_SECOND, parseRatePerSecond } from '../../core/load/rate.ts';
import { Problem } from '../../core/problems/problem.ts';
import { upgradeRequestSchema, type UpgradeRequest } from '../../core/request/upgrade-request.ts';
import { durationSeconds } from './duration.ts';
import { helmInstall, impliesHelm } from './helm-options.ts';
import { gatewaysOf, type GatewayOptions } from './gateway-options.ts';
import { orderOf, type OrderOptions } from './order-options.ts';

export interface RequestOptions extends GatewayOptions, OrderOptions {
  readonly to?: string;
  readonly revision?: string;
  readonly version?: string;
  readonly from?: string;
  readonly with?: string;
  readonly istioctl?: string;
  readonly file?: readonly string[];
  readonly helm?: string;
  readonly charts?: string;
  readonly chartVersion?: string;
  readonly values?: readonly string[];
  readonly set?: readonly string[];
  readonly manifests?: readonly string[];
  readonly skip?: readonly string[];
  readonly skipPinned?: readonly string[];
  readonly accept?: readonly string[];
  readonly acceptDowntime?: readonly string[];
  readonly onFailure?: string;
  readonly finish?: boolean;
  readonly keepTags?: boolean;
  readonly stepTimeout?: string;
  readonly load?: string;
  readonly loadTarget?: string;
  readonly loadHost?: string;
}

/** @throws Problem ARGS-001 with every mistake that was found */
export function buildRequest(action: UpgradeRequest['action'], options: RequestOptions, namespaces: readonly string[]): UpgradeRequest {
  const mistakes: string[] = [];
  const install = installOf(options, mistakes);
  const seconds = secondsOf(options.stepTimeout, mistakes);
  const load = loadOf(options, mistakes);
  const draft = {
    action,
    ...targetOf(action, options),
    ...(options.from === undefined ? {} : { from: { revision: options.from } }),
    ...(install === undefined ? {} : { install }),
    scope: { namespaces: [...namespaces], skip: [...(options.skip ?? [])], ...skippedPinned(options, mistakes) },
    accept: [...(options.accept ?? [])],
    acceptDowntime: [...(options.acceptDowntime ?? [])],
    ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
    ...(load === undefined ? {} : { load }),
    ...gatewaysOf(options, mistakes),
    ...orderOf(options, mistakes),
    finish: { removeOld: options.finish === true, moveTags: options.keepTags !== true },
    ...(seconds === undefined ? {} : { stepTimeoutSeconds: seconds }),
  };
  const parsed = upgradeRequestSchema.safeParse(draft);
  if (!parsed.success) mistakes.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  if (mistakes.length > 0 || !parsed.success) throw usageProblem(mistakes);
  return parsed.data;
}

export function usageProblem(mistakes: readonly string[], command = 'meshlift --help'): Problem {
  return new Problem('ARGS-001', { what: mistakes.join('\n'), next: [{ label: 'help', command }] });
}

/** `migrate --to` names a revision or tag; elsewhere `--to` is a version, and the revision has an option of its own. */
function targetOf(action: UpgradeRequest['action'], options: RequestOptions): { to?: { revision: string; version?: string } } {
  if (action === 'migrate') return options.to === undefined ? {} : { to: { revision: options.to } };
  const version = action === 'install' ? options.version : options.to;
  if (version === undefined && options.revision === undefined) return {};
  const revision = options.revision ?? revisionFrom(version ?? '');
  return { to: { revision, ...(version === undefined ? {} : { version: version.replace(/^v/, '') }) } };
}

function revisionFrom(version: string): string {
  return version
    .toLowerCase()
    .replace(/^v/, '')
    .replaceAll(/[^a-z0-9-]/g, '-');
}

function installOf(options: RequestOptions, mistakes: string[]): UpgradeRequest['install'] {
  const { manifests = [], set = [], istioctl = 'istioctl', file: files = [] } = options;
  const file = files.at(-1);
  const way = options.with ?? impliedWay(options);
  switch (way) {
    case undefined:
      return undefined;
    case 'istioctl':
      if (manifests.length > 0) mistakes.push('--manifests goes with --with manifests, not with --with istioctl');
      if (files.length > 1) mistakes.push('istioctl takes one IstioOperator file: -f once');
      if (impliesHelm(options))
        mistakes.push('--helm, --charts, --chart-version and --values go with --with helm, not with --with istioctl');
      for (const setting of set.filter((text) => !text.includes('='))) mistakes.push(`--set ${setting}: it must be KEY=VALUE`);
      return { with: 'istioctl', istioctl, ...(file === undefined ? {} : { file }), set: [...set] };
    case 'helm':
      return helmInstall(options, mistakes);
    case 'manifests':
      if (impliesHelm(options))
        mistakes.push('--helm, --charts, --chart-version and --values go with --with helm, not with --with manifests');
      if (manifests.length === 0) mistakes.push('--with manifests needs --manifests FILE, FOLDER or -');
      if (set.length > 0 || file !== undefined)
        mistakes.push('--set and --file go with --with istioctl or helm: manifests are applied as they were rendered');
      return { with: 'manifests', paths: [...manifests] };
    default:
      mistakes.push(`--with ${way}: it must be istioctl, helm or manifests`);
      return undefined;
  }
}

function skippedPinned({ skipPinned = [] }: RequestOptions, mistakes: string[]): { skipPinned?: string[] } {
  for (const entry of skipPinned.filter((text) => text.split('/').length !== 3 || text.split('/').includes('')))
    mistakes.push(`--skip-pinned ${entry}: it must be KIND/NAMESPACE/NAME`);
  return skipPinned.length === 0 ? {} : { skipPinned: [...skipPinned] };
}

const DEFAULT_LOAD_RATE = '10/s';

function loadOf({ load, loadTarget, loadHost }: RequestOptions, mistakes: string[]): UpgradeRequest['load'] {
  const rate = load ?? DEFAULT_LOAD_RATE;
  const ratePerSecond = parseRatePerSecond(rate);
  if (ratePerSecond === undefined) mistakes.push(`--load ${rate}: it must be a rate such as 50/s or 600/m`);
  else if (ratePerSecond > HIGHEST_RATE_PER_SECOND) mistakes.push(`--load ${rate}: the most is ${HIGHEST_RATE_PER_SECOND}/s`);
  if (loadTarget !== undefined) return { target: loadTarget, rate, ...(loadHost === undefined ? {} : { host: loadHost }) };
  if (load !== undefined || loadHost !== undefined) mistakes.push('--load and --load-host need --load-target URL');
  return undefined;
}

/** The way that the other options only make sense with. */
function impliedWay(options: RequestOptions): string | undefined {
  const { manifests = [], set = [], istioctl, file = [] } = options;
  if (manifests.length > 0) return 'manifests';
  if (impliesHelm(options)) return 'helm';
  return istioctl !== undefined || file.length > 0 || set.length > 0 ? 'istioctl' : undefined;
}

function secondsOf(text: string | undefined, mistakes: string[]): number | undefined {
  const seconds = text === undefined ? undefined : durationSeconds(text);
  if (text !== undefined && seconds === undefined) mistakes.push(`--step-timeout ${text}: it must be a duration such as 90s, 5m or 1h`);
  return seconds;
}
