/** The real cluster as scenarios see it: kubectl reads and writes, istioctl makes the control planes. */
import { join } from 'node:path';
import { MESHLIFT, run, start } from '../../kit/child-process.ts';
import type {
  ClusterObjects,
  ClusterUnderTest,
  FaultsUnderTest,
  IstioUnderTest,
  ObjectName,
  TrafficUnderTest,
} from '../../scenarios/cluster-under-test.ts';
import { applyYaml, APP_IMAGE, istioctlNew, istioctlOld, kubectl, kubectlJson, NEW_VERSION, OLD_VERSION, scratch } from './cluster.ts';
import { cleanCluster, installOld, operatorFile, renderNew, renderOld } from './istio.ts';
import { ask, prepareLoad, startLoad } from './load.ts';

export const realCluster: ClusterUnderTest = {
  oldVersion: OLD_VERSION,
  newVersion: NEW_VERSION,
  scratch,
  kubeconfig: () => process.env['KUBECONFIG'] ?? '',
  prepare: cleanCluster,
  cleanUp: cleanCluster,
  start: (args, options) => start(MESHLIFT, args, options),
  objects: kubectlObjects(),
  istio: istioctlIstio(),
  traffic: fortioTraffic(),
  faults: realFaults(),
};

function within({ namespace }: { readonly namespace?: string }): string[] {
  return namespace === undefined ? [] : ['-n', namespace];
}

function kubectlObjects(): ClusterObjects {
  return {
    list: async <T>(kinds: readonly string[], place: Parameters<ClusterObjects['list']>[1] = {}) => {
      const selector = place.selector === undefined ? [] : ['-l', place.selector];
      const where = place.everywhere === true ? ['-A'] : within(place);
      return (await kubectlJson<{ items: T[] }>(...where, 'get', kinds.join(','), ...selector)).items;
    },
    get: async <T>(kind: string, name: ObjectName) => kubectlJson<T>(...within(name), 'get', kind, name.name),
    applyWhole: async (yaml) => {
      await run('kubectl', ['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: yaml });
    },
    patch: async (kind, name, patch) => {
      await kubectl(...within(name), 'patch', kind, name.name, '--type=merge', '-p', JSON.stringify(patch));
    },
    replace: async (object) => {
      await run('kubectl', ['replace', '-f', '-'], { input: JSON.stringify(object) });
    },
    remove: async (kind, name) => {
      await kubectl(...within(name), 'delete', kind, name.name, '--ignore-not-found');
    },
    present: async (yaml) => {
      interface Found {
        readonly kind: string;
        readonly metadata: { readonly name: string };
      }
      const found = await run('kubectl', ['get', '--ignore-not-found', '-o', 'json', '-f', '-'], { input: yaml });
      if (found.trim() === '') return [];
      const parsed = JSON.parse(found) as Found & { readonly items?: readonly Found[] };
      return (parsed.items ?? [parsed]).map(({ kind, metadata }) => `${kind}/${metadata.name}`).toSorted();
    },
    dryRunPod: (namespace) => kubectlJson('-n', namespace, 'run', 'probe', '--image=none.invalid/none', '--dry-run=server'),
    rolledOut: async (kind, name) => {
      await kubectl(...within(name), 'rollout', 'status', `${kind}/${name.name}`, '--timeout=120s');
    },
    podReady: async (name) => {
      await kubectl(...within(name), 'wait', '--for=condition=Ready', `pod/${name.name}`, '--timeout=90s');
    },
    token: async (name) => (await kubectl(...within(name), 'create', 'token', name.name)).trim(),
  };
}

function istioctlIstio(): IstioUnderTest {
  const source = async (): Promise<string[]> => ['--istioctl', istioctlNew(), '-f', operatorFile];
  return {
    installOld: () => installOld(),
    render: async (which, revision) => {
      const file = join(scratch, `${which}-${revision}.yaml`);
      await (which === 'old' ? renderOld : renderNew)(file, revision);
      return file;
    },
    source,
    brokenSource: async () => [...(await source()), '--set', `values.pilot.image=none.invalid/pilot:${NEW_VERSION}`],
    setDefaultTag: async (revision) => {
      await run(istioctlOld(), ['tag', 'set', 'default', '--revision', revision, '-y']);
    },
    removeDefaultTag: async () => {
      await run(istioctlOld(), ['tag', 'remove', 'default', '-y']);
      await kubectl('delete', 'validatingwebhookconfiguration', 'istiod-default-validator', '--ignore-not-found');
    },
    installing: /Processing resources for Istiod/,
    installerIsGone: async () => (await run('sh', ['-c', 'pgrep -f "[i]stioctl.*revision=canary" || true'])) === '',
    installerFailure: /istioctl\S* install .* ended with 1/,
  };
}

const QUIET = ['-grpc-port', 'disabled', '-redirect-port', 'disabled', '-tcp-port', 'disabled', '-udp-port', 'disabled'];

function fortioTraffic(): TrafficUnderTest {
  return {
    appContainer: (calls) => {
      const ports =
        calls.length === 0
          ? ['-http-port', '9080', ...QUIET]
          : ['-http-port', '8080', ...QUIET, '-M', `9080 ${calls.map((name) => `http://${name}:9080/`).join(' ')}`];
      return {
        image: APP_IMAGE,
        args: ['server', ...ports],
        readinessProbe: { httpGet: { path: '/fortio/', port: calls.length === 0 ? 9080 : 8080 }, periodSeconds: 1 },
      };
    },
    ask,
    prepareLoad,
    startLoad,
    controlMs: 15_000,
  };
}

function realFaults(): FaultsUnderTest {
  return {
    stepTimeout: '15s',
    blockNewPods: async (namespace) => {
      await applyYaml(`apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: full, namespace: ${namespace}}\nspec: {hard: {pods: "3"}}\n`);
      return {
        words: /exceeded quota/,
        pods: '0 pods on canary, 3 pods on default',
        foreseen: 'WORK-011',
        mend: async () => {
          await kubectl('-n', namespace, 'delete', 'resourcequota', 'full');
        },
      };
    },
  };
}
