/** Answers everything that streams from and to pods, for the API server. */
import type { SandboxClock } from '../clock/sandbox-clock.ts';
import type { PodNetwork } from '../cluster/pod-network.ts';
import type { PodRuntimes } from '../cluster/pod-runtime.ts';
import { forwardPorts } from './forward-ports.ts';
import { serveCommand } from './serve-command.ts';
import { serveLog } from './serve-log.ts';
import type { StreamHandler } from './stream-handler.ts';

export interface PodStreamsInput {
  readonly pods: PodRuntimes;
  readonly network: PodNetwork;
  readonly clock: SandboxClock;
}

export function createPodStreams({ pods, network, clock }: PodStreamsInput): StreamHandler {
  return {
    serveLog: (request, _message, response) => serveLog({ pods, clock }, request, response),
    serveUpgrade: (request, message, upgrade) =>
      request.subresource === 'portforward'
        ? forwardPorts(network, request, message, upgrade)
        : serveCommand({ pods, clock }, request, message, upgrade),
  };
}
