/** What a person would ask about, and what keeps no revision. */
import { versionOfImage } from '../versions/istio-version.ts';
import type { Workload } from '../mesh/mesh-inventory.ts';
import { idleLabels } from './next-pod-uses.ts';
import { isCni, type UsageContext } from './usage-context.ts';

export function usageNotes(context: UsageContext): string[] {
  const { inventory, revision, gone } = context;
  const { exposures, remoteClusters } = inventory.attachments;
  return [
    ...leftovers(context),
    ...idleLabels(context),
    ...inventory.workloads.filter(isCni).flatMap((workload) => cniNote(workload, revision)),
    ...exposures
      .filter((exposure) => exposure.revisions.includes(revision))
      .map(
        ({ service, type }) =>
          `Service ${service} (${type}) offers its istiod outside of the cluster: machines and other clusters may have its name`,
      ),
    ...(gone
      ? []
      : remoteClusters.map(
          ({ id, syncStatus }) =>
            `cluster ${id} is read by the istiods here (${syncStatus}), which uses none of them; whether its own webhooks call one is seen only there`,
        )),
  ];
}

/** Webhooks of a control plane whose Deployment is gone. */
function leftovers({ gone, inventory, revision }: UsageContext): string[] {
  const found = inventory.revisions.find((r) => r.name === revision);
  if (!gone || found === undefined) return [];
  return [...found.mutatingWebhooks, ...found.validatingWebhooks].map((name) => `its webhooks ${name} are left behind`);
}

/**
 * The CNI plugin talks to no istiod, so that no revision is used by it; one is on every node for all of them. Its label is that of
 * whoever installed it last, and istioctl would remove it with that revision.
 */
function cniNote({ namespace, name, controller, template }: Workload, revision: string): string[] {
  if (controller?.metadata.labels?.['istio.io/rev'] !== revision) return [];
  const image = template.spec?.containers?.[0]?.image;
  const version = (image === undefined ? undefined : versionOfImage(image)) ?? 'version unknown';
  return [
    `DaemonSet ${namespace}/${name} (${version}) is labelled istio.io/rev=${revision}, and serves all revisions: istioctl uninstall --revision ${revision} would delete it, meshlift does not`,
  ];
}
