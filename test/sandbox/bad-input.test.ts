/** Whatever a client sends, the sandbox answers with a Status or a clean refusal, and goes on serving. */
import { once } from 'node:events';
import { Agent, request, type RequestOptions } from 'node:https';
import { connect as connectPlain, createServer, type AddressInfo } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createClusterPki } from '../../src/sandbox/access/cluster-pki.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/start-sandbox.ts';
import { badRequests, PRESENT, type BadRequest } from './bad-requests.ts';

const NAMESPACE = 'bad-input';
const MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const JSON_TYPE = { 'content-type': 'application/json' };

interface Credentials {
  readonly ca?: Buffer | string;
  readonly cert?: Buffer | string;
  readonly key?: Buffer | string;
}

interface Answer {
  readonly code: number;
  readonly text: string;
}

interface Sent {
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly credentials?: Credentials;
  /** Of another sandbox. */
  readonly port?: number;
}

let sandbox: Sandbox;
let admin: Credentials;
let port: number;
const agent = new Agent({ keepAlive: true });

beforeAll(async () => {
  sandbox = await startSandbox();
  admin = credentialsOf(sandbox.kubeconfig);
  port = Number(new URL(sandbox.url).port);
  await send('POST', '/api/v1/namespaces', { headers: JSON_TYPE, body: JSON.stringify({ metadata: { name: NAMESPACE } }) });
});

afterAll(async () => {
  agent.destroy();
  await sandbox.stop();
});

afterEach(async () => {
  const name = `still-serves-${performance.now().toFixed(0)}`;
  const made = await send('POST', MAPS, { headers: JSON_TYPE, body: JSON.stringify({ metadata: { name } }) });
  const read = await send('GET', `${MAPS}/${name}`);
  const gone = await send('DELETE', `${MAPS}/${name}`);
  expect([made.code, read.code, gone.code]).toEqual([201, 200, 200]);
});

function credentialsOf(kubeconfig: string): Credentials {
  const { clusters, users } = parse(kubeconfig) as {
    readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
    readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
  };
  const decoded = (text = ''): Buffer => Buffer.from(text, 'base64');
  const user = users[0]?.user;
  return {
    ca: decoded(clusters[0]?.cluster['certificate-authority-data']),
    cert: decoded(user?.['client-certificate-data']),
    key: decoded(user?.['client-key-data']),
  };
}

function optionsOf(method: string, path: string, sent: Sent): RequestOptions {
  const { headers, credentials, body } = sent;
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const proof = credentials ?? { ...admin, agent };
  return { host: '127.0.0.1', port: sent.port ?? port, method, path, headers: { ...length, ...headers }, ...proof };
}

function send(method: string, path: string, sent: Sent = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(optionsOf(method, path, sent), (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(sent.body);
  });
}

interface StatusBody {
  readonly kind: string;
  readonly status: string;
  readonly code: number;
  readonly message: string;
}

/** @throws when an answer is no Status of its own code */
function messageOf({ code, text }: Answer): string {
  const body = JSON.parse(text) as StatusBody;
  expect(body).toMatchObject({ kind: 'Status', status: 'Failure', code });
  return body.message;
}

describe.each(badRequests)('%s', (_title, rows) => {
  it.each(rows.map((row): [string, BadRequest] => [row.name, row]))('%s', async (_name, row) => {
    await send('POST', MAPS, { headers: JSON_TYPE, body: JSON.stringify(PRESENT) });
    const type = row.body === undefined ? {} : { 'content-type': row.type ?? 'application/json' };
    const answer = await send(row.method, row.path.replaceAll('{ns}', NAMESPACE), {
      headers: { ...type, ...row.headers },
      ...(row.body === undefined ? {} : { body: row.body }),
    });
    expect(answer.code).toBe(row.code);
    expect(row.plain === true ? answer.text : messageOf(answer)).toMatch(row.says);
  });
});

describe('who asks', () => {
  const PODS = '/api/v1/pods';
  const bearer = (token: string): Sent => ({
    headers: { authorization: `Bearer ${token}` },
    credentials: admin.ca === undefined ? {} : { ca: admin.ca },
  });

  it('without a certificate is nobody', async () => {
    const { headers: _headers, ...anonymous } = bearer('');
    const answer = await send('GET', PODS, anonymous);
    expect(answer.code).toBe(403);
    expect(messageOf(answer)).toBe(
      'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
    );
    expect(await send('GET', '/readyz', anonymous)).toEqual({ code: 200, text: 'ok' });
  });

  it('with a certificate of another authority is refused', async () => {
    const { cert, key } = await (await createClusterPki()).issueClient('kubernetes-admin', ['system:masters']);
    const answer = await send('GET', PODS, { credentials: { ...bearer('').credentials, cert, key } });
    expect([answer.code, messageOf(answer)]).toEqual([401, 'Unauthorized']);
  });

  it('and trusts another authority hangs up', async () => {
    const { ca } = await createClusterPki();
    await expect(send('GET', PODS, { credentials: { ...admin, ca } })).rejects.toThrow(/certificate/);
  });

  it.each(['rubbish', 'a.b.c', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW06YWRtaW4ifQ.', 'x'.repeat(8_000)])(
    'with the token %.20s is refused',
    async (token) => {
      const answer = await send('GET', PODS, bearer(token));
      expect([answer.code, messageOf(answer)]).toEqual([401, 'Unauthorized']);
    },
  );

  it('with a token of a service account is let in, until it was changed', async () => {
    const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default/token`;
    const body = '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":null}}';
    const { text } = await send('POST', path, { headers: JSON_TYPE, body });
    const { token } = (JSON.parse(text) as { readonly status: { readonly token: string } }).status;
    expect((await send('GET', PODS, bearer(token))).code).toBe(403);
    const [head = '', claims = '', signature = ''] = token.split('.');
    const forged = { ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object), sub: 'system:admin' };
    const changed = [head, Buffer.from(JSON.stringify(forged)).toString('base64url'), signature].join('.');
    expect((await send('GET', PODS, bearer(changed))).code).toBe(401);
  });
});

it('a token that has expired is refused', async () => {
  const quick = await startSandbox({ time: { kind: 'virtual' } });
  await quick.idle();
  const held = quick.clock.hold();
  const credentials = credentialsOf(quick.kubeconfig);
  const there = { port: Number(new URL(quick.url).port) };
  try {
    const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
    const body = '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":600}}';
    const { text } = await send('POST', path, { ...there, headers: JSON_TYPE, body, credentials });
    const { token } = (JSON.parse(text) as { readonly status: { readonly token: string } }).status;
    const asRobot: Sent = {
      ...there,
      headers: { authorization: `Bearer ${token}` },
      credentials: credentials.ca === undefined ? {} : { ca: credentials.ca },
    };
    expect((await send('GET', '/api/v1/pods', asRobot)).code).toBe(403);
    const later = quick.clock.sleep(601_000);
    held();
    await later;
    expect((await send('GET', '/api/v1/pods', asRobot)).code).toBe(401);
  } finally {
    await quick.stop();
  }
});

describe('a connection', () => {
  async function open(): Promise<TLSSocket> {
    const socket = connect({ host: '127.0.0.1', port, ...admin });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket;
  }

  /** All that comes until the other side closes, or until `enough`. */
  function collect(socket: TLSSocket, enough: (text: string) => boolean = () => false): Promise<string> {
    return new Promise((resolve) => {
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (enough(text)) resolve(text);
      });
      socket.on('close', () => resolve(text));
    });
  }

  it('that ends in the middle of a body changes nothing', async () => {
    const socket = await open();
    socket.write(
      `POST ${MAPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"metadata":{"name":"half"`,
    );
    await new Promise((resolve) => void setTimeout(resolve, 20));
    socket.destroy();
    expect((await send('GET', `${MAPS}/half`)).code).toBe(404);
  });

  it('that ends in the middle of the headers, or says nothing, is forgotten', async () => {
    const [half, silent] = [await open(), await open()];
    half.write('GET /api/v1/pods HTTP/1.1\r\nHos');
    half.destroy();
    silent.destroy();
  });

  it('with requests in a row gets the answers in their order', async () => {
    const socket = await open();
    const paths = ['/readyz', `${MAPS}/ghost`, '/version', '/api/v1/gizmos', '/livez'];
    socket.write(
      paths.map((path, index) => `GET ${path} HTTP/1.1\r\nHost: x\r\n${index === 4 ? 'Connection: close\r\n' : ''}\r\n`).join(''),
    );
    const text = await collect(socket);
    expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code)).toEqual(['200', '404', '200', '404', '200']);
  });

  it.each([
    ['words that are no HTTP', 'what is this\r\n\r\n', /^HTTP\/1\.1 400/],
    ['headers without end', `GET /readyz HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\n`, /^HTTP\/1\.1 431/],
    ['two lengths', `POST ${MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, /^HTTP\/1\.1 400/],
    [
      'a length and chunks',
      `POST ${MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      /^HTTP\/1\.1 400/,
    ],
    ['a wrong chunk', `POST ${MAPS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`, /^(HTTP\/1\.1 400|$)/],
    ['an upgrade to nothing', `GET ${MAPS} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: nothing\r\n\r\n`, /^HTTP\/1\.1 4\d\d/],
    [
      'an upgrade of a pod that is not there',
      `POST /api/v1/namespaces/${NAMESPACE}/pods/x/exec?command=ls HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n`,
      /^HTTP\/1\.1 404/,
    ],
  ])('with %s is refused', async (_name, words, expected) => {
    const socket = await open();
    const answered = collect(socket, (text) => text.includes('\r\n\r\n'));
    socket.write(words);
    expect(await answered).toMatch(expected);
    socket.destroy();
  });

  it('that is not encrypted is closed', async () => {
    const socket = connectPlain(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'close');
  });
});

describe('watches', () => {
  interface Watch {
    readonly lines: () => number;
    readonly end: () => void;
  }

  function watch(path: string, own: Agent): Promise<Watch> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ ...optionsOf('GET', path, {}), agent: own }, (response) => {
        let count = 0;
        response.on('data', (chunk: Buffer) => (count += chunk.toString().split('\n').length - 1));
        response.on('error', () => undefined);
        resolve({ lines: () => count, end: () => outgoing.destroy() });
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  }

  it('a thousand at once are served, and so is everybody else', { timeout: 60_000 }, async () => {
    const own = new Agent({ maxSockets: Infinity });
    const path = `/api/v1/namespaces/${NAMESPACE}/secrets?watch=true`;
    const watches: Watch[] = [];
    for (let count = 0; count < 1_000; count += 100)
      watches.push(...(await Promise.all(Array.from({ length: 100 }, () => watch(path, own)))));
    await send('POST', `/api/v1/namespaces/${NAMESPACE}/secrets`, { headers: JSON_TYPE, body: '{"metadata":{"name":"news"}}' });
    await expect.poll(() => watches.filter((one) => one.lines() > 0).length, { timeout: 20_000 }).toBe(1_000);
    for (const one of watches) one.end();
    own.destroy();
  });

  it('one that is not read is cut off, and does not fill the memory', { timeout: 60_000 }, async () => {
    const socket = connect({ host: '127.0.0.1', port, ...admin });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    socket.pause();
    socket.write(`GET ${MAPS}?watch=true HTTP/1.1\r\nHost: x\r\n\r\n`);
    let closed = false;
    socket.on('close', () => (closed = true));
    const fill = { data: 'x'.repeat(900_000) };
    await send('POST', MAPS, { headers: JSON_TYPE, body: JSON.stringify({ metadata: { name: 'large' }, data: fill }) });
    for (let round = 0; round < 40; round += 1) {
      const body = JSON.stringify({ metadata: { labels: { round: String(round) } } });
      await send('PATCH', `${MAPS}/large`, { headers: { 'content-type': 'application/merge-patch+json' }, body });
    }
    socket.resume();
    await expect.poll(() => closed, { timeout: 20_000 }).toBe(true);
    expect(socket.bytesRead).toBeLessThan(40 * 900_000);
  });

  it('of the future says nothing; a list of it says why', async () => {
    const future = 'resourceVersion=99999999&timeoutSeconds=1';
    expect(await send('GET', `${MAPS}?watch=true&${future}`)).toEqual({ code: 200, text: '' });
    const list = await send('GET', `${MAPS}?${future}`);
    expect(list.code).toBe(504);
    expect(messageOf(list)).toMatch(/^Timeout: Too large resource version: 99999999, current: \d+$/);
  });
});

describe('a service', () => {
  const service = (name: string, spec: object): Sent => ({
    headers: JSON_TYPE,
    body: JSON.stringify({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } }),
  });
  const path = `/api/v1/namespaces/${NAMESPACE}/services`;

  it.each([
    [
      'a port of another',
      { type: 'NodePort', ports: [{ port: 80, nodePort: 30_999 }] },
      'spec.ports[0].nodePort: Invalid value: 30999: provided port is already allocated',
    ],
    [
      'a port out of range',
      { type: 'NodePort', ports: [{ port: 80, nodePort: 999 }] },
      'spec.ports[0].nodePort: Invalid value: 999: provided port is not in the valid range. The range of valid ports is 30000-32767',
    ],
    [
      'an address of another',
      { clusterIP: '10.96.0.1' },
      'spec.clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated',
    ],
    [
      'an address from elsewhere',
      { clusterIP: '1.2.3.4' },
      'failed to allocate IP 1.2.3.4: the provided network does not match the current range',
    ],
  ])('with %s is refused', async (_name, spec, says) => {
    await send('POST', path, service('first', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_999 }] }));
    const answer = await send('POST', path, service('second', spec));
    expect(answer.code).toBe(422);
    expect(messageOf(answer)).toContain(says);
  });
});

it('a port that is taken is an error of the start', async () => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  await expect(startSandbox({ port: (other.address() as AddressInfo).port })).rejects.toThrow('EADDRINUSE');
  other.close();
});

it('a scenario that is not there is an error of the start', async () => {
  for (const scenario of ['nothing', 'big:0', 'big:1x', 'big:99999x9', 'EMPTY'])
    await expect(startSandbox({ scenario })).rejects.toThrow('there is no scenario');
});
