import { acceptsFinding } from '../request/upgrade-request.ts';
import { allChecks } from './all-checks.ts';
import { isFinding, type Check, type CheckContext } from './check-context.ts';
import type { CouldNotLook, Finding } from './finding.ts';

export interface CheckReport {
  readonly findings: readonly Finding[];
  readonly couldNotLook: readonly CouldNotLook[];
  /** How many checks ran. */
  readonly checks: number;
}

/**
 * Runs every check over what was gathered. What the cluster did not let us read is reported as a check that could not
 * look, so that the verdict never rests on silence.
 */
export function runChecks(context: CheckContext, checks: readonly Check[] = allChecks): CheckReport {
  const results = checks.flatMap((check) => check.look(context));
  const findings = results
    .filter(isFinding)
    .map((finding) => ({ ...finding, accepted: finding.accepted === true || isAccepted(finding, context) }));
  const unread = context.inventory.unread.map((u) => ({ what: u.what, why: u.why }));
  return { findings, couldNotLook: [...results.filter((r) => !isFinding(r)), ...unread], checks: checks.length };
}

function isAccepted(finding: Finding, context: CheckContext): boolean {
  if (finding.objects.length === 0) return acceptsFinding(context.request.accept, finding.code, undefined);
  return finding.objects.every((object) => acceptsFinding(context.request.accept, finding.code, object));
}

/** Findings of level error that nobody accepted: they refuse a run. */
export function refusing(report: CheckReport): Finding[] {
  return report.findings.filter((finding) => finding.level === 'error' && finding.accepted !== true);
}
