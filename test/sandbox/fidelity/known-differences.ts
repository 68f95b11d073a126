/** Where the sandbox answers otherwise than the real API server, and why it stays so. */

export interface KnownDifference {
  /** `area/name`; `*` stands for any text. */
  readonly cases: string;
  /** JSON pointer that begins with the number of the request; `*` stands for any text. */
  readonly at: string;
  readonly reason: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    cases: '*',
    at: '*/columnDefinitions/*/description',
    reason: 'Texts of the Kubernetes documentation, which are not copied; kubectl does not print them.',
  },
  {
    cases: 'kinds/daemon-set',
    at: '/*/fieldsV1/f:metadata',
    reason:
      'The annotation with the template generation is set after ownership is counted here, before it there; only creation is affected.',
  },
  {
    cases: 'kinds/node',
    at: '/*/body/spec/taints',
    reason: 'A node of the sandbox is ready as soon as it is there, so that it gets no taint for the time until then.',
  },
  {
    cases: 'kinds/persistent-volume*',
    at: '/*/body/metadata/finalizers',
    reason: 'Volumes are not protected from deletion: nothing in the sandbox mounts them.',
  },
  {
    cases: 'kinds/persistent-volume',
    at: '/0/body/status/lastPhaseTransitionTime',
    reason: 'Phases of volumes are not followed: nothing in the sandbox mounts them.',
  },
  {
    cases: 'kinds/pod',
    at: '/3/*',
    reason: 'RuntimeClasses are kept, but pods are not checked against them.',
  },
  {
    cases: 'kubectl/expose',
    at: '/*/f:internalTrafficPolicy',
    reason: 'A service that was an ExternalName in between gets back its internal traffic policy, and another one is said to have set it.',
  },
  {
    cases: 'kubectl/label-and-annotate',
    at: '/*/body/details/causes',
    reason: 'The server repeats a wrong label in its causes, as often as it happens to check it; here it is said twice.',
  },
  {
    cases: 'kubectl/pod-changes',
    at: '/*/body/*message',
    reason: 'The server adds a printed comparison of Go structures, of which the sandbox has none.',
  },
  {
    cases: 'refused/definitions',
    at: '/2/body/*',
    reason: 'The server goes on to find consequences of the first mistake in its internal form of the definition.',
  },
  {
    cases: 'refused/pod-resources',
    at: '/3/body/*',
    reason: 'The name of a resource that is no name at all is complained about once more.',
  },
  {
    cases: 'refused/service-addresses',
    at: '/1/body/*message',
    reason: 'The clusters have different ranges of addresses.',
  },
  {
    cases: 'watch/initial-events',
    at: '/1/body',
    reason: 'The recorded cluster keeps its objects in a store that cannot begin a watch with a list; the sandbox can, as etcd can.',
  },
  {
    cases: 'watch/old-path',
    at: '/1/status',
    reason: 'The paths of watches that were deprecated with Kubernetes 1.11 are not served.',
  },
  {
    cases: 'watch/old-path',
    at: '/2/body',
    reason: 'Bodies of single objects end without a line break here, which only a reader of lines can tell.',
  },
  {
    cases: 'kubectl/corner-aggregated-role',
    at: '/2/body/metadata/managedFields/*',
    reason: 'Controllers of the sandbox write as one, with updates; the real one applies its rules.',
  },
];
