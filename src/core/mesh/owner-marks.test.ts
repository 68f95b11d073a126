import { describe, expect, it } from 'vitest';
import { isGitopsManager, isOwnerMark, trackingMark } from './owner-marks.ts';

const object = (metadata: object): Parameters<typeof trackingMark>[0] => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'x', ...metadata },
});

describe('a tracking mark', () => {
  it.each<[object, string | undefined]>([
    [{ labels: { 'argocd.argoproj.io/instance': 'a' } }, 'Argo CD'],
    [{ annotations: { 'argocd.argoproj.io/tracking-id': 'a' } }, 'Argo CD'],
    [{ labels: { 'kustomize.toolkit.fluxcd.io/name': 'a' } }, 'Flux'],
    [{ labels: { 'helm.toolkit.fluxcd.io/name': 'a' } }, 'Flux'],
    [{ annotations: { 'configmanagement.gke.io/managed': 'enabled' } }, 'Config Sync'],
    [{ annotations: { 'objectset.rio.cattle.io/id': 'a' } }, 'Fleet'],
    [{ labels: { 'kapp.k14s.io/app': 'a' } }, 'kapp'],
    [{ annotations: { 'argocd.argoproj.io/sync-wave': '1' } }, undefined],
    [{ annotations: { 'meta.helm.sh/release-name': 'a' } }, undefined],
    [{}, undefined],
  ])('%o', (metadata, tool) => expect(trackingMark(object(metadata))?.tool).toBe(tool));
});

it.each<[string, boolean]>([
  ['argocd.argoproj.io/sync-wave', true],
  ['meta.helm.sh/release-name', true],
  ['helm.sh/chart', true],
  ['install.operator.istio.io/owning-resource', true],
  ['kubectl.kubernetes.io/last-applied-configuration', true],
  ['kubectl.kubernetes.io/restartedAt', false],
  ['app.kubernetes.io/managed-by', false],
  ['istio.io/rev', false],
])('a copy without %s: %s', (key, left) => expect(isOwnerMark(key)).toBe(left));

it.each<[string, boolean]>([
  ['argocd-controller', true],
  ['helm-controller', true],
  ['configsync', true],
  ['config-sync', true],
  ['helm', false],
  ['kubectl-edit', false],
])('the field manager %s puts back: %s', (manager, puts) => expect(isGitopsManager(manager)).toBe(puts));
