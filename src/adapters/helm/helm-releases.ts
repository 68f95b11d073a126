/** How a release stands, as helm tells, and how one that was cut off is made whole again. */
import { Problem } from '../../core/problems/problem.ts';
import { runTool } from '../tools/run-tool.ts';
import type { Helm } from './find-helm.ts';

export interface HelmTarget {
  readonly helm: Helm;
  readonly release: string;
  readonly namespace: string;
  /** `--kubeconfig` and `--kube-context`. */
  readonly cluster: readonly string[];
  readonly timeoutSeconds: number;
  readonly onOutput: (line: string) => void;
}

interface HistoryEntry {
  readonly revision: number;
  readonly status: string;
}

/** helm needs some time of its own beside the waiting. */
const SLACK_MS = 60_000;

/** @param onLine gets every line, whether or not it is told */
export async function helm(target: HelmTarget, args: readonly string[], onLine: (line: string) => void = () => undefined): Promise<string> {
  let inNotes = false;
  const { stdout } = await runTool(target.helm.path, [...args, '-n', target.namespace, ...target.cluster], {
    onLine: (line) => {
      onLine(line);
      inNotes ||= line.startsWith('NOTES:');
      if (!inNotes && isTelling(line)) target.onOutput(line);
    },
    timeoutMs: target.timeoutSeconds * 1000 + SLACK_MS,
  });
  return stdout;
}

/**
 * A driver that was killed may have left its own release in the middle of something; helm refuses every further change of it. An
 * installation is taken away and begins anew: nothing uses it yet. A change is taken back to what was deployed before.
 */
export async function repairOwn(target: HelmTarget): Promise<void> {
  const history = await historyOf(target);
  const last = history.at(-1);
  if (last === undefined || !/^(pending-|uninstalling)/.test(last.status)) return;
  const deployed = history.findLast(({ status }) => status === 'deployed' || status === 'superseded');
  target.onOutput(`release ${target.release} was left ${last.status}; it is ${deployed === undefined ? 'removed' : 'rolled back'} first`);
  if (deployed === undefined) await helm(target, ['uninstall', target.release, '--wait', '--timeout', `${target.timeoutSeconds}s`]);
  else await helm(target, ['rollback', target.release, String(deployed.revision)]);
}

async function historyOf(target: HelmTarget): Promise<HistoryEntry[]> {
  try {
    const { stdout } = await runTool(target.helm.path, [
      'history',
      target.release,
      '-o',
      'json',
      '-n',
      target.namespace,
      ...target.cluster,
    ]);
    return JSON.parse(stdout) as HistoryEntry[];
  } catch (error) {
    if (error instanceof Problem && /release: not found/.test(error.details.what)) return [];
    throw error;
  }
}

/** Who writes what a chart of Istio also writes: istiod its webhooks, Meshlift the default. */
const MEANT_MANAGERS = new Set(['pilot-discovery', 'meshlift']);

/**
 * Server-side apply of helm 4 refuses fields that somebody else wrote. istiod writes CA bundle and failure policy of its own
 * webhooks and does so again at once, so these are taken over; anybody else's are a question for a person.
 * @source istio/istio pilot/pkg/leaderelection and pkg/webhooks/validation/controller @86c9f01; istio/istio pull 59367
 */
export async function withConflictsOfIstiod(target: HelmTarget, args: readonly string[]): Promise<void> {
  const lines: string[] = [];
  try {
    await helm(target, args, (line) => lines.push(line));
  } catch (error) {
    const managers = error instanceof Problem ? conflictingManagers(lines.join('\n')) : [];
    if (managers.length === 0) throw error;
    const foreign = managers.filter((manager) => !MEANT_MANAGERS.has(manager));
    if (foreign.length > 0) throw conflictProblem(target, foreign, error as Problem);
    target.onOutput(`fields that ${managers.join(' and ')} wrote are taken over; istiod writes its own again`);
    await helm(target, [...args, '--force-conflicts']);
  }
}

function conflictingManagers(output: string): string[] {
  return [...new Set([...output.matchAll(/conflicts? with "([^"]+)"/g)].map(([, manager = '']) => manager))];
}

function conflictProblem({ release, namespace }: HelmTarget, managers: readonly string[], cause: Problem): Problem {
  return new Problem('TOOL-005', {
    what: cause.details.what,
    why: `${managers.join(', ')} wrote fields that release ${release} in ${namespace} would write.`,
    next: [
      {
        label: 'see who wrote what',
        command: `kubectl -n ${namespace} get deploy,svc,cm -l release=${release} -o yaml --show-managed-fields`,
      },
      ...cause.details.next.map((step) =>
        step.command === undefined ? step : { label: 'if helm shall win, by hand', command: `${step.command} --force-conflicts` },
      ),
    ],
  });
}

/** What a chart has to say to people who install it by hand is left out, and what helm only repeats. */
function isTelling(line: string): boolean {
  return /[A-Za-z]{3}/.test(line) && !/^(NAMESPACE|TEST SUITE|LAST DEPLOYED|DESCRIPTION):/.test(line);
}
