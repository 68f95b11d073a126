import type { SyncEntry } from './mesh-objects.ts';
import type { SyncState } from './mesh-inventory.ts';

/** Types that every sidecar and gateway subscribes to: without these a proxy has no configuration. */
const NEEDED = ['CDS', 'LDS'];

/**
 * State of one xDS type. Values are nonces, compared as strings.
 * @source istio/istio pilot/pkg/xds/debug.go (Syncz), istioctl/pkg/writer/pilot/status.go (xdsStatus) @86c9f01
 */
export function typeSyncState(type: { readonly sent: string; readonly acked: string } | undefined): SyncState {
  if (!type || type.sent === '') return 'not-sent';
  return type.sent === type.acked ? 'synced' : 'stale';
}

/**
 * State of a whole connection: stale when any type is; not-sent when clusters or listeners were not sent. RDS, EDS and
 * ECDS may be not-sent for good, for example on a gateway without routes.
 */
export function connectionSyncState(entry: SyncEntry): SyncState {
  const states = Object.values(entry.types).map(typeSyncState);
  if (states.includes('stale')) return 'stale';
  if (NEEDED.some((type) => typeSyncState(entry.types[type]) !== 'synced')) return 'not-sent';
  return 'synced';
}
