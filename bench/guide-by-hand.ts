/**
 * What a person types who follows the guide, on the mesh of test/real/kit/guide-mesh.ts, with nothing left out that keeps it whole.
 *
 * The order, one deployment after another with 20 seconds between, and the load beside it are those of Solo's guide. It is of the
 * time of the Istio operator; its commands for control plane and gateways are put here as Istio's own guide for Helm has them.
 * The wait of two minutes for the operator's removals is left out, as `helm uninstall` waits itself. Its gateways have a Service of
 * their own, whose selector is changed; here the Service belongs to the release of its gateway, and the release is upgraded in
 * place, which keeps the address.
 * @source nmnellis/istio-upgrade-demo README.md; istio/istio.io content/en/docs/setup/upgrade/helm/index.md
 */
export interface Typed {
  readonly part: string;
  /** As typed into a shell in which OLD and NEW are the revisions, OLD_CHARTS and NEW_CHARTS folders of charts, and URL the shop. */
  readonly lines: readonly string[];
  /** Only looked at; what they answer decides nothing in a script. */
  readonly isLook?: true;
}

/** The second terminal: what begins the load before anything changes, and what is read of it at the end. */
export const LOAD_LINES = ['load attack $URL --rate 50/s --duration 1h -o results.ndjson', 'load report results.ndjson'] as const;

const PAUSE = 'sleep 20';
const KEEP = '--reset-then-reuse-values --set revision=$NEW --wait';
const ISTIOD = 'helm upgrade --install istiod-$NEW $NEW_CHARTS/istiod -n istio-system';

export const BY_HAND: readonly Typed[] = [
  {
    part: 'inventory',
    isLook: true,
    lines: [
      'istioctl x precheck',
      'kubectl get namespace -L istio.io/rev',
      'istioctl tag list',
      'helm list -A',
      'kubectl get envoyfilters -A -L istio.io/rev',
    ],
  },
  {
    part: 'CRDs and control plane',
    lines: [
      'helm upgrade istio-base $NEW_CHARTS/base -n istio-system --set defaultRevision=$OLD',
      'helm get values istiod-$OLD -n istio-system -o yaml > values.yaml',
      `${ISTIOD} -f values.yaml --set revision=$NEW --set-json 'revisionTags=[]' --wait`,
    ],
  },
  {
    part: 'EnvoyFilters for the new revision',
    lines: [
      copied('by-revision', 's/$OLD/$NEW/g; s/name: by-revision/&-$NEW/'),
      copied('by-version', String.raw`s/1\\\\.28/1\\\\.29/g; s/name: by-version/&-$NEW/`),
    ],
  },
  {
    part: 'gateways',
    lines: ['istio-ingress', 'istio-egress', 'istio-eastwest'].map((name) => `helm upgrade ${name} $NEW_CHARTS/gateway -n ${name} ${KEEP}`),
  },
  {
    part: 'namespaces',
    lines: [
      'istioctl tag set prod-canary --revision $NEW --overwrite -y',
      'kubectl label namespace bookinfo istio.io/rev=$NEW --overwrite',
    ],
  },
  {
    part: 'one deployment after another',
    lines: [
      ...['details-v1', 'ratings-v1', 'productpage-v1', 'reviews-v1', 'reviews-v2', 'reviews-v3'].flatMap((name) => [
        `kubectl rollout restart deployment -n bookinfo ${name}`,
        PAUSE,
      ]),
      'kubectl rollout restart deployment -n payments ratings-v1',
      PAUSE,
    ],
  },
  { part: 'look', isLook: true, lines: ['istioctl proxy-status'] },
  {
    part: 'the old revision goes',
    lines: [
      'kubectl delete envoyfilter by-revision by-version -n bookinfo',
      'helm upgrade istio-base $NEW_CHARTS/base -n istio-system --set defaultRevision=$NEW',
      'helm uninstall istiod-$OLD -n istio-system --wait',
      `${ISTIOD} --reset-then-reuse-values --set 'revisionTags={prod-stable}' --wait`,
      'kubectl label namespace bookinfo istio.io/rev=prod-stable --overwrite',
    ],
  },
];

/** A copy under another name, without what the server wrote into it. */
function copied(name: string, change: string): string {
  const server = '/resourceVersion:/d; /uid:/d; /creationTimestamp:/d; /last-applied/,+1d';
  return `kubectl get envoyfilter ${name} -n bookinfo -o yaml | sed "${server}; ${change}" | kubectl apply -f -`;
}

export function isPause(line: string): boolean {
  return line === PAUSE;
}
