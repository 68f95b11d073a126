/** Events of core/v1 and of events.k8s.io/v1 are the same objects under other names of fields; core/v1 is stored. */
import type { KubeObject } from '../../objects/kube-object.ts';

/** Names in core/v1 of what events.k8s.io/v1 calls otherwise. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  regarding: 'involvedObject',
  note: 'message',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
};

const NEW_NAMES: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(OLD_NAMES).map(([fresh, old]) => [old, fresh]));

export function eventFromNew(event: KubeObject): KubeObject {
  return rename(event, OLD_NAMES, 'v1');
}

export function eventToNew(event: KubeObject): KubeObject {
  const renamed = rename(event, NEW_NAMES, 'events.k8s.io/v1');
  const empty = ['reportingController', 'reportingInstance'].filter((field) => renamed[field] === '');
  return empty.length === 0 ? renamed : { ...renamed, ...Object.fromEntries(empty.map((field) => [field, undefined])) };
}

function rename(event: KubeObject, names: Readonly<Record<string, string>>, apiVersion: string): KubeObject {
  const { kind, metadata, ...rest } = event;
  const renamed = Object.entries(rest).map(([field, value]) => [names[field] ?? field, value]);
  return { ...(Object.fromEntries(renamed) as Readonly<Record<string, unknown>>), apiVersion, kind, metadata };
}
