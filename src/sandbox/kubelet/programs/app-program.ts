/**
 * A generic application: an HTTP server on its container's ports that says who answers, and may ask other services first.
 * Its environment says how it behaves; knobs win over it.
 *
 * LATENCY_MS, ERROR_RATIO (0 to 1), STARTUP_MS, ON_STOP (graceful, abrupt), CALLS (comma-separated `http://host:port/path`).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ContainerProgram, ContainerSpec, PodContext, ProgramAnswer, ProgramFactory } from '../../cluster/pod-program.ts';
import { imageMatches } from '../kubelet-knobs.ts';
import { behaviourOf, createAppKnobs, type AppBehaviour, type AppKnobs } from './app-knobs.ts';
import { runCurl } from './curl-command.ts';

export interface AppCall {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface AppCallResult {
  readonly status: number;
  readonly body: string;
}

/** How an application reaches others: through the mesh, or straight. May throw. */
export type CallService = (context: PodContext, call: AppCall) => Promise<AppCallResult>;

export interface AppProgramOptions {
  /** Whole images; `*` stands for any text. */
  readonly images: readonly string[];
  readonly knobs?: AppKnobs;
  /** Absent: applications that ask others answer 502. */
  readonly call?: CallService;
}

const DEFAULT_PORT = 8080;
/** What a request carries on to the services that it causes to be asked. */
const CARRIED_HEADERS = ['x-request-id', 'traceparent', 'user-agent'];

export function createAppPrograms(options: AppProgramOptions): ProgramFactory {
  const knobs = options.knobs ?? createAppKnobs();
  return (_pod, container) =>
    options.images.some((pattern) => imageMatches(pattern, container.image)) ? new AppProgram(container, knobs, options.call) : undefined;
}

class AppProgram implements ContainerProgram {
  readonly #container: ContainerSpec;
  readonly #knobs: AppKnobs;
  readonly #call: CallService | undefined;
  #context: PodContext | undefined;
  #readyAtMs = Number.POSITIVE_INFINITY;
  #underWay = 0;
  #stopping = false;
  #drained: (() => void) | undefined;

  constructor(container: ContainerSpec, knobs: AppKnobs, call: CallService | undefined) {
    this.#container = container;
    this.#knobs = knobs;
    this.#call = call;
  }

  async start(context: PodContext): Promise<void> {
    this.#context = context;
    const ports = (this.#container.ports ?? []).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP').map((port) => port.containerPort);
    const served = ports.length === 0 ? [DEFAULT_PORT] : ports;
    for (const port of served) await context.serveHttp(port, (request, response) => void this.#answer(context, request, response));
    this.#readyAtMs = context.clock.nowMs() + (this.#behaviour(context).startupMs ?? 0);
    context.log(`listening on ${served.join(', ')}`);
  }

  ready(): boolean {
    return !this.#stopping && this.#context !== undefined && this.#context.clock.nowMs() >= this.#readyAtMs;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const context = this.#context;
    if (context === undefined) return;
    if (this.#behaviour(context).onStop === 'abrupt') {
      context.log(`received SIGTERM, ${this.#underWay} requests lost`);
      return;
    }
    context.log(`received SIGTERM, ${this.#underWay} requests under way`);
    context.closeListeners?.();
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
  }

  kill(): void {
    this.#stopping = true;
  }

  /** `curl` alone: what the application itself would get from another one. */
  exec([program = '', ...args]: readonly string[]): ProgramAnswer | Promise<ProgramAnswer> {
    const context = this.#context;
    if (!/(^|\/)curl$/.test(program) || context === undefined)
      return { stdout: '', stderr: `exec: ${JSON.stringify(program)}: executable file not found in $PATH\n`, exitCode: 127 };
    return runCurl(args, async (call) => {
      if (this.#call === undefined) throw new Error('there is no network');
      return this.#call(context, call);
    });
  }

  #behaviour(context: PodContext): AppBehaviour {
    return { ...behaviourFromEnv(this.#container), ...behaviourOf(this.#knobs, context.pod(), this.#container) };
  }

  async #answer(context: PodContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#underWay += 1;
    let counted = true;
    // Answered and cut-off requests end here alike.
    response.once('close', () => {
      if (!counted) return;
      counted = false;
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#drained?.();
    });
    request.resume();
    const { latencyMs = 0, errorRatio = 0, errorStatus = 500 } = this.#behaviour(context);
    if (latencyMs > 0) await context.clock.sleep(latencyMs);
    if (errorRatio > 0 && context.random() < errorRatio) {
      send(response, errorStatus, { error: 'injected by a knob', ...this.#identity(context) });
      return;
    }
    const calls = await this.#askOthers(context, request);
    const failed = calls.some(({ status }) => status >= 500);
    send(response, failed ? 502 : 200, { ...this.#identity(context), path: request.url ?? '/', ...(calls.length === 0 ? {} : { calls }) });
  }

  #identity(context: PodContext): Readonly<Record<string, string>> {
    const { name, namespace = '', labels } = context.pod().metadata;
    const app = labels?.['app'] ?? labels?.['app.kubernetes.io/name'] ?? this.#container.name;
    const version = labels?.['version'] ?? labels?.['app.kubernetes.io/version'];
    return { app, ...(version === undefined ? {} : { version }), pod: name, namespace };
  }

  async #askOthers(context: PodContext, request: IncomingMessage): Promise<readonly { readonly url: string; readonly status: number }[]> {
    const urls =
      envOf(this.#container, 'CALLS')
        ?.split(',')
        .filter((url) => url.trim() !== '') ?? [];
    const headers = carriedHeaders(request);
    return Promise.all(
      urls.map(async (text) => {
        const url = text.trim();
        const { hostname, port, pathname, search } = new URL(url);
        try {
          const call = { host: hostname, port: Number(port || 80), path: `${pathname}${search}`, headers };
          return { url, status: (await this.#call?.(context, call))?.status ?? 502 };
        } catch {
          return { url, status: 503 };
        }
      }),
    );
  }
}

function carriedHeaders(request: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    CARRIED_HEADERS.flatMap((name) => {
      const value = request.headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

function behaviourFromEnv(container: ContainerSpec): AppBehaviour {
  const latencyMs = numberOf(envOf(container, 'LATENCY_MS'));
  const errorRatio = numberOf(envOf(container, 'ERROR_RATIO'));
  const startupMs = numberOf(envOf(container, 'STARTUP_MS'));
  const onStop = envOf(container, 'ON_STOP');
  return {
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(errorRatio === undefined ? {} : { errorRatio }),
    ...(startupMs === undefined ? {} : { startupMs }),
    ...(onStop === 'abrupt' || onStop === 'graceful' ? { onStop } : {}),
  };
}

function envOf(container: ContainerSpec, name: string): string | undefined {
  return container.env?.find((entry) => entry.name === name)?.value;
}

function numberOf(text: string | undefined): number | undefined {
  const number = Number(text);
  return text === undefined || Number.isNaN(number) ? undefined : number;
}
