/** Releases of Helm from Secrets as Helm writes them: base64 of the API, base64 of Helm, gzip. */
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';
import { KubeClusterReader } from '../../src/adapters/kubernetes/kube-cluster-reader.ts';
import { KubeClusterWriter } from '../../src/adapters/kubernetes/kube-cluster-writer.ts';
import { KubeHelmReleases } from '../../src/adapters/kubernetes/kube-helm-releases.ts';
import { KubeRunStore } from '../../src/adapters/kubernetes/kube-run-store.ts';
import type { SecretObject } from '../../src/core/helm/set-aside.ts';
import { keepRecord, pendingRecords, removeRecords, restoreRecords } from '../../src/flows/steps/release-records.ts';
import { helmRecord, type RecordInput } from '../kit/fake-releases.ts';
import { ObjectServer } from '../kit/object-server.ts';
import { World } from '../kit/world.ts';

let server: ObjectServer;
let client: KubeClient;

beforeEach(async () => {
  server = await ObjectServer.start();
  client = server.client();
});
afterEach(() => {
  client.close();
  server.stop();
});

function record(input: RecordInput): SecretObject {
  const plain = helmRecord(input);
  const release = Buffer.from(gzipSync(plain.data?.['release'] ?? '').toString('base64')).toString('base64');
  return { ...plain, data: { release } };
}

const put = async (...secrets: readonly SecretObject[]): Promise<void> => {
  for (const secret of secrets) await new KubeClusterWriter(client).putObject(secret);
};
const releases = (): KubeHelmReleases => new KubeHelmReleases(client);

describe('releases of a namespace', () => {
  it('are the newest version of each, with chart, values and what was deployed', async () => {
    await put(
      record({ name: 'istiod', version: 9, status: 'deployed', chartVersion: '1.28.2-vendor.1', values: { a: 1 } }),
      record({ name: 'istiod', version: 10, status: 'pending-upgrade', chartVersion: '1.29.1', values: { a: 2 } }),
      record({ name: 'istio-base', chart: 'base' }),
    );
    expect(await releases().readReleases('istio-system')).toEqual([
      {
        name: 'istio-base',
        namespace: 'istio-system',
        version: 1,
        status: 'deployed',
        chart: { name: 'base', version: '1.28.2' },
        values: {},
        deployedVersion: 1,
      },
      {
        name: 'istiod',
        namespace: 'istio-system',
        version: 10,
        status: 'pending-upgrade',
        chart: { name: 'istiod', version: '1.29.1' },
        values: { a: 2 },
        deployedVersion: 9,
      },
    ]);
    expect(await releases().readReleases('other')).toEqual([]);
  });

  it('are told by their labels where the content cannot be unpacked', async () => {
    await put({ ...record({ name: 'istiod', status: 'failed' }), data: { release: 'bm9uc2Vuc2U=' } });
    expect(await releases().readReleases('istio-system')).toEqual([
      { name: 'istiod', namespace: 'istio-system', version: 1, status: 'failed', values: {} },
    ]);
  });
});

it('records are set aside with the run, taken away, put back byte for byte, and forgotten with the run', async () => {
  const release = { name: 'istiod', namespace: 'istio-system' };
  const deployed = record({ name: 'istiod', version: 2 });
  await put(record({ name: 'istiod', version: 1, status: 'superseded' }), deployed);
  const store = new KubeRunStore(client, 'istio-system');
  await store.create('r', await new World().plan());
  const ports = {
    reader: new KubeClusterReader(client, { istioNamespace: 'istio-system', clusterName: 'c' }),
    writer: new KubeClusterWriter(client),
    releases: releases(),
  };
  const home = { run: 'r', istioNamespace: 'istio-system' };
  const effect = (_name: string, act: () => Promise<void>): Promise<void> => act();
  const secrets = (): string[] =>
    [...server.objects.keys()].filter((path) => path.includes('/secrets/')).map((path) => path.split('/').at(-1) ?? '');

  await keepRecord(ports, home, release, effect);
  await removeRecords(ports, release, effect);
  expect(secrets()).toEqual(['meshlift-r-helm-istio-system-istiod']);
  expect([...server.objects.values()].find(({ metadata }) => metadata.name.startsWith('meshlift-r-helm'))?.metadata).toMatchObject({
    ownerReferences: [{ kind: 'MeshUpgrade', name: 'r' }],
  });
  expect(await pendingRecords(ports, home, release)).toHaveLength(1);

  await put(record({ name: 'istiod', version: 3 }));
  await restoreRecords(ports, home, release, effect);
  expect(await pendingRecords(ports, home, release)).toEqual([]);
  expect(await releases().readRecords(release)).toEqual([expect.objectContaining({ data: deployed.data, type: 'helm.sh/release.v1' })]);

  expect((await store.load('r')).name).toBe('r');
  await store.forget('r');
  expect(secrets()).toEqual(['sh.helm.release.v1.istiod.v2']);
});
