/** Numbered channels inside of a WebSocket: the first byte of each binary message is the channel. */
import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

export interface ChannelConnection {
  /** What is said on a channel before it is asked for is kept. */
  readonly channel: (number: number) => Duplex;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  readonly close: () => void;
}

/** Of v5: the client ends the channel in the next byte. */
const CLOSE_SIGNAL = 255;
const NORMAL_CLOSURE = 1000;

export function openChannels(socket: WebSocket): ChannelConnection {
  const channels = new Map<number, ChannelDuplex>();
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const channel = (number: number): ChannelDuplex => {
    const known = channels.get(number) ?? new ChannelDuplex(number, socket);
    channels.set(number, known);
    return known;
  };
  socket.on('message', (data: Buffer | ArrayBuffer | Buffer[]) => {
    const bytes = toBuffer(data);
    const number = bytes[0];
    if (number === undefined) return;
    if (number === CLOSE_SIGNAL) channels.get(bytes[1] ?? 0)?.push(null);
    else if (bytes.length > 1) channel(number).receive(bytes.subarray(1));
  });
  socket.on('error', () => undefined);
  socket.once('close', () => {
    for (const one of channels.values()) one.destroy();
    resolve();
  });
  return { channel, ended, close: () => socket.close(NORMAL_CLOSURE) };
}

function toBuffer(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

class ChannelDuplex extends Duplex {
  readonly #number: number;
  readonly #socket: WebSocket;

  constructor(number: number, socket: WebSocket) {
    super({ allowHalfOpen: true });
    this.#number = number;
    this.#socket = socket;
    this.on('error', () => undefined);
  }

  receive(data: Buffer): void {
    if (this.destroyed || this.readableEnded) return;
    if (!this.push(data)) this.#socket.pause();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(Buffer.concat([Buffer.from([this.#number]), chunk]), (error) => done(error ?? null));
  }
}
