import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { createSpdyCodec, DICTIONARY, type SpdyFrame } from './spdy-frames.ts';

function adler32(bytes: Buffer): string {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return (((b << 16) | a) >>> 0).toString(16);
}

describe('frames', () => {
  it('use the dictionary of SPDY/3, whose checksum every compressed block of a client names', () => {
    expect([DICTIONARY.length, adler32(DICTIONARY)]).toEqual([1423, 'e3c6a7c2']);
  });

  it('come out as they went in, however the bytes are cut', async () => {
    const number = fc.integer({ min: 1, max: 0x7fff_ffff });
    const frame: fc.Arbitrary<SpdyFrame> = fc.oneof(
      fc.record({
        type: fc.constantFrom('syn-stream' as const, 'syn-reply' as const),
        streamId: number,
        headers: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[ -~]{0,20}$/), { noNullPrototype: true }),
        fin: fc.boolean(),
      }),
      fc.record({
        type: fc.constant('data' as const),
        streamId: number,
        data: fc.uint8Array({ maxLength: 70_000 }).map((bytes) => Buffer.from(bytes)),
        fin: fc.boolean(),
      }),
      fc.record({ type: fc.constant('ping' as const), id: number }),
      fc.record({ type: fc.constant('rst-stream' as const), streamId: number, status: number }),
      fc.record({ type: fc.constant('goaway' as const), lastStreamId: number }),
      fc.record({ type: fc.constant('window-update' as const), streamId: number, delta: number }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 500 }), async (frames, size) => {
        const [from, to] = [createSpdyCodec(), createSpdyCodec()];
        const bytes: Buffer[] = [];
        for (const one of frames) bytes.push(await from.encode(one));
        const all = Buffer.concat(bytes);
        const decoded: SpdyFrame[] = [];
        for (let at = 0; at < all.length; at += size) decoded.push(...(await to.decode(all.subarray(at, at + size))));
        expect(decoded).toEqual(frames);
      }),
      { numRuns: 40 },
    );
  });

  it.each<[string, string]>([
    ['another version', '8002000100000004'],
    ['a length that no client sends', '00000001007fffff'],
  ])('are refused: %s', async (_case, hex) => {
    await expect(createSpdyCodec().decode(Buffer.from(hex, 'hex'))).rejects.toThrow('SPDY');
  });
});
