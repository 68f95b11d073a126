import { workloadKey, type Tag } from '../../mesh/mesh-inventory.ts';
import { helmTemplateFor } from '../../tags/assess-tag-change.ts';
import { ownerText } from '../../tags/describe-tags.ts';
import { DEFAULT_TAG } from '../../tags/tag-objects.ts';
import { tagUsers, unmovedBehind } from '../../tags/tag-users.ts';
import { emptiesLostGateways } from '../../versions/gateway-handover.ts';
import type { Check, CheckContext } from '../check-context.ts';
import type { Finding } from '../finding.ts';

/** Tags that the plan would move. */
function movedTags({ inventory, from, to, request }: CheckContext): readonly Tag[] {
  if (!from || !to || request.action !== 'upgrade' || !request.finish.moveTags) return [];
  return inventory.tags.filter((tag) => tag.revision === from.revision);
}

export const tagOwners: Check = {
  name: 'owners of tags',
  codes: ['TAGS-021', 'TAGS-022'],
  look(context) {
    return movedTags(context).flatMap((tag) => {
      const { owner } = tag;
      if (owner.kind === 'gitops') return [gitopsFinding(tag, owner.tool, context)];
      return owner.kind === 'helm' && !isHeldByHelm(context) ? [helmFinding(tag, owner, context)] : [];
    });
  },
};

/** The release of the new revision takes the tag over. */
function isHeldByHelm({ request, inventory, to }: CheckContext): boolean {
  const way: string | undefined = request.install?.with;
  return way === 'helm' || inventory.revisions.some((r) => r.name === to?.revision && r.installedBy === 'helm');
}

function helmFinding(tag: Tag, owner: Extract<Tag['owner'], { kind: 'helm' }>, { to, from }: CheckContext): Finding {
  return {
    code: 'TAGS-021',
    level: 'error',
    objects: [tag.name],
    what: `the tag ${tag.name} belongs to the ${ownerText(owner)}, and the new revision is not installed with Helm`,
    why: 'There is no release that could take it over: the next helm upgrade of the old one would set it back.',
    next: [
      `install with --with helm; or once ${to?.revision ?? 'the new revision'} is there and its workloads are moved: ${helmTemplateFor(tag.name, to?.revision ?? 'REVISION', owner.namespace)}`,
      `--keep-tags leaves it at ${from?.revision ?? 'the old revision'}`,
    ],
  };
}

function gitopsFinding(tag: Tag, tool: string, { to }: CheckContext): Finding {
  return {
    code: 'TAGS-022',
    level: 'error',
    objects: [tag.name],
    what: `the tag ${tag.name} is written by ${tool}`,
    why: 'It would point the tag back to the old revision, at the latest when that is removed.',
    next: [
      `commit there that ${tag.name} points to ${to?.revision ?? 'the new revision'} once its workloads are moved; --keep-tags leaves it to you`,
    ],
  };
}

export const leftBehindTags: Check = {
  name: 'workloads that hold a tag back',
  codes: ['TAGS-024'],
  look(context) {
    const { inventory, from, to, moves } = context;
    const relabelled = new Set((moves?.namespaces ?? []).filter(({ set }) => 'istio.io/rev' in set).map((m) => m.namespace.name));
    const moved = new Set((moves?.namespaces ?? []).flatMap((m) => m.workloads.map((move) => workloadKey(move.workload))));
    return movedTags(context)
      .filter((tag) => tag.name !== DEFAULT_TAG)
      .flatMap((tag): Finding[] => {
        const left = unmovedBehind(tag.name, to?.revision ?? '', inventory).filter(
          (workload) => !relabelled.has(workload.namespace) && !moved.has(workloadKey(workload)),
        );
        if (left.length === 0) return [];
        const names = left.map((workload) => workloadKey(workload));
        return [
          {
            code: 'TAGS-024',
            level: 'warning',
            objects: names,
            what: `${names.length} ${names.length === 1 ? 'workload follows' : 'workloads follow'} the tag ${tag.name} and ${names.length === 1 ? 'is' : 'are'} not moved by this plan: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`,
            why: `The finish stops at the tag as long as they are on ${from?.revision ?? 'the old revision'}.`,
            next: ['Move them before the finish, with a plan without -n or by hand; --keep-tags leaves the tag.'],
          },
        ];
      });
  },
};

export const gatewaysBehindTags: Check = {
  name: 'gateways that follow a tag',
  codes: ['TAGS-023'],
  look(context) {
    const { inventory, from, to, moves } = context;
    const relabelled = new Set((moves?.namespaces ?? []).filter(({ set }) => 'istio.io/rev' in set).map((m) => m.namespace.name));
    return movedTags(context)
      .filter((tag) => tag.name !== DEFAULT_TAG)
      .flatMap((tag): Finding[] => {
        const gateways = tagUsers(tag.name, inventory).gateways.filter(
          (g) => g.revisionLabel !== undefined || !relabelled.has(g.namespace),
        );
        if (gateways.length === 0) return [];
        const loses = emptiesLostGateways(from?.version ?? 'unknown');
        const names = gateways.map((g) => `${g.namespace}/${g.name}`);
        return [
          {
            code: 'TAGS-023',
            level: loses ? 'error' : 'warning',
            objects: names,
            what: `${names.length === 1 ? `Gateway ${names[0] ?? ''} follows` : `${names.length} Gateways follow`} the tag ${tag.name}: istiod ${to?.version ?? ''} replaces ${names.length === 1 ? 'it' : 'them'} at once when the tag moves${names.length === 1 ? '' : ` (${names.slice(0, 3).join(', ')})`}`,
            why: loses
              ? `istiod ${from?.version ?? ''} empties the configuration of gateway pods that it no longer owns, until they are replaced: seconds without routes.`
              : 'No step of the plan verifies it.',
            next: gateways.map(
              (g) =>
                `kubectl -n ${g.namespace} label gateway ${g.name} istio.io/rev=${from?.revision ?? 'REVISION'} --overwrite; move it at a quiet time`,
            ),
          },
        ];
      });
  },
};
