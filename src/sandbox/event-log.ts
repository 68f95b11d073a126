/**
 * What has happened in a sandbox, a line for each write: in virtual time two sandboxes of one seed write the same lines, byte for byte.
 *
 * `RESOURCE_VERSION TIME TYPE RESOURCE NAMESPACE/NAME DIGEST`, with the time of the sandbox's clock.
 */
import { createHash } from 'node:crypto';
import type { SandboxClock } from './clock/sandbox-clock.ts';
import type { GroupResource, KubeObject } from './objects/kube-object.ts';
import type { StoreEvent } from './store/object-store.ts';
import type { MemoryStore } from './store/memory-store.ts';

export interface EventLogInput {
  readonly store: Pick<MemoryStore, 'list' | 'subscribe'>;
  /** Those that may be there already. */
  readonly resources: readonly GroupResource[];
  readonly clock: Pick<SandboxClock, 'nowMs'>;
  /** Second octets of loopback addresses that are this sandbox's: which ones depends on what else runs on this machine. */
  readonly octets: readonly number[];
  readonly write: (line: string) => void;
}

/** Writes what is there already, then each change. @returns stops it */
export function writeEventLog({ store, resources, clock, octets, write }: EventLogInput): () => void {
  const digest = createDigest(octets);
  const told = ({ resourceVersion, type, resource, object }: StoreEvent): void => {
    const { namespace = '', name } = object.metadata;
    const at = new Date(clock.nowMs()).toISOString();
    write(`${resourceVersion} ${at} ${type} ${resource} ${namespace}/${name} ${digest(object)}`);
  };
  const present = resources.flatMap((resource) => store.list(resource).map((object) => ({ resource, object })));
  const versionOf = ({ metadata }: KubeObject): number => Number(metadata.resourceVersion);
  for (const { resource, object } of present.toSorted((one, other) => versionOf(one.object) - versionOf(other.object)))
    told({ type: 'ADDED', resource, object, resourceVersion: versionOf(object) });
  return store.subscribe(undefined, told);
}

/** Certificates and keys, as text and in base64. They cannot be derived from a seed: a signature has chance in it. */
const PEM = /-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----|LS0tLS1CRUdJTi[\w+/=]+/g;

/** Half of a SHA-256 of the object's JSON, in which certificates, keys and the octet of the sandbox's addresses are left out. */
function createDigest(octets: readonly number[]): (object: KubeObject) => string {
  const addresses = new RegExp(`\\b127\\.(?:${octets.join('|')})\\.`, 'g');
  return (object) => {
    const text = JSON.stringify(object).replace(PEM, 'PEM').replace(addresses, '127.x.');
    return createHash('sha256').update(text).digest('hex').slice(0, 32);
  };
}
