/** `proxy-status`: live proxies of all istiods of all revisions. */
import type { ProxyStatus } from '../../core/status/summarize-proxies.ts';
import type { Terminal } from '../terminal.ts';
import { renderTable, type Column } from './table.ts';
import { count } from './words.ts';

const TYPES = ['CDS', 'LDS', 'EDS', 'RDS', 'ECDS'];

export function renderProxyStatus(proxies: readonly ProxyStatus[], terminal: Terminal, wide: boolean): string {
  const columns: Column<ProxyStatus>[] = [
    { title: 'PROXY', cell: (p) => p.proxy },
    { title: 'REVISION', cell: (p) => p.revision },
    { title: 'VERSION', cell: (p) => p.version },
    { title: 'STATE', cell: (p) => stateText(p, terminal) },
    ...(wide
      ? [
          { title: 'TYPE', cell: (p: ProxyStatus) => p.type },
          { title: 'ISTIOD', cell: (p: ProxyStatus) => p.istiod || '-' },
          { title: 'CLUSTER', cell: (p: ProxyStatus) => p.cluster || '-' },
          ...TYPES.map((type) => ({ title: type, cell: (p: ProxyStatus) => p.types[type]?.toUpperCase() ?? '-' })),
        ]
      : [{ title: 'ISTIOD', cell: (p: ProxyStatus) => p.istiod || '-' }]),
    { title: 'NOTE', cell: noteText },
  ];
  return [terminal.tone('strong', headline(proxies)), renderTable(columns, proxies)].join('\n\n');
}

function headline(proxies: readonly ProxyStatus[]): string {
  if (proxies.length === 0) return 'No proxy is connected, and no pod has one.';
  const by = Map.groupBy(
    proxies.filter((p) => p.istiod !== ''),
    (p) => p.revision,
  );
  const parts = [...by].map(([revision, list]) => `${list.length} on ${revision}`);
  const alone = proxies.filter((p) => p.istiod === '').length;
  return `${count(proxies.length, 'proxy', 'proxies')}: ${[...parts, ...(alone > 0 ? [`${alone} not connected`] : [])].join(', ')}`;
}

function stateText(proxy: ProxyStatus, terminal: Terminal): string {
  switch (proxy.state) {
    case 'synced':
      return `${terminal.tone('good', '✓')} synced`;
    case 'stale':
      return `${terminal.tone('warn', '!')} stale ${Object.keys(proxy.types)
        .filter((type) => proxy.types[type] === 'stale')
        .join(',')}`;
    case 'not-sent':
      return `${terminal.tone('warn', '!')} not sent`;
    case 'not-connected':
      return `${terminal.tone('bad', '✗')} not connected`;
    case 'unknown':
      return `${terminal.tone('warn', '?')} unknown`;
  }
}

function noteText(proxy: ProxyStatus): string {
  if (!proxy.hasPod) return 'no pod of this cluster has that name';
  if (proxy.terminating) return 'terminating';
  return proxy.injectedBy !== '' && proxy.istiod !== '' && proxy.injectedBy !== proxy.revision ? `injected by ${proxy.injectedBy}` : '';
}
