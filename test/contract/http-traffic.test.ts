/** The generator of load against a server of our own: nothing is lost by itself, and whatever goes wrong is counted. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpTraffic } from '../../src/adapters/http-load/http-traffic.ts';
import type { Hit } from '../../src/core/load/hit.ts';
import type { Attack } from '../../src/ports/traffic.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(handler: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function attack(url: string, more: Partial<Attack> = {}, signal = new AbortController().signal): Promise<Hit[]> {
  const hits: Hit[] = [];
  const input: Attack = {
    name: 'test',
    targets: [{ method: 'GET', url, headers: [] }],
    pace: { ratePerSecond: 200, durationMs: 500 },
    timeoutMs: 5000,
    maxConnections: 1000,
    keepAlive: true,
    insecure: false,
    redirects: 10,
    ...more,
  };
  await new HttpTraffic().attack(input, (hit) => hits.push(hit), signal);
  return hits;
}

const counts = (hits: readonly Hit[]): Record<string, number> =>
  Object.fromEntries(Object.entries(Object.groupBy(hits, (hit) => hit.code)).map(([code, list]) => [code, list?.length ?? 0]));

describe('an attack', () => {
  it('tells in one line that a server speaks no TLS', async () => {
    const { url } = await serve((_request, response) => response.end());
    const [hit] = await attack(url.replace('http:', 'https:'), { pace: { ratePerSecond: 1, durationMs: 1000 } });
    expect([hit?.code, hit?.error]).toEqual([0, expect.stringMatching(/^GET https:\S+: TLS: [a-z ]+$/)]);
  });

  it('sends every request once, and says what became of it', async () => {
    const seen: string[] = [];
    const { url } = await serve((request, response) => {
      seen.push(`${request.method} ${request.url} ${String(request.headers['x-a'])}`);
      response.end('hello');
    });
    const targets = [
      { method: 'GET', url: `${url}/a`, headers: [['X-A', '1']] as [string, string][] },
      { method: 'POST', url: `${url}/b`, headers: [], body: { base64: 'aGVsbG8=' } },
    ];
    const hits = await attack(url, { targets });
    expect([hits.length, counts(hits), seen.length]).toEqual([100, { 200: 100 }, 100]);
    expect(hits.map((hit) => hit.sequence).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(new Set(seen)).toEqual(new Set(['GET /a 1', 'POST /b undefined']));
    expect([hits.every((hit) => hit.bytesIn === 5), hits.find((hit) => hit.method === 'POST')?.bytesOut]).toEqual([true, 5]);
  });

  it('waits for nobody: what is due is sent while earlier ones are not answered', async () => {
    let most = 0;
    let open = 0;
    const { url } = await serve((_request, response) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        response.end();
      }, 400);
    });
    const hits = await attack(url);
    expect([hits.length, counts(hits)]).toEqual([100, { 200: 100 }]);
    expect(most).toBeGreaterThan(50);
  });

  it('counts from the moment a request was due, whatever held it up', async () => {
    const { url } = await serve((_request, response) => void setTimeout(() => response.end(), 50));
    // One connection: requests queue up behind each other, and the queue is part of what a user would feel.
    const hits = await attack(url, { maxConnections: 1, pace: { ratePerSecond: 100, durationMs: 200 } });
    const last = hits.find((hit) => hit.sequence === 19);
    expect(last?.latencyMs).toBeGreaterThan(700);
  });

  it('counts refused connections, errors, silence and answers that break off', async () => {
    const { url, server } = await serve((request, response) => {
      if (request.url === '/error') response.writeHead(503).end();
      else if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half');
        setTimeout(() => response.destroy(), 5);
      }
    });
    const pace = { ratePerSecond: 50, durationMs: 100 };
    const one = async (path: string): Promise<Hit[]> =>
      attack(url, { targets: [{ method: 'GET', url: url + path, headers: [] }], pace, timeoutMs: 200 });
    expect(counts(await one('/error'))).toEqual({ 503: 5 });
    expect((await one('/error'))[0]?.error).toBe('503 Service Unavailable');
    const silent = await one('/silent');
    expect([counts(silent), silent[0]?.error]).toEqual([{ 0: 5 }, expect.stringContaining('no answer within 200 ms')]);
    expect(counts(await one('/cut'))).toEqual({ 0: 5 });
    server.close();
    server.closeAllConnections();
    const refused = await one('/gone');
    expect([counts(refused), refused[0]?.error]).toEqual([{ 0: 5 }, expect.stringContaining('ECONNREFUSED')]);
  });

  it('does not count a connection that was closed while it was idle', async () => {
    const { url, server } = await serve((_request, response) => response.end('x'));
    server.keepAliveTimeout = 20;
    const hits = await attack(url, { pace: { ratePerSecond: 25, durationMs: 1000 } });
    expect(counts(hits)).toEqual({ 200: 25 });
  });

  it('follows redirects as far as it may', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/end') response.end();
      else response.writeHead(302, { location: '/end' }).end();
    });
    const pace = { ratePerSecond: 10, durationMs: 100 };
    expect(counts(await attack(`${url}/start`, { pace }))).toEqual({ 200: 1 });
    expect(counts(await attack(`${url}/start`, { pace, redirects: 0 }))).toEqual({ 302: 1 });
  });

  it('ends when it is told to, with all that was sent', async () => {
    let seen = 0;
    const { url } = await serve((_request, response) => {
      seen += 1;
      response.end();
    });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 150);
    const hits = await attack(url, { pace: { ratePerSecond: 100, durationMs: 60_000 } }, stop.signal);
    expect(hits.length).toBe(seen);
    expect(hits.length).toBeGreaterThan(3);
    expect(hits.length).toBeLessThan(60);
  });
});
