/**
 * What scenarios need of a cluster that they may take over: a real one, where kubectl and istioctl do it, or a sandbox, where
 * plain requests do. Scenarios are the same on both.
 */
import type { Outcome, RunOptions, Running } from '../kit/child-process.ts';

export interface ClusterUnderTest {
  readonly oldVersion: string;
  readonly newVersion: string;
  /** A folder for files of one test run. */
  readonly scratch: string;
  /** Path of the kubeconfig; there once the cluster is prepared. */
  kubeconfig(): string;
  /** Without Istio and without anything of an earlier test. */
  prepare(): Promise<void>;
  /** Nothing is left of what the tests did; also after failures. */
  cleanUp(): Promise<void>;
  /** Runs Meshlift. */
  start(args: readonly string[], options?: RunOptions): Running;
  readonly objects: ClusterObjects;
  readonly istio: IstioUnderTest;
  readonly traffic: TrafficUnderTest;
  readonly faults: FaultsUnderTest;
}

export interface Place {
  readonly namespace?: string;
  readonly everywhere?: boolean;
  /** A label selector as kubectl takes it. */
  readonly selector?: string;
}

export interface ObjectName {
  readonly name: string;
  readonly namespace?: string;
}

/** Kinds are plural resource names, such as `deployments`; with a group where two have one of that name. */
export interface ClusterObjects {
  /** In the order of the kinds. Each has its apiVersion and kind. */
  list<T>(kinds: readonly string[], place?: Place): Promise<T[]>;
  get<T>(kind: string, name: ObjectName): Promise<T>;
  /** Server-side apply of a file with any number of objects. */
  applyWhole(yaml: string): Promise<void>;
  /** A merge patch. */
  patch(kind: string, name: ObjectName, patch: object): Promise<void>;
  /** An update without a resourceVersion. */
  replace(object: object): Promise<void>;
  /** A missing object is no mistake. */
  remove(kind: string, name: ObjectName): Promise<void>;
  /** Objects of a file that are in the cluster now, as `Kind/name`, sorted. */
  present(yaml: string): Promise<string[]>;
  /** A pod `probe` as it would be created, injected and all. */
  dryRunPod(namespace: string): Promise<PodJson>;
  /** Resolves when a workload is rolled out. @param kind singular, lower case */
  rolledOut(kind: string, name: ObjectName): Promise<void>;
  podReady(name: ObjectName): Promise<void>;
  /** A token of a service account. */
  token(name: ObjectName): Promise<string>;
}

export type Which = 'old' | 'new';

export interface IstioUnderTest {
  /** An unrevisioned control plane of the old version that serves the default; ready. */
  installOld(): Promise<void>;
  /** A rendered control plane. @param revision '' for one without a name @returns the path of the file */
  render(which: Which, revision: string): Promise<string>;
  /** Options with which Meshlift installs the new version as this revision. */
  source(revision: string): Promise<readonly string[]>;
  /** The same with an image of istiod that cannot be pulled. */
  brokenSource(revision: string): Promise<readonly string[]>;
  setDefaultTag(revision: string): Promise<void>;
  removeDefaultTag(): Promise<void>;
  /** Output that says that the installer of `source` is at work. */
  readonly installing: RegExp;
  /** Nothing of the installer runs after its driver was killed. */
  installerIsGone(): Promise<boolean>;
  /** What an installer that failed adds to the problem. */
  readonly installerFailure: RegExp;
}

export interface AppContainer {
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly readinessProbe: object;
}

export interface Load {
  /** Ends it and counts. */
  stop(): Promise<LoadResult>;
}

export interface LoadResult {
  readonly sent: number;
  readonly failed: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface TrafficUnderTest {
  /** An application that answers on port 9080, and asks others first for every request. @param calls host names */
  appContainer(calls: readonly string[]): AppContainer;
  /** One request from a pod's container `app`; resolves to the status code, 0 when there was no answer. */
  ask(namespace: string, pod: string, url: string): Promise<number>;
  /** What sends the load, in a namespace `load` with these labels, with a pod `sender` in the mesh. @param url `http://name.namespace:port/` */
  prepareLoad(labels: Readonly<Record<string, string>>, url: string): Promise<void>;
  /** 20 requests a second, until stopped or for seven minutes at most. */
  startLoad(url: string): Load;
  /** A load for so long that the control run says something. */
  readonly controlMs: number;
}

export interface Fault {
  /** What Meshlift's problem says about it. */
  readonly words: RegExp;
  /** Where the pods of the shop are then. */
  readonly pods: string;
  /** The finding by which a check foresees it, so that a run begins only when that is accepted; absent: nobody can foresee it. */
  readonly foreseen?: string;
  mend(): Promise<void>;
}

export interface FaultsUnderTest {
  /** How long a step that cannot succeed is waited for, as Meshlift takes it. */
  readonly stepTimeout: string;
  /** From now on no new pod of a shop with three pods becomes ready. */
  blockNewPods(namespace: string): Promise<Fault>;
}

export interface Meta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
}

export interface ContainerJson {
  readonly name: string;
  readonly image: string;
}

export interface PodJson {
  readonly metadata: Meta;
  readonly spec: { readonly containers: readonly ContainerJson[]; readonly initContainers?: readonly ContainerJson[] };
  readonly status: {
    readonly phase: string;
    readonly startTime?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Without those that are going. */
export async function podsOf(cluster: ClusterUnderTest, namespace: string): Promise<PodJson[]> {
  const pods = await cluster.objects.list<PodJson>(['pods'], { namespace });
  return pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
}

/** The revision in the status annotation of a pod; undefined when it has no sidecar. */
export function revisionOf(pod: PodJson): string | undefined {
  const status = pod.metadata.annotations?.['sidecar.istio.io/status'];
  return status === undefined ? undefined : (JSON.parse(status) as { revision?: string }).revision;
}

export async function revisionsOf(cluster: ClusterUnderTest, namespace: string): Promise<Set<string | undefined>> {
  return new Set((await podsOf(cluster, namespace)).map(revisionOf));
}

export const meshlift = (cluster: ClusterUnderTest, ...args: string[]): Promise<Outcome> => cluster.start(args).done;

/** Runs Meshlift and expects it to succeed. */
export async function meshliftOk(cluster: ClusterUnderTest, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await meshlift(cluster, ...args);
  if (code !== 0) throw new Error(`meshlift ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
  return stdout;
}
