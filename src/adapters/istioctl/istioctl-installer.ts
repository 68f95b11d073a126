/** Installs a control plane with the user's own istioctl. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { requestedPaths } from '../../core/controlplane/carry-over.ts';
import { parseManifests } from '../../core/controlplane/parse-manifests.ts';
import type { Pin } from '../../core/plan/plan.ts';
import { fileTrouble } from '../../core/problems/file-trouble.ts';
import { Problem } from '../../core/problems/problem.ts';
import type { ControlPlaneInstaller, InstallTarget, RenderedInstall } from '../../ports/installer.ts';
import { findIstioctl } from './find-istioctl.ts';
import { runTool } from '../tools/run-tool.ts';
import { withFiles } from '../tools/temporary-files.ts';
import { sha256 } from '../tools/tool-files.ts';

export interface IstioctlOptions {
  /** Path, or name on PATH. */
  readonly istioctl: string;
  /** IstioOperator file. */
  readonly file: string | undefined;
  readonly set: readonly string[];
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** How long istioctl itself waits for what it installs. */
  readonly readinessTimeoutSeconds: number;
}

/** istioctl needs some time of its own beside the waiting. */
const SLACK_MS = 60_000;

export class IstioctlInstaller implements ControlPlaneInstaller {
  readonly canCarryOver = true;
  readonly movesDefaultWhenNoTag = true;
  readonly #options: IstioctlOptions;

  constructor(options: IstioctlOptions) {
    this.#options = options;
  }

  async render(target: InstallTarget): Promise<RenderedInstall> {
    const tool = await findIstioctl(this.#options.istioctl, target.version);
    const operator = this.#readOperatorFile();
    const { stdout } = await withOverlay(target.overlay, (overlay) =>
      runTool(tool.path, ['manifest', 'generate', ...this.#arguments(target, overlay, operator)]),
    );
    const objects = parseManifests(stdout, `the output of ${this.#options.istioctl} manifest generate`, target.namespace);
    if (objects instanceof Problem) throw objects;
    const pins: Pin[] = [{ name: 'istioctl', path: this.#options.istioctl, version: tool.version, sha256: tool.sha256 }];
    if (operator !== undefined && this.#options.file !== undefined)
      pins.push({ name: 'IstioOperator file', path: this.#options.file, sha256: sha256(operator) });
    return { objects, pins, requestedPaths: requestedPaths(this.#options.set, operator) };
  }

  async install(target: InstallTarget, pins: readonly Pin[], onOutput: (line: string) => void): Promise<void> {
    const pinned = pins.find((pin) => pin.name === 'istioctl');
    const tool = await findIstioctl(this.#options.istioctl, pinned?.version ?? target.version);
    const operator = this.#readOperatorFile();
    const pinnedFile = pins.find((pin) => pin.name === 'IstioOperator file');
    if (pinnedFile && (operator === undefined || sha256(operator) !== pinnedFile.sha256)) throw changedFile(pinnedFile.path);
    const { kubeconfig, context, readinessTimeoutSeconds } = this.#options;
    const cluster = [
      ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
      ...(context === undefined ? [] : ['--context', context]),
    ];
    await withOverlay(target.overlay, (overlay) =>
      runTool(
        tool.path,
        ['install', '-y', ...this.#arguments(target, overlay, operator), `--readiness-timeout=${readinessTimeoutSeconds}s`, ...cluster],
        {
          onLine: (line) => {
            if (isTelling(line)) onOutput(line);
          },
          timeoutMs: readinessTimeoutSeconds * 1000 + SLACK_MS,
        },
      ),
    );
  }

  /** What the user says comes after what is carried over, and the revision after everything. */
  #arguments(target: InstallTarget, overlay: string | undefined, operator: string | undefined): string[] {
    const { file, set } = this.#options;
    const files = [overlay, file].filter((path) => path !== undefined).flatMap((path) => ['-f', path]);
    const settings = [
      ...(hasProfile(operator, set, file ?? '') ? [] : ['profile=minimal']),
      ...(target.namespace === 'istio-system' ? [] : [`values.global.istioNamespace=${target.namespace}`]),
      ...set,
      `revision=${target.revision}`,
    ];
    return [...files, ...settings.flatMap((setting) => ['--set', setting])];
  }

  #readOperatorFile(): string | undefined {
    const { file } = this.#options;
    if (file === undefined) return undefined;
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new Problem('ARGS-002', {
        what: `${file} cannot be read: ${fileTrouble(error)}.`,
        next: [{ label: 'look', command: `ls -l ${file}` }],
      });
    }
  }
}

/** Without a profile istioctl takes one that brings a gateway along, which would change the running one at once. */
function hasProfile(operator: string | undefined, set: readonly string[], path: string): boolean {
  if (set.some((setting) => setting.startsWith('profile='))) return true;
  return operator !== undefined && parseOperator(operator, path)?.spec?.profile !== undefined;
}

function parseOperator(text: string, path: string): { readonly spec?: { readonly profile?: unknown } } | null {
  try {
    return parse(text) as { spec?: { profile?: unknown } } | null;
  } catch (error) {
    throw new Problem('ARGS-002', {
      what: `${path} is not YAML: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}.`,
      next: [{ label: 'another file', command: '-f OPERATOR.yaml' }],
    });
  }
}

function changedFile(path: string): Problem {
  return new Problem('PLAN-015', {
    what: `${path} is not the file that the plan was made from.`,
    next: [{ label: 'make a new plan', command: 'meshlift plan --to VERSION -o FILE' }],
  });
}

function withOverlay<T>(overlay: string, use: (path: string | undefined) => Promise<T>): Promise<T> {
  return withFiles(overlay === '' ? [] : [{ name: 'carried-over.yaml', text: overlay }], ([path]) => use(path));
}

/** Leaves out istioctl's drawing of a sail, and lines that only repeat. */
function isTelling(line: string): boolean {
  return /[A-Za-z]{3}/.test(line) && !/^\s*[|/\\_]/.test(line);
}
