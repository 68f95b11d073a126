import { buildInventory } from '../../core/mesh/build-inventory.ts';
import type { MeshInventory } from '../../core/mesh/mesh-inventory.ts';
import { tagNotRevision, unknownRevision } from '../../core/mesh/mesh-problems.ts';
import { findUses } from '../../core/usage/find-uses.ts';
import { usageVerdict } from '../../core/usage/usage.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { withReader } from '../compose-reader.ts';
import { ExitCode } from '../exit-codes.ts';
import { isStructured, renderStructured } from '../views/structured.ts';
import { renderUsage } from '../views/usage-text.ts';

/** Exit code 3 when it is used or unknown, so that a script may go on only when it is neither. */
export async function inUseCommand(context: CommandContext, revision: string): Promise<ExitCode> {
  return withReader(context.options, async (reader) => {
    const inventory = buildInventory(await reader.readMesh('uses', { noteFailures: true }));
    const found = inventory.revisions.find((r) => r.name === revision);
    const usage = findUses(revision, inventory);
    // Nothing bears the name: it is more likely misspelt than gone.
    if (!found && usage.uses.length === 0) throw noSuchRevision(revision, inventory);
    const verdict = usageVerdict(usage);
    const version = found?.version;
    if (isStructured(context.format)) context.terminal.out(renderStructured({ verdict, version, ...usage }, context.format));
    else context.terminal.out(renderUsage(usage, version, context.terminal, context.format === 'wide'));
    return verdict === 'unused' ? ExitCode.done : ExitCode.refused;
  });
}

function noSuchRevision(name: string, inventory: MeshInventory): Error {
  const tag = inventory.tags.find((t) => t.name === name);
  return tag === undefined ? unknownRevision(name, inventory) : tagNotRevision(tag);
}
