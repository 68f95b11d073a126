import { buildInventory } from '../../core/mesh/build-inventory.ts';
import { noIstio } from '../../core/mesh/mesh-problems.ts';
import { Problem } from '../../core/problems/problem.ts';
import { summarizeProxies, type ProxyStatus } from '../../core/status/summarize-proxies.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import type { ClusterReader } from '../../ports/cluster.ts';
import { withReader } from '../compose-reader.ts';
import { ExitCode } from '../exit-codes.ts';
import { renderProxyStatus } from '../views/proxy-status-text.ts';
import { isStructured, renderStructured } from '../views/structured.ts';
import { watchScreen } from '../watch-screen.ts';

export async function proxyStatusCommand(
  context: CommandContext,
  pod: string | undefined,
  options: { readonly watch?: boolean },
): Promise<ExitCode> {
  return withReader(context.options, async (reader) => {
    const draw = async (): Promise<string> => render(context, await readProxies(context, reader, pod));
    if (options.watch === true) await watchScreen(context, draw);
    else context.terminal.out(await draw());
    return ExitCode.done;
  });
}

interface Seen {
  readonly proxies: readonly ProxyStatus[];
  /** istiods that did not answer, and what could not be read. */
  readonly notes: readonly string[];
}

async function readProxies(context: CommandContext, reader: ClusterReader, pod: string | undefined): Promise<Seen> {
  const inventory = buildInventory(await reader.readMesh('status'));
  if (inventory.revisions.length === 0 && inventory.unread.length === 0) throw noIstio(inventory);
  const all = summarizeProxies(inventory, context.options.allNamespaces === true ? [] : context.options.namespace);
  const proxies = pod === undefined ? all : all.filter((p) => isNamed(p, pod));
  if (pod !== undefined && proxies.length === 0)
    throw new Problem('MESH-005', {
      what: `No proxy is called ${pod}.`,
      why: 'A proxy is named POD, POD.NAMESPACE or NAMESPACE/POD.',
      next: [{ label: 'all proxies', command: 'meshlift proxy-status' }],
    });
  const silent = inventory.revisions.flatMap((r) =>
    r.istiods.flatMap((report) =>
      report.error === undefined ? [] : [`${report.pod} does not say which proxies are connected: ${report.error}`],
    ),
  );
  return { proxies, notes: [...silent, ...inventory.unread.map((u) => `could not be read: ${u.what} (${u.why})`)] };
}

function isNamed(proxy: ProxyStatus, name: string): boolean {
  const pod = proxy.proxy.slice(0, proxy.proxy.lastIndexOf('.'));
  return [proxy.proxy, pod, `${proxy.namespace}/${pod}`].includes(name);
}

function render({ format, terminal }: CommandContext, { proxies, notes }: Seen): string {
  if (isStructured(format)) return renderStructured({ proxies, notes }, format);
  if (format === 'name') return proxies.map((p) => p.proxy).join('\n');
  const table = renderProxyStatus(proxies, terminal, format === 'wide');
  return notes.length === 0 ? table : `${table}\n\n${notes.map((note) => `${terminal.tone('warn', '?')} ${note}`).join('\n')}`;
}
