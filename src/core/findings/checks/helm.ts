import { isPending, type HelmRelease, type ReleaseName } from '../../helm/release.ts';
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
      .map((release) => pendingFinding(release as HelmRelease));
  },
};

function unreadable({ helm, inventory }: CheckContext): CouldNotLook[] {
  if (helm?.old === undefined && helm?.fresh === undefined) return [];
  return [{ what: `Helm releases in ${inventory.istioNamespace}`, why: 'no permission to list secrets there' }];
}

function pendingFinding({ name, namespace, status, deployedVersion }: HelmRelease): Finding {
  const wayOut =
    deployedVersion === undefined ? `helm uninstall ${name} -n ${namespace}` : `helm rollback ${name} ${deployedVersion} -n ${namespace}`;
  return {
    code: 'HELM-001',
    level: 'error',
    objects: [`${namespace}/${name}`],
    what: `the Helm release ${name} in ${namespace} is ${status}`,
    why: 'Something was begun on it and not ended, or still goes on; helm refuses every further change.',
    next: [`${wayOut}   (once nobody works on it: helm history ${name} -n ${namespace})`],
  };
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

/** The release that would point the default back; undefined when none would, or the plan brings it along. */
function wouldMoveBack({ helm, request, to, from, inventory }: CheckContext): string | undefined {
  const { validatorOwner: owner, base } = helm ?? {};
  const movesDefault = inventory.revisions.some((r) => r.name === from?.revision && r.defaultFor.length > 0);
  if (owner === undefined || to === undefined || !movesDefault) return undefined;
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
