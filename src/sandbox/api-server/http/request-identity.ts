/** Who is on the other end of a connection. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ANONYMOUS, authenticateBearer, certificateUser, impersonatedUser, type BearerOptions } from '../../access/authentication.ts';
import { unauthorized } from '../../access/access-refusals.ts';
import type { Authorizer, UserInfo } from '../../access/authorizer.ts';

export type Identify = (message: IncomingMessage) => UserInfo;

/** @returns finds the user of a request; throws StatusError 401 for credentials that are nobody's, 403 for an impersonation that is not allowed */
export function createIdentify(bearer: BearerOptions, authorizer: Authorizer): Identify {
  const ofConnections = new WeakMap<Socket, UserInfo>();
  return (message) => {
    const [, token] = /^bearer +(\S+)/i.exec(message.headers.authorization ?? '') ?? [];
    const fromCertificate = ofConnections.get(message.socket) ?? userOfCertificate(message.socket);
    if (fromCertificate !== undefined) ofConnections.set(message.socket, fromCertificate);
    const user = fromCertificate ?? (token === undefined ? ANONYMOUS : authenticateBearer(token, bearer));
    return impersonatedUser(user, message.headersDistinct, authorizer);
  };
}

/** The subject of a client certificate: CN is the user, each O a group. @throws StatusError 401 for one of another authority */
function userOfCertificate(socket: Socket): UserInfo | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerCertificate();
  const subject = certificate.subject as { readonly CN?: string; readonly O?: string | readonly string[] } | undefined;
  if (subject?.CN === undefined) return undefined;
  if (!socket.authorized) throw unauthorized();
  const organizations = subject.O === undefined ? [] : typeof subject.O === 'string' ? [subject.O] : subject.O;
  return certificateUser(subject.CN, organizations, certificate.fingerprint256.replaceAll(':', '').toLowerCase());
}
