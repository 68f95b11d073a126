import { buildInventory } from '../../core/mesh/build-inventory.ts';
import { unknownRevision } from '../../core/mesh/mesh-problems.ts';
import { findUses, usageVerdict } from '../../core/usage/find-uses.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { withReader } from '../compose-reader.ts';
import { ExitCode } from '../exit-codes.ts';
import { isStructured, renderStructured } from '../views/structured.ts';
import { renderUsage } from '../views/usage-text.ts';

/** Exit code 3 when it is used or unknown, so that a script may go on only when it is neither. */
export async function inUseCommand(context: CommandContext, revision: string): Promise<ExitCode> {
  return withReader(context.options, async (reader) => {
    const inventory = buildInventory(await reader.readMesh('uses'));
    const found = inventory.revisions.find((r) => r.name === revision);
    if (!found) throw unknownRevision(revision, inventory);
    const usage = findUses(revision, inventory);
    const verdict = usageVerdict(usage);
    if (isStructured(context.format)) context.terminal.out(renderStructured({ ...usage, verdict }, context.format));
    else context.terminal.out(renderUsage(usage, found.version, context.terminal, context.format === 'wide'));
    return verdict === 'unused' ? ExitCode.done : ExitCode.refused;
  });
}
