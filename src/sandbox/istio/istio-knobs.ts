/** How the mesh of a sandbox behaves; scenarios and troubles change it while it runs. */

export interface RevisionKnobs {
  /** Share (0 to 1) of the requests that proxies of this revision answer with `errorStatus` themselves. */
  readonly errorShare: number;
  readonly errorStatus: number;
  /** Added to every request that a proxy of this revision lets in. */
  readonly latencyMs: number;
  /** What calls of its webhooks meet: `down` closes the connection, `error` answers 500, `hang` does not answer. */
  readonly webhook: 'up' | 'down' | 'error' | 'hang';
  /** Its istiods close every connection of a proxy and take no new one. */
  readonly refusesProxies: boolean;
  /** Its istiods do not push what changes. */
  readonly withholdsPushes: boolean;
  /** Its proxies do not acknowledge what was pushed: syncz shows them as stale. */
  readonly withholdsAcks: boolean;
  /** Its istiods start and never get ready. */
  readonly neverReady: boolean;
}

export interface IstioSettings {
  /** From an istiod's start until it is ready. */
  readonly istiodStartMs: number;
  /** From a proxy's start until it asks its istiod for the first time. */
  readonly proxyStartMs: number;
  /** From a change in the cluster until the proxies have it: istiod's debounce and what the push takes. */
  readonly pushDelayMs: number;
  /** From a push until its acknowledgement. */
  readonly ackDelayMs: number;
  /** Istio's retry period of leader elections is 7.5 s; longer keeps long virtual runs small. */
  readonly leaderRetryMs: number;
  /** Whether sidecars listen on 15000, 15020, 15021 and 15090. Thousands of pods need the open files for something else. */
  readonly sidecarsListen: boolean;
  /** By revision; what is not given is good. */
  readonly revisions: Readonly<Record<string, Partial<RevisionKnobs>>>;
}

export interface IstioKnobs {
  readonly settings: () => IstioSettings;
  readonly change: (part: Partial<IstioSettings>) => void;
  readonly revision: (name: string) => RevisionKnobs;
  readonly changeRevision: (name: string, part: Partial<RevisionKnobs>) => void;
  readonly onChange: (listener: () => void) => () => void;
}

export const DEFAULT_ISTIO_SETTINGS: IstioSettings = {
  istiodStartMs: 800,
  proxyStartMs: 500,
  pushDelayMs: 120,
  ackDelayMs: 20,
  leaderRetryMs: 7500,
  sidecarsListen: true,
  revisions: {},
};

export const GOOD_REVISION: RevisionKnobs = {
  errorShare: 0,
  errorStatus: 500,
  latencyMs: 0,
  webhook: 'up',
  refusesProxies: false,
  withholdsPushes: false,
  withholdsAcks: false,
  neverReady: false,
};

export function createIstioKnobs(initial: Partial<IstioSettings> = {}): IstioKnobs {
  let settings: IstioSettings = { ...DEFAULT_ISTIO_SETTINGS, ...initial };
  const listeners = new Set<() => void>();
  const change = (part: Partial<IstioSettings>): void => {
    settings = { ...settings, ...part };
    for (const listener of listeners) listener();
  };
  return {
    settings: () => settings,
    change,
    revision: (name) => ({ ...GOOD_REVISION, ...settings.revisions[name] }),
    changeRevision: (name, part) => change({ revisions: { ...settings.revisions, [name]: { ...settings.revisions[name], ...part } } }),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
