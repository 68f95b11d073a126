import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHit, encodeHit, type Hit } from './hit.ts';
import { LoadSummarizer } from './load-summary.ts';
import { dueAtMs, hitsDue, totalHits } from './pace.ts';
import { parseDurationMs, parseRatePerSecond } from './rate.ts';
import { RecentHits } from './recent-hits.ts';
import { parseTargetJson, parseTargetLines } from './target.ts';
import { countBySpan } from './time-spans.ts';

describe('durations and rates', () => {
  it.each<[string, number | undefined]>([
    ['0', 0],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['1us', 0.001],
    ['', undefined],
    ['10', undefined],
    ['s', undefined],
    ['-1s', undefined],
    ['1s x', undefined],
  ])('duration %s', (text, ms) => expect(parseDurationMs(text)).toBe(ms));

  it.each<[string, number | undefined]>([
    ['50', 50],
    ['50/1s', 50],
    ['600/m', 10],
    ['1/5s', 0.2],
    ['0.5/s', 0.5],
    ['0', undefined],
    ['50/0', undefined],
    ['50/', undefined],
    ['a', undefined],
    ['-5', undefined],
    ['5/x', undefined],
  ])('rate %s', (text, rate) => expect(parseRatePerSecond(text)).toBe(rate));
});

describe('the pace', () => {
  it.each([
    [{ ratePerSecond: 20, durationMs: 15_000 }, 300],
    [{ ratePerSecond: 0.2, durationMs: 15_000 }, 3],
    [{ ratePerSecond: 3, durationMs: 1000 }, 3],
    [{ ratePerSecond: 0.1, durationMs: 1000 }, 1],
    [{ ratePerSecond: 50, durationMs: 0 }, 0],
  ])('%j has %i requests', (pace, hits) => expect(totalHits(pace)).toBe(hits));

  it('sends each request when it is due: not before, and not later than it is asked', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 5000, noNaN: true }), fc.double({ min: 1, max: 60_000, noNaN: true }), (rate, durationMs) => {
        const pace = { ratePerSecond: rate, durationMs };
        const total = totalHits(pace);
        for (const index of [0, 1, Math.floor(total / 2), total - 1].filter((i) => i >= 0 && i < total)) {
          const due = dueAtMs(pace, index);
          expect(hitsDue(pace, due)).toBeGreaterThanOrEqual(index + 1);
          expect(hitsDue(pace, due - 0.5 * (1000 / rate))).toBeLessThanOrEqual(index);
        }
        expect(hitsDue(pace, durationMs * 10)).toBe(total);
        expect(hitsDue(pace, -1)).toBe(0);
      }),
    );
  });
});

describe('targets', () => {
  it('are request lines with headers and bodies', () => {
    const text = '# shop\nGET http://a/b?c=d\nHost: shop.example\nX-A: 1\n\n// and\nPOST https://e:8443/f\n@body.json\nGET http://g/\n';
    expect(parseTargetLines(text)).toEqual({
      targets: [
        {
          method: 'GET',
          url: 'http://a/b?c=d',
          headers: [
            ['Host', 'shop.example'],
            ['X-A', '1'],
          ],
        },
        { method: 'POST', url: 'https://e:8443/f', headers: [], body: { file: 'body.json' } },
        { method: 'GET', url: 'http://g/', headers: [] },
      ],
    });
  });

  it.each([
    ['', 1, 'there is no target'],
    ['Host: a', 1, '"Host: a" is no request line'],
    ['GET http://a\n\nnot a header', 3, 'is no header'],
    ['GET ftp://a', 1, 'is no URL'],
  ])('%j is refused', (text, line, what) => {
    expect(parseTargetLines(text)).toEqual({ mistakes: [{ line, what: expect.stringContaining(what) as string }] });
  });

  it('are JSON, too', () => {
    const line = JSON.stringify({ method: 'PUT', url: 'http://a', header: { 'X-A': ['1', '2'] }, body: 'aGk=' });
    const headers = [
      ['X-A', '1'],
      ['X-A', '2'],
    ];
    expect(parseTargetJson(`${line}\n`)).toEqual({ targets: [{ method: 'PUT', url: 'http://a', headers, body: { base64: 'aGk=' } }] });
    expect(parseTargetJson('{"method":"GET"}\nx')).toEqual({
      mistakes: [
        { line: 1, what: expect.stringContaining('url') as string },
        { line: 2, what: 'it is no JSON' },
      ],
    });
  });
});

const hit = (more: Partial<Hit> = {}): Hit => ({
  attack: '',
  sequence: 0,
  code: 200,
  dueAtMs: 1_770_000_000_000,
  latencyMs: 10,
  bytesOut: 0,
  bytesIn: 100,
  error: '',
  method: 'GET',
  url: 'http://a/',
  ...more,
});

describe('results', () => {
  it('are stored as vegeta stores them', () => {
    expect(JSON.parse(encodeHit(hit({ dueAtMs: 1_770_000_000_000.25, latencyMs: 1.5 })))).toEqual({
      attack: '',
      seq: 0,
      code: 200,
      timestamp: '2026-02-02T02:40:00.000250000Z',
      latency: 1_500_000,
      bytes_out: 0,
      bytes_in: 100,
      error: '',
      body: null,
      method: 'GET',
      url: 'http://a/',
      headers: null,
    });
  });

  it('come back as they were, to the microsecond', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4_000_000_000_000 }),
        fc.integer({ min: 0, max: 999 }),
        fc.integer({ min: 0, max: 1e9 }),
        (ms, us, ns) => {
          const one = hit({ dueAtMs: ms + us / 1000, latencyMs: ns / 1e6 });
          const back = decodeHit(encodeHit(one));
          expect(back).toEqual({
            ...one,
            dueAtMs: expect.closeTo(one.dueAtMs, 2) as number,
            latencyMs: expect.closeTo(one.latencyMs, 6) as number,
          });
        },
      ),
    );
  });

  it('of vegeta with a zone are read', () => {
    const line =
      '{"seq":7,"code":0,"timestamp":"2026-02-02T03:40:00.5+01:00","latency":2000000,"error":"refused","url":"u","method":"GET"}';
    expect(decodeHit(line)).toMatchObject({ sequence: 7, code: 0, dueAtMs: 1_770_000_000_500, latencyMs: 2, error: 'refused' });
  });

  it.each(['', 'x', '{}', '{"seq":1,"code":200,"timestamp":"yesterday","latency":1}'])('%j is none', (line) => {
    expect(decodeHit(line)).toBeUndefined();
  });
});

describe('the summary', () => {
  it('of nothing is nothing', () => {
    expect(new LoadSummarizer().summary()).toMatchObject({ requests: 0, ratePerSecond: 0, successRatio: 0, failed: 0, errors: [] });
  });

  it('counts what was due, what came back, and what did not', () => {
    const summarizer = new LoadSummarizer();
    for (let i = 0; i < 100; i += 1) {
      const failed = i === 7 ? { code: 503, error: '503 Service Unavailable' } : i === 8 ? { code: 0, error: 'refused', bytesIn: 0 } : {};
      summarizer.add(hit({ sequence: i, dueAtMs: 1_770_000_000_000 + i * 10, latencyMs: i + 1, ...failed }));
    }
    const summary = summarizer.summary();
    expect(summary).toMatchObject({
      requests: 100,
      attackMs: 990,
      waitMs: 100,
      successRatio: 0.98,
      failed: 2,
      statusCodes: { 0: 1, 200: 98, 503: 1 },
      errors: ['503 Service Unavailable', 'refused'],
      bytesIn: 9900,
    });
    expect(summary.ratePerSecond).toBeCloseTo(101.01, 2);
    expect(summary.throughputPerSecond).toBeCloseTo(98 / 1.09, 2);
    expect(summary.latenciesMs).toMatchObject({ min: 1, mean: 50.5, max: 100 });
  });

  it('has quantiles within a thousandth of the exact ones', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.01, max: 50_000, noNaN: true }), { minLength: 1, maxLength: 300 }), (latencies) => {
        const summarizer = new LoadSummarizer();
        for (const latencyMs of latencies) summarizer.add(hit({ latencyMs }));
        const sorted = latencies.toSorted((a, b) => a - b);
        const { latenciesMs } = summarizer.summary();
        for (const [percent, value] of [
          [50, latenciesMs.p50],
          [90, latenciesMs.p90],
          [99, latenciesMs.p99],
        ] as const) {
          const exact = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0;
          expect(Math.abs(value - exact)).toBeLessThanOrEqual(exact * 0.001 + 0.001);
        }
      }),
    );
  });
});

describe('the latest requests', () => {
  const good = { code: 200, error: '' };
  const bad = { code: 503, error: '503 Service Unavailable' };
  const after = (...hits: (typeof good)[]): RecentHits => judged(undefined, ...hits);
  const judged = (stopAt: ConstructorParameters<typeof RecentHits>[0], ...hits: (typeof good)[]): RecentHits => {
    const recent = new RecentHits(stopAt);
    for (const one of hits) recent.add(one);
    return recent;
  };
  const many = (hits: number, one = good): (typeof good)[] => Array.from({ length: hits }, () => one);

  it('say nothing while there are fewer than a hundred', () => {
    expect(after(...many(99, bad)).tooManyFailures()).toBeUndefined();
  });

  it('are well with one failure of a hundred, and not with two', () => {
    expect(after(...many(99), bad).tooManyFailures()).toBeUndefined();
    expect(after(...many(98), bad, bad).tooManyFailures()).toEqual({ failed: 2, of: 100 });
  });

  it('forget what is older than the last hundred', () => {
    expect(after(bad, bad, ...many(98)).tooManyFailures()).toEqual({ failed: 2, of: 100 });
    expect(after(bad, bad, ...many(99)).tooManyFailures()).toBeUndefined();
  });

  it('are judged as the request says', () => {
    expect(judged({ failed: 1, of: 1 }, good).tooManyFailures()).toBeUndefined();
    expect(judged({ failed: 1, of: 1 }, good, bad).tooManyFailures()).toEqual({ failed: 1, of: 1 });
    expect(judged({ failed: 1, of: 1 }, bad, good).tooManyFailures()).toBeUndefined();
    expect(judged({ failed: 3, of: 4 }, bad, bad, bad).tooManyFailures()).toBeUndefined();
    expect(judged({ failed: 3, of: 4 }, bad, bad, bad, good).tooManyFailures()).toEqual({ failed: 3, of: 4 });
    expect(judged({ failed: 3, of: 4 }, bad, bad, bad, good, good).tooManyFailures()).toBeUndefined();
    expect(judged({ failed: 100, of: 100 }, ...many(99, bad), good).tooManyFailures()).toBeUndefined();
  });
});

describe('failures by step', () => {
  const spans = [
    { name: 'install', fromMs: 100, untilMs: 200 },
    { name: 'restart', fromMs: 250 },
  ];

  it('are counted where they were due, the rest apart', () => {
    expect(countBySpan([150, 200, 220, 260, 9000], spans, 'between steps')).toEqual([
      { name: 'install', count: 2 },
      { name: 'restart', count: 2 },
      { name: 'between steps', count: 1 },
    ]);
  });

  it('are none where nothing failed', () => {
    expect(countBySpan([], spans, 'between steps')).toEqual([]);
  });
});
