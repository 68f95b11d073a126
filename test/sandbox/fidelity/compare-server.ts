/**
 * Prints how far a server answers as the real API server did whose answers lie in this folder, by area.
 * Run: node test/sandbox/fidelity/compare-server.ts KUBECONFIG [AREA[/NAME]]; with a name, every difference is printed.
 */
import { fileURLToPath } from 'node:url';
import { playTarget } from '../../kit/http-player.ts';
import { compareWithRecorded, readRecordedCases, type CaseResult } from '../../kit/recorded-case.ts';

const SHOWN = 3;
const [kubeconfig = '', wanted = ''] = process.argv.slice(2);
const target = playTarget(kubeconfig);
const cases = readRecordedCases(fileURLToPath(new URL('.', import.meta.url))).filter(
  ({ area, name }) => wanted === '' || area === wanted || `${area}/${name}` === wanted,
);
const results: CaseResult[] = [];
for (const each of cases) {
  const result = await compareWithRecorded(each, target);
  results.push(result);
  print(result);
}
for (const area of new Set(cases.map((each) => each.area))) {
  const ofArea = results.filter(({ recorded }) => recorded.area === area);
  const same = ofArea.filter(({ differences }) => differences.length === 0).length;
  console.log(`${area}: ${String(same)} of ${String(ofArea.length)} (${((100 * same) / ofArea.length).toFixed(0)} %)`);
}
process.exitCode = results.every(({ differences }) => differences.length === 0) ? 0 : 1;

function print({ recorded, differences }: CaseResult): void {
  if (differences.length === 0) return;
  console.log(`${recorded.area}/${recorded.name}: ${recorded.about}`);
  const shown = wanted.includes('/') ? differences : differences.slice(0, SHOWN);
  for (const { at, expected, actual } of shown) console.log(`  ${at}\n    real  ${short(expected)}\n    here  ${short(actual)}`);
  if (shown.length < differences.length) console.log(`  and ${String(differences.length - shown.length)} more`);
}

function short(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 300);
}
