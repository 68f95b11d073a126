/** Tags as people read them: the list, and what setting or removing one would do. */
import { refText, refOf } from '../../core/controlplane/object-identity.ts';
import { emptiesLostGateways } from '../../core/versions/gateway-handover.ts';
import { runningPods, type MeshInventory } from '../../core/mesh/mesh-inventory.ts';
import { ownerText, type TagDescription } from '../../core/tags/describe-tags.ts';
import type { PlannedTagRemoval, PlannedTagSet, SetTag } from '../../flows/change-tags.ts';
import type { Terminal } from '../terminal.ts';
import { renderTable, type Column } from './table.ts';
import { count, some } from './words.ts';

export function renderTagList(tags: readonly TagDescription[], inventory: MeshInventory, terminal: Terminal, wide: boolean): string {
  const unread = inventory.unread.map(({ what, why }) => `! could not be read: ${what} (${why}); more may follow a tag`);
  if (tags.length === 0) return ['This mesh has no tags.', ...unread, 'Next: meshlift tag set prod-stable --revision REVISION'].join('\n');
  const broken = tags.filter((tag) => tag.dangling !== undefined);
  return [
    renderTable(columns(wide), tags),
    ...broken.map((tag) =>
      terminal.tone('bad', `! ${tag.tag} leads nowhere: ${tag.dangling ?? ''}; pods that follow it are refused, or get no sidecar`),
    ),
    ...unread.map((line) => terminal.tone('warn', line)),
  ].join('\n');
}

function columns(wide: boolean): Column<TagDescription>[] {
  const list = (items: readonly string[]): string => (items.length === 0 ? '-' : wide ? items.join(', ') : some(items));
  return [
    { title: 'TAG', cell: ({ tag }) => tag },
    { title: 'REVISION', cell: ({ revision, dangling }) => (dangling === undefined ? revision : `${revision} (dangling)`) },
    { title: 'VERSION', cell: ({ version }) => version },
    { title: 'NAMESPACES', cell: ({ namespaces }) => list(namespaces) },
    { title: 'OWNER', cell: ({ owner }) => ownerText(owner) },
    ...(wide
      ? [
          { title: 'WORKLOADS', cell: ({ workloads }: TagDescription) => list(workloads) },
          { title: 'GATEWAYS', cell: ({ gateways }: TagDescription) => list(gateways) },
        ]
      : []),
  ];
}

/** What setting a tag changes, and when. */
export function renderTagMove(planned: PlannedTagSet, terminal: Terminal): string {
  const { request, from, version, moves, users } = planned;
  const target = `${request.revision} (${version})`;
  if (moves.length === 0) return `The tag ${request.tag} points to ${target} already; nothing to do.`;
  const head =
    from === undefined || from.revision === request.revision
      ? `Tag ${request.tag} → ${target}${from === undefined ? ', new' : ', its objects are put right'}`
      : `Tag ${request.tag}: ${from.revision} (${from.version}) → ${target}`;
  const { workloads, gateways } = tagMoveFacts(planned);
  const lines = [
    workloads.length === 0
      ? 'at their next restart  nothing: no running sidecar follows it'
      : `at their next restart  ${count(workloads.length, 'workload')} in ${count(users.namespaces.length, 'namespace')}: ${some(workloads)}`,
    ...(gateways.length === 0
      ? []
      : [`at once                ${count(gateways.length, 'gateway')} of the Gateway API, replaced by istiod: ${some(gateways)}`]),
    ...(request.tag === 'default' ? ['at once                validation of configuration without a revision, and leadership'] : []),
  ];
  return [
    terminal.tone('strong', head),
    ...lines.map((line) => `  ${line}`),
    ...warnings(planned, gateways).map((line) => terminal.tone('warn', `  ! ${line}`)),
    ...moves.map(({ before, after }) => `  ${terminal.tone('dim', `${before === undefined ? '+' : '~'} ${refText(refOf(after))}`)}`),
  ].join('\n');
}

function warnings({ from, request }: PlannedTagSet, gateways: readonly string[]): string[] {
  if (gateways.length === 0 || from === undefined || from.revision === request.revision || !emptiesLostGateways(from.version)) return [];
  return [
    `istiod ${from.version} empties the configuration of gateway pods that it no longer owns: they are without routes for seconds, until new ones are ready. Do it at a quiet time, or upgrade ${from.revision} to a patch version without this first (1.29.5, 1.30.2)`,
  ];
}

/** Who is moved by it, for people and for machines. */
export function tagMoveFacts({ request, from, version, moves, users }: PlannedTagSet): {
  readonly tag: string;
  readonly from: string | null;
  readonly revision: string;
  readonly version: string;
  readonly namespaces: readonly string[];
  readonly workloads: readonly string[];
  readonly gateways: readonly string[];
  readonly writes: readonly string[];
} {
  const changing = users.workloads.filter(({ workload }) =>
    runningPods(workload).some((pod) => pod.proxy === undefined || pod.revision !== request.revision),
  );
  return {
    tag: request.tag,
    from: from?.revision ?? null,
    revision: request.revision,
    version,
    namespaces: users.namespaces,
    workloads: changing.map(({ workload }) => `${workload.namespace}/${workload.name}`),
    gateways: users.gateways.map((g) => `${g.namespace}/${g.name}`),
    writes: moves.map(({ after }) => refText(refOf(after))),
  };
}

export function tagSetText(planned: PlannedTagSet, { namespace, untried }: SetTag): string {
  const { tag, revision } = planned.request;
  const where = namespace === undefined ? 'that follows it' : `in ${namespace}`;
  const seen = untried === undefined ? `a dry-run pod ${where} was injected by ${revision}` : `injection could not be tried: ${untried}`;
  const { workloads, namespaces } = tagMoveFacts(planned);
  const next =
    namespaces.length === 0
      ? `kubectl label namespace NAMESPACE istio-injection- istio.io/rev=${tag}`
      : workloads.length === 0
        ? 'meshlift tag list'
        : `meshlift migrate ${namespaces.slice(0, 3).join(' ')} --to ${tag}   (restarts what follows it, verified)`;
  return `The tag ${tag} points to ${revision}; ${seen}.\nNext: ${next}`;
}

export function renderRemoval({ tag, removes, heir }: PlannedTagRemoval): string {
  return [
    `Remove the tag ${tag.name} (points to ${tag.revision}); nothing follows it${heir === undefined ? '' : ` but what ${heir} injects as the default afterwards`}`,
    ...removes.map((object) => `  - ${refText(refOf(object))}`),
    ...(heir === undefined ? [] : [`  istiod-default-validator stays; meshlift tag set default --revision ${heir} would point it there`]),
  ].join('\n');
}
