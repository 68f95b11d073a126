/** Helm as pure tables: releases from their records, whose CRDs are, which values a request sets, and what is set aside. */
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { helmRecord, type RecordInput } from '../../../test/kit/fake-releases.ts';
import { controlPlaneObjects, crd } from '../../../test/kit/istio-objects.ts';
import type { KubeObject, PodController, WebhookConfiguration } from '../mesh/kube-objects.ts';
import { baseDisagreement, findBaseRelease } from './base-release.ts';
import { overlayValues, requestedChartPaths } from './chart-values.ts';
import { reasonRecordsStay, releaseToRemove, viewReleases, type HelmView } from './helm-view.ts';
import { isPending, readRelease, recordLabels, standingRecord, type HelmRelease } from './release.ts';
import { releaseOf, withOwnership } from './release-marks.ts';
import { asideName, isAsBefore, recordOf, setAside, type SecretObject } from './set-aside.ts';

const history = (...versions: readonly (readonly [version: number, status: string])[]): SecretObject[] =>
  versions.map(([version, status]) => helmRecord({ name: 'istiod', version, status }));
const contentOf = (record: SecretObject | undefined): string | undefined => record?.data?.['release'];

describe('a release', () => {
  it.each([
    ['one version', history([1, 'deployed']), { version: 1, status: 'deployed', deployedVersion: 1 }],
    ['in any order', history([2, 'deployed'], [10, 'failed'], [9, 'superseded']), { version: 10, status: 'failed', deployedVersion: 2 }],
    ['never deployed', history([1, 'pending-install']), { version: 1, status: 'pending-install' }],
    ['superseded only', history([3, 'superseded'], [4, 'pending-upgrade']), { version: 4, status: 'pending-upgrade', deployedVersion: 3 }],
  ])('%s', (_name, records, wanted) => {
    const { chart, values, ...rest } = readRelease(records, contentOf(records[0])) as HelmRelease;
    expect(rest).toEqual({ name: 'istiod', namespace: 'istio-system', ...wanted });
    expect([chart, values]).toEqual([{ name: 'istiod', version: '1.28.2' }, {}]);
  });

  it.each([
    ['vendors count in their own way', { chartVersion: '1.28.2-vendor.1' }, '1.28.2-vendor.1'],
    ['charts of any name', { chart: 'mesh' }, '1.28.2'],
  ] as const)('%s', (_name, more: Partial<RecordInput>, version) => {
    const record = helmRecord({ name: 'mesh', ...more });
    expect(readRelease([record], contentOf(record))?.chart?.version).toBe(version);
  });

  it('whose content cannot be read still has a name, a version and a status', () => {
    expect(readRelease(history([1, 'deployed']), undefined)).toEqual({
      name: 'istiod',
      namespace: 'istio-system',
      version: 1,
      status: 'deployed',
      values: {},
      deployedVersion: 1,
    });
    expect(readRelease(history([1, 'deployed']), '[]')?.chart).toBeUndefined();
  });

  it('is only what carries the labels of Helm', () => {
    const [record] = history([1, 'deployed']) as [SecretObject];
    expect(
      recordLabels({ ...record, metadata: { ...record.metadata, labels: { name: 'istiod', version: '1', status: 'deployed' } } }),
    ).toBeUndefined();
    expect(recordLabels({ ...record, metadata: { name: 'x' } })).toBeUndefined();
    expect(readRelease([{ ...record, metadata: { name: 'x' } }], '')).toBeUndefined();
  });

  it.each([
    ['deployed', false],
    ['failed', false],
    ['superseded', false],
    ['uninstalled', false],
    ['pending-install', true],
    ['pending-upgrade', true],
    ['pending-rollback', true],
    ['uninstalling', true],
  ])('that is %s is in the middle of something: %s', (status, pending) => {
    expect(isPending({ status })).toBe(pending);
  });

  it('stands by its newest deployed version, else by its newest', () => {
    const version = (...versions: readonly (readonly [number, string])[]): unknown =>
      recordLabels(standingRecord(history(...versions)) as KubeObject)?.version;
    expect(version([1, 'superseded'], [2, 'deployed'], [3, 'failed'])).toBe(2);
    expect(version([1, 'failed'], [2, 'pending-install'])).toBe(2);
    expect(standingRecord([])).toBeUndefined();
  });
});

describe('CRDs', () => {
  const rendered: KubeObject = {
    ...crd('virtualservices.networking.istio.io', ['v1']),
    metadata: {
      name: 'virtualservices.networking.istio.io',
      labels: {
        'app.kubernetes.io/instance': 'istio-base',
        'app.kubernetes.io/managed-by': 'Helm',
        'helm.sh/chart': 'base-1.29.1',
        chart: 'istio',
      },
      annotations: { 'helm.sh/resource-policy': 'keep' },
    },
  };

  it('belong to the base release that is there, by whatever name', () => {
    const owned = withOwnership(rendered, { name: 'mesh-base', namespace: 'istio-system' });
    expect(releaseOf(owned)).toEqual({ name: 'mesh-base', namespace: 'istio-system' });
    expect(owned.metadata.labels).toMatchObject({ 'app.kubernetes.io/instance': 'mesh-base', 'app.kubernetes.io/managed-by': 'Helm' });
    expect(owned.metadata.annotations).toMatchObject({ 'helm.sh/resource-policy': 'keep' });
  });

  it('of an old chart gain the marks', () => {
    const owned = withOwnership(crd('x.networking.istio.io', ['v1']), { name: 'istio-base', namespace: 'istio-system' });
    expect([releaseOf(owned)?.name, owned.metadata.labels]).toEqual(['istio-base', { 'app.kubernetes.io/managed-by': 'Helm' }]);
  });

  it('say of no release that they are part of it when there is none', () => {
    const free = withOwnership(rendered, undefined);
    expect([releaseOf(free), free.metadata.labels]).toEqual([undefined, { chart: 'istio' }]);
  });
});

describe('values', () => {
  it.each([
    ['none', '', undefined],
    ['values at the top', 'spec: {values: {global: {hub: x}, pilot: {env: {A: b}}}}', { global: { hub: 'x' }, pilot: { env: { A: 'b' } } }],
    ['mesh configuration beside them', 'spec: {values: {a: 1}, meshConfig: {b: 2}}', { a: 1, meshConfig: { b: 2 } }],
    ['mesh configuration alone', 'spec: {meshConfig: {b: 2}}', { meshConfig: { b: 2 } }],
    ['an empty overlay', 'spec: {}', undefined],
  ])('of an overlay: %s', (_name, overlay, wanted) => {
    expect(parse(overlayValues(overlay)) ?? undefined).toEqual(wanted);
  });

  it.each([
    ['a file', ['global: {hub: x}\nmeshConfig: {accessLogFile: y}'], [], ['meshConfig.accessLogFile', 'values.global.hub']],
    ['two files', ['a: 1', 'b: {c: 2}'], [], ['values.a', 'values.b.c']],
    ['set', [], ['global.hub=x', 'meshConfig.accessLogFile=y'], ['values.global.hub', 'meshConfig.accessLogFile']],
    ['several in one', [], ['a=1,b.c=2'], ['values.a', 'values.b.c']],
    ['a list', [], ['tags={a,b}', 'env[0].name=x'], ['values.tags', 'values.env']],
    ['what is no map, or no YAML that we know', ['- a', 'a: [', ''], [], []],
    ['a key twice, as helm takes it', ['a: 1\na: 2'], [], ['values.a']],
  ])('that a request sets: %s', (_name, files, set, wanted) => {
    expect(requestedChartPaths(files, set)).toEqual(wanted);
  });
});

const release = (more: Partial<HelmRelease> = {}): HelmRelease => ({
  name: 'istiod',
  namespace: 'istio-system',
  version: 1,
  status: 'deployed',
  chart: { name: 'istiod', version: '1.28.2' },
  values: {},
  ...more,
});

describe('the base release', () => {
  const base = release({ name: 'istio-base', chart: { name: 'base', version: '1.28.2' } });
  const validator = (name: string): WebhookConfiguration[] => [
    {
      apiVersion: 'x',
      kind: 'ValidatingWebhookConfiguration',
      metadata: {
        name: 'istiod-default-validator',
        annotations: { 'meta.helm.sh/release-name': name, 'meta.helm.sh/release-namespace': 'istio-system' },
      },
    },
  ];

  it.each([
    ['the only one', [release(), base], [], 'istio-base'],
    ['the one that owns the validator', [base, { ...base, name: 'mine' }], validator('mine'), 'mine'],
    ['none', [release()], validator('istio-base'), undefined],
    ['not one that was uninstalled', [{ ...base, status: 'uninstalled' }], [], undefined],
  ])('is %s', (_name, releases, webhooks, wanted) => {
    expect(findBaseRelease(releases, webhooks)?.name).toBe(wanted);
  });

  it.each([
    ['agrees', { values: { defaultRevision: 'canary' }, chart: { name: 'base', version: '1.29.1' } }, undefined],
    [
      'agrees with the suffix of a vendor',
      { values: { defaultRevision: 'canary' }, chart: { name: 'base', version: '1.29.1-vendor.1' } },
      undefined,
    ],
    ['has the default of the chart', { chart: { name: 'base', version: '1.29.1' } }, /default revision default/],
    ['is of another version', { values: { defaultRevision: 'canary' } }, /chart version 1.28.2/],
    ['is pending', { status: 'pending-upgrade' }, /pending-upgrade/],
    ['failed', { status: 'failed', values: { defaultRevision: 'canary' } }, /failed/],
  ])('%s', (_name, more: Partial<HelmRelease>, wanted) => {
    const told = baseDisagreement({ ...base, ...more }, { revision: 'canary', version: '1.29.1' });
    if (wanted === undefined) expect(told).toBeUndefined();
    else expect(told).toMatch(wanted);
  });
});

describe('what Helm has to do with an upgrade', () => {
  const marked = (metadata: Partial<KubeObject['metadata']>): PodController[] =>
    controlPlaneObjects({ revision: 'default', version: '1.28.2' }).flatMap((object) =>
      object.kind === 'Deployment' ? [{ ...object, metadata: { ...object.metadata, ...metadata } } as PodController] : [],
    );
  const annotations = { 'meta.helm.sh/release-name': 'mesh', 'meta.helm.sh/release-namespace': 'istio-system' };
  const view = (metadata: Partial<KubeObject['metadata']>, releases: readonly HelmRelease[] | undefined, installs?: string): HelmView =>
    viewReleases({
      objects: { deployments: marked(metadata), validatingWebhooks: [], istioNamespace: 'istio-system' },
      releases,
      from: 'default',
      installs,
    });

  it('is the release that the old Deployment names, and the one that is made', () => {
    expect(view({ annotations }, [release({ name: 'mesh' })], '1-29-1')).toMatchObject({
      old: { name: 'mesh', namespace: 'istio-system' },
      fresh: { name: 'istiod-1-29-1', namespace: 'istio-system' },
    });
    expect(view({}, [])).toEqual({ releases: [] });
  });

  it.each([
    [
      'Flux',
      { labels: { 'helm.toolkit.fluxcd.io/name': 'istiod', 'helm.toolkit.fluxcd.io/namespace': 'flux' } },
      'Flux (HelmRelease flux/istiod)',
    ],
    ['Argo CD', { labels: { 'argocd.argoproj.io/instance': 'mesh' } }, 'Argo CD (mesh)'],
    ['its field manager', { managedFields: [{ manager: 'argocd-controller' }] }, 'argocd-controller'],
    ['nobody', { managedFields: [{ manager: 'helm' }] }, undefined],
  ])('is kept by %s', (_name, metadata, wanted) => {
    expect(view(metadata, []).oldOwner).toBe(wanted);
  });

  it('tells who keeps the default validator', () => {
    const validator = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'istiod-default-validator', labels: { 'argocd.argoproj.io/instance': 'mesh' } },
    };
    const keeperOf = (validatingWebhooks: readonly KubeObject[]): unknown =>
      viewReleases({
        objects: { deployments: [], validatingWebhooks, istioNamespace: 'istio-system' },
        releases: [],
        from: 'default',
        installs: undefined,
      }).validatorKeeper;
    expect(keeperOf([validator])).toBe('Argo CD (mesh)');
    expect(keeperOf([{ ...validator, metadata: { ...validator.metadata, name: 'istio-validator-istio-system' } }])).toBeUndefined();
  });

  it.each([
    ['go', [release({ name: 'mesh' })], true, undefined],
    [
      'go, of the chart by its old name',
      [release({ name: 'mesh', chart: { name: 'istio-discovery', version: '1.10.0' } })],
      true,
      undefined,
    ],
    [
      'stay when the chart holds more',
      [release({ name: 'mesh', chart: { name: 'platform', version: '3.0.0' } })],
      false,
      /its chart is platform/,
    ],
    ['stay when they cannot be unpacked', [{ ...release({ name: 'mesh' }), chart: undefined } as unknown as HelmRelease], false, /unknown/],
    ['stay when they may not be read', undefined, false, /may not be read/],
    ['are gone already', [], false, undefined],
  ])('the records %s', (_name, releases, go, reason) => {
    const seen = view({ annotations }, releases);
    expect(releaseToRemove(seen) !== undefined).toBe(go);
    if (reason === undefined) expect(reasonRecordsStay(seen)).toBeUndefined();
    else expect(reasonRecordsStay(seen)).toMatch(reason);
  });
});

describe('a record that is set aside', () => {
  const [record, later] = history([2, 'deployed'], [3, 'deployed']) as [SecretObject, SecretObject];
  const aside = setAside(record, { name: 'istiod', namespace: 'istio-system' }, { run: 'r', namespace: 'istio-system' });

  it('is a Secret of the run, and no record that Helm would find', () => {
    expect([aside.kind, aside.metadata.name, recordLabels(aside)]).toEqual([
      'Secret',
      asideName('r', { name: 'istiod', namespace: 'istio-system' }),
      undefined,
    ]);
    expect(aside.metadata.labels).toMatchObject({ 'meshlift.io/run': 'r' });
  });

  it('comes back as it was', () => {
    expect(recordOf(aside)).toEqual(record);
    expect(recordOf({ ...aside, metadata: { name: 'x' } })).toBeUndefined();
  });

  it.each([
    ['nothing happened', [record], true],
    ['older versions went', [record], true],
    ['it is gone', [], false],
    ['there is a later one', [record, later], false],
    ['it says something else', [{ ...record, data: { release: 'other' } }], false],
  ])('is as before: %s', (_name, records, wanted) => {
    expect(isAsBefore(record, records)).toBe(wanted);
  });
});
