/** The webhook `/validate`: what istiod refuses of Istio's own configuration. A part of the real rules, in the words of the real istiod. */
import type { KubeObject } from '../../objects/kube-object.ts';
import { wrapAnswer, type AdmissionReview, type ReviewAnswer } from '../injection/answer-review.ts';
import { listAt, numberAt, recordAt, textAt } from '../read-path.ts';

export interface Validation {
  readonly valid: boolean;
  readonly answer: ReviewAnswer;
}

/** Fields that an object of Istio may have beside each other. */
const TOP_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status']);

export function answerValidation(review: AdmissionReview): Validation {
  const object = review.request?.object as KubeObject | undefined;
  const operation = review.request?.operation;
  if (object === undefined || (operation !== 'CREATE' && operation !== 'UPDATE')) {
    return { valid: true, answer: wrapAnswer(review, { allowed: true }) };
  }
  const problem = problemWith(object);
  if (problem === undefined) return { valid: true, answer: wrapAnswer(review, { allowed: true }) };
  return { valid: false, answer: wrapAnswer(review, { allowed: false, status: { message: problem } }) };
}

/** Source: istio/istio, pkg/webhooks/validation/server/server.go and pkg/config/validation/validation.go, tag 1.28.2. */
function problemWith(object: KubeObject): string | undefined {
  const unknown = Object.keys(object).find((field) => !TOP_FIELDS.has(field));
  if (unknown !== undefined) {
    const { name, namespace } = object.metadata;
    return `unknown field ${JSON.stringify(unknown)} on ${object.kind} resource ${namespace ?? ''}/${name}`;
  }
  const problems = [
    ...(object.metadata.annotations?.['internal.istio.io/webhook-always-reject'] === 'true'
      ? ['internal.istio.io/webhook-always-reject is always rejected']
      : []),
    ...(CHECKS[object.kind]?.(recordAt(object, 'spec')) ?? []),
  ];
  return problems.length === 0 ? undefined : `configuration is invalid: ${inGoStyle(problems)}`;
}

/** One problem as it is, several as hashicorp's go-multierror lists them. */
function inGoStyle(problems: readonly string[]): string {
  const [only] = problems;
  if (problems.length === 1 && only !== undefined) return only;
  return `${problems.length} errors occurred:\n${problems.map((problem) => `\t* ${problem}\n`).join('')}\n`;
}

type Check = (spec: unknown) => readonly string[];

const CHECKS: Readonly<Record<string, Check>> = {
  Gateway: (spec) => {
    const servers = listAt(spec, 'servers');
    if (servers.length === 0) return ['gateway must have at least one server'];
    return servers.flatMap((server) => [
      ...(listAt(server, 'hosts').length === 0 ? ['server config must contain at least one host'] : []),
      ...(numberAt(server, 'port.number') === undefined ? ['port is required'] : []),
    ]);
  },
  VirtualService: (spec) => {
    const routes = ['http', 'tls', 'tcp'].reduce((count, kind) => count + listAt(spec, kind).length, 0);
    const isDelegate = listAt(spec, 'hosts').length === 0;
    if (isDelegate && listAt(spec, 'gateways').length > 0) return ['delegate VirtualService must have no gateways configured'];
    return [
      ...(routes === 0 ? ['http, tcp or tls must be provided in virtual service'] : []),
      ...listAt(spec, 'http').flatMap(httpProblems),
    ];
  },
  DestinationRule: (spec) => (textAt(spec, 'host') === undefined ? ["domain name '' invalid (top level domain '' invalid)"] : []),
  ServiceEntry: (spec) => (listAt(spec, 'hosts').length === 0 ? ['service entry must have at least one host'] : []),
};

function httpProblems(http: unknown): readonly string[] {
  const routes = listAt(http, 'route');
  const acts =
    routes.length > 0 || ['redirect', 'directResponse', 'delegate'].some((field) => Object.keys(recordAt(http, field)).length > 0);
  if (!acts) return ['HTTP route, redirect or direct_response is required'];
  const total = routes.reduce<number>((sum, route) => sum + (numberAt(route, 'weight') ?? 0), 0);
  return [
    ...(routes.some((route) => textAt(route, 'destination.host') === undefined) ? ['destination is required'] : []),
    ...(routes.length > 1 && total === 0 ? ['total destination weight = 0'] : []),
  ];
}
