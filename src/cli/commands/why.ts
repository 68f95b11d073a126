import { buildInventory } from '../../core/mesh/build-inventory.ts';
import type { MeshInventory } from '../../core/mesh/mesh-inventory.ts';
import { noIstio } from '../../core/mesh/mesh-problems.ts';
import { Problem } from '../../core/problems/problem.ts';
import { explainWhy } from '../../core/why/explain-why.ts';
import { findTarget, targetText } from '../../core/why/find-target.ts';
import type { SeenRun } from '../../core/why/in-a-run.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { withLook, type LookPorts } from '../compose-look.ts';
import { ExitCode } from '../exit-codes.ts';
import { isStructured, renderStructured } from '../views/structured.ts';
import { renderWhy } from '../views/why-text.ts';

/** @param name set when kind and name were typed as two words, as kubectl also takes them */
export async function whyCommand(context: CommandContext, target: string, name: string | undefined): Promise<ExitCode> {
  const { options, terminal, format } = context;
  return withLook(options, async (ports) => {
    const [objects, runs] = await Promise.all([ports.reader.readMesh('status'), readRun(ports)]);
    const inventory = buildInventory(objects);
    expectReadable(inventory);
    const seen = { objects, inventory };
    const found = findTarget(
      name === undefined ? target : `${target}/${name}`,
      options.allNamespaces === true ? [] : options.namespace,
      seen,
    );
    const answer = explainWhy(found, seen, runs.run);
    const whole = { ...answer, unknown: [...answer.unknown, ...runs.unknown] };
    if (isStructured(format)) terminal.out(renderStructured(whole, format));
    else if (format === 'name') terminal.out(targetText(found));
    else terminal.out(renderWhy(whole, terminal, format === 'wide'));
    return ExitCode.done;
  });
}

/** Without these, any answer would be a guess. */
const NEEDED = /^(namespaces|services|mutatingwebhookconfigurations)\b/;

function expectReadable(inventory: MeshInventory): void {
  const missing = inventory.unread.filter(({ what }) => NEEDED.test(what));
  if (missing.length > 0)
    throw new Problem('MESH-007', {
      what: `These could not be read: ${missing.map(({ what, why }) => `${what} (${why})`).join(', ')}.`,
      why: 'Who injects a pod is decided by labels of namespaces, by webhooks and by the Services behind them.',
      next: [{ label: 'which permissions are missing', command: 'meshlift rbac --check --for look' }],
    });
  if (inventory.revisions.length === 0 && inventory.webhooks.length === 0) throw noIstio(inventory);
}

interface FoundRun {
  readonly run?: SeenRun;
  /** Why it cannot be told where a run stands; empty when it can, or when there is none. */
  readonly unknown: readonly string[];
}

/** The newest run that is not over; that it cannot be read is no reason to say nothing of injection. */
async function readRun({ runs, lock }: LookPorts): Promise<FoundRun> {
  let name = '';
  try {
    const list = await runs.list();
    const open = list.find(({ phase }) => ['running', 'paused', 'failed'].includes(phase)) ?? list.find(({ phase }) => phase === 'moved');
    if (open === undefined) return { unknown: [] };
    name = ` ${open.name} (${open.phase}${open.step === '' ? '' : `, ${open.step}`})`;
    const [record, holder] = await Promise.all([runs.load(open.name), lock.holder()]);
    const isDriven = holder !== undefined && !holder.knownDead && holder.expiresInMs > 0;
    return { run: { record, paused: open.paused, ...(isDriven ? { driver: holder.identity } : {}) }, unknown: [] };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { unknown: [`where run${name} stands: ${error.details.what}`] };
  }
}
