import { expect, test } from 'vitest';
import { bootstrapEnv, bootstrapMounts, bootstrapVolumes, userVolumes } from './annotated-volumes.ts';
import type { InjectionContext } from './injection-context.ts';

function contextWith(annotations: Readonly<Record<string, string>>): InjectionContext {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', annotations } };
  return { pod } as unknown as InjectionContext;
}

test.each<[what: string, value: string, volumes: readonly object[]]>([
  [
    'a list with names',
    '[{"name":"b","emptyDir":{}},{"name":"a","emptyDir":{}}]',
    [
      { name: 'b', emptyDir: {} },
      { name: 'a', emptyDir: {} },
    ],
  ],
  [
    'an object, by name',
    '{"b":{"emptyDir":{}},"a":{"emptyDir":{}}}',
    [
      { name: 'a', emptyDir: {} },
      { name: 'b', emptyDir: {} },
    ],
  ],
  ['nothing of what is no JSON', '{', []],
  ['nothing of a number', '1', []],
])('volumes of the user are %s', (_what, value, volumes) => {
  expect(userVolumes(contextWith({ 'sidecar.istio.io/userVolume': value }))).toEqual(volumes);
});

test('a bootstrap of its own comes from a ConfigMap', () => {
  const context = contextWith({ 'sidecar.istio.io/bootstrapOverride': 'mine' });
  expect([bootstrapEnv(context), bootstrapMounts(context), bootstrapVolumes(context)]).toEqual([
    [{ name: 'ISTIO_BOOTSTRAP_OVERRIDE', value: '/etc/istio/custom-bootstrap/custom_bootstrap.json' }],
    [{ mountPath: '/etc/istio/custom-bootstrap', name: 'custom-bootstrap-volume' }],
    [{ name: 'custom-bootstrap-volume', configMap: { name: 'mine' } }],
  ]);
  expect(bootstrapVolumes(contextWith({}))).toEqual([]);
});
