import type { KubeObject, WebhookConfiguration } from '../../src/core/mesh/kube-objects.ts';
import type { Problem } from '../../src/core/problems/problem.ts';
import type { ControlPlaneInstaller, InstallTarget, RenderedInstall } from '../../src/ports/installer.ts';
import type { FakeCluster } from './fake-cluster.ts';
import { controlPlaneObjects, crd } from './istio-objects.ts';

/** Renders what it was given, and installs it as istioctl does: object by object, webhooks without a CA bundle. */
export class FakeInstaller implements ControlPlaneInstaller {
  canCarryOver = true;
  movesDefaultWhenNoTag = true;
  rendered: KubeObject[] = [
    crd('virtualservices.networking.istio.io', ['v1', 'v1beta1'], 'new schema'),
    ...controlPlaneObjects({ revision: 'canary', version: '1.29.1' }),
  ];
  /** Digest of the tool. */
  digest = 'digest-of-istioctl';
  /** What installing ends with, nothing being installed. */
  fails: Problem | undefined;
  readonly targets: { readonly call: 'render' | 'install'; readonly target: InstallTarget }[] = [];
  readonly #cluster: FakeCluster;

  constructor(cluster: FakeCluster) {
    this.#cluster = cluster;
  }

  async render(target: InstallTarget): Promise<RenderedInstall> {
    this.targets.push({ call: 'render', target });
    return Promise.resolve({
      objects: this.rendered,
      pins: [{ name: 'istioctl', path: 'istioctl', version: '1.29.1', sha256: this.digest }],
      requestedPaths: [],
    });
  }

  async install(target: InstallTarget, _pins: unknown, onOutput: (line: string) => void): Promise<void> {
    this.targets.push({ call: 'install', target });
    this.#cluster.hook('install', 'before');
    onOutput('installing');
    if (this.fails) throw this.fails;
    for (const object of this.rendered.filter((o) => o.kind !== 'CustomResourceDefinition')) {
      this.#cluster.hook(`install ${object.kind}`, 'before');
      this.#cluster.install(withoutBundle(object));
    }
    this.#cluster.hook('install', 'after');
    return Promise.resolve();
  }
}

/** istiod writes the bundle; what it has written stays. */
function withoutBundle(object: KubeObject): KubeObject {
  if (object.kind !== 'MutatingWebhookConfiguration') return object;
  const webhooks = ((object as WebhookConfiguration).webhooks ?? []).map(({ clientConfig, ...entry }) => {
    const { caBundle: _caBundle, ...rest } = clientConfig ?? {};
    return { ...entry, clientConfig: rest };
  });
  return { ...object, webhooks };
}
