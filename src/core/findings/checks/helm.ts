import { isPending, type HelmRelease, type ReleaseName } from '../../helm/release.ts';
import { DEFAULT_VALIDATOR } from '../../mesh/find-revisions.ts';
import type { Check, CheckContext } from '../check-context.ts';
import type { CouldNotLook, Finding } from '../finding.ts';

function find({ helm }: CheckContext, wanted: ReleaseName | undefined): HelmRelease | undefined {
  return helm?.releases?.find(({ name, namespace }) => name === wanted?.name && namespace === wanted.namespace);
}

/** Whether the control plane of the old revision goes at the end. */
function removes({ request, from }: CheckContext): boolean {
  return from !== undefined && (request.action === 'upgrade' || request.action === 'uninstall');
}

export const pendingReleases: Check = {
  name: 'Helm releases in the middle of something',
  codes: ['HELM-001'],
  look(context) {
    const { helm, request } = context;
    if (helm === undefined) return [];
    if (helm.releases === undefined) return unreadable(context);
    const base = request.install?.with === 'helm' ? helm.base : undefined;
    const touched = [find(context, helm.fresh), removes(context) ? find(context, helm.old) : undefined, base];
    return [...new Set(touched)]
      .filter((release) => release !== undefined && isPending(release))
      .map((release) => pendingFinding(release as HelmRelease, release === find(context, helm.fresh)));
  },
};

function unreadable({ helm, inventory }: CheckContext): CouldNotLook[] {
  if (helm?.old === undefined && helm?.fresh === undefined) return [];
  return [{ what: `Helm releases in ${inventory.istioNamespace}`, why: 'no permission to list secrets there' }];
}

/** @param isNew nothing of the mesh runs on it yet */
function pendingFinding(release: HelmRelease, isNew: boolean): Finding {
  const { name, namespace, status } = release;
  return {
    code: 'HELM-001',
    level: 'error',
    objects: [`${namespace}/${name}`],
    what: `the Helm release ${name} in ${namespace} is ${status}`,
    why: 'Something was begun on it and not ended, or still goes on; helm refuses every further change.',
    next: [`${wayOut(release, isNew)}   (once nobody works on it: helm history ${name} -n ${namespace})`],
  };
}

/** A release that never was deployed can only be uninstalled, which takes what runs along; without its record helm adopts what is there. */
function wayOut({ name, namespace, version, deployedVersion }: HelmRelease, isNew: boolean): string {
  if (deployedVersion !== undefined) return `helm rollback ${name} ${deployedVersion} -n ${namespace}`;
  if (isNew) return `helm uninstall ${name} -n ${namespace}`;
  return `kubectl -n ${namespace} delete secret sh.helm.release.v1.${name}.v${version}, then helm upgrade --install ${name} CHART -n ${namespace} with its values; not helm uninstall, which would take away what the mesh runs on`;
}

export const takenRelease: Check = {
  name: 'the name of the new Helm release',
  codes: ['HELM-002'],
  look(context) {
    const release = find(context, context.helm?.fresh);
    if (release === undefined || isPending(release)) return [];
    const { name, namespace, status, chart } = release;
    return [
      {
        code: 'HELM-002',
        level: 'error',
        objects: [`${namespace}/${name}`],
        what: `a Helm release ${name} exists in ${namespace} (${status}, chart ${chart === undefined ? 'unknown' : `${chart.name}-${chart.version}`}), and no control plane of that revision`,
        why: 'The new control plane would be installed over it.',
        next: [`helm uninstall ${name} -n ${namespace}   (when it is a leftover)`, '--revision NAME gives the new one another name'],
      },
    ];
  },
};

export const releaseOwner: Check = {
  name: 'who keeps the old Helm release',
  codes: ['HELM-003'],
  look(context) {
    const { helm, request, from } = context;
    if (helm?.oldOwner === undefined || !removes(context)) return [];
    return [
      {
        code: 'HELM-003',
        level: request.finish.removeOld || request.action === 'uninstall' ? 'error' : 'warning',
        objects: [helm.old === undefined ? (from?.revision ?? '') : `${helm.old.namespace}/${helm.old.name}`],
        what: `the control plane of ${from?.revision ?? 'the old revision'} is applied by ${helm.oldOwner}`,
        why: 'The tool would bring it back as soon as it looks, after Meshlift has removed it.',
        next: ['Take it out where the tool reads it once nothing uses it (meshlift in-use), in place of --finish.'],
      },
    ];
  },
};

export const validatorKeeper: Check = {
  name: 'who keeps the default validator',
  codes: ['HELM-006'],
  look(context) {
    const { helm, request, from, to } = context;
    const keeper = helm?.validatorKeeper;
    if (keeper === undefined || to === undefined || !removes(context) || !movesDefault(context)) return [];
    if (helm?.base?.values['defaultRevision'] === to.revision) return [];
    return [
      {
        code: 'HELM-006',
        level: request.finish.removeOld ? 'error' : 'warning',
        objects: [DEFAULT_VALIDATOR],
        what: `${DEFAULT_VALIDATOR} is applied by ${keeper}`,
        why: `The tool would point it back to ${from?.revision ?? 'the old revision'}, and once that is gone, every write of Istio configuration is refused.`,
        next: [`commit there, once ${to.revision} is installed and before the finish: defaultRevision: ${to.revision} for the base chart`],
      },
    ];
  },
};

function movesDefault({ inventory, from }: CheckContext): boolean {
  return inventory.revisions.some((r) => r.name === from?.revision && r.defaultFor.length > 0);
}

/** The release that would point the default back; undefined when none would, or the plan brings it along. */
function wouldMoveBack(context: CheckContext): string | undefined {
  const { helm, request, to } = context;
  const { validatorOwner: owner, base } = helm ?? {};
  if (owner === undefined || to === undefined || !movesDefault(context)) return undefined;
  if (base?.name === owner && (request.install?.with === 'helm' || base.values['defaultRevision'] === to.revision)) return undefined;
  return owner;
}

export const baseRelease: Check = {
  name: 'the default revision of the base release',
  codes: ['HELM-004'],
  look(context) {
    const { from, to, inventory } = context;
    const owner = removes(context) ? wouldMoveBack(context) : undefined;
    if (owner === undefined || to === undefined) return [];
    return [
      {
        code: 'HELM-004',
        level: 'error',
        objects: [owner],
        what: `the Helm release ${owner} owns istiod-default-validator and would point it back to ${from?.revision ?? 'the old revision'}`,
        why: 'After the old control plane is gone, its next upgrade would have Istio configuration validated by nobody, or every write of it refused.',
        next: [
          `once ${to.revision} is installed: helm upgrade ${owner} CHART -n ${inventory.istioNamespace} --reuse-values --set defaultRevision=${to.revision}`,
          'or upgrade with --with helm --charts …, which does it',
        ],
      },
    ];
  },
};
