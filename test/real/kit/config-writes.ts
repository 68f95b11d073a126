/** Somebody who writes Istio configuration all the time: every write must be taken, whoever validates it at that moment. */
import type { Running } from '../../kit/child-process.ts';
import { start } from '../../kit/child-process.ts';

const INTERVAL_MS = 100;

export interface ConfigWrites {
  /** Ends the writing. @returns how many were written, and the words of the server for each that failed */
  stop(): Promise<{ readonly written: number; readonly failures: readonly string[] }>;
}

/** @param namespace in which a VirtualService without a revision is created, changed and deleted, one write every 100 ms */
export async function writeConfiguration(namespace: string): Promise<ConfigWrites> {
  const { proxy, address } = await openProxy();
  const base = `${address}/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`;
  const failures: string[] = [];
  // Another time other names, since the last object of a loop may be left.
  const prefix = `writes-${Date.now().toString(36)}`;
  let written = 0;
  let last: Promise<void> = Promise.resolve();
  const writer = setInterval(() => {
    const turn = written;
    written += 1;
    // On a busy machine a write may take longer than the time to the next, which needs the object that this one makes.
    const before = turn % 3 === 0 ? Promise.resolve() : last;
    last = before.then(() => write(base, prefix, turn)).catch((error: unknown) => void failures.push(`write ${turn}: ${String(error)}`));
  }, INTERVAL_MS);
  return {
    async stop() {
      clearInterval(writer);
      await last;
      await closeProxy(proxy);
      return { written, failures };
    },
  };
}

export interface ObjectWatch {
  /** @returns how often it was looked at, and every look that did not find it */
  stop(): Promise<{ readonly looks: number; readonly missing: readonly string[] }>;
}

/** Looks at one object all the time. @param path of the object at the API server */
export async function watchObject(path: string): Promise<ObjectWatch> {
  const { proxy, address } = await openProxy();
  const missing: string[] = [];
  let looks = 0;
  let stopped = false;
  const looking = (async () => {
    while (!stopped) {
      const answer = await fetch(`${address}${path}`);
      looks += 1;
      if (!answer.ok) missing.push(`look ${looks}: ${answer.status}`);
      await answer.arrayBuffer();
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS / 5));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await looking;
      await closeProxy(proxy);
      return { looks, missing };
    },
  };
}

async function openProxy(): Promise<{ readonly proxy: Running; readonly address: string }> {
  const proxy = start('kubectl', ['proxy', '--port=0']);
  return { proxy, address: await addressOf(proxy) };
}

async function closeProxy(proxy: Running): Promise<void> {
  proxy.child.kill('SIGTERM');
  await proxy.done.catch(() => undefined);
}

async function addressOf(proxy: Running): Promise<string> {
  return new Promise((resolve, reject) => {
    proxy.child.stdout?.on('data', (chunk: Buffer) => {
      const port = /127\.0\.0\.1:(\d+)/.exec(chunk.toString())?.[1];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
    });
    proxy.done.then(({ stderr }) => reject(new Error(`kubectl proxy ended: ${stderr}`)), reject);
  });
}

/** Each object is created, changed, and deleted by the writes that follow one another. */
function write(base: string, prefix: string, turn: number): Promise<void> {
  const name = `${prefix}-${Math.floor(turn / 3)}`;
  const spec = { hosts: [`${name}.example`], http: [{ route: [{ destination: { host: 'somewhere' } }] }] };
  const object = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name }, spec };
  switch (turn % 3) {
    case 0:
      return send(base, 'POST', object);
    case 1:
      return send(`${base}/${name}`, 'PATCH', { spec: { ...spec, hosts: [`${name}.example`, `again.${name}.example`] } });
    default:
      return send(`${base}/${name}`, 'DELETE');
  }
}

async function send(url: string, method: string, body?: unknown): Promise<void> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${answer.status}: ${text.slice(0, 300)}`);
}
