/** Finds helm and reads its version: 3 and 4 are the ones whose ways are known. */
import { Problem } from '../../core/problems/problem.ts';
import { runTool } from '../tools/run-tool.ts';
import { digestOfFile, locateTool } from '../tools/tool-files.ts';

export interface Helm {
  readonly path: string;
  /** Such as `3.17.4`. */
  readonly version: string;
  readonly major: 3 | 4;
  readonly sha256: string;
}

/**
 * @param wanted as the user gave it: a path, or a name on PATH
 * @param pinned version of the plan: another major version works in other ways, so it is refused
 * @throws Problem TOOL-001 when it is not there, TOOL-002 when it is neither helm 3 nor 4 or not as pinned, TOOL-003 when it cannot be run
 */
export async function findHelm(wanted: string, pinned: string | undefined): Promise<Helm> {
  const path = locateTool(wanted);
  if (path === undefined) {
    throw new Problem('TOOL-001', {
      what: wanted.includes('/') ? `There is no ${wanted}.` : `${wanted} is not on PATH.`,
      why: 'The control plane is installed with helm.',
      next: [{ label: 'say where it is', command: '--helm PATH' }],
    });
  }
  const { stdout } = await runTool(path, ['version', '--template', '{{.Version}}']);
  const match = /^v?((\d+)\.\d+\.\d+\S*)/.exec(stdout.trim());
  const [, version = stdout.trim().slice(0, 100), majorText = ''] = match ?? [];
  const major = Number(majorText);
  if (major !== 3 && major !== 4) throw wrongVersion(path, version, 'helm 3 or 4');
  const wantedMajor = pinned?.split('.')[0];
  if (wantedMajor !== undefined && wantedMajor !== majorText)
    throw wrongVersion(path, version, `helm ${wantedMajor}, as the plan was made with`);
  return { path, version, major, sha256: await digestOfFile(path) };
}

function wrongVersion(path: string, found: string, wanted: string): Problem {
  return new Problem('TOOL-002', {
    what: `${path} is helm ${found}; it must be ${wanted}.`,
    next: [{ label: 'say where the right one is', command: '--helm PATH' }],
    facts: { path, found, wanted },
  });
}
