/** What the catalogue of findings says of one code. */

export type FindingGroup = 'platform' | 'versions' | 'control planes' | 'configuration' | 'gateways' | 'workloads';

export interface FindingEntry {
  readonly title: string;
  readonly group: FindingGroup;
  readonly meaning: string;
  readonly remedy: string;
}

export function entry(group: FindingGroup, title: string, meaning: string, remedy: string): FindingEntry {
  return { group, title, meaning, remedy };
}
