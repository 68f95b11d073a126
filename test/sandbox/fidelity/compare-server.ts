/**
 * Prints how far a server answers as the real API server did whose answers lie in this folder: the share of each area, then every difference with its reason.
 * Run: node test/sandbox/fidelity/compare-server.ts [AREA[/NAME]] [--kubeconfig FILE]; without a kubeconfig, a new sandbox is compared.
 */
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { startSandbox } from '../../../src/sandbox/start-sandbox.ts';
import { playTarget, playTargetOf } from '../../kit/http-player.ts';
import { readRecordedCases } from '../../kit/recorded-case.ts';
import { fidelityReport, playCases, type AreaShare, type FoundDifference } from './fidelity-report.ts';
import { KNOWN_DIFFERENCES } from './known-differences.ts';

const SHOWN_LETTERS = 300;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { kubeconfig: { type: 'string' } } });
const wanted = positionals[0] ?? '';
const cases = readRecordedCases(fileURLToPath(new URL('.', import.meta.url))).filter(
  ({ area, name }) => wanted === '' || area === wanted || `${area}/${name}` === wanted,
);
const sandbox = values.kubeconfig === undefined ? await startSandbox() : undefined;
const target = sandbox === undefined ? playTarget(values.kubeconfig ?? '') : playTargetOf(sandbox.kubeconfig);
const report = fidelityReport(await playCases(cases, target), KNOWN_DIFFERENCES);
await sandbox?.stop();

for (const id of new Set(report.differences.map((each) => each.id))) {
  console.log(`${id}: ${cases.find(({ area, name }) => `${area}/${name}` === id)?.about ?? ''}`);
  for (const each of report.differences.filter((difference) => difference.id === id)) printDifference(each);
}
for (const area of report.areas) console.log(shareText(area));
const unexplained = report.differences.filter(({ known }) => known === undefined).length;
console.log(`${String(report.differences.length)} differences, ${String(unexplained)} of them without a known reason`);
process.exitCode = unexplained === 0 ? 0 : 1;

function printDifference({ at, expected, actual, known }: FoundDifference): void {
  if (known !== undefined && !wanted.includes('/')) console.log(`  ${at}: ${known.reason}`);
  else console.log(`  ${at}${known === undefined ? '' : `: ${known.reason}`}\n    real  ${short(expected)}\n    here  ${short(actual)}`);
}

function shareText({ area, cases: all, sameCases, answers, sameAnswers }: AreaShare): string {
  const share = ((100 * sameAnswers) / Math.max(1, answers)).toFixed(1);
  return `${area}: ${share} % of ${String(answers)} answers agree, in ${String(sameCases)} of ${String(all)} sequences all of them`;
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, SHOWN_LETTERS);
}
