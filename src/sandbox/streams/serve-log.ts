/** `kubectl logs`: what a container has said, and what it says from now on. */
import type { ServerResponse } from 'node:http';
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { ContainerLog, LogLine, PodRuntimes, RunningContainer } from '../cluster/pod-runtime.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { badRequest } from '../objects/status-error.ts';
import { chooseContainer, nodeOf } from './container-choice.ts';
import { readLogOptions, type LogOptions } from './log-options.ts';
import type { StreamRequest } from './stream-handler.ts';

export interface LogSources {
  readonly pods: PodRuntimes;
  readonly clock: SandboxClock;
}

/**
 * @throws StatusError before anything is written: no such container, one that has not started, bad options
 * @source kubernetes/kubernetes validateContainerLogStatus of pkg/kubelet/kubelet_pods.go @v1.34
 */
export async function serveLog({ pods, clock }: LogSources, request: StreamRequest, response: ServerResponse): Promise<void> {
  const options = readLogOptions(request.query, request.pod.metadata.name);
  const { name } = chooseContainer(request.pod, request.container);
  if (nodeOf(request.pod) === undefined) {
    answer(response).end();
    return;
  }
  const log = requireLog(request.pod, pods.container(request.pod.metadata.uid ?? '', name), name, options.previous);
  const { write, full } = limitedWriter(answer(response), options);
  const from = firstWanted(log.lines(), options, clock.nowMs());
  for (const line of from) write(line);
  if (!options.follow || full()) {
    response.end();
    return;
  }
  await followLog(log, response, (line) => {
    write(line);
    return !full();
  });
}

function answer(response: ServerResponse): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  return response;
}

function requireLog(pod: KubeObject, container: RunningContainer | undefined, name: string, previous: boolean): ContainerLog {
  const log = container?.log(previous);
  if (log !== undefined) return log;
  const title = `container ${JSON.stringify(name)} in pod ${JSON.stringify(pod.metadata.name)}`;
  if (previous) throw badRequest(`previous terminated ${title} not found`);
  const reason = waitingReason(pod, name);
  if (reason === undefined) throw badRequest(`${title} is not available`);
  const pulling = reason === 'ErrImagePull' || reason === 'ImagePullBackOff';
  throw badRequest(`${title} is waiting to start: ${pulling ? 'trying and failing to pull image' : reason}`);
}

interface StatusOfContainer {
  readonly name: string;
  readonly state?: { readonly waiting?: { readonly reason?: string } };
}

function waitingReason(pod: KubeObject, name: string): string | undefined {
  const status = (pod['status'] ?? {}) as {
    readonly containerStatuses?: readonly StatusOfContainer[];
    readonly initContainerStatuses?: readonly StatusOfContainer[];
  };
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  return all.find((one) => one.name === name)?.state?.waiting?.reason;
}

function firstWanted(lines: readonly LogLine[], { sinceSeconds, sinceMs, tailLines }: LogOptions, nowMs: number): readonly LogLine[] {
  const fromMs = sinceMs ?? (sinceSeconds === undefined ? Number.NEGATIVE_INFINITY : nowMs - sinceSeconds * 1000);
  const recent = lines.filter(({ atMs }) => atMs >= fromMs);
  if (tailLines === undefined) return recent;
  return tailLines === 0 ? [] : recent.slice(-tailLines);
}

function limitedWriter(
  response: ServerResponse,
  { timestamps, limitBytes }: LogOptions,
): { write: (line: LogLine) => void; full: () => boolean } {
  let left = limitBytes ?? Number.POSITIVE_INFINITY;
  return {
    write: ({ atMs, text }) => {
      if (left <= 0) return;
      const bytes = Buffer.from(`${timestamps ? `${nanosecondTime(atMs)} ` : ''}${text}\n`);
      response.write(bytes.length <= left ? bytes : bytes.subarray(0, left));
      left -= bytes.length;
    },
    full: () => left <= 0,
  };
}

/** Ends with the container, with the client, or when `take` wants no more. */
function followLog(log: ContainerLog, response: ServerResponse, take: (line: LogLine) => boolean): Promise<void> {
  return new Promise((resolve) => {
    let unfollow: () => void = () => undefined;
    const finish = (): void => {
      unfollow();
      response.off('close', finish);
      response.end();
      resolve();
    };
    response.once('close', finish);
    unfollow = log.follow({
      line: (line) => {
        if (!take(line)) finish();
      },
      end: finish,
    });
  });
}

/** RFC 3339 with nine digits, of which the sandbox knows three. */
function nanosecondTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, -1)}000000Z`;
}
