/** Whether nodes can run proxies as init containers that keep running. */
import type { ClusterView } from '../../cluster/cluster-view.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { textAt } from '../read-path.ts';

/** Stable since Kubernetes 1.33. */
const FIRST_MINOR = 33;

/**
 * The pod's own node when it has one already, else all of them must be new enough.
 * Source: istio/istio, pkg/kube/inject/webhook.go (DetectNativeSidecar), tag 1.28.2.
 */
export function supportNativeSidecars(cluster: ClusterView, nodeName: string | undefined): boolean {
  const node = nodeName === undefined ? undefined : cluster.get('nodes', nodeName);
  return node === undefined ? cluster.list('nodes').every(isNewEnough) : isNewEnough(node);
}

function isNewEnough(node: KubeObject): boolean {
  const minor = /^v?\d+\.(\d+)/.exec(textAt(node, 'status.nodeInfo.kubeletVersion') ?? '')?.[1];
  return minor !== undefined && Number(minor) >= FIRST_MINOR;
}
