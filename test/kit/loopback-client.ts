/** A client of a server that a test has opened on loopback, over plain HTTP. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';

export function loopbackConfig(port: number, user: { readonly token?: string } = {}): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: 'u', ...user }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  return config;
}

export function loopbackClient(server: Server, user: { readonly token?: string } = {}): KubeClient {
  return new KubeClient(loopbackConfig((server.address() as AddressInfo).port, user));
}
