/** One HTTP server reads the requests of all pods: ten thousand of them only accept connections, which takes much less memory. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Whose connection it is. */
export interface ConnectionOwner {
  answer(request: IncomingMessage, response: ServerResponse): void;
}

const owners = new WeakMap<Socket, ConnectionOwner>();
let server: Server | undefined;

export function ownConnection(socket: Socket, owner: ConnectionOwner): void {
  owners.set(socket, owner);
}

/** Gives a request to the owner of its connection. */
export function answerByOwner(request: IncomingMessage, response: ServerResponse): void {
  const owner = owners.get(request.socket);
  if (owner === undefined) request.socket.destroy();
  else owner.answer(request, response);
}

/** Reads requests from a connection that somebody owns. */
export function readRequests(socket: Socket): void {
  // A client may keep a connection as long as it likes; only the end of the container ends it.
  server ??= createServer({ keepAliveTimeout: 0 }, answerByOwner);
  server.emit('connection', socket);
}
