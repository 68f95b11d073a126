/** The chain of evidence: which label and webhook decide, what is without effect, and what pods run on. */
import type { InjectionSubject } from '../injection/resolve-injection.ts';
import { answererOf } from '../injection/resolve-injection.ts';
import type { MeshInventory, Workload } from '../mesh/mesh-inventory.ts';
import { ownerText } from '../tags/describe-tags.ts';
import { revisionText } from './sentences.ts';
import type { DecidingLabel, Evidence, NextPod, PodNow } from './why-answer.ts';

interface EvidenceInput {
  readonly subject: InjectionSubject;
  readonly workload?: Workload;
  readonly next: NextPod;
  readonly pods: readonly PodNow[];
  readonly inventory: MeshInventory;
}

/** Names of pods that are shown in one line. */
const SHOWN = 3;

export function evidenceOf(input: EvidenceInput): Evidence[] {
  const { subject, next } = input;
  return [
    ...reasons(input),
    ...next.without.map((label) => ({ label: 'no effect', text: withoutText(label, next, subject) })),
    ...webhookLines(next),
    ...tagLines(input),
    ...imageLines(input),
    ...next.decidedBy.flatMap((label) => writerLine(label, subject.namespace)),
    ...runningLines(input.pods),
  ];
}

function reasons({ next, subject, workload }: EvidenceInput): Evidence[] {
  const labels = next.decidedBy.map((label) => `${holder(label, subject, workload)} has ${label.label}=${label.value}`);
  const asked = labels.length === 0 ? 'no label says anything, and the webhook injects all the same' : labels.join(', and ');
  const declining = next.webhooks.find(({ fate }) => fate === 'declines');
  switch (next.gets) {
    case 'injected':
      return [{ label: 'because', text: asked }];
    case 'refused':
      return [
        { label: 'because', text: asked },
        { label: 'refused', text: `by the webhook: ${next.detail}` },
      ];
    case 'nothing':
    case 'in-template':
    case 'made-by-istiod':
      if (declining === undefined) return [{ label: 'because', text: next.detail }];
      return [
        { label: 'asked', text: asked },
        { label: 'because', text: `istiod of ${declining.revision} declines: ${declining.detail}` },
      ];
  }
}

function holder({ on }: Pick<DecidingLabel, 'on'>, { namespace }: InjectionSubject, workload: Workload | undefined): string {
  if (on === 'namespace') return `namespace ${namespace}`;
  return workload?.kind === 'Pod' ? 'the pod' : 'the pod template';
}

function withoutText(
  { on, label, value }: Pick<DecidingLabel, 'on' | 'label' | 'value'>,
  { decidedBy }: NextPod,
  subject: InjectionSubject,
): string {
  const of = on === 'namespace' ? 'of the namespace' : 'of the pod template';
  const beatenBy = decidedBy[0];
  if (beatenBy === undefined) return `${label}=${value} ${of}: no webhook asks for it`;
  const winner = beatenBy.on === 'namespace' ? `namespace ${subject.namespace}` : 'the pod';
  return `${label}=${value} ${of}: ${beatenBy.label} of ${winner} decides`;
}

function webhookLines({ webhooks }: NextPod): Evidence[] {
  const called = webhooks.filter(({ fate }) => fate !== 'passed-by' && fate !== 'off');
  const order = ['injects', 'refuses', 'declines', 'replaced', 'ignored'];
  return called
    .toSorted((a, b) => order.indexOf(a.fate) - order.indexOf(b.fate))
    .map((webhook): Evidence => {
      const where = `${webhook.entry} in ${webhook.configuration} → istiod of ${webhook.revision}`;
      const labelled = webhook.labelled === undefined ? '' : `; its label says ${webhook.labelled}, but its Service leads there`;
      if (webhook.fate === 'replaced') return { label: 'also', text: `${where}: ${webhook.detail}, which is called after it${labelled}` };
      if (webhook.fate === 'ignored') return { label: 'ignored', text: `${where}: ${webhook.detail}` };
      return { label: 'webhook', text: `${where}${labelled}` };
    });
}

function tagLines({ next, inventory }: EvidenceInput): Evidence[] {
  const deciding = next.webhooks.find(({ fate }) => fate === 'injects' || fate === 'refuses' || fate === 'declines');
  const tag = inventory.tags.find((one) => one.configuration === deciding?.configuration);
  if (tag === undefined || deciding === undefined) return [];
  const owner = ownerText(tag.owner);
  return [{ label: 'tag', text: `${tag.name} → revision ${deciding.revision}${owner === '-' ? '' : ` (written by ${owner})`}` }];
}

function imageLines({ next, pods }: EvidenceInput): Evidence[] {
  if (next.image === undefined) return [];
  const before = [...new Set(pods.flatMap(({ image }) => (image === undefined || image === next.image ? [] : [image])))];
  const fixed = next.imagePinnedBy === undefined ? '' : `; ${next.imagePinnedBy} fixes it, whatever the revision`;
  return [{ label: 'image', text: `${before.length === 0 ? '' : `${before.slice(0, SHOWN).join(', ')} → `}${next.image}${fixed}` }];
}

function writerLine({ on, label, managers, tool }: DecidingLabel, namespace: string): Evidence[] {
  const writers = [...(tool === undefined ? [] : [tool]), ...managers.map((manager) => `field manager ${manager}`)];
  if (writers.length === 0) return [];
  return [
    {
      label: 'written by',
      text: `${label} of ${on === 'namespace' ? `namespace ${namespace}` : 'the pod template'}: ${writers.join(', ')}`,
    },
  ];
}

function runningLines(pods: readonly PodNow[]): Evidence[] {
  const groups = Map.groupBy(pods, (pod) => stateText(pod));
  return [...groups].map(([state, list]) => {
    const names = list.slice(0, SHOWN).map(({ name }) => name);
    return { label: 'running', text: `${names.join(', ')}${list.length > SHOWN ? ` and ${list.length - SHOWN} more` : ''}: ${state}` };
  });
}

function stateText({ proxy, revision, version, istiods, connectedTo, ready }: PodNow): string {
  const unready = ready ? '' : ', not ready';
  if (proxy === 'none') return `no proxy${unready}`;
  const on = revisionText(revision, version);
  if (proxy === 'unknown') return `${on}, whether it is connected is not known${unready}`;
  if (proxy === 'not-connected') return `${on}, connected to no istiod${unready}`;
  const state = { synced: 'synced', stale: 'not synced', 'not-sent': 'nothing sent yet' }[proxy];
  const elsewhere = connectedTo.some((other) => other !== revision) ? ` of ${connectedTo.join(' and ')}` : '';
  return `${on}, connected to ${[...new Set(istiods)].join(' and ')}${elsewhere}, ${state}${unready}`;
}

/** What keeps the answer from coming true just now, or makes it less than certain. */
export function inTheWay({ subject, next, inventory, pods }: EvidenceInput): Evidence[] {
  const lines: Evidence[] = [];
  const revision = inventory.revisions.find((r) => r.name === next.revision);
  if (next.gets === 'injected' && revision?.deployment !== undefined && revision.replicas.ready === 0)
    lines.push({ label: 'now', text: `no istiod of ${revision.name} is ready: pods are refused until one is` });
  const injecting = next.webhooks.find(({ fate }) => fate === 'injects');
  const several = inventory.webhooks.find((w) => w.configuration === injecting?.configuration && (w.answeredBy ?? []).length > 1);
  if (several !== undefined)
    lines.push({
      label: 'now',
      text: `istiods of ${(several.answeredBy ?? []).join(' and ')} are behind one Service: any of them may answer, not always ${answererOf(several)}`,
    });
  const told = /discoveryAddress["']?:\s*["']?([^"'\s,}]+)/.exec(
    subject.template.metadata?.annotations?.['proxy.istio.io/config'] ?? '',
  )?.[1];
  if (told !== undefined)
    lines.push({ label: 'connects', text: `to ${told}, as the annotation proxy.istio.io/config says, whatever injects it` });
  const elsewhere = pods.filter((pod) => pod.proxy === 'not-connected');
  if (elsewhere.length > 0 && inventory.revisions.length === 0) lines.push({ label: 'now', text: 'no istiod is there' });
  return lines;
}
