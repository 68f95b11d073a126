/** What keeps a revision: uses with their evidence, what could not be looked at, and what looks like a use and is none. */

export type UseKind =
  | 'connection'
  | 'remote'
  | 'pod'
  | 'template'
  | 'ztunnel'
  | 'gateway'
  | 'waypoint'
  | 'virtual-machine'
  | 'namespace'
  | 'tag'
  | 'default'
  | 'webhook'
  | 'pinned-object';

export interface Use {
  readonly kind: UseKind;
  /** `shop/cart-7d9`, `namespace shop`, `tag prod-stable`. */
  readonly object: string;
  /** What shows it. */
  readonly detail: string;
  /** What to do so that it ends, as a command where there is one. */
  readonly toFree: string;
  /** It goes away by itself: a pod that terminates. */
  readonly passing: boolean;
  /** A connection that no pod explains; for some seconds that is also what a pod leaves behind that has just ended. */
  readonly unexplained?: true;
}

export interface Usage {
  readonly revision: string;
  /** It has no istiod: what is told are only names that still lead to it. */
  readonly gone: boolean;
  /** Names of the other revisions that have an istiod. */
  readonly others: readonly string[];
  /** In the order of the kinds above. */
  readonly uses: readonly Use[];
  /** What could not be looked at; any entry makes the answer unknown unless a use was found. */
  readonly unknown: readonly string[];
  /** What bears its name or stands beside it, and needs it no more than any other revision does. */
  readonly notes: readonly string[];
}

export type UsageVerdict = 'used' | 'unknown' | 'unused';

export function usageVerdict(usage: Pick<Usage, 'uses' | 'unknown'>): UsageVerdict {
  if (usage.uses.length > 0) return 'used';
  return usage.unknown.length > 0 ? 'unknown' : 'unused';
}

/** Kinds that get their revision by a label, a tag or the default, so that a move of the default may carry them along. */
const BY_INJECTION: ReadonlySet<UseKind> = new Set(['connection', 'remote', 'pod', 'template', 'namespace', 'tag']);

/** The uses that must be gone before the default moves; the others are asked about when the control plane goes. */
export function usesBeforeDefault(usage: Usage): Usage {
  return { ...usage, uses: usage.uses.filter((use) => BY_INJECTION.has(use.kind)) };
}
