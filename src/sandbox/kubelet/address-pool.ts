/** Which loopback addresses a sandbox may use on this machine: a pool of its own, so that two sandboxes do not collide. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

export interface AddressPool {
  /** Second octet of the pods' addresses, 64 to 127. */
  readonly octet: number;
  /** Every address of 127/8 can be listened on. Elsewhere (macOS) pods listen on 127.0.0.1 with a port each. */
  readonly wholeLoopback: boolean;
  /** Ports below may not be bound by this user. */
  readonly lowestPort: number;
  /** Lets another sandbox have the pool. */
  readonly release: () => void;
}

const FIRST_OCTET = 64;
const LAST_OCTET = 127;
/** The port whose listener marks a pool as taken. */
const CLAIM_PORT = 61_999;

/** Takes the first pool that no other process has. */
export async function claimAddressPool(): Promise<AddressPool> {
  const lowestPort = lowestBindablePort();
  for (let octet = FIRST_OCTET; octet <= LAST_OCTET; octet += 1) {
    const claim = await listenAt(`127.${octet}.255.254`, CLAIM_PORT);
    if (claim === 'unavailable') break;
    if (claim === 'taken') continue;
    claim.unref();
    return { octet, wholeLoopback: true, lowestPort, release: () => void claim.close() };
  }
  return { octet: FIRST_OCTET, wholeLoopback: false, lowestPort, release: () => undefined };
}

function listenAt(host: string, port: number): Promise<Server | 'taken' | 'unavailable'> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE' ? 'taken' : 'unavailable'));
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

/** Linux lets an administrator lower the bound; a process of root and other systems' loopback have none that matters. */
function lowestBindablePort(): number {
  if (process.platform !== 'linux') return process.platform === 'win32' ? 1 : 1024;
  if (process.getuid?.() === 0) return 1;
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    return 1024;
  }
}
