/** What may change or refuse a write before it is stored: built-in rules and webhooks. */
import type { GroupResource, KubeObject } from '../objects/kube-object.ts';

export interface AdmissionUser {
  readonly username: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly storage: GroupResource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Absent for DELETE. */
  readonly object?: KubeObject;
  /** Absent for CREATE. */
  readonly oldObject?: KubeObject;
  readonly user: AdmissionUser;
  readonly dryRun: boolean;
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface AdmissionResult {
  readonly object?: KubeObject;
  /** For the Warning header. */
  readonly warnings: readonly string[];
}

export interface AdmissionChain {
  /** @throws StatusError when it is refused */
  mutate(attributes: AdmissionAttributes): Promise<AdmissionResult>;
  /** @throws StatusError when it is refused */
  validate(attributes: AdmissionAttributes): Promise<readonly string[]>;
}
