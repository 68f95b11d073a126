/** The pods of a job carry the uid of their job, which is its selector too. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { at, changeField, fill, record, sameJson, type Json } from '../json-tree.ts';

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';

/**
 * The job needs its uid by now; without one the labels are left out.
 * @source kubernetes/kubernetes pkg/registry/batch/job/strategy.go (generateSelector) of 1.34
 */
export function jobPreparation(next: KubeObject, previous: KubeObject | undefined): KubeObject {
  if (previous !== undefined) return next;
  const uid = next.metadata.uid;
  const manual = at(next, 'spec', 'manualSelector') === true;
  const labelled = uid === undefined || manual ? next : changeField(next, 'spec', (spec) => generated(spec, next.metadata.name, uid));
  // Labels that the defaults took from the template go on following it.
  const labels = at(labelled, 'spec', 'template', 'metadata', 'labels');
  const own = record(next.metadata.labels);
  const before = record(at(next, 'spec', 'template', 'metadata', 'labels'));
  const follows = Object.keys(own).length === 0 || sameJson(own, before);
  return !follows || labels === undefined
    ? labelled
    : { ...labelled, metadata: { ...labelled.metadata, labels: labels as Readonly<Record<string, string>> } };
}

function generated(spec: Json, name: string, uid: string): Json {
  const labels = { [CONTROLLER_UID]: uid, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid, 'job-name': name };
  const template = changeField(spec, 'template', (given) =>
    changeField(fill(given, { metadata: {} }), 'metadata', (metadata) => ({
      ...metadata,
      labels: { ...record(metadata['labels']), ...labels },
    })),
  );
  const selector = record(template['selector']);
  const matchLabels = { ...record(selector['matchLabels']), [CONTROLLER_UID]: uid };
  return { ...template, selector: { ...selector, matchLabels } };
}
