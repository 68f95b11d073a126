/** Objects that are pinned to a revision or to a version of proxies, and what the core makes of them. */
import { createHash } from 'node:crypto';
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';
import { refKey, refOf } from '../../src/core/controlplane/object-identity.ts';
import { selectPinned, type PinnedInput } from '../../src/core/pinned/select-pinned.ts';
import { settlePinned, type PinnedPlan } from '../../src/core/pinned/settle-pinned.ts';

export interface FilterOptions {
  readonly name?: string;
  readonly namespace?: string;
  /** Value of the label istio.io/rev. */
  readonly rev?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** An EnvoyFilter with one patch for each expression; undefined: for every version. */
export function envoyFilter(expressions: readonly (string | undefined)[], options: FilterOptions = {}): KubeObject {
  const { name = 'headers', namespace = 'shop', rev, annotations, metadata = {} } = options;
  const labels = { ...options.labels, ...(rev === undefined ? {} : { 'istio.io/rev': rev }) };
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: {
      name,
      namespace,
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...metadata,
    },
    spec: {
      configPatches: expressions.map((proxyVersion, index) => ({
        applyTo: 'LISTENER',
        match: { context: 'SIDECAR_INBOUND', ...(proxyVersion === undefined ? {} : { proxy: { proxyVersion } }) },
        patch: { operation: 'MERGE', value: { per_connection_buffer_limit_bytes: 65_536 + index } },
      })),
    },
  };
}

export function destinationRule(
  rev: string,
  options: { readonly name?: string; readonly metadata?: Readonly<Record<string, unknown>> } = {},
): KubeObject {
  const { name = 'cart', metadata = {} } = options;
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name, namespace: 'shop', labels: { 'istio.io/rev': rev, team: 'a' }, ...metadata },
    spec: { host: 'cart', trafficPolicy: { connectionPool: { tcp: { maxConnections: 7 } } } },
  };
}

export const FROM = { revision: 'default', version: '1.28.2' };
export const TO = { revision: 'canary', version: '1.29.1' };

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** @param objects everything of Istio's kinds in the cluster */
export function pinnedOf(objects: readonly KubeObject[], more: Partial<PinnedInput> = {}): PinnedPlan {
  const envoyFilters = objects.filter((object) => object.kind === 'EnvoyFilter');
  const selection = selectPinned({
    objects: { pinnedObjects: objects.filter((object) => object.metadata.labels?.['istio.io/rev'] !== undefined), envoyFilters },
    inventory: { workloads: [] },
    from: FROM,
    to: TO,
    skip: [],
    accept: [],
    sha256,
    ...more,
  });
  return settlePinned(selection, new Map(objects.map((object) => [refKey(refOf(object)), object])), envoyFilters);
}
