/** Finds istioctl and makes sure of its version. */
import { Problem } from '../../core/problems/problem.ts';
import { sameIstioVersion } from '../../core/versions/istio-version.ts';
import { runTool } from '../tools/run-tool.ts';
import { digestOfFile, locateTool } from '../tools/tool-files.ts';

export interface Istioctl {
  readonly path: string;
  readonly version: string;
  readonly sha256: string;
}

/**
 * @param wanted as the user gave it: a path, or a name on PATH
 * @throws Problem TOOL-001 when it is not there, TOOL-002 when it is not of `version`, TOOL-003 when it cannot be run
 */
export async function findIstioctl(wanted: string, version: string | undefined): Promise<Istioctl> {
  const path = locateTool(wanted);
  if (path === undefined) {
    throw new Problem('TOOL-001', {
      what: wanted.includes('/') ? `There is no ${wanted}.` : `${wanted} is not on PATH.`,
      why:
        version === undefined
          ? 'The control plane is installed with istioctl.'
          : `The control plane is installed with istioctl ${version}.`,
      next: [{ label: 'say where it is', command: '--istioctl PATH' }],
    });
  }
  const found = await versionOf(path);
  if (version !== undefined && !sameIstioVersion(found, version)) {
    throw new Problem('TOOL-002', {
      what: `${path} is istioctl ${found}; the target is ${version}.`,
      why: 'istioctl installs the charts of its own version.',
      next: [{ label: 'say where the right one is', command: '--istioctl PATH' }],
      facts: { path, found, wanted: version },
    });
  }
  return { path, version: found, sha256: await digestOfFile(path) };
}

async function versionOf(path: string): Promise<string> {
  const { stdout } = await runTool(path, ['version', '--remote=false', '-o', 'json']);
  try {
    const answer = JSON.parse(stdout) as { clientVersion?: { version?: string } };
    if (answer.clientVersion?.version !== undefined) return answer.clientVersion.version;
  } catch {
    // Falls through to the problem below.
  }
  throw new Problem('TOOL-003', {
    what: `${path} does not say its version: ${stdout.trim().slice(0, 200)}`,
    next: [{ label: 'try it', command: `${path} version --remote=false` }],
  });
}
