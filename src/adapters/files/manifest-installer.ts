/** Installs a control plane from YAML that the user rendered, applied server-side. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import { classifyRendered } from '../../core/controlplane/classify-rendered.ts';
import { parseManifests } from '../../core/controlplane/parse-manifests.ts';
import { installOrder } from '../../core/controlplane/own-objects.ts';
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import type { Pin } from '../../core/plan/plan.ts';
import { fileTrouble } from '../../core/problems/file-trouble.ts';
import { Problem } from '../../core/problems/problem.ts';
import type { ClusterWriter } from '../../ports/cluster.ts';
import type { ControlPlaneInstaller, InstallTarget, RenderedInstall } from '../../ports/installer.ts';

export interface ManifestOptions {
  /** Files, folders, or `-`. */
  readonly paths: readonly string[];
  readonly writer: ClusterWriter;
}

const PIN_NAME = 'manifests';
const FIELD_MANAGER = 'meshlift';

export class ManifestInstaller implements ControlPlaneInstaller {
  readonly canCarryOver = false;
  readonly movesDefaultWhenNoTag = false;
  readonly #options: ManifestOptions;

  constructor(options: ManifestOptions) {
    this.#options = options;
  }

  async render(target: InstallTarget, pinned: readonly Pin[] = []): Promise<RenderedInstall> {
    const files: ManifestFile[] = [];
    for (const path of this.#options.paths) files.push(...(path === '-' ? [await readStdin(pinned)] : readFiles(path)));
    const pins = files.map(({ path, text }): Pin => ({
      name: PIN_NAME,
      path,
      sha256: sha256(text),
      ...(path === '-' ? { content: gzipSync(text).toString('base64') } : {}),
    }));
    return { objects: files.flatMap(({ path, text }) => parsed(path, text, target.namespace)), pins, requestedPaths: [] };
  }

  async install(target: InstallTarget, pins: readonly Pin[], onOutput: (line: string) => void): Promise<void> {
    const objects = pins.filter((pin) => pin.name === PIN_NAME).flatMap((pin) => parsed(pin.path, pinnedText(pin), target.namespace));
    const { own, shared } = classifyRendered(objects);
    for (const object of installOrder([...shared, ...own])) {
      await this.#apply(object);
      onOutput(`applied ${object.kind} ${object.metadata.name}`);
    }
  }

  async #apply(object: KubeObject): Promise<void> {
    const { writer } = this.#options;
    try {
      await writer.applyObject(object, { fieldManager: FIELD_MANAGER, force: false });
    } catch (error) {
      if (!isOfIstiod(object, error)) throw error;
      await writer.applyObject(object, { fieldManager: FIELD_MANAGER, force: true });
    }
  }
}

/**
 * istiod sets failurePolicy of its own webhooks once it serves. An installation that goes on after that would meet istiod as
 * the owner of that field; it takes it over, and istiod sets it again. Any other owner is a conflict for a person.
 */
function isOfIstiod(object: KubeObject, error: unknown): boolean {
  if (!(error instanceof Problem) || !object.kind.endsWith('WebhookConfiguration')) return false;
  const managers = [...error.details.what.matchAll(/conflicts? with "([^"]+)"/g)].map((match) => match[1]);
  return managers.length > 0 && managers.every((manager) => manager === 'pilot-discovery');
}

interface ManifestFile {
  readonly path: string;
  readonly text: string;
}

function parsed(path: string, text: string, namespace: string): KubeObject[] {
  const objects = parseManifests(text, path === '-' ? 'standard input' : path, namespace);
  if (objects instanceof Problem) throw objects;
  return objects;
}

/** Standard input can be read once only; a plan that was made from it carries its content. */
let stdin: Promise<string> | undefined;

async function readStdin(pinned: readonly Pin[]): Promise<ManifestFile> {
  const pin = pinned.find((p) => p.name === PIN_NAME && p.path === '-');
  if (pin) return { path: '-', text: pinnedText(pin) };
  stdin ??= readText(process.stdin);
  return { path: '-', text: await stdin };
}

/** A file, or every YAML and JSON file below a folder, in the order of their names. */
function readFiles(path: string): ManifestFile[] {
  try {
    if (!statSync(path).isDirectory()) return [{ path, text: readFileSync(path, 'utf8') }];
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ya?ml|json)$/.test(name))
      .toSorted()
      .map((name) => ({ path: join(path, name), text: readFileSync(join(path, name), 'utf8') }));
  } catch (error) {
    throw new Problem('ARGS-002', {
      what: `${path} cannot be read: ${fileTrouble(error)}.`,
      next: [{ label: 'look', command: `ls -l ${path}` }],
    });
  }
}

/** The text of a pin, as it was when the plan was made. */
function pinnedText(pin: Pin): string {
  const text =
    pin.content === undefined ? (readFiles(pin.path)[0]?.text ?? '') : gunzipSync(Buffer.from(pin.content, 'base64')).toString('utf8');
  if (sha256(text) === pin.sha256) return text;
  throw new Problem('PLAN-015', {
    what: `${pin.path} is not the file that the plan was made from.`,
    next: [{ label: 'make a new plan', command: 'meshlift plan --to VERSION -o FILE' }],
  });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
