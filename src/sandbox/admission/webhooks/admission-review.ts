/** The question to a webhook and its answer. As apiserver pkg/admission/plugin/webhook/request/admissionreview.go, v1.34. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { isRecord, list, record, text, type Json } from '../../resources/json-tree.ts';
import type { AdmissionAttributes } from '../admission.ts';
import { CallFailure } from './call-failure.ts';
import type { Invocation } from './match-webhook.ts';
import type { Webhook } from './registered-webhooks.ts';

export type ReviewVersion = 'v1' | 'v1beta1';

/** The first version in the webhook's list that the API server knows. @throws CallFailure */
export function reviewVersionOf({ reviewVersions }: Webhook): ReviewVersion {
  const known = reviewVersions.find((version): version is ReviewVersion => version === 'v1' || version === 'v1beta1');
  if (known !== undefined) return known;
  throw new CallFailure('could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)');
}

export interface ReviewedObjects {
  /** In the version of the invocation, as `oldObject`. */
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
}

/** The whole body of a call. */
export function createReview(
  { uid, version }: { readonly uid: string; readonly version: ReviewVersion },
  attributes: AdmissionAttributes,
  invocation: Invocation,
  objects: ReviewedObjects,
): Json {
  const { group, version: requestVersion, resource, subresource, name, namespace, operation, dryRun } = attributes;
  const requestKind = kindOf(attributes.object ?? attributes.oldObject) ?? { group, version: requestVersion, kind: attributes.kind };
  const sub = subresource === '' ? {} : { subResource: subresource };
  const requestSub = subresource === '' ? {} : { requestSubResource: subresource };
  return {
    kind: 'AdmissionReview',
    apiVersion: `admission.k8s.io/${version}`,
    request: {
      uid,
      kind: kindOf(objects.object ?? objects.oldObject) ?? requestKind,
      resource: { group: invocation.group, version: invocation.version, resource: invocation.resource },
      ...sub,
      requestKind,
      requestResource: { group, version: requestVersion, resource },
      ...requestSub,
      ...(name === '' ? {} : { name }),
      ...(namespace === '' ? {} : { namespace }),
      operation,
      userInfo: userInfoOf(attributes),
      object: objects.object ?? null,
      oldObject: objects.oldObject ?? null,
      dryRun,
      options: optionsOf(attributes),
    },
  };
}

function kindOf(object: KubeObject | undefined): Json | undefined {
  if (object === undefined || object.kind === '') return undefined;
  const slash = object.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : object.apiVersion.slice(0, slash);
  return { group, version: object.apiVersion.slice(slash + 1), kind: object.kind };
}

function userInfoOf({ user }: AdmissionAttributes): Json {
  return {
    username: user.username,
    ...(user.uid === undefined || user.uid === '' ? {} : { uid: user.uid }),
    ...(user.groups.length === 0 ? {} : { groups: user.groups }),
    ...(user.extra === undefined || Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}

const OPTIONS_KINDS = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const;

function optionsOf({ options, operation }: AdmissionAttributes): Json | null {
  if (operation === 'CONNECT') return options ?? null;
  return { kind: OPTIONS_KINDS[operation], apiVersion: 'meta.k8s.io/v1', ...options };
}

export interface ReviewAnswer {
  readonly allowed: boolean;
  readonly warnings: readonly string[];
  /** Operations of a JSON patch. */
  readonly patch: readonly unknown[];
  readonly status: unknown;
}

/** @param body as the webhook sent it @throws CallFailure when it is no answer to this review */
export function readAnswer(
  body: unknown,
  expected: { readonly uid: string; readonly version: ReviewVersion; readonly mutating: boolean },
): ReviewAnswer {
  const review = record(body);
  const response = review['response'];
  checkKind(review, expected.version);
  if (!isRecord(response)) throw invalidAnswer('webhook response was absent');
  if (expected.version === 'v1') checkIdentity(review, response, expected.uid);
  const patch = text(response['patch']);
  const patchType = response['patchType'];
  if (expected.version === 'v1') checkPatch(patch, patchType, expected.mutating);
  const isJsonPatch = expected.version === 'v1beta1' || patchType === undefined || patchType === null || patchType === 'JSONPatch';
  if (!isJsonPatch && response['allowed'] === true) throw new CallFailure(`unsupported patch type ${JSON.stringify(patchType)}`);
  return {
    allowed: response['allowed'] === true,
    warnings: list(response['warnings']).filter((item): item is string => typeof item === 'string'),
    patch: expected.mutating && response['allowed'] === true ? decodePatch(patch) : [],
    status: response['status'],
  };
}

function invalidAnswer(why: string): CallFailure {
  return new CallFailure(`received invalid webhook response: ${why}`);
}

/** Go decodes what says nothing of its kind into what it expects, and converts nothing else. */
function checkKind(review: Json, version: ReviewVersion): void {
  const apiVersion = text(review['apiVersion']);
  const kind = text(review['kind']);
  if ((apiVersion === '' && kind === '') || (apiVersion === `admission.k8s.io/${version}` && kind === 'AdmissionReview')) return;
  const got = `(${apiVersion.slice(apiVersion.indexOf('/') + 1)}.${kind})`;
  throw new CallFailure(`failed to call webhook: converting ${got} to (${version}.AdmissionReview): unknown conversion`);
}

function checkIdentity(review: Json, response: Json, uid: string): void {
  const got = text(response['uid']);
  if (got !== uid) throw invalidAnswer(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(got)}`);
  const apiVersion = text(review['apiVersion']);
  const kind = text(review['kind']);
  if (apiVersion === 'admission.k8s.io/v1' && kind === 'AdmissionReview') return;
  const shown = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  throw invalidAnswer(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${shown}, Kind=${kind}`);
}

function checkPatch(patch: string, patchType: unknown, mutating: boolean): void {
  const hasType = patchType !== undefined && patchType !== null;
  if (!mutating) {
    if (patch !== '') throw invalidAnswer('validating webhook may not return response.patch');
    if (hasType) throw invalidAnswer('validating webhook may not return response.patchType');
    return;
  }
  if (patch !== '' && !hasType) throw invalidAnswer('webhook returned response.patch but not response.patchType');
  if (patch === '' && hasType) throw invalidAnswer('webhook returned response.patchType but not response.patch');
  if (hasType && patchType === '') throw invalidAnswer('webhook returned invalid response.patchType of ""');
}

function decodePatch(patch: string): readonly unknown[] {
  if (patch === '') return [];
  try {
    const operations: unknown = JSON.parse(Buffer.from(patch, 'base64').toString('utf8'));
    if (Array.isArray(operations)) return operations;
    const got = typeof operations === 'object' ? 'object' : typeof operations;
    throw new TypeError(`json: cannot unmarshal ${got} into Go value of type jsonpatch.Patch`);
  } catch (error) {
    throw new CallFailure(`received undecodable patch in webhook response: ${error instanceof Error ? error.message : String(error)}`);
  }
}
