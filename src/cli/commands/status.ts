import { buildInventory } from '../../core/mesh/build-inventory.ts';
import { noIstio } from '../../core/mesh/mesh-problems.ts';
import { Problem } from '../../core/problems/problem.ts';
import { summarizeMesh, type MeshStatus } from '../../core/status/summarize-mesh.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import type { ClusterReader } from '../../ports/cluster.ts';
import { withReader } from '../compose-reader.ts';
import { ExitCode } from '../exit-codes.ts';
import { renderStatus } from '../views/status-text.ts';
import { isStructured, renderStructured } from '../views/structured.ts';
import { watchScreen } from '../watch-screen.ts';

export async function statusCommand(context: CommandContext, options: { readonly watch?: boolean }): Promise<ExitCode> {
  return withReader(context.options, async (reader) => {
    if (options.watch === true) await watchScreen(context, async () => render(context, await readStatus(context, reader)));
    else context.terminal.out(render(context, await readStatus(context, reader)));
    return ExitCode.done;
  });
}

async function readStatus(context: CommandContext, reader: ClusterReader): Promise<MeshStatus> {
  const inventory = buildInventory(await reader.readMesh('status'));
  const unknown = context.options.namespace.filter((name) => !inventory.namespaces.some((n) => n.name === name));
  const mayList = !inventory.unread.some((u) => u.what === 'namespaces');
  if (unknown.length > 0 && mayList)
    throw new Problem('MESH-003', {
      what: `There is no namespace ${unknown.join(', ')}.`,
      next: [{ label: 'look', command: 'kubectl get namespaces' }],
    });
  if (inventory.revisions.length === 0 && inventory.unread.length === 0) throw noIstio(inventory);
  return summarizeMesh(inventory, context.options.allNamespaces === true ? [] : context.options.namespace);
}

function render(context: CommandContext, status: MeshStatus): string {
  const { format, terminal } = context;
  if (isStructured(format)) return renderStructured(status, format);
  if (format === 'name') return status.revisions.map((r) => `revision/${r.name}`).join('\n');
  return renderStatus(status, terminal, { wide: format === 'wide', nowMs: Date.now() });
}
