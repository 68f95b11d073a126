/** What the API server and the istiods would make of the next pod of a template. */
import { decidedRevision, type InjectionDecision } from '../injection/injection-decision.ts';
import { proxyInTemplate, resolveInjection, type InjectionSubject } from '../injection/resolve-injection.ts';
import { askedFor, traceWebhooks, type TracedWebhook } from '../injection/trace-webhooks.ts';
import type { KubeObject, Labels } from '../mesh/kube-objects.ts';
import type { InjectionWebhook, MeshInventory } from '../mesh/mesh-inventory.ts';
import type { MeshObjects } from '../mesh/mesh-objects.ts';
import { labelWriters } from './label-writers.ts';
import { proxyImageOf } from './proxy-image.ts';
import type { DecidingLabel, NextPod } from './why-answer.ts';

/** Labels by which Istio's own webhooks choose, in the order in which one beats the next. */
const CHOOSING: readonly (readonly [on: DecidingLabel['on'], label: string])[] = [
  ['pod', 'sidecar.istio.io/inject'],
  ['namespace', 'istio-injection'],
  ['namespace', 'istio.io/rev'],
  ['pod', 'istio.io/rev'],
];

export interface Seen {
  readonly objects: MeshObjects;
  readonly inventory: MeshInventory;
}

/** Objects that carry the labels of a subject; absent where there are none. */
export interface Carriers {
  readonly namespace?: KubeObject;
  /** What holds the pod template: a controller, or a bare pod. */
  readonly template?: KubeObject;
}

/** @returns a decision for whatever labels there are; never throws */
export function nextPod(subject: InjectionSubject, { objects, inventory }: Seen, carriers: Carriers = {}): NextPod {
  const decision = resolveInjection(subject, inventory.webhooks);
  const webhooks = traceWebhooks(subject, inventory.webhooks);
  const outcome = outcomeOf(decision, subject);
  const revision = revisionOf(decision, subject, outcome.gets);
  const version = inventory.revisions.find((r) => r.name === revision)?.version;
  const image =
    decidedRevision(decision) === undefined ? undefined : proxyImageOf(subject.template, decidedRevision(decision) ?? '', objects);
  const keys = decidingKeys(subject, decision, inventory.webhooks, webhooks);
  const labels = keys.map(([on, label]): DecidingLabel => ({
    on,
    label,
    value: labelsOn(subject, on)[label] ?? '',
    ...labelWriters(carriers[on === 'pod' ? 'template' : 'namespace'], on, label),
  }));
  return {
    ...outcome,
    ...(revision === undefined ? {} : { revision }),
    ...(version === undefined || version === 'unknown' ? {} : { version }),
    ...(image === undefined ? {} : { image: image.image }),
    ...(image?.pinnedBy === undefined ? {} : { imagePinnedBy: image.pinnedBy }),
    decidedBy: labels,
    without: withoutEffect(subject, decision, keys, inventory.webhooks),
    webhooks,
  };
}

function outcomeOf(decision: InjectionDecision, { template }: InjectionSubject): Pick<NextPod, 'gets' | 'reason' | 'detail'> {
  switch (decision.kind) {
    case 'injected':
    case 'ambiguous':
      return { gets: 'injected', detail: '' };
    case 'refused':
      return { gets: 'refused', detail: decision.detail };
    case 'not-injected': {
      const managed = template.metadata?.labels?.['gateway.istio.io/managed'];
      if (managed !== undefined) return { gets: 'made-by-istiod', detail: 'istiod makes it for a Gateway of the Gateway API' };
      const written = proxyInTemplate(template);
      if (written !== undefined) return { gets: 'in-template', reason: decision.reason, detail: written };
      return { gets: 'nothing', reason: decision.reason, detail: decision.detail };
    }
  }
}

/** Of the istiod that injects, that could not be asked, or that makes the gateway. */
function revisionOf(decision: InjectionDecision, { template }: InjectionSubject, gets: NextPod['gets']): string | undefined {
  if (gets === 'made-by-istiod') return template.metadata?.annotations?.['istio.io/rev'];
  return decidedRevision(decision) ?? (decision.kind === 'refused' ? decision.revision : undefined);
}

function labelsOn({ namespaceLabels, template }: InjectionSubject, on: DecidingLabel['on']): Labels {
  return on === 'namespace' ? namespaceLabels : (template.metadata?.labels ?? {});
}

type LabelKey = readonly [on: DecidingLabel['on'], label: string];

/** The labels that the answer comes from: those that the deciding webhook asks for, or the one that keeps every webhook away. */
function decidingKeys(
  subject: InjectionSubject,
  decision: InjectionDecision,
  webhooks: readonly InjectionWebhook[],
  traced: readonly TracedWebhook[],
): LabelKey[] {
  const deciding = traced.find(({ fate }) => fate === 'injects' || fate === 'refuses') ?? traced.find(({ fate }) => fate === 'declines');
  const webhook = webhooks.find((w) => w.configuration === deciding?.configuration && w.entry.name === deciding.entry);
  if (webhook !== undefined) {
    const asked = (on: DecidingLabel['on']): LabelKey[] =>
      askedFor(on === 'namespace' ? webhook.entry.namespaceSelector : webhook.entry.objectSelector, labelsOn(subject, on)).map((label) => [
        on,
        label,
      ]);
    return [...asked('namespace'), ...asked('pod')];
  }
  if (decision.kind !== 'not-injected' || decision.reason === 'not-asked') return [];
  const isOff = labelsOn(subject, 'pod')['sidecar.istio.io/inject'] === 'false';
  const there = CHOOSING.filter(([on, label]) => labelsOn(subject, on)[label] !== undefined);
  // A pod that says yes is only heard where no label of the namespace says something else.
  const first = isOff ? there[0] : (there.find(([, label]) => label !== 'sidecar.istio.io/inject') ?? there[0]);
  return first === undefined ? [] : [first];
}

/** Labels that ask for something, and without which the answer would be the same. */
function withoutEffect(
  subject: InjectionSubject,
  decision: InjectionDecision,
  deciding: readonly LabelKey[],
  webhooks: readonly InjectionWebhook[],
): Pick<DecidingLabel, 'on' | 'label' | 'value'>[] {
  return CHOOSING.flatMap(([on, label]) => {
    const value = labelsOn(subject, on)[label];
    const decides = deciding.some(([o, l]) => o === on && l === label);
    // Said twice is not said in vain.
    const agrees = label === 'sidecar.istio.io/inject' && (value !== 'true' || decision.kind !== 'not-injected');
    if (value === undefined || decides || agrees) return [];
    const same = outcomeText(resolveInjection(withoutLabel(subject, on, label), webhooks)) === outcomeText(decision);
    return same ? [{ on, label, value }] : [];
  });
}

function outcomeText(decision: InjectionDecision): string {
  return `${decision.kind === 'not-injected' || decision.kind === 'refused' ? decision.kind : 'injected'} ${decidedRevision(decision) ?? ''}`;
}

function withoutLabel(subject: InjectionSubject, on: DecidingLabel['on'], label: string): InjectionSubject {
  const { [label]: _gone, ...rest } = labelsOn(subject, on);
  if (on === 'namespace') return { ...subject, namespaceLabels: rest };
  return { ...subject, template: { ...subject.template, metadata: { ...subject.template.metadata, labels: rest } } };
}
