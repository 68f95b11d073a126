/** Puts the adapters behind the ports of those who plan and perform. Only the files named compose know adapters. */
import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import type { UpgradeRequest } from '../core/request/upgrade-request.ts';
import type { RunPorts } from '../flows/flow-ports.ts';
import { ManifestInstaller } from '../adapters/files/manifest-installer.ts';
import { HelmInstaller } from '../adapters/helm/helm-installer.ts';
import { IstioctlInstaller } from '../adapters/istioctl/istioctl-installer.ts';
import { KubeClient } from '../adapters/kubernetes/kube-client.ts';
import { KubeClusterReader } from '../adapters/kubernetes/kube-cluster-reader.ts';
import { KubeClusterWriter } from '../adapters/kubernetes/kube-cluster-writer.ts';
import { KubeHelmReleases } from '../adapters/kubernetes/kube-helm-releases.ts';
import { KubeRunLock } from '../adapters/kubernetes/kube-run-lock.ts';
import { KubeRunStore } from '../adapters/kubernetes/kube-run-store.ts';
import { loadKubeConfig } from '../adapters/kubernetes/load-kube-config.ts';
import type { ControlPlaneInstaller } from '../ports/installer.ts';
import type { RunObserver } from '../ports/run-observer.ts';
import type { GlobalOptions } from './arguments/global-options.ts';
import { clusterClock } from './system-clock.ts';

export interface Composed extends RunPorts {
  /** Closes what would keep the process alive. */
  close(): void;
}

const SILENT: RunObserver = { tell: () => undefined };

export function compose(options: GlobalOptions, observer: RunObserver = SILENT): Composed {
  const config = loadKubeConfig({ kubeconfig: options.kubeconfig, context: options.context });
  const client = new KubeClient(config);
  const clusterName = config.getCurrentContext();
  const writer = new KubeClusterWriter(client);
  return {
    reader: new KubeClusterReader(client, { istioNamespace: options.istioNamespace, clusterName }),
    writer,
    prober: writer,
    releases: new KubeHelmReleases(client),
    store: new KubeRunStore(client, options.istioNamespace),
    lock: new KubeRunLock(client, options.istioNamespace),
    clock: clusterClock(config.getCurrentCluster()?.name),
    observer,
    installerFor: (request) => installerFor(request, options, writer),
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    user: userName(),
    close: () => client.close(),
  };
}

function installerFor(request: UpgradeRequest, options: GlobalOptions, writer: KubeClusterWriter): ControlPlaneInstaller | undefined {
  const { install } = request;
  switch (install?.with) {
    case undefined:
      return undefined;
    case 'manifests':
      return new ManifestInstaller({ paths: install.paths, writer });
    case 'helm':
      return new HelmInstaller({
        ...install,
        chartVersion: install.chartVersion,
        kubeconfig: options.kubeconfig,
        context: options.context,
        readinessTimeoutSeconds: request.stepTimeoutSeconds,
      });
    case 'istioctl':
      return new IstioctlInstaller({
        istioctl: install.istioctl,
        file: install.file,
        set: install.set,
        kubeconfig: options.kubeconfig,
        context: options.context,
        readinessTimeoutSeconds: request.stepTimeoutSeconds,
      });
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
