/** Containers as istiod writes them into an annotation. */
import type { Container } from '../pod-shape.ts';

/** The order in which Kubernetes declares the fields. */
const FIELDS = [
  'name',
  'image',
  'command',
  'args',
  'workingDir',
  'ports',
  'envFrom',
  'env',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'volumeMounts',
  'volumeDevices',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'terminationMessagePath',
  'terminationMessagePolicy',
  'imagePullPolicy',
  'securityContext',
];

/** With resources, which are always written. */
export function inDeclaredOrder(container: Container): Container {
  const place = (field: string): number => (FIELDS.includes(field) ? FIELDS.indexOf(field) : FIELDS.length);
  const entries = Object.entries({ resources: {}, ...container }).toSorted(([a], [b]) => place(a) - place(b));
  return Object.fromEntries(entries) as unknown as Container;
}
