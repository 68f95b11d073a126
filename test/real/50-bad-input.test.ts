/** What goes wrong gets a clear problem, and changes nothing that is not said. */
import { createServer, connect, type Server, type Socket } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import {
  applyYaml,
  istioctlNew,
  istioctlOld,
  kubectl,
  meshlift,
  MESHLIFT,
  meshliftOk,
  NEW_VERSION,
  podsOf,
  revisionOf,
  run,
  scratch,
  start,
  until,
  type Outcome,
} from './kit/cluster.ts';
import { cleanCluster, installOld, operatorFile } from './kit/istio.ts';
import { openShop, SHOP } from './kit/shop.ts';
import { snapshot } from './kit/snapshot.ts';

const apps = SHOP.filter((app) => ['quotes', 'report'].includes(app.name));
const install = ['--istioctl', istioctlNew(), '-f', operatorFile];
const upgrade = (...more: string[]): string[] => ['apply', '--to', NEW_VERSION, '--revision', 'canary', ...install, '--yes', ...more];
let before: Record<string, unknown>;

beforeAll(async () => {
  await cleanCluster();
});
afterAll(cleanCluster);

function expectProblem(outcome: Outcome, code: string, exit: number): void {
  expect(outcome.stderr).toContain(`✗ ${code}  `);
  expect(outcome.stderr).toMatch(/\n {2}what {3}/);
  expect(outcome.stderr).toMatch(/\n {2}state {2}/);
  expect(outcome.stderr).toMatch(/\n {2}next {3}/);
  expect(outcome.stderr).not.toMatch(/\n {4}at /);
  expect(outcome.code).toBe(exit);
}

/** A kubeconfig like the one given, changed. */
function kubeconfigWith(name: string, change: (config: Kubeconfig) => void): string {
  const config = parse(readFileSync(process.env['KUBECONFIG'] ?? '', 'utf8')) as Kubeconfig;
  change(config);
  const file = join(scratch, name);
  writeFileSync(file, stringify(config));
  return file;
}

interface Kubeconfig {
  readonly clusters: { readonly cluster: Record<string, string> }[];
  readonly users: { user: Record<string, string> }[];
}

describe('a cluster that cannot be used', () => {
  it('without Istio', async () => {
    expectProblem(await meshlift('status'), 'MESH-001', 1);
    expectProblem(await meshlift('plan', '--to', NEW_VERSION, ...install), 'MESH-001', 1);
  });

  it('that is not there, not trusted, or does not accept us', async () => {
    const nowhere = kubeconfigWith('nowhere', (c) => Object.assign(c.clusters[0]?.cluster ?? {}, { server: 'https://127.0.0.1:1' }));
    expectProblem(await meshlift('--kubeconfig', nowhere, 'status'), 'KUBE-003', 1);
    const untrusted = kubeconfigWith('untrusted', (c) => {
      const cluster = c.clusters[0]?.cluster ?? {};
      delete cluster['certificate-authority-data'];
      delete cluster['certificate-authority'];
    });
    expectProblem(await meshlift('--kubeconfig', untrusted, 'status'), 'KUBE-007', 1);
    const expired = kubeconfigWith('expired', (c) => {
      const user = c.users[0];
      if (user) user.user = { token: 'expired' };
    });
    expectProblem(await meshlift('--kubeconfig', expired, 'status'), 'KUBE-004', 1);
    expectProblem(await meshlift('--context', 'elsewhere', 'status'), 'KUBE-002', 2);
    expectProblem(await meshlift('--kubeconfig', '/does/not/exist', 'status'), 'KUBE-001', 1);
  });
});

describe('a request that makes no sense', () => {
  beforeAll(async () => {
    await installOld();
    await openShop('shop', { 'istio-injection': 'enabled' }, apps);
    before = await snapshot(['shop']);
  });

  it.each([
    ['istioctl that is missing', ['plan', '--to', NEW_VERSION, '--istioctl', '/does/not/exist'], 'TOOL-001', 1],
    ['istioctl of another version', ['plan', '--to', NEW_VERSION, '--istioctl', istioctlOld()], 'TOOL-002', 3],
    ['a revision name with a dot', ['plan', '--to', NEW_VERSION, '--revision', '1.29.1', ...install], 'REVN-001', 2],
    ['a revision that is taken', ['install', '--revision', 'default', '--version', NEW_VERSION, ...install, '--yes'], 'REVN-002', 3],
    ['a downgrade', ['plan', '--to', '1.27.0', ...install], 'PLAN-001', 3],
    ['a jump of three minors', ['plan', '--to', '1.31.0', ...install], 'PLAN-001', 3],
    ['an unknown namespace', ['plan', '--to', NEW_VERSION, '-n', 'nowhere', ...install], 'MESH-003', 2],
    ['an unknown workload', ['plan', '--to', NEW_VERSION, '--skip', 'shop/nothing', ...install], 'MESH-004', 2],
    ['an unknown revision', ['migrate', 'shop', '--to', 'nothing', '--yes'], 'MESH-002', 2],
    ['a profile with gateways', ['plan', '--to', NEW_VERSION, '--istioctl', istioctlNew(), '--set', 'profile=default'], 'TOOL-004', 3],
    ['a setting that istioctl refuses', ['plan', '--to', NEW_VERSION, ...install, '--set', 'values.pilot.bogus=1'], 'TOOL-003', 1],
  ])('%s', async (_name, args, code, exit) => {
    expectProblem(await meshlift(...args), code, exit);
  });

  it('leaves everything as it was', async () => {
    expect(await snapshot(['shop'])).toEqual(before);
  });
});

describe('a plan', () => {
  const file = join(scratch, 'plan.yaml');
  const edited = join(scratch, 'edited.yaml');

  it('edited into nonsense, or at all, is refused', async () => {
    await meshliftOk('plan', '--to', NEW_VERSION, '--revision', 'canary', ...install, '-o', file);
    const text = readFileSync(file, 'utf8');
    const cases: [string, string, number][] = [
      [text.replace('kind: labelNamespace', 'kind: eatNamespace'), 'PLAN-010', 2],
      [text.replace('formatVersion: 1', 'formatVersion: 2'), 'PLAN-011', 2],
      [text.replace('namespace: shop', 'namespace: kube-system'), 'PLAN-012', 3],
      [text.replace('steps:', 'steps: ['), 'PLAN-010', 2],
    ];
    for (const [content, code, exit] of cases) {
      writeFileSync(edited, content);
      expectProblem(await meshlift('apply', edited, '--yes'), code, exit);
    }
  });

  it('that no longer fits is refused, the differences named', async () => {
    await kubectl('label', 'namespace', 'shop', 'istio-injection-', 'istio.io/rev=default');
    await kubectl('-n', 'shop', 'create', 'deployment', 'newcomer', '--image=none.invalid/none', '--replicas=0');
    const outcome = await meshlift('apply', file, '--yes');
    expectProblem(outcome, 'PLAN-013', 3);
    expect(outcome.stderr).toContain('namespace shop has istio-injection=none, had enabled');
    await kubectl('label', 'namespace', 'shop', 'istio-injection=enabled', 'istio.io/rev-');
    await kubectl('-n', 'shop', 'delete', 'deployment', 'newcomer');
  });

  it('is refused while the check has errors, unless they are accepted by name', async () => {
    await kubectl(
      '-n',
      'shop',
      'patch',
      'deployment',
      'quotes',
      '--type=merge',
      '-p',
      '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}',
    );
    const refused = await meshlift(...upgrade());
    expectProblem(refused, 'CHEK-001', 3);
    expect(refused.stderr).toContain('WORK-001  shop/quotes would be down while it restarts (1 pod, strategy Recreate)');
    const accepted = await meshlift(...upgrade('--accept-downtime', 'shop/quotes', '--dry-run'));
    expect(accepted.code).toBe(0);
    await kubectl(
      '-n',
      'shop',
      'patch',
      'deployment',
      'quotes',
      '--type=merge',
      '-p',
      '{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":0,"maxSurge":1}}}}',
    );
    expect(await snapshot(['shop'])).toEqual(before);
  });
});

describe('a missing permission', () => {
  const account = 'meshlift-limited';
  let limited: string;

  beforeAll(async () => {
    await kubectl('-n', 'shop', 'create', 'serviceaccount', account);
    const roles = await meshliftOk('rbac', '--for', 'install');
    await applyYaml(roles);
    await applyYaml(binding('ClusterRoleBinding', 'ClusterRole') + binding('RoleBinding', 'Role'));
    const token = (await kubectl('-n', 'shop', 'create', 'token', account)).trim();
    limited = kubeconfigWith('limited', (c) => {
      const user = c.users[0];
      if (user) user.user = { token };
    });
  });
  afterAll(async () => {
    await kubectl('delete', 'clusterrole,clusterrolebinding', 'meshlift-install', '--ignore-not-found');
  });

  function binding(kind: string, role: string): string {
    const namespace = kind === 'RoleBinding' ? ', namespace: istio-system' : '';
    return `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kind}\nmetadata: {name: meshlift-install${namespace}}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ${role}, name: meshlift-install}\nsubjects: [{kind: ServiceAccount, name: ${account}, namespace: shop}]\n---\n`;
  }

  interface Role {
    rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[];
  }

  async function roleJson(kind: string): Promise<Role> {
    return JSON.parse(await kubectl('-n', 'istio-system', 'get', kind, 'meshlift-install', '-o', 'json')) as Role;
  }

  it('of none, when the printed roles are bound', async () => {
    expect((await meshlift('--kubeconfig', limited, 'rbac', '--check')).code).toBe(0);
    expect((await meshlift('--kubeconfig', limited, 'status')).stdout).toContain('3 of 3 pods on default');
  });

  it('is named by verb and resource, with the rule that would allow it, for every rule that is taken away', async () => {
    for (const kind of ['clusterrole', 'role']) {
      const whole = await roleJson(kind);
      for (const [index, rule] of whole.rules.entries()) {
        const rules = whole.rules.filter((_, i) => i !== index);
        await run('kubectl', ['replace', '-f', '-'], {
          input: JSON.stringify({
            ...whole,
            rules,
            metadata: { name: 'meshlift-install', ...(kind === 'role' ? { namespace: 'istio-system' } : {}) },
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: kind === 'role' ? 'Role' : 'ClusterRole',
          }),
        });
        const check = await until200(
          () => meshlift('--kubeconfig', limited, 'rbac', '--check'),
          (outcome) => outcome.code === 1,
        );
        const resource = rule.resources[0]?.split('/')[0] ?? '';
        expect(check.stdout).toContain(`${rule.verbs[0] ?? ''} ${resource}`);
      }
      await run('kubectl', ['replace', '-f', '-'], {
        input: JSON.stringify({
          ...whole,
          metadata: { name: 'meshlift-install', ...(kind === 'role' ? { namespace: 'istio-system' } : {}) },
        }),
      });
    }
  });

  it('to read pods refuses a plan, and is said by status', async () => {
    const whole = await roleJson('clusterrole');
    const rules = whole.rules
      .map((rule) => (rule.resources.includes('pods') ? { ...rule, resources: rule.resources.filter((r) => r !== 'pods') } : rule))
      .filter((rule) => rule.resources.length > 0);
    await run('kubectl', ['replace', '-f', '-'], { input: JSON.stringify({ ...whole, rules, metadata: { name: 'meshlift-install' } }) });
    const status = await until200(
      () => meshlift('--kubeconfig', limited, 'status'),
      (outcome) => outcome.stdout.includes('could not be read'),
    );
    expect(status.stdout).toContain('could not be read: pods in all namespaces (no permission)');
    const plan = await meshlift('--kubeconfig', limited, 'plan', '--to', NEW_VERSION, ...install);
    expectProblem(plan, 'MESH-007', 3);
    expect(plan.stderr).toContain('{apiGroups: [""], resources: ["pods"], verbs: ["list"]}');
  });

  /** RBAC reaches the API server's cache a moment after it was written. */
  async function until200(ask: () => Promise<Outcome>, fits: (outcome: Outcome) => boolean): Promise<Outcome> {
    let outcome = await ask();
    for (let attempt = 0; attempt < 20 && !fits(outcome); attempt += 1) outcome = await ask();
    return outcome;
  }
});

describe('an upgrade that meets trouble', () => {
  it('an istiod that does not become ready: what its pods say, istioctl kept, taken back', async () => {
    const outcome = await meshlift(...upgrade('--set', 'values.pilot.image=none.invalid/pilot:1.29.1', '--step-timeout', '15s'));
    expectProblem(outcome, 'RUN-010', 1);
    expect(outcome.stderr).toMatch(/istiod-canary-\S+: container discovery: (ErrImagePull|ImagePullBackOff)/);
    expect(outcome.stderr).toMatch(/istioctl\S* install .* ended with 1/);
    expect(outcome.stderr).toContain('meshlift rollback');
    await meshliftOk('rollback', '--yes');
    expect(await snapshot(['shop'])).toEqual(before);
  });

  it('a workload that does not roll out: stop, why, go on once it is mended', async () => {
    await applyYaml('apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: full, namespace: shop}\nspec: {hard: {pods: "3"}}\n');
    const outcome = await meshlift(...upgrade('--step-timeout', '15s'));
    expectProblem(outcome, 'RUN-021', 1);
    expect(outcome.stderr).toContain('deploy/quotes in shop did not become ready on canary');
    expect(outcome.stderr).toMatch(/exceeded quota/);
    expect(outcome.stderr).toMatch(/0 pods on canary, 3 pods on default/);
    await kubectl('-n', 'shop', 'delete', 'resourcequota', 'full');
    expect(await meshliftOk('resume')).toContain('Moved 2 workloads');
    expect(new Set((await podsOf('shop')).map(revisionOf))).toEqual(new Set(['canary']));
    await meshliftOk('rollback', '--yes');
    expect(await snapshot(['shop'])).toEqual(before);
  });

  it('an API server that goes away in mid-run and comes back: it waits, and goes on', async () => {
    const proxy = await Proxy.open();
    const viaProxy = kubeconfigWith('via-proxy', (c) =>
      Object.assign(c.clusters[0]?.cluster ?? {}, { server: `https://127.0.0.1:${proxy.port}` }),
    );
    const running = start(MESHLIFT, ['--kubeconfig', viaProxy, ...upgrade()]);
    await until('the first restart', () => running.output().includes('restart-shop-deploy-quotes started'), 90_000);
    proxy.isDown = true;
    proxy.cut();
    await until('it says that the cluster does not answer', () => /trouble .*does not answer/.test(running.output()), 30_000);
    proxy.isDown = false;
    const outcome = await running.done;
    expect(outcome.stdout).toContain('Moved 2 workloads');
    await meshliftOk('rollback', '--yes');
    expect(await snapshot(['shop'])).toEqual(before);
    proxy.close();
  });
});

/** A wire to the API server that can be cut. */
class Proxy {
  isDown = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (client) => {
      if (this.isDown) {
        client.destroy();
        return;
      }
      const target = new URL(
        (parse(readFileSync(process.env['KUBECONFIG'] ?? '', 'utf8')) as Kubeconfig).clusters[0]?.cluster['server'] ?? '',
      );
      const upstream = connect(Number(target.port || 443), target.hostname);
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          client.destroy();
          upstream.destroy();
        });
      }
      client.pipe(upstream).pipe(client);
    });
  }

  static open(): Promise<Proxy> {
    const server = createServer();
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(new Proxy(server))));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}
