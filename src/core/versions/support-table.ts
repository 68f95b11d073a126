/**
 * Kubernetes versions that each Istio minor supports, and when its support ends.
 * @source istio/istio.io data/compatibility/supportStatus.yml, as noted in 2026-11
 */

export interface SupportRow {
  readonly istio: string;
  /** Lowest and highest supported Kubernetes minor (1.N). */
  readonly kubernetes: readonly [lowest: number, highest: number];
  /** RFC 3339 date; approximate for the newest releases. */
  readonly endOfLife: string;
}

export const supportTable: readonly SupportRow[] = [
  { istio: '1.18', kubernetes: [24, 27], endOfLife: '2024-01-04' },
  { istio: '1.19', kubernetes: [25, 28], endOfLife: '2024-04-24' },
  { istio: '1.20', kubernetes: [25, 29], endOfLife: '2024-06-25' },
  { istio: '1.21', kubernetes: [26, 29], endOfLife: '2024-09-27' },
  { istio: '1.22', kubernetes: [27, 30], endOfLife: '2025-01-22' },
  { istio: '1.23', kubernetes: [27, 30], endOfLife: '2025-04-16' },
  { istio: '1.24', kubernetes: [28, 31], endOfLife: '2025-06-24' },
  { istio: '1.25', kubernetes: [29, 32], endOfLife: '2025-09-30' },
  { istio: '1.26', kubernetes: [29, 33], endOfLife: '2025-12-22' },
  { istio: '1.27', kubernetes: [29, 33], endOfLife: '2026-04-07' },
  { istio: '1.28', kubernetes: [30, 34], endOfLife: '2026-07-01' },
  { istio: '1.29', kubernetes: [31, 35], endOfLife: '2026-08-31' },
  { istio: '1.30', kubernetes: [32, 36], endOfLife: '2026-11-30' },
];

/** The row of a version's minor; undefined for minors that the table does not know. */
export function supportRow(version: { readonly major: number; readonly minor: number }): SupportRow | undefined {
  return supportTable.find((row) => row.istio === `${version.major}.${version.minor}`);
}

/** The minor of a Kubernetes `gitVersion` such as `v1.34.3+k3s1`; undefined when it cannot be read. */
export function kubernetesMinor(gitVersion: string): number | undefined {
  const match = /^v?1\.(\d+)/.exec(gitVersion);
  return match ? Number(match[1]) : undefined;
}
