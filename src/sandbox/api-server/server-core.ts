/** What every part of the API server works with. */
import type { UserInfo } from '../access/authorizer.ts';
import type { AdmissionChain } from '../admission/admission.ts';
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { Allocator, ResourceDefinition } from '../resources/resource-definition.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import type { ResourceRegistry } from './resource-registry.ts';

export interface ServerCore {
  readonly store: MemoryStore;
  readonly registry: ResourceRegistry;
  readonly clock: SandboxClock;
  /** 0 to 1; the only source of uids and generated names. */
  readonly random: () => number;
  readonly admission: AdmissionChain;
  readonly allocator: Allocator;
}

/** One write by one user. */
export interface WriteContext {
  readonly definition: ResourceDefinition;
  /** '' for cluster-scoped resources. */
  readonly namespace: string;
  /** '' for the resource itself. */
  readonly subresource: string;
  readonly user: UserInfo;
  readonly fieldManager: string;
  readonly dryRun: boolean;
  /** The options of the request as webhooks see them. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Collects what goes into Warning headers. */
  readonly warnings: string[];
}
