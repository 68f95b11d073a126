/** A proxy that runs in a pod: its state, what its istiod gave it, what goes through it. */
import type { Connection, DiscoveryServer } from '../discovery/discovery-server.ts';
import type { MeshView } from '../discovery/mesh-view.ts';
import type { RequestStats } from './request-stats.ts';

/** `starting` lets nothing through yet, `draining` still does, `ended` no more. */
export type ProxyState = 'starting' | 'live' | 'draining' | 'ended';

export interface Attachment {
  readonly server: DiscoveryServer;
  readonly connection: Connection;
}

export interface LiveProxy {
  readonly ip: string;
  readonly pod: string;
  readonly podUid: string;
  readonly namespace: string;
  readonly labels: () => Readonly<Record<string, string>>;
  readonly role: 'sidecar' | 'router';
  readonly revision: string;
  readonly version: string;
  readonly workload: string;
  readonly serviceAccount: string;
  readonly state: () => ProxyState;
  /** Its istiod now; undefined while it looks for one. */
  readonly attachment: () => Attachment | undefined;
  /** What it was pushed last; it keeps it when its istiod goes. */
  readonly view: () => MeshView | undefined;
  /** The authority that signed its certificate. */
  readonly authority: () => string | undefined;
  readonly stats: RequestStats;
  /** Counts a request that goes through it. @param onEnd called when the proxy ends before the request does @returns says that the request is over */
  readonly enter: (onEnd: () => void) => () => void;
  readonly active: () => number;
}

export function isPassing(proxy: LiveProxy): boolean {
  const state = proxy.state();
  return state === 'live' || state === 'draining';
}
