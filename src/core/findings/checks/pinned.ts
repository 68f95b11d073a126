/** Objects that only one revision, or only proxies of one version, obey. */
import { pinnedName, type PinnedCopy } from '../../pinned/select-pinned.ts';
import type { Check, CheckContext } from '../check-context.ts';
import type { CouldNotLook, Finding } from '../finding.ts';

const MOST_NAMED = 3;

function named(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return `${names.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function areLabelled(names: readonly string[], revision: string): string {
  return `${names.length} ${names.length === 1 ? 'object is' : 'objects are'} labelled istio.io/rev=${revision}: ${named(names)}`;
}

export const pinnedObjects: Check = {
  name: 'objects pinned to the old revision',
  codes: ['CONF-001'],
  look({ inventory, from, to, pinned, request }) {
    if (request.action === 'install') return [];
    if (pinned) return pinnedFindings(pinned);
    // Without a target nothing becomes of them.
    if (!from || (to === undefined && request.action !== 'uninstall')) return [];
    const names = inventory.pinnedObjects.filter((p) => p.revision === from.revision).map(({ ref }) => pinnedName(ref));
    return names.length === 0 ? [] : [uncovered(names, from.revision)];
  },
};

function pinnedFindings({ from, to, copies, present, uncovered: left }: NonNullable<CheckContext['pinned']>): Finding[] {
  const copied = [...copies, ...present].filter(({ by }) => by !== 'version').map(({ source }) => pinnedName(source));
  const names = left.map(pinnedName);
  return [
    ...(names.length === 0 ? [] : [uncovered(names, from.revision)]),
    ...(copied.length === 0
      ? []
      : [
          {
            code: 'CONF-001',
            level: 'info',
            objects: copied,
            what: areLabelled(copied, from.revision),
            why: `Only ${from.revision} reads them; each has a copy for ${to.revision}, or gets one from the plan.`,
            next: [`Look whether they fit ${to.version}; --skip-pinned KIND/NAMESPACE/NAME leaves one out.`],
          } satisfies Finding,
        ]),
  ];
}

function uncovered(names: readonly string[], revision: string): Finding {
  return {
    code: 'CONF-001',
    level: 'error',
    objects: names,
    what: areLabelled(names, revision),
    why: 'The other control planes do not read them, so what they configure is missing for their workloads.',
    next: ['Copy them for the revision that stays, or remove the label.'],
  };
}

export const unreadObjects: Check = {
  name: 'objects that no control plane reads',
  codes: ['CONF-007'],
  look({ inventory, to }) {
    const readers = new Set(inventory.revisions.filter((r) => r.deployment !== undefined).map((r) => r.name));
    if (to) readers.add(to.revision);
    return inventory.pinnedObjects
      .filter(({ revision }) => !readers.has(revision))
      .map(({ ref, revision }): Finding => {
        const tag = inventory.tags.find((t) => t.name === revision);
        return {
          code: 'CONF-007',
          level: 'warning',
          objects: [pinnedName(ref)],
          what: `${pinnedName(ref)} is labelled istio.io/rev=${revision}, which is ${tag ? `a tag of ${tag.revision}` : 'no revision'}`,
          why: 'Each istiod reads only objects with exactly its own revision, or without the label, so that nobody reads this one.',
          next: [
            tag
              ? `label it istio.io/rev=${tag.revision}, or remove the label: kubectl${inNamespace(ref.namespace)} label ${ref.kind.toLowerCase()} ${ref.name} istio.io/rev-`
              : `kubectl${inNamespace(ref.namespace)} label ${ref.kind.toLowerCase()} ${ref.name} istio.io/rev-`,
          ],
        };
      });
  },
};

function inNamespace(namespace: string | undefined): string {
  return namespace === undefined ? '' : ` -n ${namespace}`;
}

/** What the versions of proxies decide: before and after the upgrade, by the expressions of the filters. */
export const proxyVersions: Check = {
  name: 'EnvoyFilters and the version of proxies',
  codes: ['CONF-008', 'CONF-009'],
  look({ pinned }) {
    if (!pinned) return [];
    const { from, to, copies, present, notCopied, gained, unknown } = pinned;
    const all = [...copies, ...present];
    return [
      ...notCopied.map(({ source, expressions }) => notWritten(pinnedName(source), expressions, pinned)),
      ...all
        .filter((copy) => copy.notRewritten.length > 0)
        .map(({ source, notRewritten }) => notWritten(pinnedName(source), notRewritten, pinned)),
      ...all.filter((copy) => copy.rewritten.length > 0).map((copy) => written(copy, pinned)),
      ...gained.map(({ source, expressions }): Finding => ({
        code: 'CONF-009',
        level: 'warning',
        objects: [pinnedName(source)],
        what: `${pinnedName(source)} applies to proxies of ${to.version} and not to those of ${from.version} (proxyVersion ${named(expressions)})`,
        why: 'What it does is new for every workload that is restarted.',
        next: ['Make sure that this is meant.'],
      })),
      ...unknown.map(({ source, expressions }): CouldNotLook => ({
        what: `which proxies ${pinnedName(source)} applies to`,
        why: `proxyVersion ${named(expressions)} is no valid expression, or a version is unknown`,
      })),
    ];
  },
};

type Ends = Pick<NonNullable<CheckContext['pinned']>, 'from' | 'to'>;

function notWritten(name: string, expressions: readonly string[], { from, to }: Ends): Finding {
  return {
    code: 'CONF-008',
    level: 'error',
    objects: [name],
    what: `${name} applies to proxies of ${from.version} and not to those of ${to.version} (proxyVersion ${named([...new Set(expressions)])}, which cannot be written anew without knowing what is meant)`,
    why: 'It silently stops to apply with the restart of each workload.',
    next: [`write one for ${to.version}, then leave this one out: --skip-pinned ${name}`],
  };
}

function written({ source, rewritten }: PinnedCopy, { from, to }: Ends): Finding {
  const expressions = [...new Set(rewritten.map((expression) => `${expression.from} → ${expression.to}`))];
  return {
    code: 'CONF-008',
    level: 'info',
    objects: [pinnedName(source)],
    what: `${pinnedName(source)} applies to proxies of ${from.version} and not to those of ${to.version}; a copy does (proxyVersion ${named(expressions)})`,
    why: `It was written for ${from.version}: what it changes may look different in proxies of ${to.version}.`,
    next: [`Look whether it fits ${to.version}; --skip-pinned ${pinnedName(source)} leaves it out.`],
  };
}

/**
 * What somebody keeps is not copied unless that is accepted. An accepted one is told all the same.
 */
export const keptObjects: Check = {
  name: 'owners of pinned objects',
  codes: ['CONF-010'],
  look({ pinned }) {
    if (!pinned) return [];
    const accepted = [...pinned.copies, ...pinned.present].filter(({ keeper }) => keeper !== undefined);
    return [...pinned.kept, ...accepted.map(({ source, keeper = '', copy }) => ({ source, keeper, copy }))].map(
      ({ source, keeper, copy }): Finding => ({
        code: 'CONF-010',
        level: 'error',
        objects: [pinnedName(source)],
        what: `${pinnedName(source)} is pinned to ${pinned.from.revision} or to its proxies, and kept by ${keeper}`,
        why: 'A copy made beside it is not theirs, and the original would come back when it is removed.',
        next: [
          `commit there: ${source.kind} ${copy.metadata.name}${copy.metadata.labels?.['istio.io/rev'] === undefined ? '' : ` with istio.io/rev: ${pinned.to.revision}`}; then --skip-pinned ${pinnedName(source)}`,
          `--accept CONF-010:${pinnedName(source)} copies it all the same and leaves the original`,
        ],
      }),
    );
  },
};

export const takenNames: Check = {
  name: 'names of copies',
  codes: ['CONF-011'],
  look({ pinned }) {
    return (pinned?.taken ?? []).map(({ source, there }): Finding => ({
      code: 'CONF-011',
      level: 'error',
      objects: [pinnedName(source)],
      what: `the copy of ${pinnedName(source)} would be named ${there.metadata.name}, and another ${there.kind} has that name`,
      why: 'Nothing that is there is overwritten, and without a copy what it configures is missing for moved workloads.',
      next: [`rename or remove ${pinnedName(there)}, or leave the source out: --skip-pinned ${pinnedName(source)}`],
    }));
  },
};
