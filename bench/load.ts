/** How exactly `load attack` keeps its rate, and whether it loses a request by itself: against a server of this process. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const meshlift = fileURLToPath(new URL('../bin/meshlift', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'meshlift-bench-'));
/** When requests arrived: what the generator says of itself is not asked. */
const arrivals = { count: 0, first: 0, last: 0 };
const server = createServer((_request, response) => {
  arrivals.last = performance.now();
  if (arrivals.count === 0) arrivals.first = arrivals.last;
  arrivals.count += 1;
  response.end('ok');
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

interface Report {
  readonly requests: number;
  readonly rate: number;
  readonly success: number;
  readonly latencies: { readonly '50th': number; readonly '99th': number };
}

function run(...words: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(meshlift, words, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`meshlift ${words.join(' ')}: exit code ${code}`))));
  });
}

/** Sent within the seconds of the attack, by the clock of the requests' being due and answered. */
async function attack(ratePerSecond: number, seconds: number): Promise<Report> {
  const results = join(folder, `${ratePerSecond}.ndjson`);
  await run('load', 'attack', url, '--rate', String(ratePerSecond), '--duration', `${seconds}s`, '--quiet', '-o', results);
  const report = join(folder, `${ratePerSecond}.json`);
  await new Promise<void>((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `"$0" load report --type json "$1" > "$2"`, meshlift, results, report]);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))));
  });
  return JSON.parse(readFileSync(report, 'utf8')) as Report;
}

console.log('load');
for (const [rate, seconds] of [
  [10, 20],
  [100, 20],
  [1000, 100],
] as const) {
  arrivals.count = 0;
  const { requests, success, latencies } = await attack(rate, seconds);
  const arrived = ((arrivals.count - 1) * 1000) / (arrivals.last - arrivals.first);
  const error = Math.abs(arrived / rate - 1);
  const ms = (ns: number): string => `${(ns / 1e6).toFixed(1)} ms`;
  console.log(
    `  ${rate}/s for ${seconds}s   ${requests} sent, ${arrived.toFixed(2)}/s arrived (${(error * 100).toFixed(2)} % off, wanted: at most 0.5), ` +
      `${((1 - success) * requests).toFixed(0)} failed (wanted: 0), p50 ${ms(latencies['50th'])}, p99 ${ms(latencies['99th'])}`,
  );
  if (error > 0.005 || success < 1 || arrivals.count !== rate * seconds) process.exitCode = 1;
}
server.close();
server.closeAllConnections();
rmSync(folder, { recursive: true, force: true });
