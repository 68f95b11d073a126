import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { startTestServer } from '../../../test/kit/sandbox-api.ts';
import { createClusterPki } from './cluster-pki.ts';
import { makeKubeconfig } from './kubeconfig.ts';

describe('the certificates of a cluster', () => {
  it('let a client in by name and groups, and nobody of another authority', async () => {
    const [pki, other] = await Promise.all([createClusterPki(), createClusterPki()]);
    const server = await startTestServer();
    const port = await server.api.start({ ca: pki.ca, ...pki.server });
    const whoAmI = (client: { readonly cert: string; readonly key: string } | undefined): Promise<string> =>
      new Promise((resolve, reject) => {
        const outgoing = request({ host: '127.0.0.1', port, path: '/api/v1/nodes', ca: pki.ca, ...client, agent: false }, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
          response.on('end', () => resolve(`${response.statusCode ?? 0} ${/User \\"([^"\\]*)/.exec(text)?.[1] ?? ''}`));
        });
        outgoing.on('error', reject);
        outgoing.end();
      });
    try {
      expect(await whoAmI(await pki.issueClient('root', ['devs', 'system:masters']))).toBe('200 ');
      expect(await whoAmI(await pki.issueClient('jane', ['devs']))).toBe('403 jane');
      expect(await whoAmI(undefined)).toBe('403 system:anonymous');
      expect(await whoAmI(await other.issueClient('root', ['system:masters']))).toBe('401 ');
    } finally {
      await server.close();
    }
  });

  it('name the server as clients reach it, and give nobody a certificate that signs others', async () => {
    const pki = await createClusterPki(['127.64.0.1']);
    const server = new X509Certificate(pki.server.cert);
    expect([server.checkIP('127.0.0.1'), server.checkIP('127.64.0.1')]).toEqual(['127.0.0.1', '127.64.0.1']);
    expect(server.checkHost('kubernetes.default.svc')).toBe('kubernetes.default.svc');
    const client = new X509Certificate((await pki.issueClient('jane', ['devs'])).cert);
    expect([client.ca, new X509Certificate(pki.ca).ca]).toEqual([false, true]);
    expect(client.verify(new X509Certificate(pki.ca).publicKey)).toBe(true);
  });
});

describe('a kubeconfig', () => {
  it('has everything in it', () => {
    const text = makeKubeconfig({ name: 'box', server: 'https://127.0.0.1:1', ca: 'CA', user: 'jane', credentials: { token: 't' } });
    expect(parse(text)).toEqual({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'box', cluster: { server: 'https://127.0.0.1:1', 'certificate-authority-data': 'Q0E=' } }],
      users: [{ name: 'jane', user: { token: 't' } }],
      contexts: [{ name: 'box', context: { cluster: 'box', user: 'jane' } }],
      'current-context': 'box',
    });
  });
});
