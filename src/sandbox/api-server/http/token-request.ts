/** Tokens of service accounts on request (pkg/registry/core/serviceaccount/storage/token.go, v1.34). */
import type { ServiceAccountTokens } from '../../access/service-account-tokens.ts';
import type { KubeObject } from '../../objects/kube-object.ts';
import { conflict, invalid, notFound } from '../../objects/status-error.ts';
import { timestamp } from '../../clock/sandbox-clock.ts';
import type { FrontParts } from './exchange.ts';
import { jsonAnswer, type Answer } from './http-answers.ts';
import { trackUpdate } from '../../managed-fields/track-update.ts';
import { builtInSchemas } from '../../schema/built-in-schemas.ts';
import { canonical } from '../pipeline/canonical-object.ts';
import type { WriteContext } from '../server-core.ts';

/** As clients in Go send it: what is not set may be null. */
interface TokenSpec {
  readonly audiences?: readonly string[] | null;
  readonly expirationSeconds?: number | null;
  readonly boundObjectRef?: { readonly kind?: string; readonly name?: string; readonly uid?: string } | null;
}

const DEFAULT_SECONDS = 3_600;
const MIN_SECONDS = 600;
const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const ABOUT = { group: 'authentication.k8s.io', kind: 'TokenRequest', resource: 'tokenrequests' };

/** @throws StatusError 404 for an account or pod that is not there, 409 for another pod of that name, 422 for too short a time */
export function answerTokenRequest(parts: FrontParts, context: WriteContext, name: string, request: KubeObject): Answer {
  const { core, bearer } = parts;
  const { namespace } = context;
  const tokens: ServiceAccountTokens = bearer.tokens;
  const account = core.store.get('serviceaccounts', namespace, name);
  if (account === undefined) throw notFound({ group: '', resource: 'serviceaccounts', kind: 'ServiceAccount' }, name);
  const spec = (request['spec'] ?? {}) as TokenSpec;
  const expirationSeconds = spec.expirationSeconds ?? DEFAULT_SECONDS;
  if (expirationSeconds < MIN_SECONDS)
    throw invalid(ABOUT, '', [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.expirationSeconds',
        message: `Invalid value: ${expirationSeconds}: may not specify a duration less than 10 minutes`,
      },
    ]);
  const asked = spec.audiences ?? [];
  const audiences = asked.length === 0 ? [ISSUER] : asked;
  const pod = boundPod(parts, namespace, spec);
  const issued = tokens.issueToken({
    serviceAccount: name,
    namespace,
    uid: account.metadata.uid ?? '',
    expirationSeconds,
    audiences,
    ...(pod === undefined ? {} : { pod }),
  });
  const expirationTimestamp = timestamp({ nowMs: () => issued.expiresAtMs });
  return jsonAnswer(201, {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, ...tokenMetadata(core, context, account, request) },
    spec: { audiences, expirationSeconds, boundObjectRef: spec.boundObjectRef ?? null },
    status: { token: issued.token, expirationTimestamp },
  });
}

/** The token has the uid of its account, and says who asked for it. */
function tokenMetadata({ clock }: FrontParts['core'], context: WriteContext, account: KubeObject, request: KubeObject) {
  const read = canonical(request, false);
  const { expirationSeconds, ...spec } = (read['spec'] ?? {}) as Readonly<Record<string, unknown>>;
  const tracked = trackUpdate({
    before: undefined,
    after: { ...read, spec: { ...spec, expirationSeconds: expirationSeconds ?? DEFAULT_SECONDS } } as KubeObject,
    schema: builtInSchemas(read.apiVersion, read.kind),
    manager: context.fieldManager,
    apiVersion: read.apiVersion,
    subresource: context.subresource,
    time: timestamp(clock),
  });
  const { uid } = account.metadata;
  const { managedFields } = tracked.metadata;
  return {
    ...(uid === undefined ? {} : { uid }),
    creationTimestamp: timestamp(clock),
    ...(managedFields === undefined ? {} : { managedFields }),
  };
}

function boundPod(
  { core }: FrontParts,
  namespace: string,
  { boundObjectRef }: TokenSpec,
): { readonly name: string; readonly uid: string } | undefined {
  if (boundObjectRef?.kind === 'Secret') {
    const { name = '' } = boundObjectRef;
    if (core.store.get('secrets', namespace, name) === undefined) throw notFound({ group: '', resource: 'secrets', kind: 'Secret' }, name);
  }
  if (boundObjectRef?.kind !== 'Pod') return undefined;
  const { name = '', uid = '' } = boundObjectRef;
  const about = { group: '', resource: 'pods', kind: 'Pod' };
  const pod = core.store.get('pods', namespace, name);
  if (pod === undefined) throw notFound(about, name);
  const actual = pod.metadata.uid ?? '';
  if (uid !== '' && uid !== actual)
    throw conflict(
      about,
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  return { name, uid: actual };
}
