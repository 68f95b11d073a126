/** How Meshlift installs a control plane from manifests and removes one: each kind applied, applied anew, contested and deleted. */
import type { PlayedRequest, RequestSequence } from '../../../kit/http-player.ts';
import { CONTROL_PLANE_NAME, controlPlaneKinds, type ControlPlaneKind } from './control-plane-objects.ts';
import { apply, get, getUntil, remove, type Body } from './request-builders.ts';

const BY = 'fieldManager=meshlift';
const FOREGROUND = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Foreground' };

function labelled(object: Body, labels: Body): Body {
  return { ...object, metadata: { ...(object['metadata'] as Body), labels } };
}

function dryRuns({ path, object, later }: ControlPlaneKind, target: string): readonly PlayedRequest[] {
  return [
    get(target),
    apply(`${target}?${BY}&dryRun=All`, object),
    apply(`${target}?${BY}&force=true&dryRun=All`, { ...object, ...later }),
    get(`${path}?limit=500&fieldSelector=metadata.name%3D${CONTROL_PLANE_NAME}`),
  ];
}

function stored({ path, object, later, settles }: ControlPlaneKind, target: string): readonly PlayedRequest[] {
  const wait = (generation: number): readonly PlayedRequest[] =>
    settles === true ? [getUntil(target, '/status/observedGeneration', generation)] : [];
  return [
    get(target),
    apply(`${target}?${BY}`, object),
    ...wait(1),
    apply(`${target}?${BY}`, object),
    get(`${path}?limit=500&fieldSelector=metadata.name%3D${CONTROL_PLANE_NAME}`),
    apply(`${target}?${BY}`, { ...object, ...later }),
    ...wait(2),
    apply(`${target}?fieldManager=helm`, labelled(object, { app: 'other' })),
    apply(
      `${target}?fieldManager=helm&force=true`,
      labelled({ apiVersion: object['apiVersion'], kind: object['kind'], metadata: object['metadata'] }, { app: 'other' }),
    ),
    apply(`${target}?${BY}`, object),
    remove(target, FOREGROUND),
    getUntil(target, '/code', 404),
    remove(target, FOREGROUND),
  ];
}

export const controlPlaneSequences: readonly RequestSequence[] = controlPlaneKinds.map((each) => {
  const target = `${each.path}/${CONTROL_PLANE_NAME}`;
  return {
    area: 'meshlift',
    name: `install-${each.kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}`,
    about: `A ${each.kind} of a control plane is applied, applied anew, contested and deleted.`,
    requests: each.dryRun === true ? dryRuns(each, target) : stored(each, target),
    ...(each.dryRun === true ? {} : { cleanup: [remove(target)] }),
  };
});
