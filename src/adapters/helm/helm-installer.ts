/** Installs a control plane with the user's own helm, from Istio's charts, as a release of its own. */
import { readFileSync } from 'node:fs';
import { overlayValues, requestedChartPaths } from '../../core/helm/chart-values.ts';
import { parseManifests } from '../../core/controlplane/parse-manifests.ts';
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import type { Pin } from '../../core/plan/plan.ts';
import { fileTrouble } from '../../core/problems/file-trouble.ts';
import { Problem } from '../../core/problems/problem.ts';
import type {
  BaseUpgrade,
  ControlPlaneInstaller,
  GatewayInstall,
  InstallTarget,
  RenderedGateways,
  RenderedInstall,
  TagAdoption,
} from '../../ports/installer.ts';
import { runTool } from '../tools/run-tool.ts';
import { withFiles } from '../tools/temporary-files.ts';
import { sha256 } from '../tools/tool-files.ts';
import { withCharts, type Chart } from './charts.ts';
import { findHelm, type Helm } from './find-helm.ts';
import { repairOwn, withConflictsOfIstiod, type HelmTarget } from './helm-releases.ts';

export interface HelmOptions {
  /** Path, or name on PATH. */
  readonly helm: string;
  /** A folder, the URL or the name of a repository, or `oci://HOST/PATH`. */
  readonly charts: string;
  /** Version of charts that are not in a folder; the version of the target when absent. */
  readonly chartVersion: string | undefined;
  /** Values files, later ones over earlier ones. */
  readonly values: readonly string[];
  readonly set: readonly string[];
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** How long helm itself waits for what it installs. */
  readonly readinessTimeoutSeconds: number;
}

const TOOL_PIN = 'helm';
const VALUES_PIN = 'values file';
const RELEASE_VALUES = 'values-of-the-release.yaml';
/** The release that CRDs are rendered as; whose they are is decided when they are applied. */
const BASE_RELEASE = 'istio-base';

export class HelmInstaller implements ControlPlaneInstaller {
  readonly canCarryOver = true;
  readonly movesDefaultWhenNoTag = false;
  readonly #options: HelmOptions;

  constructor(options: HelmOptions) {
    this.#options = options;
  }

  async render(target: InstallTarget, pinned: readonly Pin[] = []): Promise<RenderedInstall> {
    const tool = await this.#findHelm(pinned);
    const texts = this.#options.values.map((path) => readValues(path));
    const source = this.#source(target);
    return withCharts(tool.path, source, { names: ['istiod', 'base'], target: target.version, pinned }, async ({ istiod, base }) => {
      const [own, shared] = await Promise.all([this.#template(tool, istiod, target), this.#crds(tool, base, target)]);
      const pins: Pin[] = [
        this.#toolPin(tool),
        istiod.pin,
        base.pin,
        ...this.#options.values.map((path, index): Pin => ({ name: VALUES_PIN, path, sha256: sha256(texts[index] ?? '') })),
      ];
      return { objects: [...shared, ...own], pins, requestedPaths: requestedChartPaths(texts, this.#options.set) };
    });
  }

  async install(target: InstallTarget, pins: readonly Pin[], onOutput: (line: string) => void): Promise<void> {
    const tool = await this.#findHelm(pins);
    this.#expectValues(pins);
    const source = this.#source(target);
    await withCharts(tool.path, source, { names: ['istiod'], target: target.version, pinned: pins }, async ({ istiod }) => {
      const on = this.#target(tool, { name: releaseName(target), namespace: target.namespace }, onOutput);
      await repairOwn(on);
      await this.#withSettings(target, (settings) =>
        withConflictsOfIstiod(on, ['upgrade', '--install', on.release, istiod.path, ...settings, ...this.#waiting()]),
      );
    });
  }

  async upgradeBase(upgrade: BaseUpgrade, pins: readonly Pin[], onOutput: (line: string) => void): Promise<void> {
    const tool = await this.#findHelm(pins);
    const { release, target } = upgrade;
    const source = this.#source(target);
    await withCharts(tool.path, source, { names: ['base'], target: target.version, pinned: pins }, async ({ base }) => {
      const on = this.#target(tool, release, onOutput);
      const files = [{ name: RELEASE_VALUES, text: JSON.stringify(upgrade.values) }];
      await withFiles(files, ([values = '']) =>
        withConflictsOfIstiod(on, [
          'upgrade',
          release.name,
          base.path,
          '--reset-values',
          '-f',
          values,
          '--set',
          `defaultRevision=${target.revision}`,
          ...this.#waiting(),
        ]),
      );
    });
  }

  async adoptTags({ release, target, tags }: TagAdoption, pins: readonly Pin[], onOutput: (line: string) => void): Promise<void> {
    const tool = await this.#findHelm(pins);
    await withCharts(tool.path, this.#source(target), { names: ['istiod'], target: target.version, pinned: pins }, async ({ istiod }) => {
      const on = this.#target(tool, release, onOutput);
      const words = ['upgrade', release.name, istiod.path, '--reuse-values', '--set', `revisionTags={${tags.join(',')}}`];
      await withConflictsOfIstiod(on, [...words, ...this.#waiting()]);
    });
  }

  async renderGateways(gateways: readonly GatewayInstall[], target: InstallTarget, pinned: readonly Pin[]): Promise<RenderedGateways> {
    const tool = await this.#findHelm(pinned);
    const source = this.#source(target);
    return withCharts(tool.path, source, { names: ['gateway'], target: target.version, pinned }, async ({ gateway: chart }) => ({
      chart: chart.version,
      objects: await Promise.all(gateways.map((gateway) => this.#templateGateway(tool, chart, gateway, target))),
      pins: [this.#toolPin(tool), chart.pin],
    }));
  }

  async installGateway(
    { release, values }: GatewayInstall,
    target: InstallTarget,
    pins: readonly Pin[],
    onOutput: (line: string) => void,
  ): Promise<void> {
    const tool = await this.#findHelm(pins);
    await withCharts(tool.path, this.#source(target), { names: ['gateway'], target: target.version, pinned: pins }, async ({ gateway }) => {
      const on = this.#target(tool, release, onOutput);
      await withFiles([{ name: RELEASE_VALUES, text: JSON.stringify(values) }], ([file = '']) =>
        withConflictsOfIstiod(on, ['upgrade', '--install', release.name, gateway.path, '-f', file, ...this.#waiting()]),
      );
    });
  }

  /** Why helm does not render it is not told: its words may quote values. */
  async #templateGateway(
    tool: Helm,
    chart: Chart,
    { release, values }: GatewayInstall,
    target: InstallTarget,
  ): Promise<KubeObject[] | undefined> {
    const words = ['template', release.name, chart.path, '-n', release.namespace, '--no-hooks', '--skip-tests'];
    try {
      return await withFiles([{ name: RELEASE_VALUES, text: JSON.stringify(values) }], async ([file = '']) => {
        const { stdout } = await runTool(tool.path, [...words, '-f', file, ...kubernetes(target)]);
        return parsed(stdout, chart, release.namespace);
      });
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  }

  #toolPin(tool: Helm): Pin {
    return { name: TOOL_PIN, path: this.#options.helm, version: tool.version, sha256: tool.sha256 };
  }

  /** Templates that helm itself would only test with are left out, hooks too: what is installed is what is rendered. */
  async #template(tool: Helm, chart: Chart, target: InstallTarget): Promise<KubeObject[]> {
    return this.#withSettings(target, async (settings) => {
      const words = ['template', releaseName(target), chart.path, '-n', target.namespace, '--no-hooks', '--skip-tests'];
      const { stdout } = await runTool(tool.path, [...words, ...settings, ...kubernetes(target)]);
      return parsed(stdout, chart, target.namespace);
    });
  }

  async #crds(tool: Helm, chart: Chart, target: InstallTarget): Promise<KubeObject[]> {
    const words = ['template', BASE_RELEASE, chart.path, '-n', target.namespace, '--include-crds', '--no-hooks', '--skip-tests'];
    const { stdout } = await runTool(tool.path, [...words, ...kubernetes(target)]);
    return parsed(stdout, chart, target.namespace).filter(({ kind }) => kind === 'CustomResourceDefinition');
  }

  /** What the user says comes after what is carried over, and the revision after everything. */
  #withSettings<T>(target: InstallTarget, use: (settings: readonly string[]) => Promise<T>): Promise<T> {
    const carried = overlayValues(target.overlay);
    const files = carried === '' ? [] : [{ name: 'carried-over.yaml', text: carried }];
    const settings = [
      ...(target.namespace === 'istio-system' ? [] : [`global.istioNamespace=${target.namespace}`]),
      ...this.#options.set,
      `revision=${target.revision}`,
    ];
    return withFiles(files, (paths) =>
      use([...[...paths, ...this.#options.values].flatMap((path) => ['-f', path]), ...settings.flatMap((setting) => ['--set', setting])]),
    );
  }

  #source(target: InstallTarget): { charts: string; version: string | undefined } {
    return { charts: this.#options.charts, version: this.#options.chartVersion ?? target.version };
  }

  #waiting(): string[] {
    return ['--wait', '--timeout', `${this.#options.readinessTimeoutSeconds}s`];
  }

  #target(tool: Helm, release: { readonly name: string; readonly namespace: string }, onOutput: (line: string) => void): HelmTarget {
    const { kubeconfig, context, readinessTimeoutSeconds } = this.#options;
    return {
      helm: tool,
      release: release.name,
      namespace: release.namespace,
      cluster: [
        ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
        ...(context === undefined ? [] : ['--kube-context', context]),
      ],
      timeoutSeconds: readinessTimeoutSeconds,
      onOutput,
    };
  }

  #findHelm(pins: readonly Pin[]): Promise<Helm> {
    return findHelm(this.#options.helm, pins.find((pin) => pin.name === TOOL_PIN)?.version);
  }

  #expectValues(pins: readonly Pin[]): void {
    for (const pin of pins.filter(({ name }) => name === VALUES_PIN)) {
      if (sha256(readValues(pin.path)) === pin.sha256) continue;
      throw new Problem('PLAN-015', {
        what: `${pin.path} is not the file that the plan was made from.`,
        next: [{ label: 'make a new plan', command: 'meshlift plan --to VERSION -o FILE' }],
      });
    }
  }
}

function releaseName({ revision }: InstallTarget): string {
  return `istiod-${revision}`;
}

function kubernetes({ kubernetes: version }: InstallTarget): string[] {
  return version === undefined ? [] : ['--kube-version', version];
}

function parsed(text: string, { pin }: Chart, namespace: string): KubeObject[] {
  const objects = parseManifests(text, `what helm renders of ${pin.path}`, namespace);
  if (objects instanceof Problem) throw objects;
  return objects;
}

function readValues(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Problem('ARGS-002', {
      what: `${path} cannot be read: ${fileTrouble(error)}.`,
      next: [{ label: 'look', command: `ls -l ${path}` }],
    });
  }
}
