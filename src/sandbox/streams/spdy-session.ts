/**
 * The serving side of a SPDY/3.1 connection as clients of Kubernetes use it: they open the streams, the server answers
 * each and both write. Clients of Kubernetes (moby/spdystream) keep no windows, so neither does this side when it writes; it
 * grants windows for what it reads, for clients that do.
 */
import { Duplex } from 'node:stream';
import { createSpdyCodec, type SpdyCodec, type SpdyFrame, type SpdyHeaders } from './spdy-frames.ts';

export interface SpdySession {
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
  /** Says farewell and ends the connection once everything is written. */
  readonly close: () => void;
}

export interface SpdyStream {
  readonly headers: SpdyHeaders;
  readonly duplex: Duplex;
}

const CANCEL = 5;

/** @param onStream told of each stream that the client opens, after it has been accepted */
export function serveSpdy(transport: Duplex, onStream: (stream: SpdyStream) => void): SpdySession {
  const session = new Session(transport, onStream);
  return { ended: session.ended.promise, close: () => session.close() };
}

class Session {
  readonly ended = Promise.withResolvers<void>();
  readonly #transport: Duplex;
  readonly #codec: SpdyCodec = createSpdyCodec();
  readonly #streams = new Map<number, StreamDuplex>();
  readonly #onStream: (stream: SpdyStream) => void;
  /** Frames are read and written one after the other: their headers share one compression. */
  #reading: Promise<void> = Promise.resolve();
  #writing: Promise<void> = Promise.resolve();
  #lastStreamId = 0;
  #over = false;

  constructor(transport: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#transport = transport;
    this.#onStream = onStream;
    transport.on('data', (chunk: Buffer) => {
      this.#reading = this.#reading.then(() => this.#read(chunk)).catch(() => void transport.destroy());
    });
    transport.on('error', () => undefined);
    transport.on('end', () => void this.#reading.finally(() => transport.end()));
    transport.once('close', () => void this.#reading.finally(() => this.#finish()));
  }

  /** Resolves when the transport has taken it. */
  send(frame: SpdyFrame): Promise<void> {
    const sent = this.#writing.then(async () => {
      if (this.#over || this.#transport.destroyed) return;
      const bytes = await this.#codec.encode(frame);
      if (!this.#transport.write(bytes)) await drained(this.#transport);
    });
    this.#writing = sent.catch(() => undefined);
    return sent;
  }

  close(): void {
    void this.send({ type: 'goaway', lastStreamId: this.#lastStreamId });
    this.#writing = this.#writing.then(() => {
      this.#transport.end();
    });
  }

  forget(streamId: number): void {
    this.#streams.delete(streamId);
  }

  /** A reader that is slow slows down the whole connection, since there are no windows. */
  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  async #read(chunk: Buffer): Promise<void> {
    for (const frame of await this.#codec.decode(chunk)) this.#take(frame);
  }

  #take(frame: SpdyFrame): void {
    switch (frame.type) {
      case 'syn-stream':
        this.#open(frame.streamId, frame.headers, frame.fin);
        return;
      case 'data':
        this.#streams.get(frame.streamId)?.receive(frame.data, frame.fin);
        if (frame.data.length > 0) this.#grant(frame.streamId, frame.data.length);
        return;
      case 'rst-stream':
        this.#streams.get(frame.streamId)?.reset();
        return;
      case 'ping':
        void this.send(frame);
        return;
      case 'goaway':
      case 'syn-reply':
      case 'window-update':
      case 'other':
        return;
    }
  }

  #open(streamId: number, headers: SpdyHeaders, fin: boolean): void {
    this.#lastStreamId = Math.max(this.#lastStreamId, streamId);
    const duplex = new StreamDuplex(streamId, this);
    this.#streams.set(streamId, duplex);
    void this.send({ type: 'syn-reply', streamId, headers: {}, fin: false });
    if (fin) duplex.receive(Buffer.alloc(0), true);
    this.#onStream({ headers, duplex });
  }

  /** Stream 0 is the connection. */
  #grant(streamId: number, delta: number): void {
    void this.send({ type: 'window-update', streamId: 0, delta });
    if (this.#streams.has(streamId)) void this.send({ type: 'window-update', streamId, delta });
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    for (const stream of this.#streams.values()) stream.destroy();
    this.#streams.clear();
    void this.#writing.finally(() => {
      this.#codec.close();
      this.ended.resolve();
    });
  }
}

class StreamDuplex extends Duplex {
  readonly #id: number;
  readonly #session: Session;
  #reset = false;

  constructor(id: number, session: Session) {
    super({ allowHalfOpen: true });
    this.#id = id;
    this.#session = session;
    this.on('error', () => undefined);
  }

  receive(data: Buffer, fin: boolean): void {
    if (this.destroyed || this.readableEnded) return;
    if (data.length > 0 && !this.push(data)) this.#session.pause();
    if (fin) this.push(null);
  }

  reset(): void {
    this.#reset = true;
    this.destroy();
  }

  override _read(): void {
    this.#session.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#session.send({ type: 'data', streamId: this.#id, data: chunk, fin: false }).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#session.send({ type: 'data', streamId: this.#id, data: Buffer.alloc(0), fin: true }).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#session.forget(this.#id);
    this.#session.resume();
    const whole = this.readableEnded && this.writableFinished;
    if (!whole && !this.#reset) void this.#session.send({ type: 'rst-stream', streamId: this.#id, status: CANCEL });
    done(error);
  }
}

function drained(transport: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      transport.off('drain', done);
      transport.off('close', done);
      resolve();
    };
    transport.once('drain', done);
    transport.once('close', done);
  });
}
