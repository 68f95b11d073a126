/** `check`: findings by group, worst first; what could not be looked at is said. */
import { findingCatalogue, type Finding, type FindingGroup } from '../../core/findings/finding.ts';
import { refusing, type CheckReport } from '../../core/findings/run-checks.ts';
import type { Terminal } from '../terminal.ts';
import { count, some } from './words.ts';

const GROUPS: readonly FindingGroup[] = ['platform', 'versions', 'control planes', 'configuration', 'gateways', 'workloads'];
const RANK = { error: 0, warning: 1, info: 2 } as const;

export interface CheckHeading {
  readonly from?: { readonly version: string } | undefined;
  readonly to?: { readonly version: string } | undefined;
}

export function renderCheck(report: CheckReport, heading: CheckHeading, terminal: Terminal): string {
  const lines = [headline(report, heading, terminal)];
  for (const group of GROUPS) {
    const own = report.findings
      .filter((f) => findingCatalogue[f.code].group === group)
      .toSorted((a, b) => RANK[a.level] - RANK[b.level] || a.code.localeCompare(b.code));
    if (own.length === 0) continue;
    lines.push('', group, ...own.flatMap((finding) => findingLines(finding, terminal)));
  }
  if (report.couldNotLook.length > 0) {
    lines.push('', 'could not look', ...report.couldNotLook.map((c) => `  ${terminal.tone('warn', '?')} ${c.what}: ${c.why}`));
  }
  return lines.join('\n');
}

function headline(report: CheckReport, { from, to }: CheckHeading, terminal: Terminal): string {
  const errors = refusing(report).length;
  const accepted = report.findings.filter((f) => f.accepted === true).length;
  const warnings = report.findings.filter((f) => f.level === 'warning' && f.accepted !== true).length;
  const mark =
    errors > 0 ? terminal.tone('bad', '✗') : report.couldNotLook.length > 0 ? terminal.tone('warn', '?') : terminal.tone('good', '✓');
  const what = [count(errors, 'error'), count(warnings, 'warning'), ...(accepted > 0 ? [`${accepted} accepted`] : [])].join(', ');
  const hop = from && to ? ` for ${from.version} → ${to.version}` : '';
  const blind = report.couldNotLook.length > 0 ? `, ${report.couldNotLook.length} could not look` : '';
  return `${mark} ${terminal.tone('strong', `${what}${hop}`)}   (${count(report.checks, 'check')}${blind})`;
}

function findingLines(finding: Finding, terminal: Terminal): string[] {
  const mark =
    finding.accepted === true
      ? terminal.tone('dim', '○')
      : finding.level === 'error'
        ? terminal.tone('bad', '✗')
        : finding.level === 'warning'
          ? terminal.tone('warn', '!')
          : '·';
  const [first, ...rest] = finding.what.split('\n');
  return [
    `  ${mark} ${finding.code}  ${first}${finding.accepted === true ? ' (accepted)' : ''}`,
    ...rest.map((line) => `      ${line}`),
    ...(finding.objects.length > 1 && !finding.what.includes(finding.objects[0] ?? '') ? [`      ${some(finding.objects)}`] : []),
    `      ${terminal.tone('dim', finding.why)}`,
    ...(finding.next[0] === undefined ? [] : [`      → ${finding.next[0]}`]),
  ];
}
