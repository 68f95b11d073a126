/** Columns of kinds that no workload needs: storage drivers, devices, fairness, components. */
import { absent, at, integer, isRecord, list, records, text } from '../json-tree.ts';
import type { PrinterColumn } from '../resource-definition.ts';
import { AGE, boolean, column, NAME, number } from './column.ts';

export const COMPONENT_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Status', (object) => (records(object['conditions']).some((entry) => entry['status'] === 'True') ? 'Healthy' : 'Unhealthy')),
  column('Message', (object) => text(at(object, 'conditions', 0, 'message'))),
  column('Error', (object) => text(at(object, 'conditions', 0, 'error'))),
];

export const DRIVER_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  boolean('AttachRequired', (object) => at(object, 'spec', 'attachRequired') !== false),
  boolean('PodInfoOnMount', (object) => at(object, 'spec', 'podInfoOnMount') === true),
  boolean('StorageCapacity', (object) => at(object, 'spec', 'storageCapacity') === true),
  column('TokenRequests', (object) => {
    const audiences = records(at(object, 'spec', 'tokenRequests')).map((request) => text(request['audience']));
    return audiences.length === 0 ? '<unset>' : audiences.join(',');
  }),
  boolean('RequiresRepublish', (object) => at(object, 'spec', 'requiresRepublish') === true),
  column(
    'Modes',
    (object) =>
      list(at(object, 'spec', 'volumeLifecycleModes'))
        .map(text)
        .join(',') || '<none>',
  ),
  AGE,
];

export const STORAGE_NODE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  number('Drivers', (object) => list(at(object, 'spec', 'drivers')).length),
  AGE,
];

export const ATTACHMENT_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  { ...column('Attacher', (object) => text(at(object, 'spec', 'attacher'))), format: 'name' },
  column('PV', (object) => text(at(object, 'spec', 'source', 'persistentVolumeName'))),
  column('Node', (object) => text(at(object, 'spec', 'nodeName'))),
  boolean('Attached', (object) => at(object, 'status', 'attached') === true),
  AGE,
];

export const ATTRIBUTES_CLASS_COLUMNS: readonly PrinterColumn[] = [NAME, column('DriverName', (object) => text(object['driverName'])), AGE];

export const CLAIM_STATE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('State', (object) => {
    const deleted = object.metadata.deletionTimestamp === undefined ? [] : ['deleted'];
    const allocated = isRecord(at(object, 'status', 'allocation')) ? ['allocated'] : [];
    const reserved = list(at(object, 'status', 'reservedFor')).length > 0 ? ['reserved'] : [];
    const states = [...deleted, ...allocated, ...reserved];
    return allocated.length === 0 ? [...deleted, 'pending'].join(',') : states.join(',');
  }),
  AGE,
];

export const SLICE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Node', (object) => text(at(object, 'spec', 'nodeName'))),
  column('Driver', (object) => text(at(object, 'spec', 'driver'))),
  column('Pool', (object) => text(at(object, 'spec', 'pool', 'name'))),
  AGE,
];

export const FLOW_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('PriorityLevel', (object) => text(at(object, 'spec', 'priorityLevelConfiguration', 'name'))),
  column('MatchingPrecedence', (object) => integer(at(object, 'spec', 'matchingPrecedence'))),
  column('DistinguisherMethod', (object) => text(at(object, 'spec', 'distinguisherMethod', 'type')) || '<none>'),
  AGE,
  column('MissingPL', (object) => {
    const dangling = records(at(object, 'status', 'conditions')).find((entry) => entry['type'] === 'Dangling');
    return text(dangling?.['status']) || '?';
  }),
];

/** Queues are there only where requests wait in them. */
function queuing(name: string, field: string): PrinterColumn {
  return column(name, (object) => {
    const value = at(object, 'spec', 'limited', 'limitResponse', 'queuing', field);
    return absent(value) ? '<none>' : integer(value);
  });
}

export const PRIORITY_LEVEL_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Type', (object) => text(at(object, 'spec', 'type'))),
  column('NominalConcurrencyShares', (object) => {
    const shares = at(object, 'spec', 'limited', 'nominalConcurrencyShares');
    return absent(shares) ? '<none>' : integer(shares);
  }),
  queuing('Queues', 'queues'),
  queuing('HandSize', 'handSize'),
  queuing('QueueLengthLimit', 'queueLengthLimit'),
  AGE,
];
