/** Who keeps an object in shape: whatever is written by hand beside such a tool is undone by it, or surprises its owner. */
import type { KubeObject } from '../mesh/kube-objects.ts';
import { ownerOf } from '../mesh/object-owner.ts';
import { isOwnerMark, trackingMark } from '../mesh/owner-marks.ts';

/** Marks that tools also take for theirs, which people set as well: left out of the copy of an object that somebody keeps. */
const MEANT_FOR_TOOLS = ['app.kubernetes.io/instance', 'app.kubernetes.io/managed-by'];

/** @returns the name of the tool or owner, with what is known of it; undefined when nobody keeps the object */
export function keeperOf(object: KubeObject): string | undefined {
  const { annotations, ownerReferences } = object.metadata;
  const release = annotations?.['meta.helm.sh/release-name'];
  if (release !== undefined) return `the Helm release ${release}`;
  const mark = trackingMark(object);
  if (mark !== undefined) return mark.tool;
  const owner = ownerOf(object);
  if (owner.kind === 'gitops') return owner.tool;
  if (owner.kind === 'helm') return `the Helm release ${owner.release}`;
  if ((object.metadata.managedFields ?? []).some(({ manager }) => manager === 'helm')) return 'Helm';
  const controller = ownerReferences?.find((reference) => reference.controller === true) ?? ownerReferences?.[0];
  return controller === undefined ? undefined : `${controller.kind} ${controller.name}`;
}

/** Labels or annotations without what tools know their objects by. */
export function withoutTracking(marks: Readonly<Record<string, string>>, isKept: boolean): Record<string, string> {
  const isLeft = (key: string): boolean => isOwnerMark(key) || (isKept && MEANT_FOR_TOOLS.includes(key));
  return Object.fromEntries(Object.entries(marks).filter(([key]) => !isLeft(key)));
}

/** Istio's own installation made it: the new control plane brings its own, and it goes with the old one. */
export function isOfInstallation(object: KubeObject): boolean {
  return Object.keys(object.metadata.labels ?? {}).some(
    (key) => key.startsWith('operator.istio.io/') || key.startsWith('install.operator.istio.io/'),
  );
}
