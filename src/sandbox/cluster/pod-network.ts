/** Addresses of pods and services, and where they are really reached on this machine. Everything that connects to a pod goes through it. */
import type { Socket } from 'node:net';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface PodNetwork {
  /** A new pod address, 127.x.y.z; returned by `releasePodIp`. */
  allocatePodIp(): string;
  releasePodIp(ip: string): void;
  /** Where a program must listen so that `ip:port` reaches it: the address itself, or 127.0.0.1 and a free port where 127/8 is not there. */
  listenAddress(ip: string, port: number): Endpoint;
  /** Told by the program once it listens, with the port that it got. */
  announce(ip: string, port: number, at: Endpoint): void;
  withdraw(ip: string, port: number): void;
  /** Where `ip:port` is reached now; undefined when nobody listens there. */
  resolve(ip: string, port: number): Endpoint | undefined;
  /** A ready endpoint of a service and the port that it targets; undefined when there is none. Picks by turns. */
  resolveService(namespace: string, name: string, port: number | string): { readonly ip: string; readonly port: number } | undefined;
  /** Connects; refused (ECONNREFUSED) when nobody listens. */
  connect(ip: string, port: number): Promise<Socket>;
}
