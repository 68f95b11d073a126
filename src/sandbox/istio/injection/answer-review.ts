/** The webhook `/inject`: an AdmissionReview for a pod in, a JSON patch out. */
import type { Pod } from '../pod-shape.ts';
import { injectPod, type Injector } from './inject-pod.ts';

export interface AdmissionReview {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly request?: {
    readonly uid?: string;
    readonly namespace?: string;
    readonly operation?: string;
    readonly dryRun?: boolean;
    readonly object?: unknown;
    readonly [field: string]: unknown;
  };
}

export interface ReviewAnswer {
  readonly apiVersion: string;
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly patchType?: 'JSONPatch';
    /** Base64 of a JSON patch. */
    readonly patch?: string;
    readonly status?: { readonly message: string };
    readonly warnings?: readonly string[];
  };
}

export interface Injection {
  readonly outcome: 'skipped' | 'injected' | 'failed';
  readonly answer: ReviewAnswer;
}

export function answerInjection(review: AdmissionReview, injector: Injector): Injection {
  const pod = review.request?.object as Pod | undefined;
  const wrap = (response: Omit<ReviewAnswer['response'], 'uid'>): ReviewAnswer => wrapAnswer(review, response);
  if (pod?.metadata === undefined) {
    return { outcome: 'failed', answer: wrap({ allowed: false, status: { message: 'unexpected end of JSON input' } }) };
  }
  const outcome = injectPod(pod, pod.metadata.namespace ?? review.request?.namespace ?? '', injector);
  if (outcome.kind === 'skipped') return { outcome: 'skipped', answer: wrap({ allowed: true }) };
  if (outcome.kind === 'failed') return { outcome: 'failed', answer: wrap({ allowed: false, status: { message: outcome.message } }) };
  const patch = Buffer.from(JSON.stringify(patchBetween(pod, outcome.pod))).toString('base64');
  return { outcome: 'injected', answer: wrap({ allowed: true, patchType: 'JSONPatch', patch }) };
}

export function wrapAnswer(review: AdmissionReview, response: Omit<ReviewAnswer['response'], 'uid'>): ReviewAnswer {
  return {
    apiVersion: review.apiVersion ?? 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: review.request?.uid ?? '', ...response },
  };
}

interface Operation {
  readonly op: 'add' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

/** One operation for each field of metadata and spec that has changed: injection takes none away. */
function patchBetween(before: Pod, after: Pod): readonly Operation[] {
  return [
    ...operations('/metadata', before.metadata as unknown as Record<string, unknown>, after.metadata as unknown as Record<string, unknown>),
    ...operations('/spec', before.spec ?? {}, after.spec ?? {}),
  ];
}

function operations(
  path: string,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly Operation[] {
  return Object.entries(after).flatMap(([field, value]): readonly Operation[] => {
    if (value === before[field] || value === undefined) return [];
    return [{ op: before[field] === undefined ? 'add' : 'replace', path: `${path}/${field}`, value }];
  });
}
