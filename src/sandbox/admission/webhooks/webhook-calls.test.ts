import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { createServer as createPlainServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outcomeOf, sandboxView } from '../../../../test/kit/sandbox-view.ts';
import { RealClock } from '../../clock/real-clock.ts';
import type { SandboxClock } from '../../clock/sandbox-clock.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import type { StatusError } from '../../objects/status-error.ts';
import type { ResourceDefinition } from '../../resources/resource-definition.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { createAdmissionChain, type ClosableAdmissionChain } from '../admission-chain.ts';

x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

interface Issued {
  readonly cert: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

function pem(kind: string, der: ArrayBuffer): string {
  return `-----BEGIN ${kind}-----\n${Buffer.from(der).toString('base64')}\n-----END ${kind}-----\n`;
}

async function authority(subject: string): Promise<Issued> {
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const extensions = [new x509.BasicConstraintsExtension(true)];
  const cert = await x509.X509CertificateGenerator.createSelfSigned({ name: subject, keys, signingAlgorithm: EC, extensions });
  return { cert, keys };
}

interface LeafOptions {
  readonly names?: readonly x509.JsonGeneralName[];
  readonly notAfter?: Date;
}

const LOOPBACK: x509.JsonGeneralName = { type: 'ip', value: '127.0.0.1' };

async function leaf(ca: Issued, { names = [LOOPBACK], notAfter }: LeafOptions = {}): Promise<{ cert: string; key: string }> {
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const cert = await x509.X509CertificateGenerator.create({
    subject: 'CN=localhost',
    issuer: ca.cert.subject,
    signingKey: ca.keys.privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: EC,
    notBefore: new Date('2020-01-01'),
    notAfter: notAfter ?? new Date(Date.now() + 86_400_000),
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension([...names])],
  });
  return { cert: cert.toString('pem'), key: pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)) };
}

/** What the webhook at a path answers: a response of a review, or something else altogether. */
type Handler = (
  request: ReviewRequest,
  reply: (status: number, body: string, contentType?: string) => undefined,
  hangUp: () => undefined,
) => object | undefined;

interface ReviewRequest {
  readonly uid: string;
  readonly name?: string;
  readonly object: KubeObject | null;
  readonly kind: object;
  readonly resource: object;
  readonly requestKind: object;
  readonly [field: string]: unknown;
}

const handlers = new Map<string, Handler>();
const seen: { path: string; body: { request: ReviewRequest }; headers: object }[] = [];

function serve(tls: { cert: string; key: string }): Promise<Server> {
  const server = createServer(tls, (message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { request: ReviewRequest };
      const path = message.url?.split('?')[0] ?? '';
      seen.push({ path, body, headers: message.headers });
      const reply = (status: number, text: string, contentType?: string): undefined => {
        response.writeHead(status, contentType === undefined ? {} : { 'content-type': contentType }).end(text);
      };
      const hangUp = (): undefined => {
        message.socket.destroy();
      };
      const answer = (handlers.get(path) ?? (() => ({})))(body.request, reply, hangUp);
      if (answer !== undefined)
        reply(
          200,
          JSON.stringify({
            apiVersion: 'admission.k8s.io/v1',
            kind: 'AdmissionReview',
            response: { uid: body.request.uid, allowed: true, ...answer },
          }),
        );
    });
  });
  return new Promise((resolve) => void server.listen(0, '127.0.0.1', () => resolve(server)));
}

const portOf = (server: { address(): AddressInfo | string | null }): number => (server.address() as AddressInfo).port;
const patch = (...operations: readonly object[]) => ({
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});
const label = (key: string, value = 'yes') => patch({ op: 'add', path: `/metadata/labels/${key}`, value });

let ca: Issued;
let otherCa: Issued;
let server: Server;
let port: number;
const open: (Server | { close(): unknown })[] = [];
const chains: ClosableAdmissionChain[] = [];

beforeAll(async () => {
  ca = await authority('O=cluster.local');
  otherCa = await authority('O=cluster.local');
  server = await serve(await leaf(ca, { names: [LOOPBACK, { type: 'dns', value: 'hook.sys.svc' }] }));
  port = portOf(server);
  open.push(server);
});

afterAll(() => {
  for (const chain of chains) chain.close();
  for (const one of open) one.close();
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const bundleOf = (issued: Issued): string => base64(issued.cert.toString('pem'));

function webhook(name: string, more: object = {}): object {
  return {
    name: `${name}.example.com`,
    clientConfig: { url: `https://127.0.0.1:${port}/${name}`, caBundle: bundleOf(ca) },
    rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }],
    failurePolicy: 'Fail',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    timeoutSeconds: 10,
    ...more,
  };
}

function configuration(name: string, ...webhooks: readonly object[]): KubeObject {
  return { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name }, webhooks };
}

function namespace(name: string, labels: Readonly<Record<string, string>> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

function map(labels: Readonly<Record<string, string>> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'shop', labels } };
}

function attributes(object: KubeObject | undefined, more: Partial<AdmissionAttributes> = {}): AdmissionAttributes {
  return {
    operation: 'CREATE',
    group: '',
    version: 'v1',
    resource: 'configmaps',
    kind: 'ConfigMap',
    storage: 'configmaps',
    subresource: '',
    namespace: 'shop',
    name: 'c',
    ...(object === undefined ? {} : { object }),
    user: { username: 'ann', groups: ['system:authenticated'] },
    dryRun: false,
    ...more,
  };
}

/** Enough of RFC 6902 for these tests: `add` of members of objects and to the ends of lists. */
function applyJsonPatch(object: KubeObject, operations: readonly unknown[]): KubeObject {
  const next = structuredClone(object) as unknown as Record<string, unknown>;
  for (const operation of operations as readonly { path: string; value: unknown }[]) {
    const steps = operation.path.split('/').slice(1);
    const last = steps.pop() ?? '';
    const parent = steps.reduce<Record<string, unknown> | undefined>((at, step) => at?.[step] as Record<string, unknown> | undefined, next);
    if (parent === undefined) throw new Error(`add operation does not apply: doc is missing path: "${operation.path}": missing value`);
    if (Array.isArray(parent)) parent.push(operation.value);
    else parent[last] = operation.value;
  }
  return next as unknown as KubeObject;
}

interface World {
  readonly mutating?: readonly KubeObject[];
  readonly validating?: readonly KubeObject[];
  readonly services?: readonly KubeObject[];
  readonly endpoint?: number;
  readonly definitions?: readonly ResourceDefinition[];
}

function chainOf(
  { mutating = [], validating = [], services = [], endpoint, definitions = [] }: World,
  clock: SandboxClock = new RealClock(),
): ClosableAdmissionChain {
  const view = sandboxView({
    'mutatingwebhookconfigurations.admissionregistration.k8s.io': mutating,
    'validatingwebhookconfigurations.admissionregistration.k8s.io': validating,
    namespaces: [namespace('shop', { team: 'a', env: 'prod' })],
    serviceaccounts: [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'shop' } }],
    services,
  });
  let uid = 0;
  const chain = createAdmissionChain({
    view,
    network: {
      resolve: (ip, at) => (ip.startsWith('127.') ? { host: '127.0.0.1', port: at } : undefined),
      resolveService: () => (endpoint === undefined ? undefined : { ip: '127.1.0.1', port: endpoint }),
    },
    clock,
    maxHoldMs: 100,
    random: () => 0,
    newUid: () => `uid-${(uid += 1)}`,
    definitions: (storage) => definitions.filter((one) => one.storage === storage),
    applyJsonPatch,
  });
  chains.push(chain);
  return chain;
}

async function mutated(world: World, sent: AdmissionAttributes = attributes(map())): Promise<readonly string[]> {
  const { object } = await chainOf(world).mutate(sent);
  return Object.keys(object?.metadata.labels ?? {});
}

async function called(world: World, sent: AdmissionAttributes = attributes(map())): Promise<readonly string[]> {
  seen.length = 0;
  await chainOf(world).mutate(sent);
  return seen.map(({ path }) => path.slice(1));
}

const failed = (name: string, why: string): string => `500 Internal error occurred: failed calling webhook "${name}.example.com": ${why}`;

describe('which webhooks are called', () => {
  it('configurations by name, webhooks as they are listed', async () => {
    const mutating = [configuration('b', webhook('b1'), webhook('b0')), configuration('a', webhook('a1'))];
    expect(await called({ mutating })).toEqual(['a1', 'b1', 'b0']);
  });

  it.each<[selector: object, isCalled: boolean]>([
    [{}, true],
    [{ matchLabels: { team: 'a' } }, true],
    [{ matchLabels: { team: 'b' } }, false],
    [{ matchLabels: { team: 'a', missing: 'x' } }, false],
    [{ matchExpressions: [{ key: 'team', operator: 'In', values: ['b', 'a'] }] }, true],
    [{ matchExpressions: [{ key: 'team', operator: 'In', values: ['b'] }] }, false],
    [{ matchExpressions: [{ key: 'missing', operator: 'In', values: ['b'] }] }, false],
    [{ matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['b'] }] }, true],
    [{ matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['a'] }] }, false],
    [{ matchExpressions: [{ key: 'missing', operator: 'NotIn', values: ['a'] }] }, true],
    [{ matchExpressions: [{ key: 'team', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] }, false],
    [{ matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, false],
    [{ matchLabels: { team: 'a' }, matchExpressions: [{ key: 'env', operator: 'DoesNotExist' }] }, false],
  ])('by the labels of the namespace, %j', async (namespaceSelector, isCalled) => {
    const mutating = [configuration('a', webhook('a', { namespaceSelector }))];
    expect(await called({ mutating })).toEqual(isCalled ? ['a'] : []);
    const byObject = [configuration('a', webhook('a', { objectSelector: namespaceSelector }))];
    expect(await called({ mutating: byObject }, attributes(map({ team: 'a', env: 'prod' })))).toEqual(isCalled ? ['a'] : []);
  });

  it.each<[what: string, rule: object, sent: Partial<AdmissionAttributes>, isCalled: boolean]>([
    ['operation', { operations: ['UPDATE'] }, {}, false],
    ['one of the operations', { operations: ['UPDATE', 'CREATE'] }, {}, true],
    ['group', { apiGroups: ['apps'] }, {}, false],
    ['version', { apiVersions: ['v2'] }, {}, false],
    ['resource', { resources: ['configmaps'] }, {}, true],
    ['other resource', { resources: ['pods'] }, {}, false],
    ['all resources, but no subresource', { resources: ['*'] }, { subresource: 'status' }, false],
    ['all subresources of it', { resources: ['configmaps/*'] }, { subresource: 'status' }, true],
    ['itself among its subresources', { resources: ['configmaps/*'] }, {}, true],
    ['that subresource of all', { resources: ['*/status'] }, { subresource: 'status' }, true],
    ['another subresource', { resources: ['*/scale'] }, { subresource: 'status' }, false],
    ['everything', { resources: ['*/*'] }, { subresource: 'status' }, true],
    ['namespaced', { scope: 'Namespaced' }, {}, true],
    ['cluster-scoped', { scope: 'Cluster' }, {}, false],
    ['a cluster-scoped object', { scope: 'Cluster' }, { namespace: '' }, true],
  ])('by rules: %s', async (_what, rule, sent, isCalled) => {
    const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], ...rule }];
    const mutating = [configuration('a', webhook('a', { rules, matchPolicy: 'Exact' }))];
    expect(await called({ mutating }, attributes(map(), { operation: 'CREATE', ...sent }))).toEqual(isCalled ? ['a'] : []);
  });

  it('namespaces by their own new labels, which are in no namespace', async () => {
    const about = { resource: 'namespaces', kind: 'Namespace', storage: 'namespaces', namespace: 'new', name: 'new' };
    const select = (scope: string) =>
      configuration(
        'a',
        webhook('a', {
          namespaceSelector: { matchLabels: { team: 'b' } },
          rules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['namespaces'], scope }],
        }),
      );
    expect(await called({ mutating: [select('Cluster')] }, attributes(namespace('new', { team: 'b' }), about))).toEqual(['a']);
    expect(await called({ mutating: [select('Namespaced')] }, attributes(namespace('new', { team: 'b' }), about))).toEqual([]);
    expect(await called({ mutating: [select('*')] }, attributes(namespace('new', { team: 'a' }), about))).toEqual([]);
    expect(
      await called({ mutating: [select('*')] }, attributes(undefined, { ...about, operation: 'DELETE', name: 'shop', namespace: 'shop' })),
    ).toEqual([]);
  });

  it('cluster-scoped objects whatever the namespace selector, old objects as well as new', async () => {
    const mutating = [
      configuration(
        'a',
        webhook('a', { namespaceSelector: { matchLabels: { no: 'where' } }, objectSelector: { matchLabels: { x: '1' } } }),
      ),
    ];
    const about = { resource: 'nodes', kind: 'Node', storage: 'nodes', namespace: '', operation: 'UPDATE' } as const;
    expect(await called({ mutating }, attributes(map(), { ...about, oldObject: map({ x: '1' }) }))).toEqual(['a']);
    expect(await called({ mutating }, attributes(map(), { ...about, oldObject: map() }))).toEqual([]);
  });

  it('not for webhook configurations', async () => {
    const mutating = [configuration('a', webhook('a'))];
    const about = {
      group: 'admissionregistration.k8s.io',
      kind: 'MutatingWebhookConfiguration',
      resource: 'mutatingwebhookconfigurations',
      namespace: '',
    };
    expect(await called({ mutating }, attributes(configuration('x'), about))).toEqual([]);
  });

  it('for other versions of a resource, and then with the object in that version', async () => {
    const version = (name: string, field: string): ResourceDefinition => ({
      group: 'x.io',
      version: name,
      resource: 'things',
      singular: 'thing',
      kind: 'Thing',
      shortNames: [],
      categories: [],
      namespaced: true,
      storage: 'things.x.io',
      storageApiVersion: 'x.io/v1',
      verbs: [],
      subresources: [],
      columns: [],
      hasGeneration: true,
      toStorage: ({ [field]: size, ...rest }) => ({ ...rest, apiVersion: 'x.io/v1', size }) as unknown as KubeObject,
      fromStorage: ({ size, ...rest }) => ({ ...rest, apiVersion: `x.io/${name}`, [field]: size }) as unknown as KubeObject,
    });
    const definitions = [version('v1', 'size'), version('v2', 'bigness')];
    const rules = [{ operations: ['*'], apiGroups: ['x.io'], apiVersions: ['v2'], resources: ['things'] }];
    handlers.set('/a', () => patch({ op: 'add', path: '/bigness', value: 8 }));
    const thing = { apiVersion: 'x.io/v1', kind: 'Thing', metadata: { name: 'c', namespace: 'shop' }, size: 7 } as KubeObject;
    const sent = attributes(thing, { group: 'x.io', resource: 'things', kind: 'Thing', storage: 'things.x.io' });
    seen.length = 0;
    const { object } = await chainOf({ mutating: [configuration('a', webhook('a', { rules }))], definitions }).mutate(sent);
    expect(seen[0]?.body.request).toMatchObject({
      kind: { group: 'x.io', version: 'v2', kind: 'Thing' },
      requestKind: { group: 'x.io', version: 'v1', kind: 'Thing' },
      resource: { group: 'x.io', version: 'v2', resource: 'things' },
      requestResource: { group: 'x.io', version: 'v1', resource: 'things' },
      object: { apiVersion: 'x.io/v2', bigness: 7 },
    });
    expect(object).toEqual({ ...thing, size: 8 });
    expect(await called({ mutating: [configuration('a', webhook('a', { rules, matchPolicy: 'Exact' }))], definitions }, sent)).toEqual([]);
    handlers.delete('/a');
  });

  it('404 when the namespace that is asked about is not there', async () => {
    const mutating = [configuration('a', webhook('a', { namespaceSelector: { matchLabels: { x: 'y' } } }))];
    const sent = attributes(undefined, { operation: 'DELETE', namespace: 'nowhere' });
    expect(await outcomeOf(() => chainOf({ mutating }).mutate(sent))).toBe('404 namespaces "nowhere" not found');
  });
});

describe('what a webhook is asked', () => {
  it('is a whole review', async () => {
    const user = { username: 'ann', groups: ['g'], uid: '7', extra: { k: ['v'] } };
    await called(
      { mutating: [configuration('a', webhook('a'))] },
      attributes(map(), { user, dryRun: true, oldObject: map({ old: 'x' }), operation: 'UPDATE' }),
    );
    const kind = { group: '', version: 'v1', kind: 'ConfigMap' };
    const resource = { group: '', version: 'v1', resource: 'configmaps' };
    expect(seen[0]?.body).toEqual({
      kind: 'AdmissionReview',
      apiVersion: 'admission.k8s.io/v1',
      request: {
        uid: 'uid-1',
        kind,
        resource,
        requestKind: kind,
        requestResource: resource,
        name: 'c',
        namespace: 'shop',
        operation: 'UPDATE',
        userInfo: user,
        object: map(),
        oldObject: map({ old: 'x' }),
        dryRun: true,
        options: { kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1' },
      },
    });
    expect(seen[0]?.headers).toMatchObject({
      'user-agent': 'kube-apiserver-admission',
      accept: 'application/json, */*',
      'content-type': 'application/json',
    });
  });

  it('goes to an endpoint of its service, under the name of the service', async () => {
    const services = [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'hook', namespace: 'sys' },
        spec: { clusterIP: '10.96.0.9', ports: [{ port: 443 }] },
      },
    ];
    const clientConfig = { service: { namespace: 'sys', name: 'hook', path: '/inject' }, caBundle: bundleOf(ca) };
    expect(await called({ mutating: [configuration('a', webhook('a', { clientConfig }))], services, endpoint: port })).toEqual(['inject']);
    expect(seen[0]?.headers).toMatchObject({ host: 'hook.sys.svc:443' });
  });
});

describe('mutation', () => {
  it('gives each webhook what the ones before it made', async () => {
    handlers.set('/a', () => label('one'));
    handlers.set('/b', ({ object }) => label(object?.metadata.labels?.['one'] === undefined ? 'none' : 'two'));
    expect(await mutated({ mutating: [configuration('x', webhook('a'), webhook('b'))] })).toEqual(['one', 'two']);
  });

  it('calls again those who are willing, when a later one changed something', async () => {
    handlers.set('/a', ({ object }) => (object?.metadata.labels?.['two'] === undefined ? {} : label('again')));
    handlers.set('/b', () => label('two'));
    const world = (reinvocationPolicy: string): World => ({
      mutating: [configuration('x', webhook('a', { reinvocationPolicy }), webhook('b', { reinvocationPolicy: 'IfNeeded' }))],
    });
    expect(await mutated(world('IfNeeded'))).toEqual(['two', 'again']);
    expect(seen.map(({ path }) => path).slice(-4)).toEqual(['/a', '/b', '/a', '/b']);
    expect(await mutated(world('Never'))).toEqual(['two']);
    handlers.set('/b', () => ({}));
    expect(await called(world('IfNeeded'))).toEqual(['a', 'b']);
  });

  it('lets the rules of the server complete what a webhook added', async () => {
    handlers.set('/a', () => patch({ op: 'add', path: '/spec/containers/-', value: { name: 'sidecar' } }));
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'c', namespace: 'shop' },
      spec: { containers: [{ name: 'app' }] },
    } as KubeObject;
    const about = { resource: 'pods', kind: 'Pod', storage: 'pods' };
    const { object } = await chainOf({ mutating: [configuration('x', webhook('a'))] }).mutate(attributes(pod, about));
    const { containers, volumes } = (object ?? pod)['spec'] as {
      containers: { name: string; volumeMounts: object[] }[];
      volumes: { name: string }[];
    };
    expect(containers.map(({ name, volumeMounts }) => [name, volumeMounts.length])).toEqual([
      ['app', 1],
      ['sidecar', 1],
    ]);
    expect(volumes.map(({ name }) => name)).toEqual(['kube-api-access-bbbbb']);
    handlers.clear();
  });

  it('passes warnings on and refuses patches that cannot be', async () => {
    handlers.set('/a', () => ({ warnings: ['careful'] }));
    const world = { mutating: [configuration('x', webhook('a'))] };
    expect(await chainOf(world).mutate(attributes(map()))).toEqual({ object: map(), warnings: ['careful'] });
    handlers.set('/a', () => patch({ op: 'add', path: '/a/b/c', value: 1 }));
    expect(await outcomeOf(() => mutated(world))).toBe(
      '500 Internal error occurred: add operation does not apply: doc is missing path: "/a/b/c": missing value',
    );
    const gone = attributes(undefined, { operation: 'DELETE', oldObject: map() });
    expect(await outcomeOf(() => mutated(world, gone))).toBe(
      '500 Internal error occurred: admission webhook "a.example.com" attempted to modify the object, which is not supported for this operation',
    );
    handlers.clear();
  });
});

describe('refusals', () => {
  it.each<[status: object | undefined, text: string, reason: string | undefined]>([
    [{ message: 'no way' }, '400 admission webhook "a.example.com" denied the request: no way', undefined],
    [
      { message: 'no way', code: 403, reason: 'Forbidden' },
      '403 admission webhook "a.example.com" denied the request: no way',
      'Forbidden',
    ],
    [{ reason: 'Because', code: 200 }, '400 admission webhook "a.example.com" denied the request: Because', 'Because'],
    [undefined, '400 admission webhook "a.example.com" denied the request without explanation', undefined],
  ])('%j', async (status, text, reason) => {
    handlers.set('/a', () => ({ allowed: false, status, ...label('x') }));
    const chain = chainOf({ mutating: [configuration('x', webhook('a', { failurePolicy: 'Ignore' }))] });
    expect(await outcomeOf(() => chain.mutate(attributes(map())))).toBe(text);
    const refusal: unknown = await chain.mutate(attributes(map())).catch((error: unknown) => error);
    expect(refusal).toHaveProperty('status', expect.objectContaining(reason === undefined ? { metadata: {} } : { reason }));
    expect('reason' in (refusal as StatusError).status).toBe(reason !== undefined);
  });

  it('of validating webhooks, called at once; the first in order is told', async () => {
    let waiting = 0;
    const together = new Promise<void>((resolve) => {
      const arrive: Handler = (_request, reply) => {
        waiting += 1;
        if (waiting === 2) resolve();
        void together.then(() =>
          reply(
            200,
            JSON.stringify({
              apiVersion: 'admission.k8s.io/v1',
              kind: 'AdmissionReview',
              response: { uid: _request.uid, allowed: false, status: { message: 'v' } },
            }),
          ),
        );
        return undefined;
      };
      handlers.set('/a', arrive).set('/b', arrive);
    });
    const chain = chainOf({ validating: [configuration('y', webhook('b')), configuration('x', webhook('a'))] });
    expect(await outcomeOf(() => chain.validate(attributes(map())))).toBe('400 admission webhook "a.example.com" denied the request: v');
    handlers.set('/a', () => label('x'));
    expect(await outcomeOf(() => chain.validate(attributes(map())))).toBe(
      failed('a', 'received invalid webhook response: validating webhook may not return response.patch'),
    );
    handlers.clear();
    handlers.set('/a', () => ({ warnings: ['w'] }));
    expect(await chain.validate(attributes(map()))).toEqual(['w']);
  });

  it('of dry runs, where a webhook has side effects', async () => {
    const world = { mutating: [configuration('x', webhook('a', { sideEffects: 'Some', failurePolicy: 'Ignore' }))] };
    expect(await outcomeOf(() => called(world, attributes(map(), { dryRun: true })))).toBe(
      '400 admission webhook "a.example.com" does not support dry run',
    );
    expect(seen).toEqual([]);
    expect(await called(world)).toEqual(['a']);
  });

  it('of configurations that the sandbox cannot obey', async () => {
    const conditional = configuration('x', webhook('a', { matchConditions: [{ name: 'c', expression: 'true' }] }));
    const about = {
      group: 'admissionregistration.k8s.io',
      kind: conditional.kind,
      resource: 'mutatingwebhookconfigurations',
      storage: 'mutatingwebhookconfigurations.admissionregistration.k8s.io',
      namespace: '',
    };
    expect(await outcomeOf(() => chainOf({}).validate(attributes(conditional, about)))).toBe(
      '422 MutatingWebhookConfiguration.admissionregistration.k8s.io "x" is invalid: webhooks[0].matchConditions: Forbidden: the sandbox does not evaluate CEL expressions',
    );
    expect(await outcomeOf(() => called({ mutating: [conditional] }))).toMatch(/^403/);
  });
});

/** Texts as a Kubernetes 1.34.3 server gave them for the same answers and servers. */
describe('webhooks that cannot be called', () => {
  const outcome = (more: object, world: World = {}): Promise<string> =>
    outcomeOf(() => mutated({ mutating: [configuration('x', webhook('a', more))], ...world }));
  const posted = (url: string, why: string): string => failed('a', `failed to call webhook: Post "${url}?timeout=10s": ${why}`);

  it('are refused or passed over, as their policy says', async () => {
    const clientConfig = { url: 'https://127.0.0.1:9/x' };
    expect(await outcome({ clientConfig })).toBe(posted('https://127.0.0.1:9/x', 'dial tcp 127.0.0.1:9: connect: connection refused'));
    expect(await outcome({ clientConfig, failurePolicy: 'Ignore' })).toBe('allowed');
  });

  it.each<[what: string, handler: Handler, why: string]>([
    ['other uid', () => ({ uid: 'x' }), 'received invalid webhook response: expected response.uid="uid-1", got "x"'],
    [
      'no kind',
      ({ uid }, reply) => reply(200, JSON.stringify({ response: { uid, allowed: true } })),
      'received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=',
    ],
    [
      'other kind',
      ({ uid }, reply) => reply(200, JSON.stringify({ apiVersion: 'v1', kind: 'Status', response: { uid } })),
      'failed to call webhook: converting (v1.Status) to (v1.AdmissionReview): unknown conversion',
    ],
    [
      'no response',
      (_request, reply) => reply(200, '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'),
      'received invalid webhook response: webhook response was absent',
    ],
    [
      'nothing',
      (_request, reply) => reply(200, ''),
      'failed to call webhook: 0-length response with status code: 200 and content type: application/json',
    ],
    [
      'text',
      (_request, reply) => reply(200, 'hello'),
      `failed to call webhook: couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    ],
    [
      'half of it',
      (_request, reply) => reply(200, '{"a":'),
      "failed to call webhook: couldn't get version/kind; json parse error: unexpected end of JSON input",
    ],
    ['404', (_request, reply) => reply(404, 'boo'), 'failed to call webhook: the server could not find the requested resource'],
    [
      '418',
      (_request, reply) => reply(418, 'boo'),
      'failed to call webhook: the server responded with the status code 418 but did not return more information',
    ],
    [
      '500',
      (_request, reply) => reply(500, 'boo hoo\n', 'text/plain'),
      'failed to call webhook: an error on the server ("boo hoo") has prevented the request from succeeding',
    ],
    [
      '500 in JSON',
      (_request, reply) => reply(500, '{}', 'application/json'),
      'failed to call webhook: an error on the server ("unknown") has prevented the request from succeeding',
    ],
    ['503', (_request, reply) => reply(503, ''), 'failed to call webhook: the server is currently unable to handle the request'],
    [
      'patch alone',
      () => ({ patch: base64('[]') }),
      'received invalid webhook response: webhook returned response.patch but not response.patchType',
    ],
    [
      'no list',
      () => ({ patchType: 'JSONPatch', patch: base64('{}') }),
      'received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    ],
    ['other patch', () => ({ patchType: 'Merge', patch: base64('[]') }), 'unsupported patch type "Merge"'],
  ])('for their answer: %s', async (_what, handler, why) => {
    handlers.set('/a', handler);
    expect(await outcome({})).toBe(failed('a', why));
    handlers.clear();
  });

  it('for their time and their connections', async () => {
    handlers.set('/a', () => undefined);
    expect(await outcome({ timeoutSeconds: 1 })).toBe(
      failed('a', `failed to call webhook: Post "https://127.0.0.1:${port}/a?timeout=1s": context deadline exceeded`),
    );
    handlers.set('/a', (_request, _reply, hangUp) => hangUp());
    expect(await outcome({})).toBe(posted(`https://127.0.0.1:${port}/a`, 'EOF'));
    handlers.clear();
    const plain = createPlainServer((_request, response) => response.end('x')).listen(0, '127.0.0.1');
    const mute = createTcpServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    open.push(plain, mute);
    await Promise.all(
      [plain, mute].map((one) => new Promise((resolve) => void (one.listening ? resolve(0) : one.once('listening', resolve)))),
    );
    const at = (other: number): object => ({ clientConfig: { url: `https://127.0.0.1:${other}`, caBundle: bundleOf(ca) } });
    expect(await outcome(at(portOf(plain)))).toBe(
      posted(`https://127.0.0.1:${portOf(plain)}/`, 'http: server gave HTTP response to HTTPS client'),
    );
    expect(await outcome(at(portOf(mute)))).toBe(posted(`https://127.0.0.1:${portOf(mute)}/`, 'EOF'));
  });

  it('without holding up the clock for longer than they may take', async () => {
    handlers.set('/a', () => undefined);
    const clock = new VirtualClock();
    const startedMs = clock.nowMs();
    clock.start();
    const world = { mutating: [configuration('x', webhook('a', { timeoutSeconds: 30 }))] };
    expect(await outcomeOf(() => chainOf(world, clock).mutate(attributes(map())))).toContain('?timeout=30s": context deadline exceeded');
    clock.stop();
    expect(clock.nowMs() - startedMs).toBe(30_000);
    handlers.clear();
  });

  it('for their certificates', async () => {
    const unknown = 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
    const url = `https://127.0.0.1:${port}/a`;
    expect(await outcome({ clientConfig: { url } })).toBe(posted(url, unknown));
    expect(await outcome({ clientConfig: { url, caBundle: bundleOf(await authority('CN=other')) } })).toBe(posted(url, unknown));
    const hint =
      '(possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "cluster.local")';
    expect(await outcome({ clientConfig: { url, caBundle: bundleOf(otherCa) } })).toBe(posted(url, `${unknown} ${hint}`));
    expect(await outcome({ clientConfig: { url, caBundle: base64('hello') } })).toBe(
      failed('a', 'could not get REST client: unable to load root certificates: unable to parse bytes as PEM block'),
    );
  });

  it.each<[what: string, options: LeafOptions, host: string, why: string | RegExp]>([
    [
      'no address',
      { names: [{ type: 'dns', value: 'a.example' }] },
      '127.0.0.1',
      "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
    ],
    ['another address', { names: [{ type: 'ip', value: '10.0.0.1' }] }, '127.0.0.1', 'certificate is valid for 10.0.0.1, not 127.0.0.1'],
    [
      'other names',
      {
        names: [
          { type: 'dns', value: 'a.example' },
          { type: 'dns', value: 'b.example' },
        ],
      },
      'localhost',
      'certificate is valid for a.example, b.example, not localhost',
    ],
    ['only a common name', { names: [] }, 'localhost', 'certificate relies on legacy Common Name field, use SANs instead'],
    [
      'its time is over',
      { notAfter: new Date('2026-02-01T00:00:00Z') },
      '127.0.0.1',
      /certificate has expired or is not yet valid: current time \S+Z is after 2026-02-01T00:00:00Z$/,
    ],
  ])('for their certificates: %s', async (_what, options, host, why) => {
    const other = await serve(await leaf(ca, options));
    open.push(other);
    const url = `https://${host}:${portOf(other)}/a`;
    const text = await outcome({ clientConfig: { url, caBundle: bundleOf(ca) } });
    if (why instanceof RegExp) expect(text).toMatch(why);
    else expect(text).toBe(posted(url, `tls: failed to verify certificate: x509: ${why}`));
  });

  it('for their services', async () => {
    const service = (name: string, more: object = {}): object => ({
      clientConfig: { service: { namespace: 'sys', name, path: '/inject', ...more }, caBundle: bundleOf(ca) },
    });
    const stored = (name: string, clusterIP: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'sys' },
      spec: { clusterIP, ports: [{ port: 443 }] },
    });
    const services = [stored('svc', '10.96.0.9'), stored('headless', 'None')];
    const text = (name: string, why: string): string => posted(`https://${name}.sys.svc:443/inject`, why);
    expect(await outcome(service('none'), { services })).toBe(text('none', 'service "none" not found'));
    expect(await outcome(service('svc'), { services })).toBe(text('svc', 'dial tcp 10.96.0.9:443: connect: connection refused'));
    expect(await outcome(service('svc'), { services, endpoint: 9 })).toBe(
      text('svc', 'dial tcp 10.96.0.9:443: connect: connection refused'),
    );
    expect(await outcome(service('headless'), { services })).toBe(text('headless', 'cannot route to service with ClusterIP "None"'));
    expect(await outcome(service('svc', { port: 99 }), { services })).toBe(
      posted('https://svc.sys.svc:99/inject', 'no service port 99 found for service "svc"'),
    );
    expect(await outcome(service('svc', { path: '' }))).toBe(posted('https://svc.sys.svc:443/', 'service "svc" not found'));
  });
});
