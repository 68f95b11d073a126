/**
 * Frames of SPDY/3.1 as bytes. Header blocks are compressed with one state for the whole connection, so frames must be
 * encoded and decoded in their order.
 * @source SPDY Protocol, draft 3.1, sections 2.2 (framing), 2.6.10 (name/value header block) and its dictionary
 */
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';

export type SpdyHeaders = Readonly<Record<string, string>>;

export type SpdyFrame =
  | { readonly type: 'syn-stream'; readonly streamId: number; readonly headers: SpdyHeaders; readonly fin: boolean }
  | { readonly type: 'syn-reply'; readonly streamId: number; readonly headers: SpdyHeaders; readonly fin: boolean }
  | { readonly type: 'data'; readonly streamId: number; readonly data: Buffer; readonly fin: boolean }
  | { readonly type: 'rst-stream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway'; readonly lastStreamId: number }
  | { readonly type: 'window-update'; readonly streamId: number; readonly delta: number }
  /** Settings, headers and what is not known: nothing that Kubernetes' streams use. */
  | { readonly type: 'other'; readonly code: number };

const VERSION = 3;
const HEADER_BYTES = 8;
const FLAG_FIN = 1;
/** Streams of Kubernetes send pieces of 32 KiB; a longer frame than this is no such client. */
const LONGEST_FRAME = 1024 * 1024;

const CODES = { 'syn-stream': 1, 'syn-reply': 2, 'rst-stream': 3, ping: 6, goaway: 7, 'window-update': 9 } as const;

interface RawFrame {
  readonly control: boolean;
  /** Type of a control frame, stream of a data frame. */
  readonly code: number;
  readonly flags: number;
  readonly payload: Buffer;
}

export interface SpdyCodec {
  /** @returns the frames that are complete by now @throws Error when it is not SPDY/3 */
  readonly decode: (chunk: Buffer) => Promise<readonly SpdyFrame[]>;
  readonly encode: (frame: SpdyFrame) => Promise<Buffer>;
  readonly close: () => void;
}

export function createSpdyCodec(): SpdyCodec {
  const inflate = createInflate({ dictionary: DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH });
  const deflate = createDeflate({ dictionary: DICTIONARY });
  let rest: Buffer = Buffer.alloc(0);
  return {
    decode: async (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const frames: SpdyFrame[] = [];
      for (let raw = cutFrame(rest); raw !== undefined; raw = cutFrame(rest)) {
        rest = rest.subarray(HEADER_BYTES + raw.payload.length);
        frames.push(await readFrame(raw, inflate));
      }
      return frames;
    },
    encode: (frame) => writeFrame(frame, deflate),
    close: () => {
      inflate.close();
      deflate.close();
    },
  };
}

function cutFrame(bytes: Buffer): RawFrame | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const length = bytes.readUIntBE(5, 3);
  if (length > LONGEST_FRAME) throw new Error(`SPDY frame of ${length} bytes`);
  const word = bytes.readUInt32BE(0);
  const control = word >= 0x8000_0000;
  const version = (word >>> 16) & 0x7fff;
  if (control && version !== VERSION) throw new Error(`SPDY version ${version}`);
  if (bytes.length < HEADER_BYTES + length) return undefined;
  const code = control ? word & 0xffff : word & 0x7fff_ffff;
  return { control, code, flags: bytes[4] ?? 0, payload: bytes.subarray(HEADER_BYTES, HEADER_BYTES + length) };
}

async function readFrame({ control, code, flags, payload }: RawFrame, inflate: Inflate): Promise<SpdyFrame> {
  const fin = (flags & FLAG_FIN) !== 0;
  if (!control) return { type: 'data', streamId: code, data: payload, fin };
  const first = payload.length >= 4 ? payload.readUInt32BE(0) : 0;
  const streamId = first & 0x7fff_ffff;
  switch (code) {
    case CODES['syn-stream']:
      return { type: 'syn-stream', streamId, headers: await readHeaders(payload.subarray(10), inflate), fin };
    case CODES['syn-reply']:
      return { type: 'syn-reply', streamId, headers: await readHeaders(payload.subarray(4), inflate), fin };
    case CODES['rst-stream']:
      return { type: 'rst-stream', streamId, status: secondWord(payload) };
    case CODES.ping:
      return { type: 'ping', id: first };
    case CODES.goaway:
      return { type: 'goaway', lastStreamId: streamId };
    case CODES['window-update']:
      return { type: 'window-update', streamId, delta: secondWord(payload) & 0x7fff_ffff };
    default:
      return { type: 'other', code };
  }
}

function secondWord(payload: Buffer): number {
  return payload.length >= 8 ? payload.readUInt32BE(4) : 0;
}

async function writeFrame(frame: SpdyFrame, deflate: Deflate): Promise<Buffer> {
  switch (frame.type) {
    case 'data':
      return Buffer.concat([frameHeader(frame.streamId, frame.fin, frame.data.length), frame.data]);
    case 'syn-stream':
      // Stream, associated stream, priority and slot.
      return control(CODES['syn-stream'], frame.fin, [
        words(frame.streamId, 0),
        Buffer.alloc(2),
        await writeHeaders(frame.headers, deflate),
      ]);
    case 'syn-reply':
      return control(CODES['syn-reply'], frame.fin, [words(frame.streamId), await writeHeaders(frame.headers, deflate)]);
    case 'rst-stream':
      return control(CODES['rst-stream'], false, [words(frame.streamId, frame.status)]);
    case 'ping':
      return control(CODES.ping, false, [words(frame.id)]);
    case 'goaway':
      return control(CODES.goaway, false, [words(frame.lastStreamId, 0)]);
    case 'window-update':
      return control(CODES['window-update'], false, [words(frame.streamId, frame.delta)]);
    case 'other':
      throw new Error(`SPDY frame of type ${frame.code} cannot be written`);
  }
}

function control(code: number, fin: boolean, parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([frameHeader((0x8000_0000 | (VERSION << 16) | code) >>> 0, fin, length), ...parts]);
}

function frameHeader(word: number, fin: boolean, length: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(word, 0);
  header[4] = fin ? FLAG_FIN : 0;
  header.writeUIntBE(length, 5, 3);
  return header;
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * index);
  return bytes;
}

async function readHeaders(block: Buffer, inflate: Inflate): Promise<SpdyHeaders> {
  const bytes = await pass(inflate, block);
  const headers: Record<string, string> = {};
  let at = 0;
  const readWord = (): number => {
    const value = bytes.readUInt32BE(at);
    at += 4;
    return value;
  };
  const readText = (): string => {
    const length = readWord();
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  for (let left = readWord(); left > 0; left -= 1) {
    const name = readText();
    // Several values of one name are divided by NUL; the streams of Kubernetes give one each.
    headers[name] = readText().split('\0')[0] ?? '';
  }
  return headers;
}

function writeHeaders(headers: SpdyHeaders, deflate: Deflate): Promise<Buffer> {
  const entries = Object.entries(headers);
  const texts = entries.flatMap(([name, value]) => [name.toLowerCase(), value]).map((text) => Buffer.from(text, 'utf8'));
  return pass(deflate, Buffer.concat([words(entries.length), ...texts.flatMap((text) => [words(text.length), text])]));
}

/** Sends bytes through a compression whose state goes on. */
function pass(stream: Inflate | Deflate, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const onData = (part: Buffer): void => void parts.push(part);
    const finish = (done: () => void): void => {
      stream.off('data', onData);
      stream.off('error', onError);
      done();
    };
    const onError = (error: Error): void => finish(() => reject(error));
    stream.on('data', onData);
    stream.on('error', onError);
    stream.write(bytes);
    stream.flush(constants.Z_SYNC_FLUSH, () => finish(() => resolve(Buffer.concat(parts))));
  });
}

/** Words with their length before them, then pieces of text without. */
const DICTIONARY_WORDS = `options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow
authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5
content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since
last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer
transfer-encoding upgrade user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie
keep-alive origin`
  .split(/\s+/)
  .map((word) => word.replace('_', ' '));

const DICTIONARY_TEXT = [
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505',
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found',
  '500 Internal Server Error501 Not Implemented503 Service Unavailable',
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT',
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,',
  'publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.',
].join('');

export const DICTIONARY: Buffer = Buffer.concat([
  ...DICTIONARY_WORDS.flatMap((word) => [words(word.length), Buffer.from(word)]),
  Buffer.from(DICTIONARY_TEXT),
]);
