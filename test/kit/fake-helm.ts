/** Installs as helm does: objects, and a record that is pending until all of it is there. */
import type { KubeObject } from '../../src/core/mesh/kube-objects.ts';
import { Problem } from '../../src/core/problems/problem.ts';
import type { SecretObject } from '../../src/core/helm/set-aside.ts';
import type { BaseUpgrade, GatewayInstall, InstallTarget, RenderedGateways } from '../../src/ports/installer.ts';
import type { FakeCluster } from './fake-cluster.ts';
import { FakeInstaller } from './fake-installer.ts';
import { installGateway, renderGateway } from './fake-gateway-chart.ts';
import { helmRecord } from './fake-releases.ts';
import { controlPlaneObjects, validator } from './istio-objects.ts';

const NAMESPACE = 'istio-system';
const READER = 'ServiceAccount/istio-system/istio-reader-service-account';

export class FakeHelm extends FakeInstaller {
  override movesDefaultWhenNoTag = false;
  /** What looking for the chart of gateways ends with. */
  gatewayChart: Problem | undefined;
  readonly #cluster: FakeCluster;

  constructor(cluster: FakeCluster) {
    super(cluster);
    this.#cluster = cluster;
  }

  override async install(target: InstallTarget, pins: unknown, onOutput: (line: string) => void): Promise<void> {
    const name = `istiod-${target.revision}`;
    const record = (status: string): SecretObject => helmRecord({ name, status, chartVersion: '1.29.1' });
    this.#cluster.install(record('pending-install'));
    await super.install(target, pins, onOutput);
    this.#cluster.hook('helm install', 'before');
    this.#cluster.install(record('deployed'));
  }

  async upgradeBase({ release, target, values }: BaseUpgrade): Promise<void> {
    const versions = recordsOf(this.#cluster, release.name).map(({ metadata }) => Number(metadata.labels?.['version']));
    const version = Math.max(...versions) + 1;
    if (recordsOf(this.#cluster, release.name).some(({ metadata }) => metadata.labels?.['status']?.startsWith('pending') === true))
      throw new Error('another operation (install/upgrade/rollback) is in progress');
    const next = {
      name: release.name,
      version,
      chart: 'base',
      chartVersion: target.version ?? '',
      values: { ...values, defaultRevision: target.revision },
    };
    this.#cluster.install(helmRecord({ ...next, status: 'pending-upgrade' }));
    this.#cluster.hook('helm upgrade', 'before');
    for (const old of recordsOf(this.#cluster, release.name).filter(({ metadata }) => metadata.labels?.['status'] === 'deployed'))
      this.#cluster.install({
        ...old,
        metadata: { ...old.metadata, labels: { ...old.metadata.labels, status: 'superseded' } },
        data: { release: 'superseded' },
      });
    const reader = this.#cluster.objects.get(READER);
    if (reader)
      this.#cluster.install({ ...reader, metadata: { ...reader.metadata, labels: { 'helm.sh/chart': `base-${next.chartVersion}` } } });
    this.#cluster.install(helmRecord({ ...next, status: 'deployed' }));
    return Promise.resolve();
  }

  async renderGateways(gateways: readonly GatewayInstall[]): Promise<RenderedGateways> {
    if (this.gatewayChart instanceof Problem) throw this.gatewayChart;
    return Promise.resolve({
      chart: '1.29.1',
      objects: gateways.map((gateway) => renderGateway(gateway)),
      pins: [{ name: 'chart gateway', path: 'charts/gateway', version: '1.29.1', sha256: 'digest-of-gateway' }],
    });
  }

  async installGateway(gateway: GatewayInstall): Promise<void> {
    installGateway(this.#cluster, gateway);
    return Promise.resolve();
  }
}

export function recordsOf(cluster: FakeCluster, name: string): KubeObject[] {
  return [...cluster.objects.values()].filter((object) => object.kind === 'Secret' && object.metadata.labels?.['name'] === name);
}

/** `name version status` of every record, as `helm list` and `helm history` would tell. */
export function releasesIn(cluster: FakeCluster): string[] {
  return [...cluster.objects.values()]
    .flatMap(({ kind, metadata: { labels = {} } }) =>
      kind === 'Secret' && labels['owner'] === 'helm'
        ? [`${labels['name'] ?? ''} ${labels['version'] ?? ''} ${labels['status'] ?? ''}`]
        : [],
    )
    .toSorted();
}

/** Marks of Helm on the old control plane and its default validator, and the records of their releases. */
export function installedByHelm(cluster: FakeCluster, { chart = 'istiod' }: { readonly chart?: string } = {}): void {
  const annotations = (name: string): Record<string, string> => ({
    'meta.helm.sh/release-name': name,
    'meta.helm.sh/release-namespace': NAMESPACE,
  });
  cluster.remove('MutatingWebhookConfiguration', 'istio-revision-tag-default');
  cluster.put(
    ...controlPlaneObjects({ revision: 'default', version: '1.28.2', installedBy: 'helm' }).map((object) => ({
      ...object,
      metadata: { ...object.metadata, annotations: annotations('istiod') },
    })),
  );
  const { metadata, ...rest } = validator('istiod-default-validator', 'default', 'istiod');
  const { 'istio.io/tag': _tag, ...labels } = metadata.labels ?? {};
  cluster.put(
    { ...rest, metadata: { ...metadata, labels, annotations: annotations('istio-base') } } as KubeObject,
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: {
        name: 'istio-reader-service-account',
        namespace: NAMESPACE,
        labels: { 'helm.sh/chart': 'base-1.28.2' },
        annotations: annotations('istio-base'),
      },
    },
    helmRecord({ name: 'istiod', version: 1, status: 'superseded', chart }),
    helmRecord({ name: 'istiod', version: 2, status: 'deployed', chart }),
    helmRecord({ name: 'istio-base', version: 1, chart: 'base', values: { global: { hub: 'mine' } } }),
  );
}
