/** Counting shares in whole pods, and copying a gateway. */
import { describe, expect, it } from 'vitest';
import { gatewayObjects } from '../../../test/kit/fake-gateways.ts';
import type { HelmRelease } from '../helm/release.ts';
import type { KubeObject, PodController, Service } from '../mesh/kube-objects.ts';
import { matchesSelector, selectsPod } from '../mesh/match-selector.ts';
import { autoscalerBounds, autoscalerOf, copyAutoscaler, copyGateway, copyName, labelsToLeaveOut, trialPod } from './copy-gateway.ts';
import { hasSameMarks, isOfRelease, marksPatch, releaseAnswer, withoutReleasePatch } from './release-marks.ts';
import { shareCounts } from './share-counts.ts';

const counts = (pods: number, shares: readonly number[] = [10, 50, 100]): string[] =>
  shareCounts(pods, shares).map(({ asked, oldPods, newPods, percent }) => `${newPods}+${oldPods} ${percent}% for ${asked.join()}`);

describe('shares in whole pods', () => {
  it.each([
    [1, ['1+1 50% for 10,50', '1+0 100% for 100']],
    [2, ['1+2 33% for 10', '1+1 50% for 50', '2+0 100% for 100']],
    [3, ['1+3 25% for 10', '2+2 50% for 50', '3+0 100% for 100']],
    [4, ['1+4 20% for 10', '2+2 50% for 50', '4+0 100% for 100']],
    [9, ['1+9 10% for 10', '5+5 50% for 50', '9+0 100% for 100']],
    [10, ['1+10 9% for ', '1+9 10% for 10', '5+5 50% for 50', '10+0 100% for 100']],
    [100, ['1+100 1% for ', '10+90 10% for 10', '50+50 50% for 50', '100+0 100% for 100']],
  ])('%i pods', (pods, expected) => {
    expect(counts(pods)).toEqual(expected);
  });

  it('are never made with fewer pods than before nor with more than one more, and rise', () => {
    for (let pods = 1; pods <= 60; pods += 1) {
      for (const shares of [[100], [1, 100], [25, 75, 100], [10, 50, 100], [33, 34, 99, 100]]) {
        const all = shareCounts(pods, shares);
        for (const { oldPods, newPods } of all) {
          expect(oldPods + newPods).toBeGreaterThanOrEqual(pods);
          expect(oldPods + newPods).toBeLessThanOrEqual(pods + 1);
        }
        expect(all.map(({ newPods }) => newPods)).toEqual(all.map(({ newPods }) => newPods).toSorted((a, b) => a - b));
        expect(all.flatMap(({ asked }) => asked)).toEqual(shares);
        expect([all[0]?.newPods, all[0]?.oldPods, all.at(-1)?.newPods, all.at(-1)?.oldPods]).toEqual([1, pods, pods, 0]);
      }
    }
  });
});

function deploymentOf(objects: readonly KubeObject[]): PodController {
  return objects.find((o): o is PodController => o.kind === 'Deployment') as PodController;
}

describe('the copy of a gateway', () => {
  const objects = gatewayObjects('edge', 'ingress', { release: 'ingress', autoscaled: { min: 2, max: 5 } });
  const live: PodController = {
    ...deploymentOf(objects),
    metadata: {
      ...deploymentOf(objects).metadata,
      uid: 'u',
      resourceVersion: '7',
      labels: {
        ...deploymentOf(objects).metadata.labels,
        'istio.io/rev': 'old',
        'operator.istio.io/component': 'IngressGateways',
        'install.operator.istio.io/owning-resource': 'x',
        team: 'edge',
      },
      annotations: {
        ...deploymentOf(objects).metadata.annotations,
        'deployment.kubernetes.io/revision': '3',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        'argocd.argoproj.io/tracking-id': 'x',
        note: 'kept',
      },
      ownerReferences: [{ apiVersion: 'x/v1', kind: 'X', name: 'x', uid: 'x' }],
      finalizers: ['x/y'],
    },
    status: { replicas: 2 },
  };
  const copy = copyGateway(live, { revision: 'new', replicas: 1, label: 'new' });

  it('is behind the same Services, under a name and with a selector of its own', () => {
    const labels = copy.spec?.template?.metadata?.labels ?? {};
    expect(copy.metadata.name).toBe('ingress-new');
    expect(selectsPod({ app: 'ingress', istio: 'ingress' }, labels)).toBe(true);
    expect(matchesSelector(copy.spec?.selector, labels)).toBe(true);
    expect(matchesSelector(copy.spec?.selector, live.spec?.template?.metadata?.labels ?? {})).toBe(false);
    expect([copy.spec?.replicas, labels['istio.io/rev']]).toEqual([1, 'new']);
  });

  it('carries over everything of the pod, and no mark of an owner, of the server or of a controller', () => {
    expect(copy.spec?.template?.spec).toEqual(live.spec?.template?.spec);
    expect(copy.metadata).toEqual({
      name: 'ingress-new',
      namespace: 'edge',
      labels: { app: 'ingress', istio: 'ingress', team: 'edge', 'meshlift.io/revision': 'new' },
      annotations: { note: 'kept' },
    });
    expect(copy.status).toBeUndefined();
  });

  it('has no label by which istioctl prunes pods', () => {
    const labels = {
      app: 'ingress',
      istio: 'ingress',
      'operator.istio.io/component': 'IngressGateways',
      'install.operator.istio.io/owning-resource': 'x',
    };
    const template = { ...live.spec?.template, metadata: { labels } };
    const made = copyGateway({ ...live, spec: { ...live.spec, template } }, { revision: 'new', replicas: 1, label: 'new' });
    expect(made.spec?.template?.metadata?.labels).toEqual({
      app: 'ingress',
      istio: 'ingress',
      'istio.io/rev': 'new',
      'meshlift.io/revision': 'new',
    });
  });

  it('keeps the label of its template where the namespace decides, and drops it from a selector', () => {
    const pinned: PodController = {
      ...live,
      spec: { ...live.spec, selector: { matchLabels: { app: 'ingress', 'istio.io/rev': 'default' } } },
    };
    const inLabelled = copyGateway(pinned, { revision: 'new', replicas: 3 });
    expect(inLabelled.spec?.template?.metadata?.labels?.['istio.io/rev']).toBe('default');
    expect(inLabelled.spec?.selector).toEqual({ matchLabels: { app: 'ingress', 'meshlift.io/revision': 'new' } });
  });

  it('is copied again by the next upgrade under the name of the gateway', () => {
    expect(copyName(copy, 'newer')).toBe('ingress-newer');
    expect(copyName({ ...copy, metadata: { ...copy.metadata, name: 'renamed' } }, 'newer')).toBe('renamed-newer');
    const again = copyGateway(copy, { revision: 'newer', replicas: 1, label: 'newer' });
    expect(again.spec?.selector?.matchLabels?.['meshlift.io/revision']).toBe('newer');
    expect(again.metadata.labels?.['meshlift.io/revision']).toBe('newer');
  });

  it('has an autoscaler as the old one has, aimed at itself', () => {
    const autoscaler = autoscalerOf('ingress', objects) as KubeObject;
    const made = copyAutoscaler(autoscaler, 'ingress-new', { min: 2, max: 5 });
    expect(made.metadata).toEqual({
      name: 'ingress-new',
      namespace: 'edge',
      labels: { app: 'ingress', istio: 'ingress' },
      annotations: {},
    });
    expect(autoscalerOf('ingress-new', [made])).toBe(made);
    expect(autoscalerBounds(made)).toEqual({ min: 2, max: 5 });
    expect(autoscalerOf('other', objects)).toBeUndefined();
  });
});

function released(chart: string): HelmRelease {
  return { name: 'gw', namespace: 'edge', version: 1, status: 'deployed', values: {}, chart: { name: chart, version: '1.28.2' } };
}

describe('a pod that proves the copy without traffic', () => {
  const labels = { app: 'ingress', istio: 'ingress', 'istio.io/rev': 'new' };
  const service = (selector: Record<string, string>): Service => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', namespace: 'edge' },
    spec: { selector },
  });
  const policy = (matchLabels: Record<string, string>): KubeObject => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'p' },
    spec: { podSelector: { matchLabels } },
  });
  const istioGateway = (selector: Record<string, string>): KubeObject => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'g' },
    spec: { selector },
  });

  it.each<[string, Service[], KubeObject[], string[] | undefined]>([
    ['no Gateway selects', [service({ app: 'ingress', istio: 'ingress' })], [], ['app']],
    ['a Gateway does not select', [service({ app: 'ingress', istio: 'ingress' })], [istioGateway({ istio: 'ingress' })], ['app']],
    ['a Gateway of other pods selects', [service({ app: 'ingress' })], [istioGateway({ app: 'other' })], ['app']],
    ['no NetworkPolicy selects', [service({ app: 'ingress', istio: 'ingress' })], [policy({ app: 'ingress' }), policy({})], ['istio']],
    ['each of two Services needs', [service({ app: 'ingress' }), service({ istio: 'ingress' })], [], ['app', 'istio']],
    ['', [service({ istio: 'ingress' })], [istioGateway({ istio: 'ingress' })], undefined],
    ['', [service({ app: 'ingress', istio: 'ingress' })], [istioGateway(labels)], undefined],
    ['', [service({ 'istio.io/rev': 'new' })], [], undefined],
    ['', [], [], undefined],
  ])('lacks a label that %s', (_name, services, gateways, expected) => {
    expect(labelsToLeaveOut(labels, services, gateways)).toEqual(expected);
  });

  it('is a pod as the copy makes them, behind no Service', () => {
    const copy = copyGateway(deploymentOf(gatewayObjects('edge', 'ingress')), { revision: 'new', replicas: 1, label: 'new' });
    const pod = trialPod(copy, ['app']);
    expect(pod.metadata.name).toBe('ingress-new-trial');
    expect(pod['spec']).toEqual(copy.spec?.template?.spec);
    expect(selectsPod({ app: 'ingress', istio: 'ingress' }, pod.metadata.labels ?? {})).toBe(false);
    expect(selectsPod({ istio: 'ingress' }, pod.metadata.labels ?? {})).toBe(true);
    expect(matchesSelector(copy.spec?.selector, pod.metadata.labels ?? {})).toBe(false);
  });
});

describe('marks of a Helm release', () => {
  const service = gatewayObjects('edge', 'ingress', { release: 'gw' }).find((o) => o.kind === 'Service') as KubeObject;

  it('say whose an object is', () => {
    expect(isOfRelease(service, { name: 'gw', namespace: 'edge' })).toBe(true);
    expect(isOfRelease(service, { name: 'gw', namespace: 'other' })).toBe(false);
  });

  it.each<[string, Parameters<typeof releaseAnswer>[1], object]>([
    ['goes with a gateway chart', [released('gateway')], { kind: 'goes', release: { name: 'gw', namespace: 'edge' } }],
    ['stays with another chart', [released('stack')], { kind: 'stays', why: 'its chart stack may make more than this gateway' }],
    ['stays when nobody may read it', undefined, { kind: 'stays', why: 'its records may not be read' }],
    ['stays when it is not there', [], { kind: 'stays', why: 'it has no records' }],
  ])('a release %s', (_name, releases, answer) => {
    expect(releaseAnswer(service, releases)).toMatchObject(answer);
    expect(releaseAnswer({ ...service, metadata: { name: 'x' } }, releases)).toEqual({ kind: 'none' });
  });

  it('are taken away by a patch that names them only, and given back by one', () => {
    expect(withoutReleasePatch(service)).toEqual({
      metadata: {
        annotations: { 'meta.helm.sh/release-name': null, 'meta.helm.sh/release-namespace': null },
        labels: { 'app.kubernetes.io/managed-by': null, 'helm.sh/chart': null },
      },
    });
    const bare: KubeObject = { ...service, metadata: { name: 'ingress', namespace: 'edge', labels: { app: 'ingress', extra: '1' } } };
    expect(marksPatch(service, bare)).toEqual({
      metadata: {
        labels: { extra: null, istio: 'ingress', 'app.kubernetes.io/managed-by': 'Helm', 'helm.sh/chart': 'gateway-1.28.2' },
        annotations: { 'meta.helm.sh/release-name': 'gw', 'meta.helm.sh/release-namespace': 'edge' },
      },
    });
    expect([hasSameMarks(service, bare), hasSameMarks(service, service)]).toEqual([false, true]);
  });
});
