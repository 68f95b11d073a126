/** A rule of the API server itself, in place of a webhook; and how such rules refuse. */
import { forbidden, type StatusError } from '../objects/status-error.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { AdmissionAttributes } from './admission.ts';

export interface AdmissionRule {
  /** Only for requests with an object. @throws StatusError */
  readonly mutate?: (attributes: AdmissionAttributes, object: KubeObject) => KubeObject | Promise<KubeObject>;
  /** @throws StatusError */
  readonly validate?: (attributes: AdmissionAttributes) => void;
  /** @returns texts for the Warning header of a write that is allowed */
  readonly warn?: (attributes: AdmissionAttributes) => readonly string[];
  /** For every request, before anything is changed. @throws StatusError */
  readonly check?: (attributes: AdmissionAttributes) => void;
}

/** A 403 that names the object by its name, or by its generateName while it has none. */
export function refuse(attributes: AdmissionAttributes, why: string): StatusError {
  return forbidden(attributes, nameOf(attributes), why);
}

function nameOf({ name, object }: AdmissionAttributes): string {
  // A decoded object that is to get a generated name has no name at all.
  const metadata = object?.metadata;
  return name || metadata?.name || metadata?.generateName || 'Unknown';
}

/** Whether the request is about whole pods, not a subresource of them. */
export function isPod({ group, resource, subresource }: AdmissionAttributes): boolean {
  return group === '' && resource === 'pods' && subresource === '';
}
