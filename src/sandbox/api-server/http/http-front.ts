/** The API server over HTTP: who asks, whether they may, and what is answered. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { UserInfo } from '../../access/authorizer.ts';
import type { RbacAuthorizer } from '../../access/rbac-authorizer.ts';
import type { ServiceAccountTokens } from '../../access/service-account-tokens.ts';
import type { StreamHandler } from '../../streams/stream-handler.ts';
import { createPathAnswers } from '../discovery/path-answers.ts';
import type { ServerCore } from '../server-core.ts';
import { admitRequest, pathVerb, type AdmittedRequest } from './admitted-request.ts';
import type { FrontParts } from './exchange.ts';
import { failureAnswer, sendAnswer, statusAnswer } from './http-answers.ts';
import { ObjectSerializer } from './object-serializer.ts';
import { createIdentify } from './request-identity.ts';
import type { InterceptedRequest, Interception, RequestInterceptor } from './request-interceptor.ts';
import { answerResource } from './resource-requests.ts';
import { refuseUpgrade, upgradeRequest } from './upgrade-requests.ts';

export interface HttpFrontOptions {
  readonly core: ServerCore;
  readonly authorizer: RbacAuthorizer;
  readonly tokens: ServiceAccountTokens;
  readonly staticTokens?: ReadonlyMap<string, UserInfo>;
}

export interface HttpFront {
  readonly handle: (message: IncomingMessage, response: ServerResponse) => void;
  readonly handleUpgrade: (message: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly serveStreams: (handler: StreamHandler) => void;
  readonly intercept: (interceptor: RequestInterceptor | undefined) => void;
  /** Ends what is still open: watches, logs, forwarded ports. */
  readonly close: () => void;
}

export function createHttpFront({ core, authorizer, tokens, staticTokens }: HttpFrontOptions): HttpFront {
  let streams: StreamHandler | undefined;
  let interceptor: RequestInterceptor | undefined;
  const bearer = { tokens, ...(staticTokens === undefined ? {} : { staticTokens }) };
  const parts: FrontParts = { core, authorizer, bearer, serializer: new ObjectSerializer(), streams: () => streams, open: new Set() };
  const identify = createIdentify(bearer, authorizer);
  const answerPath = createPathAnswers(core);
  const admit = (message: IncomingMessage): AdmittedRequest => admitRequest(message, identify, authorizer);

  const answer = async (message: IncomingMessage, response: ServerResponse, release: () => void): Promise<void> => {
    const warnings: string[] = [];
    try {
      const incoming = admit(message);
      const interception = interceptor?.(interceptedRequest(incoming)) ?? { do: 'pass' };
      // Time must go on for a delay to pass.
      if (interception.do === 'delay') release();
      if (await intercepted(core, interception, response)) return;
      const { info, query, user } = incoming;
      const silent = interception.do === 'silence';
      const answered =
        info === undefined
          ? answerPath(message, incoming.path, query)
          : await answerResource(parts, { message, response, query, info, user, warnings, release, silent });
      if (answered === undefined) return;
      const sent = sendAnswer(response, answered, warnings);
      // A client that reads slowly does not stop the clock.
      release();
      await sent;
    } catch (error) {
      await sendFailure(response, error, warnings);
    }
  };

  return {
    handle: (message, response) => {
      response.once('close', attended(core));
      const release = core.clock.hold();
      void answer(message, response, release).finally(release);
    },
    handleUpgrade: (message, socket, head) => {
      socket.on('error', () => socket.destroy());
      socket.once('close', attended(core));
      upgradeRequest(parts, admit, { message, socket, head }).catch((error: unknown) => refuseUpgrade(socket, error));
    },
    serveStreams: (handler) => {
      streams = handler;
    },
    intercept: (next) => {
      interceptor = next;
    },
    close: () => {
      for (const end of parts.open) end();
    },
  };
}

/** @returns says that the client has gone */
function attended({ clock }: ServerCore): () => void {
  return clock.attend?.() ?? (() => undefined);
}

function interceptedRequest({ method, path, query, info, user }: AdmittedRequest): InterceptedRequest {
  const { verb = pathVerb(method), group = '', resource = '', namespace = '', name = '' } = info ?? {};
  return { method, path, query, verb, group, resource, namespace, name, user };
}

/** @returns whether the request has been dealt with */
async function intercepted({ clock }: ServerCore, interception: Interception, response: ServerResponse): Promise<boolean> {
  if (interception.do === 'answer') {
    await sendAnswer(response, statusAnswer(interception.status));
    return true;
  }
  if (interception.do === 'reset') {
    response.socket?.destroy();
    return true;
  }
  if (interception.do === 'delay') await clock.sleep(interception.delayMs);
  return false;
}

/** A Status, or the end of a stream that has begun already. */
async function sendFailure(response: ServerResponse, error: unknown, warnings: readonly string[]): Promise<void> {
  if (response.headersSent) response.destroy();
  else await sendAnswer(response, failureAnswer(error), warnings);
}
