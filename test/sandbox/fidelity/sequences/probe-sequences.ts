/** Meshlift's dry runs of pods: what admission makes of them, and how it refuses them. */
import type { PlayedRequest, RequestSequence } from '../../../kit/http-player.ts';
import { CORE, MUTATING, apply, get, mergePatch, post, remove, type Body } from './request-builders.ts';

const NAMESPACE = '/api/v1/namespaces/{{ns}}';
const CONFIGURATION = 'sbx-fid-{{id}}';
const RESTRICTED = { allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: { drop: ['ALL'] } };

const probe = (labels: Body, securityContext: Body = RESTRICTED): Body => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'meshlift-probe-', namespace: '{{ns}}', labels },
  spec: {
    containers: [{ name: 'probe', image: 'meshlift.invalid/probe', securityContext }],
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  },
});

const dryRun = (pod: Body): PlayedRequest => post(`${CORE}/pods?dryRun=All`, pod);

const pod = (name: string, spec: Body): Body => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: '{{ns}}' },
  spec: { containers: [{ name: 'app', image: 'example.test/app:1' }], ...spec },
});

const webhook = (clientConfig: Body, rest: Body): Body => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: CONFIGURATION },
  webhooks: [
    {
      name: 'inject.{{id}}.test',
      clientConfig,
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      timeoutSeconds: 2,
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': '{{ns}}' } },
      ...rest,
    },
  ],
});

const SERVICE = { service: { name: 'istiod', namespace: '{{ns}}', path: '/inject', port: 443 } };
const CLOSED = { url: 'https://127.0.0.1:1/inject' };

/** A server takes notice of a new configuration a moment later. */
const throughWebhook = (name: string, about: string, configuration: Body, answered: string): RequestSequence => ({
  area: 'meshlift',
  name,
  about,
  requests: [
    apply(`${MUTATING}/${CONFIGURATION}?fieldManager=meshlift`, configuration),
    { ...dryRun(probe({ 'istio.io/rev': '1-29' })), until: { pointer: '/kind', equals: answered } },
    get(`${CORE}/pods?limit=500`),
  ],
  cleanup: [remove(`${MUTATING}/${CONFIGURATION}`)],
});

const level = (labels: Body): PlayedRequest => mergePatch(`${NAMESPACE}?fieldManager=admin`, { metadata: { labels } });

/** A server takes notice of a new label a moment later. */
const noticed = (request: PlayedRequest, code: number | undefined): PlayedRequest =>
  code === undefined ? request : { ...request, until: { pointer: '/code', equals: code } };

/** Parts of containers, and of the pod. */
const FORBIDDEN: readonly Body[] = [
  { ports: [{ containerPort: 80, hostPort: 80 }] },
  { securityContext: { runAsUser: 0 } },
  { securityContext: { runAsNonRoot: false } },
  { securityContext: { seccompProfile: { type: 'Unconfined' } } },
  { securityContext: { capabilities: { add: ['SYS_ADMIN', 'NET_RAW', 'CHOWN'], drop: ['ALL'] } } },
  { spec: { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } } },
  { spec: { securityContext: { runAsUser: 0, runAsNonRoot: false, seccompProfile: { type: 'Unconfined' } } } },
  {
    spec: {
      volumes: [
        { name: 'n', nfs: { server: 's', path: '/' } },
        { name: 'h', hostPath: { path: '/' } },
        { name: 'e', emptyDir: {} },
      ],
    },
  },
];

export const probeSequences: readonly RequestSequence[] = [
  throughWebhook(
    'probe-no-service',
    'The service of the webhook is not there, and it must be asked.',
    webhook(SERVICE, { failurePolicy: 'Fail' }),
    'Status',
  ),
  throughWebhook(
    'probe-ignored',
    'The service of the webhook is not there, and it may be left out.',
    webhook(SERVICE, { failurePolicy: 'Ignore' }),
    'Pod',
  ),
  throughWebhook('probe-closed-port', 'Nobody listens where the webhook should be.', webhook(CLOSED, { failurePolicy: 'Fail' }), 'Status'),
  throughWebhook(
    'probe-side-effects',
    'A webhook with side effects is not asked about a dry run.',
    webhook(CLOSED, { failurePolicy: 'Fail', sideEffects: 'NoneOnDryRun', objectSelector: { matchLabels: { other: 'x' } } }),
    'Pod',
  ),
  throughWebhook(
    'probe-conditions',
    'The condition of a webhook leaves the pod out.',
    webhook(CLOSED, { failurePolicy: 'Fail', matchPolicy: 'Equivalent', namespaceSelector: { matchLabels: { none: 'x' } } }),
    'Pod',
  ),
  ...['privileged', 'baseline', 'restricted'].map((name): RequestSequence => ({
    area: 'meshlift',
    name: `probe-${name}`,
    about: `A probe in a namespace whose pods must be ${name}.`,
    requests: [
      level({ 'pod-security.kubernetes.io/enforce': name }),
      dryRun(probe({ 'sidecar.istio.io/inject': 'true' })),
      noticed(dryRun(pod('host', { hostNetwork: true })), name === 'privileged' ? undefined : 403),
      dryRun(probe({}, {})),
      dryRun(pod('path', { volumes: [{ name: 'v', hostPath: { path: '/' } }] })),
      dryRun(
        pod('strong', {
          containers: [
            { name: 'app', image: 'example.test/app:1', securityContext: { privileged: true, capabilities: { add: ['NET_ADMIN'] } } },
          ],
        }),
      ),
    ],
  })),
  {
    area: 'meshlift',
    name: 'probe-warned',
    about: 'A namespace that only warns about its pods.',
    requests: [
      level({ 'pod-security.kubernetes.io/warn': 'restricted' }),
      dryRun(probe({})),
      dryRun(probe({}, {})),
      dryRun(
        pod('init', {
          initContainers: [{ name: 'i', image: 'example.test/i', securityContext: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } } }],
        }),
      ),
    ],
  },
  {
    area: 'meshlift',
    name: 'probe-no-account',
    about: 'Probes that the server cannot take.',
    requests: [
      dryRun(pod('p', { serviceAccountName: 'none' })),
      dryRun(pod('p', { priorityClassName: 'none' })),
      dryRun({ ...probe({}), metadata: { generateName: 'meshlift-probe-', namespace: 'none-{{id}}' } }),
      post('/api/v1/namespaces/none-{{id}}/pods?dryRun=All', { ...probe({}), metadata: { generateName: 'meshlift-probe-' } }),
      dryRun({ ...probe({ 'istio.io/rev': 'not valid!' }) }),
      dryRun({ ...probe({}), spec: {} }),
    ],
  },
  {
    area: 'meshlift',
    name: 'probe-limits',
    about: 'A range of limits fills the probe in.',
    requests: [
      post(`${CORE}/limitranges`, {
        apiVersion: 'v1',
        kind: 'LimitRange',
        metadata: { name: 'l' },
        spec: { limits: [{ type: 'Container', default: { cpu: '500m', memory: '0.5Gi' }, defaultRequest: { cpu: 0.1 } }] },
      }),
      { ...dryRun(probe({})), until: { pointer: '/spec/containers/0/resources/limits/cpu', equals: '500m' } },
    ],
  },
  ...['baseline', 'restricted'].map((name): RequestSequence => ({
    area: 'kubectl',
    name: `pod-security-${name}`,
    about: `What a pod must not be where pods must be ${name}.`,
    requests: [
      level({ 'pod-security.kubernetes.io/enforce': name, 'pod-security.kubernetes.io/enforce-version': 'latest' }),
      noticed(dryRun(pod('p', { hostPID: true, hostIPC: true })), 403),
      ...FORBIDDEN.map(({ spec, ...security }) =>
        dryRun(
          pod('p', {
            containers: ['a', 'b'].map((each) => ({ name: each, image: 'example.test/app:1', ...security })),
            ...(spec as Body | undefined),
          }),
        ),
      ),
    ],
  })),
];
