/** The sandbox answers as the recorded API server: all that Meshlift sends, and the rest but for what is listed. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../../src/sandbox/start-sandbox.ts';
import { playTargetOf, type RequestSequence } from '../../kit/http-player.ts';
import { readRecordedCases } from '../../kit/recorded-case.ts';
import { fidelityReport, playCases, type FidelityReport } from './fidelity-report.ts';
import { KNOWN_DIFFERENCES } from './known-differences.ts';
import { allSequences } from './sequences/all-sequences.ts';

const cases = readRecordedCases(fileURLToPath(new URL('.', import.meta.url)));
let sandbox: Sandbox;
let report: FidelityReport;

beforeAll(async () => {
  sandbox = await startSandbox();
  report = fidelityReport(await playCases(cases, playTargetOf(sandbox.kubeconfig)), KNOWN_DIFFERENCES);
});

afterAll(() => sandbox.stop());

test('every sequence has been recorded as it is now, and there are at least 200', () => {
  const asked = (all: readonly RequestSequence[]): Record<string, unknown> =>
    Object.fromEntries(all.map(({ area, name, requests }) => [`${area}/${name}`, requests]));
  expect(asked(cases)).toEqual(asked(allSequences));
  expect(cases.length).toBeGreaterThanOrEqual(200);
});

test('what Meshlift sends is answered as the recorded server does', () => {
  expect(report.differences.filter(({ id }) => id.startsWith('meshlift/'))).toEqual([]);
});

test('every difference is on the list', () => {
  expect(report.differences.filter(({ known }) => known === undefined)).toEqual([]);
});

test('everything on the list still differs', () => {
  expect(report.stale).toEqual([]);
});
