/** Whether a tag may be set or removed: the first reason against it, as a Problem. */
import { findInjectionWebhooks, revisionLabel } from '../mesh/find-revisions.ts';
import type { KubeObject, Service } from '../mesh/kube-objects.ts';
import type { MeshInventory, Revision, Tag } from '../mesh/mesh-inventory.ts';
import { unknownRevision } from '../mesh/mesh-problems.ts';
import type { MeshObjects } from '../mesh/mesh-objects.ts';
import { Problem } from '../problems/problem.ts';
import { ownerText } from './describe-tags.ts';
import { canonicalConfigurations, canonicalEntry, DEFAULT_TAG, TAG_SERVICE_PREFIX } from './tag-objects.ts';
import { ownService } from './tag-moves.ts';
import { tagUsers } from './tag-users.ts';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** A Service's name is a DNS label of at most 63 characters. */
const LONGEST_TAG = 63 - TAG_SERVICE_PREFIX.length;

const LOOK = { label: 'look', command: 'meshlift tag list' };

export function invalidTagName(tag: string): Problem | undefined {
  if (DNS_LABEL.test(tag) && tag.length <= LONGEST_TAG) return undefined;
  return new Problem('TAGS-002', {
    what: `"${tag}" cannot be the name of a tag.`,
    why: `It must be lower case letters, digits and dashes, at most ${LONGEST_TAG}, no dots.`,
    next: [{ label: 'for example', command: 'meshlift tag set prod-stable --revision REVISION' }],
  });
}

export interface TagChange {
  readonly tag: string;
  readonly revision: string;
  readonly overwrite: boolean;
}

/** @returns the revision with its version, or the first Problem: name, revision, collision, overwriting, owner, readiness */
export function assessTagSet(change: TagChange, objects: MeshObjects, inventory: MeshInventory): Revision | Problem {
  const { tag, revision: name } = change;
  const invalid = invalidTagName(tag);
  if (invalid) return invalid;
  const revision = inventory.revisions.find((r) => r.name === name);
  if (!revision) return notARevision(name, inventory);
  const existing = inventory.tags.find((t) => t.name === tag);
  return (
    namedLikeRevision(tag, inventory) ??
    notToOverwrite(change, existing) ??
    (existing && existing.revision !== name ? ownedByOthers(existing, name) : undefined) ??
    notReady(revision, objects) ??
    revision
  );
}

function notARevision(name: string, inventory: MeshInventory): Problem {
  const tag = inventory.tags.find((t) => t.name === name);
  if (!tag) return unknownRevision(name, inventory);
  return new Problem('MESH-002', {
    what: `${name} is a tag, which points to ${tag.revision}; a tag points to a revision.`,
    next: [{ label: 'the revision behind it', command: `--revision ${tag.revision}` }],
  });
}

/** The tag default may be called like the unrevisioned control plane: that is what it stands for. */
function namedLikeRevision(tag: string, inventory: MeshInventory): Problem | undefined {
  if (tag === DEFAULT_TAG || !inventory.revisions.some((r) => r.name === tag)) return undefined;
  return new Problem('TAGS-003', {
    what: `${tag} is a revision of this mesh.`,
    why: 'A namespace labelled with it could mean either, and both would inject it.',
    next: [{ label: 'another name', command: 'meshlift tag set NAME --revision REVISION' }],
  });
}

function notToOverwrite({ tag, revision, overwrite }: TagChange, existing: Tag | undefined): Problem | undefined {
  if (!existing || overwrite || existing.revision === revision) return undefined;
  return new Problem('TAGS-004', {
    what: `The tag ${tag} points to ${existing.revision}.`,
    next: [
      { label: 'what moving it would do', command: `meshlift tag set ${tag} --revision ${revision} --overwrite --dry-run` },
      { label: 'move it', command: `meshlift tag set ${tag} --revision ${revision} --overwrite` },
    ],
    facts: { tag, revision: existing.revision },
  });
}

/** @param revision where the tag shall point; undefined when it shall be removed */
export function ownedByOthers(tag: Tag, revision: string | undefined): Problem | undefined {
  const { owner } = tag;
  if (owner.kind === 'gitops') {
    return new Problem('TAGS-006', {
      what: `The tag ${tag.name} is written by ${owner.tool}.`,
      why: 'It would set the tag back as soon as it looks.',
      next: [
        { label: 'where it is', command: `kubectl get mutatingwebhookconfiguration ${tag.configuration} --show-managed-fields -o yaml` },
      ],
    });
  }
  if (owner.kind !== 'helm') return undefined;
  return new Problem('TAGS-005', {
    what: `The tag ${tag.name} belongs to the ${ownerText(owner)}.`,
    why: `The next helm upgrade of ${owner.release} would set it back, and helm uninstall would delete it.`,
    next:
      revision === undefined
        ? [{ label: 'let Helm remove it', command: helmUpgradeWithout(tag.name, owner) }]
        : [
            { label: 'move it with a plan', command: `meshlift plan --to VERSION --revision ${revision} --with helm …` },
            { label: 'or out of Helm', command: helmTemplateFor(tag.name, revision, owner.namespace) },
          ],
    facts: { tag: tag.name, release: owner.release },
  });
}

function helmUpgradeWithout(tag: string, owner: { readonly release: string; readonly namespace: string }): string {
  return `helm upgrade ${owner.release} istio/istiod -n ${owner.namespace} --reuse-values --set revisionTags='{tags but ${tag}}'`;
}

/**
 * The documented way: rendered by Helm and applied without it, so that no release owns the tag.
 * @source istio.io, "Helm: canary upgrade" (stable revision labels)
 */
export function helmTemplateFor(tag: string, revision: string, namespace: string): string {
  return `helm template istiod istio/istiod -s templates/revision-tags-mwc.yaml --set revisionTags='{${tag}}' --set revision=${revision} -n ${namespace} | kubectl apply --server-side --force-conflicts -f -`;
}

/** What a tag would be made from, whether its istiod is ready or not. @returns a Problem when the revision is unknown or has no webhooks */
export function tagSource(name: string, objects: MeshObjects, inventory: MeshInventory): Revision | Problem {
  const revision = inventory.revisions.find((r) => r.name === name);
  if (!revision) return notARevision(name, inventory);
  const own = canonicalConfigurations(objects, name).length;
  if (own === 1) return revision;
  return new Problem('TAGS-007', {
    what: `Revision ${name} has ${own === 0 ? 'no' : String(own)} configurations of injection webhooks; a tag is made from exactly one.`,
    next: [{ label: 'look', command: 'meshlift check' }],
  });
}

/** The chain from a webhook to an istiod: what a tag copies must lead somewhere. */
function notReady(revision: Revision, objects: MeshObjects): Problem | undefined {
  const missing = missingPiece(revision, objects);
  if (missing === undefined) return undefined;
  return new Problem('TAGS-007', {
    what: `Revision ${revision.name} cannot take a tag: ${missing}.`,
    why: 'Pods that follow the tag would be refused.',
    next: [{ label: 'look', command: 'meshlift check' }],
  });
}

function missingPiece(revision: Revision, objects: MeshObjects): string | undefined {
  const own = canonicalConfigurations(objects, revision.name);
  const [canonical] = own;
  if (!canonical) return 'it has no injection webhooks of its own';
  if (own.length > 1) return `it has ${own.length} configurations of injection webhooks (${own.map((c) => c.metadata.name).join(', ')})`;
  const address = canonicalEntry(canonical)?.clientConfig;
  if (address?.url !== undefined) return undefined;
  if ((address?.caBundle ?? '') === '') return `its webhook ${canonical.metadata.name} has no CA bundle`;
  const service = ownService(canonical, objects.services);
  if (!service) return `its Service ${address?.service?.namespace ?? ''}/${address?.service?.name ?? '?'} does not exist`;
  if (revision.deployment === undefined) return 'it has no istiod';
  return revision.replicas.ready > 0 ? undefined : `none of its ${revision.replicas.desired} istiod pods is ready`;
}

/** @returns the first Problem of a removal: unknown, owned, used, or nobody else to be the default */
export function assessTagRemoval(name: string, objects: MeshObjects, inventory: MeshInventory): Tag | Problem {
  const tag = inventory.tags.find((t) => t.name === name);
  if (!tag) {
    return new Problem('TAGS-001', {
      what: `There is no tag ${name}.`,
      why: `Tags: ${inventory.tags.map((t) => t.name).join(', ') || 'none'}.`,
      next: [LOOK],
    });
  }
  return (
    ownedByOthers(tag, undefined) ??
    unreadUse(tag, inventory) ??
    noOtherDefault(tag, objects) ??
    stillFollowed(tag, objects, inventory) ??
    tag
  );
}

function unreadUse(tag: Tag, { unread }: MeshInventory): Problem | undefined {
  if (unread.length === 0) return undefined;
  return new Problem('MESH-007', {
    what: [`Whether ${tag.name} is used cannot be told.`, ...unread.slice(0, 5).map(({ what, why }) => `${what}: ${why}`)].join('\n'),
    why: 'What could not be read may follow it, and unknown is never unused.',
    next: [{ label: 'missing permissions', command: 'meshlift rbac --for plan --check' }],
  });
}

/** Only an unrevisioned control plane whose own webhooks are on serves the default without the tag. */
function noOtherDefault(tag: Tag, objects: MeshObjects): Problem | undefined {
  if (tag.name !== DEFAULT_TAG || otherDefault(objects) !== undefined) return undefined;
  return new Problem('TAGS-011', {
    what: `Only the tag default serves istio-injection=enabled, and it points to ${tag.revision}.`,
    why: 'istiod-default-validator would go on to ask that revision, even after it is gone.',
    next: [{ label: 'move it instead', command: 'meshlift tag set default --revision REVISION --overwrite' }],
  });
}

/** The revision that serves the default without the tag; undefined when none does. */
export function otherDefault(objects: MeshObjects): string | undefined {
  return findInjectionWebhooks(objects).find(
    (w) => w.tag === undefined && !w.deactivated && w.serviceExists && w.entry.name.startsWith('namespace.'),
  )?.revision;
}

function stillFollowed(tag: Tag, objects: MeshObjects, inventory: MeshInventory): Problem | undefined {
  // Whoever follows the default goes on to be injected by the other one.
  if (tag.name === DEFAULT_TAG && otherDefault(objects) !== undefined) return undefined;
  const users = tagUsers(tag.name, inventory);
  const lines = [
    ...users.namespaces.map((name) => `namespace ${name}`),
    ...users.workloads
      .filter((w) => w.byPodLabel)
      .map(({ workload }) => `${workload.kind} ${workload.namespace}/${workload.name}, by its own label`),
    ...users.gateways.map((g) => `Gateway ${g.namespace}/${g.name}`),
  ];
  if (lines.length === 0) return undefined;
  return new Problem('TAGS-008', {
    what: [
      `${lines.length} ${lines.length === 1 ? 'object follows' : 'objects follow'} the tag ${tag.name}:`,
      ...lines.slice(0, 8),
      ...(lines.length > 8 ? [`and ${lines.length - 8} more`] : []),
    ].join('\n'),
    next: [
      {
        label: 'move them to a revision',
        command: `meshlift migrate ${users.namespaces.slice(0, 3).join(' ') || 'NAMESPACE'} --to ${tag.revision}`,
      },
      { label: 'or move the tag', command: `meshlift tag set ${tag.name} --revision REVISION --overwrite` },
    ],
    facts: { tag: tag.name, namespaces: users.namespaces },
  });
}

/** Every object that carries the tag, those that validate left out: they are what is deleted with it. */
export function objectsOfTag(tag: string, objects: MeshObjects): KubeObject[] {
  const carries = (o: KubeObject): boolean => o.metadata.labels?.['istio.io/tag'] === tag;
  const services: Service[] = objects.services.filter((s) => carries(s) && s.metadata.namespace === objects.istioNamespace);
  return [...objects.mutatingWebhooks.filter(carries), ...services];
}

/** Where the tag pointed, for the message after a removal. */
export function validatorRevision(objects: MeshObjects): string | undefined {
  const validator = objects.validatingWebhooks.find((c) => c.metadata.name === 'istiod-default-validator');
  return validator && revisionLabel(validator);
}
