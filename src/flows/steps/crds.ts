/** The CRDs of the new version, applied as those who will apply them next. */
import { refKey, refOf } from '../../core/controlplane/object-identity.ts';
import { findBaseRelease } from '../../core/helm/base-release.ts';
import type { ReleaseName } from '../../core/helm/release.ts';
import { withOwnership } from '../../core/helm/release-marks.ts';
import type { KubeObject } from '../../core/mesh/kube-objects.ts';
import type { StepOf } from '../../core/plan/step.ts';
import type { InstallRequest } from '../../core/request/upgrade-request.ts';
import type { RunPorts } from '../flow-ports.ts';
import { readWebhookObjects } from '../read-webhook-objects.ts';
import type { Effect } from './release-records.ts';

export interface CrdsInput {
  readonly with: InstallRequest['with'] | undefined;
  readonly istioNamespace: string;
  readonly rendered: readonly KubeObject[];
}

/** Whose they are in the eyes of the API server, so that the next apply of that tool meets no conflict. */
const FIELD_MANAGERS: Readonly<Record<InstallRequest['with'], string>> = {
  istioctl: 'istio-operator',
  helm: 'helm',
  manifests: 'meshlift',
};

export async function applyCrds(
  ports: Pick<RunPorts, 'reader' | 'writer' | 'releases'>,
  step: StepOf<'crds'>,
  input: CrdsInput,
  effect: Effect,
): Promise<void> {
  const names = new Set(step.changes.map((change) => change.ref.name));
  const crds = input.rendered.filter((o) => o.kind === 'CustomResourceDefinition' && names.has(o.metadata.name));
  const base = input.with === 'helm' ? await baseOf(ports, input.istioNamespace) : undefined;
  for (const crd of crds) {
    const object = input.with === 'helm' ? withOwnership(crd, base) : crd;
    await effect(refKey(refOf(crd)), () =>
      ports.writer.applyObject(object, { fieldManager: FIELD_MANAGERS[input.with ?? 'manifests'], force: true }),
    );
  }
}

async function baseOf(ports: Pick<RunPorts, 'reader' | 'releases'>, namespace: string): Promise<ReleaseName | undefined> {
  const releases = await ports.releases.readReleases(namespace);
  return findBaseRelease(releases ?? [], (await readWebhookObjects(ports)).validatingWebhooks);
}
