/** A forwarded port whose other end fails: whenever its words come, they are an answer and never the end of the process. */
import { createServer, type Server } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import { afterEach, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../src/adapters/kubernetes/kube-client.ts';
import { askThroughPod } from '../../src/adapters/kubernetes/port-forward.ts';
import { loopbackClient } from '../kit/loopback-client.ts';

const PORT = 8080;
const REFUSED = `error forwarding port ${PORT} to pod: connection refused`;
const [DATA, ERRORS] = [0, 1];

let server: Server;
let sockets: WebSocketServer;
let client: KubeClient;

async function serve(talk: (socket: WebSocket) => void): Promise<void> {
  server = createServer();
  sockets = new WebSocketServer({ server, handleProtocols: (offered) => [...offered][0] ?? false });
  sockets.on('connection', talk);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  client = loopbackClient(server);
}

function say(socket: WebSocket, channel: number, content: Buffer): void {
  socket.send(Buffer.concat([Buffer.from([channel]), content]));
}

function open(socket: WebSocket): void {
  const port = Buffer.alloc(2);
  port.writeUInt16LE(PORT);
  for (const channel of [DATA, ERRORS]) say(socket, channel, port);
}

afterEach(async () => {
  client.close();
  for (const socket of sockets.clients) socket.terminate();
  sockets.close();
  await new Promise((resolve) => void server.close(resolve));
});

const ask = (): Promise<{ readonly status?: number; readonly error?: string }> =>
  askThroughPod(client, { namespace: 'n', pod: 'p', port: PORT }, '/');

describe('a pod on which nothing listens', () => {
  it('says so together with the first words of the connection', async () => {
    await serve((socket) => {
      open(socket);
      say(socket, ERRORS, Buffer.from(REFUSED));
      socket.close();
    });
    expect(await ask()).toEqual({ error: expect.stringContaining('connection refused') as string });
  });

  it('says so after the request has come', async () => {
    await serve((socket) => {
      open(socket);
      socket.once('message', () => say(socket, ERRORS, Buffer.from(REFUSED)));
    });
    expect(await ask()).toEqual({ error: expect.stringContaining('connection refused') as string });
  });

  it('says so twice', async () => {
    await serve((socket) => {
      open(socket);
      socket.once('message', () => {
        say(socket, ERRORS, Buffer.from(REFUSED));
        say(socket, ERRORS, Buffer.from(REFUSED));
      });
    });
    expect(await ask()).toEqual({ error: expect.stringContaining('connection refused') as string });
  });
});
