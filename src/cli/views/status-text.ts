/** `status`: the mesh by revision, the important line first. */
import { NO_REVISION, type MeshStatus, type NamespaceStatus } from '../../core/status/summarize-mesh.ts';
import type { Terminal } from '../terminal.ts';
import { renderTable, type Column } from './table.ts';
import { count, duration, some } from './words.ts';

export interface StatusOptions {
  readonly wide: boolean;
  readonly nowMs: number;
}

export function renderStatus(status: MeshStatus, terminal: Terminal, options: StatusOptions): string {
  const parts = [
    headline(status, terminal),
    ...(status.revisions.length === 0 ? [] : [revisionTable(status, options.wide)]),
    ...(status.namespaces.length > 0
      ? [namespaceTable(status, terminal)]
      : status.revisions.length > 0
        ? ['No namespace uses the mesh.']
        : []),
    ...(status.gateways.length === 0 ? [] : [gatewayTable(status)]),
    ...(options.wide ? [workloadTable(status), webhookTable(status)] : []),
    [...connectionNotes(status, options), ...unreadNotes(status, terminal)].join('\n'),
    next(status),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function headline(status: MeshStatus, terminal: Terminal): string {
  const withPods = status.revisions.filter((r) => r.pods > 0 || status.revisions.length <= 3);
  const total = status.revisions.reduce((sum, r) => sum + r.pods, 0);
  const shares = withPods
    .toReversed()
    .map((r, index) => `${r.pods}${index === 0 ? ` of ${count(total, 'pod')}` : ''} on ${r.name} (${r.version})`);
  const unknown = status.unread.length > 0 ? `, ${count(status.unread.length, 'thing')} could not be read` : '';
  if (status.revisions.length === 0) return terminal.tone('strong', `${status.cluster}: the mesh cannot be seen${unknown}`);
  const text = total === 0 ? 'no pod has a proxy' : shares.join(', ');
  return terminal.tone('strong', `${status.cluster}: ${count(status.revisions.length, 'revision')}, ${text}${unknown}`);
}

function revisionTable(status: MeshStatus, wide: boolean): string {
  type Row = MeshStatus['revisions'][number];
  const columns: Column<Row>[] = [
    { title: 'REVISION', cell: (r) => r.name },
    { title: 'VERSION', cell: (r) => r.version },
    { title: 'ISTIOD', cell: (r) => (r.desired === 0 && r.ready === 0 ? 'none' : `${r.ready}/${r.desired}`) },
    { title: 'PODS', align: 'right', cell: (r) => String(r.pods) },
    { title: 'PROXIES', align: 'right', cell: (r) => (r.silent.length > 0 ? '?' : String(r.proxies)) },
    { title: 'TAGS', cell: (r) => r.tags.filter((tag) => tag !== 'default').join(',') || '-' },
    { title: 'DEFAULT FOR', cell: (r) => r.defaultFor.join(', ') || '-' },
    ...(wide
      ? [
          { title: 'INSTALLED BY', cell: (r: Row) => r.installedBy },
          { title: 'NAMESPACE', cell: (r: Row) => r.namespace },
        ]
      : []),
  ];
  return renderTable(columns, status.revisions);
}

function namespaceTable(status: MeshStatus, terminal: Terminal): string {
  const hasUninjected = status.namespaces.some((n) => (n.podsByRevision[NO_REVISION] ?? 0) > 0);
  const columns: Column<NamespaceStatus>[] = [
    { title: 'NAMESPACE', cell: (n) => n.name },
    {
      title: 'LABELS',
      cell: (n) =>
        Object.entries(n.labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(' ') || '-',
    },
    { title: 'GETS', cell: (n) => n.gets },
    ...status.revisions.map((r): Column<NamespaceStatus> => ({
      title: `ON ${r.name.toUpperCase()}`,
      align: 'right',
      cell: (n) => String(n.podsByRevision[r.name] ?? 0),
    })),
    ...(hasUninjected
      ? [{ title: 'NO PROXY', align: 'right', cell: (n: NamespaceStatus) => String(n.podsByRevision[NO_REVISION] ?? 0) } as const]
      : []),
    { title: 'NOTE', cell: (n) => note(n, terminal) },
  ];
  return renderTable(columns, status.namespaces);
}

function note(namespace: NamespaceStatus, terminal: Terminal): string {
  const notes: string[] = [];
  if (namespace.gateways > 0) notes.push(count(namespace.gateways, 'gateway'));
  if (namespace.labels['istio-injection'] !== undefined && namespace.labels['istio.io/rev'] !== undefined)
    notes.push(`${terminal.tone('warn', '!')} both labels: istio.io/rev has no effect`);
  else if (namespace.detail !== '')
    notes.push(`${namespace.gets === 'refused' ? terminal.tone('bad', '✗') : terminal.tone('warn', '!')} ${namespace.detail}`);
  if (namespace.toMove > 0) notes.push(`mixed: ${count(namespace.toMove, 'workload')} not restarted yet`);
  return notes.join('; ');
}

function podCounts(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts);
  return entries.length === 0 ? '-' : entries.map(([revision, pods]) => `${revision} ${pods}`).join(', ');
}

function gatewayTable(status: MeshStatus): string {
  type Row = MeshStatus['gateways'][number];
  const columns: Column<Row>[] = [
    { title: 'GATEWAY', cell: (g) => `${g.namespace}/${g.name}` },
    { title: 'MADE BY', cell: (g) => (g.source === 'gateway-api' ? 'Gateway API' : 'injection') },
    { title: 'PODS ON', cell: (g) => podCounts(g.podsByRevision) },
    { title: 'ADDRESSES', cell: (g) => g.addresses.join(', ') || '-' },
  ];
  return renderTable(columns, status.gateways);
}

function workloadTable(status: MeshStatus): string {
  type Row = MeshStatus['workloads'][number];
  const columns: Column<Row>[] = [
    { title: 'WORKLOAD', cell: (w) => `${w.namespace}/${w.kind.toLowerCase()}/${w.name}` },
    { title: 'WANTED', align: 'right', cell: (w) => String(w.desiredPods) },
    { title: 'PODS ON', cell: (w) => podCounts(w.podsByRevision) },
    { title: 'PROXY', cell: (w) => w.proxyVersions.join(', ') || '-' },
    { title: 'NEXT POD GETS', cell: (w) => w.gets },
  ];
  return renderTable(columns, status.workloads);
}

function webhookTable(status: MeshStatus): string {
  type Row = { readonly revision: string; readonly kind: string; readonly name: string };
  const rows = status.revisions.flatMap((r): Row[] => [
    ...r.mutatingWebhooks.map((name) => ({ revision: r.name, kind: 'injection', name })),
    ...r.validatingWebhooks.map((name) => ({ revision: r.name, kind: 'validation', name })),
  ]);
  return renderTable<Row>(
    [
      { title: 'REVISION', cell: (row) => row.revision },
      { title: 'WEBHOOK FOR', cell: (row) => row.kind },
      { title: 'CONFIGURATION', cell: (row) => row.name },
    ],
    rows,
  );
}

function connectionNotes(status: MeshStatus, { nowMs }: StatusOptions): string[] {
  const silent = status.revisions.flatMap((r) => r.silent.map((s) => `${s.pod} does not say which proxies are connected: ${s.error}`));
  const alone = silent.length > 0 ? [] : status.pods.filter((pod) => pod.sync === 'not-connected');
  const named = alone.map((pod) => `${pod.namespace}/${pod.name} (${duration(nowMs - Date.parse(pod.createdAt))} old)`);
  return [
    ...silent,
    ...(alone.length === 0
      ? []
      : [`${count(alone.length, 'pod')} with a proxy ${alone.length === 1 ? 'is' : 'are'} not connected to any istiod: ${some(named)}`]),
    ...(status.strayProxies.length === 0
      ? []
      : [
          `${count(status.strayProxies.length, 'live proxy', 'live proxies')} that no pod here explains: ${some(status.strayProxies.map((s) => s.proxy))}`,
        ]),
  ];
}

function unreadNotes(status: MeshStatus, terminal: Terminal): string[] {
  return status.unread.map((u) => `${terminal.tone('warn', '?')} could not be read: ${u.what} (${u.why})`);
}

function next(status: MeshStatus): string {
  if (status.unread.some((u) => u.missingRule !== undefined)) return 'Next: meshlift rbac --check';
  const odd = status.namespaces.find(isOdd);
  if (odd !== undefined) return `Next: meshlift why ns/${odd.name}`;
  if (status.namespaces.some((n) => n.toMove > 0)) return 'Next: meshlift runs';
  const [only] = status.revisions;
  return status.revisions.length === 1 && only !== undefined ? 'Next: meshlift check --to VERSION' : '';
}

/** Its labels ask for a sidecar that its pods do not get. */
function isOdd({ gets, detail, labels }: NamespaceStatus): boolean {
  if (gets === 'refused') return true;
  return detail !== '' && Object.keys(labels).length > 0 && labels['istio-injection'] !== 'disabled';
}
