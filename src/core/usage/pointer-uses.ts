/** Objects that name a revision: tags, the default, webhooks of others, and what only that revision reads. */
import { DEFAULT_VALIDATOR } from '../mesh/find-revisions.ts';
import type { ObjectRef } from '../mesh/kube-objects.ts';
import type { WebhookCall } from '../mesh/mesh-attachments.ts';
import type { UsageContext } from './usage-context.ts';
import type { Use } from './usage.ts';

export function pointerUses(context: UsageContext): Use[] {
  return [...tagUses(context), ...defaultUses(context), ...webhookUses(context), ...pinnedUses(context)];
}

function tagUses({ revision, inventory, another }: UsageContext): Use[] {
  const known = new Set(inventory.tags.map((tag) => tag.name));
  const orphans = inventory.attachments.tagServices.filter((s) => !known.has(s.tag) && s.tag !== 'default' && s.revision === revision);
  const use = (tag: string, evidence: string, toFree: string): Use => ({
    kind: 'tag',
    object: `tag ${tag}`,
    detail: `points to it (${evidence})`,
    toFree,
    passing: false,
  });
  return [
    ...inventory.tags
      .filter((tag) => tag.revision === revision && tag.name !== 'default')
      .map((tag) =>
        use(
          tag.name,
          tag.configuration,
          `meshlift tag set ${tag.name} --revision ${another} --overwrite, or meshlift tag remove ${tag.name}`,
        ),
      ),
    ...orphans.map((s) =>
      use(s.tag, `Service ${s.namespace}/${s.name}, whose webhooks are gone`, `kubectl -n ${s.namespace} delete service ${s.name}`),
    ),
  ];
}

function defaultUses({ revision, inventory, another }: UsageContext): Use[] {
  const senses = inventory.revisions.find((r) => r.name === revision)?.defaultFor ?? [];
  if (senses.length === 0) return [];
  return [
    {
      kind: 'default',
      object: 'default',
      detail: `it is the default for ${senses.join(', ')}`,
      toFree: `meshlift tag set default --revision ${another} --overwrite; after an upgrade: meshlift finish`,
      passing: false,
    },
  ];
}

/** Webhooks that stay when the control plane goes, and would then call nobody; its own ones go with it. */
function webhookUses({ revision, inventory }: UsageContext): Use[] {
  return inventory.attachments.webhookCalls
    .filter((call) => call.revisions.every((name) => name === revision) && !isOwn(call, revision) && !isToldAsPointer(call, revision))
    .map((call): Use => {
      const kind = call.ref.kind.startsWith('Validating') ? 'validatingwebhookconfiguration' : 'mutatingwebhookconfiguration';
      const label = call.label === undefined ? 'it has no label istio.io/rev' : `its label says istio.io/rev=${call.label}`;
      return {
        kind: 'webhook',
        object: `${call.ref.kind} ${call.ref.name}`,
        detail: `calls ${call.target}, while ${label}`,
        toFree: `kubectl delete ${kind} ${call.ref.name}, or let it call another Service`,
        passing: false,
      };
    });
}

/** What goes with its control plane: see own-objects.ts. */
function isOwn({ label, tag, ref }: WebhookCall, revision: string): boolean {
  return label === revision && tag === undefined && ref.name !== DEFAULT_VALIDATOR;
}

function isToldAsPointer({ label, tag, ref }: WebhookCall, revision: string): boolean {
  return label === revision && (tag !== undefined || ref.name === DEFAULT_VALIDATOR);
}

function pinnedUses({ revision, inventory, another }: UsageContext): Use[] {
  return [...inventory.pinnedObjects, ...inventory.attachments.routes]
    .filter((pinned) => pinned.revision === revision)
    .map(({ ref }): Use => ({
      kind: 'pinned-object',
      object: `${ref.kind} ${ref.namespace ?? ''}/${ref.name}`,
      detail: `labelled istio.io/rev=${revision}: no other revision reads it`,
      toFree: `kubectl -n ${ref.namespace ?? ''} label ${resourceOf(ref)} ${ref.name} istio.io/rev=${another} --overwrite`,
      passing: false,
    }));
}

/** `envoyfilter.networking.istio.io`; kubectl takes a kind with its group. */
function resourceOf({ apiVersion, kind }: ObjectRef): string {
  return `${kind.toLowerCase()}.${apiVersion.split('/')[0] ?? ''}`;
}
