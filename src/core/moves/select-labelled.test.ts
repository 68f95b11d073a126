/** Workloads whose own pod template names the revision: which move, and why some stay. */
import { describe, expect, it } from 'vitest';
import { MeshBuilder, type WorkloadOptions } from '../../../test/kit/mesh-builder.ts';
import { selectMoves, type MoveScope } from './select-moves.ts';

const TO = { label: 'canary', revision: 'canary', version: '1.29.1' };

function told(
  options: WorkloadOptions,
  scope: Partial<MoveScope>,
  namespaceLabels: Record<string, string>,
  marks: Record<string, string>,
): unknown {
  const mesh = new MeshBuilder()
    .revision({ revision: 'default', version: '1.28.2', webhooksDeactivated: true })
    .revision({ revision: 'other', version: '1.28.2' })
    .defaultTo('default')
    .tag('prod', 'default')
    .tag('next', 'other')
    .namespace('team', namespaceLabels)
    .workload('team', 'app', options)
    .marked(options.kind ?? 'Deployment', 'app', marks);
  const { namespaces, notMoved } = selectMoves(mesh.inventory(), {
    from: 'default',
    to: TO,
    namespaces: [],
    skip: [],
    moveTags: true,
    ...scope,
  });
  const move = namespaces.flatMap((n) => n.workloads)[0];
  if (move === undefined) return notMoved[0] && [notMoved[0].reason, notMoved[0].keepsOldInUse];
  const { templateLabel: label, revision, gateway, firstSidecar } = move;
  expect([gateway, firstSidecar]).toEqual([false, false]);
  return `${namespaces.map((n) => JSON.stringify(n.set)).join()} ${label === undefined ? 'restart' : `${label.from ?? 'none'}→${label.to ?? 'none'}`} ${revision ?? 'none'}`;
}

function labelled(value: string, more: WorkloadOptions = {}): WorkloadOptions {
  return { on: 'default', template: { metadata: { labels: { app: 'app', 'istio.io/rev': value } } }, ...more };
}

const asks = (value: string): unknown => [`the namespace has no label; its pod template asks with istio.io/rev=${value}`, true];
const SELECTED = { spec: { selector: { matchLabels: { app: 'app', 'istio.io/rev': 'prod' } } } };

describe('a workload with a label of its own', () => {
  it.each<[string, WorkloadOptions, Partial<MoveScope>, unknown]>([
    ['that names the old revision', labelled('default'), {}, '{} default→canary canary'],
    ['that names a tag', labelled('prod'), {}, '{} prod→canary canary'],
    ['of a StatefulSet', labelled('prod', { kind: 'StatefulSet' }), {}, '{} prod→canary canary'],
    ['of a DaemonSet', labelled('prod', { kind: 'DaemonSet' }), {}, '{} prod→canary canary'],
    ['that is right already, before its pods are', labelled('canary'), {}, '{} restart canary'],
    ['that is there already', labelled('canary', { on: 'canary' }), {}, undefined],
    ['without pods', labelled('prod', { replicas: 0 }), {}, '{} prod→canary canary'],
    ['that names another revision', labelled('other', { on: 'other' }), {}, undefined],
    ['that names a tag of another revision', labelled('next', { on: 'other' }), {}, undefined],
    ['that names what does not exist', labelled('gone'), {}, asks('gone')],
    ['that names a tag, and tags are kept', labelled('prod'), { moveTags: false }, asks('prod')],
    ['that names the old revision, and tags are kept', labelled('default'), { moveTags: false }, '{} default→canary canary'],
    ['that is skipped', labelled('prod'), { skip: ['team/app'] }, ['left out by the request', true]],
    ['that is not named', labelled('prod'), { namespaces: ['elsewhere'] }, ['namespace team is not part of this run', true]],
    [
      'whose pods are deleted by hand',
      labelled('prod', { kind: 'StatefulSet', strategy: { type: 'OnDelete' } }),
      {},
      ['its update strategy is OnDelete: delete its pods by hand', true],
    ],
    ['of a kind that is not made anew', labelled('prod', { kind: 'Job' }), {}, asks('prod')],
    [
      'that its selector names, too',
      labelled('prod', SELECTED),
      {},
      ['its selector names istio.io/rev, which cannot change: make team/deployment/app anew without it', true],
    ],
  ])('%s', (_what, options, scope, expected) => {
    expect(told(options, scope, {}, {})).toEqual(expected);
  });

  it.each<[string, Record<string, string>, unknown]>([
    ['its namespace has a revision', { 'istio.io/rev': 'default' }, '{"istio.io/rev":"canary"} restart canary'],
    ['its namespace is injected', { 'istio-injection': 'enabled' }, '{"istio-injection":null,"istio.io/rev":"canary"} restart canary'],
    ['its namespace is not injected', { 'istio-injection': 'disabled' }, ['the labels of the namespace do not resolve to default', true]],
    [
      'its namespace has another revision',
      { 'istio.io/rev': 'other' },
      ['the namespace follows istio.io/rev=other; name it with -n to relabel it', true],
    ],
  ])('counts for nothing where %s', (_what, labels, expected) => {
    expect(told(labelled('prod'), {}, labels, {})).toEqual(expected);
  });

  it.each<[Record<string, string>, unknown]>([
    [{ 'argocd.argoproj.io/tracking-id': 'x' }, ['Argo CD keeps its pod template: commit istio.io/rev: canary there', true]],
    [{ 'kustomize.toolkit.fluxcd.io/name': 'x' }, ['Flux keeps its pod template: commit istio.io/rev: canary there', true]],
    [{ 'meta.helm.sh/release-name': 'x' }, '{} prod→canary canary'],
  ])('and the mark %o', (marks, expected) => {
    expect(told(labelled('prod'), {}, {}, marks)).toEqual(expected);
  });

  it('that is right already moves whoever keeps it', () => {
    expect(told(labelled('canary'), {}, {}, { 'argocd.argoproj.io/tracking-id': 'x' })).toBe('{} restart canary');
  });
});
