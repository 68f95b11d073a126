import type { RunSummary } from '../../ports/run-store.ts';
import { renderTable } from './table.ts';
import { duration } from './words.ts';

export function renderRuns(runs: readonly RunSummary[], nowMs: number): string {
  if (runs.length === 0) return 'No run is recorded in this cluster.';
  return renderTable<RunSummary>(
    [
      { title: 'RUN', cell: (r) => r.name },
      { title: 'PHASE', cell: (r) => (r.paused && r.phase === 'running' ? 'pausing' : r.phase) },
      { title: 'FROM', cell: (r) => r.from || '-' },
      { title: 'TO', cell: (r) => r.to || '-' },
      { title: 'STEP', cell: (r) => r.step || '-' },
      { title: 'AGE', align: 'right', cell: (r) => duration(nowMs - Date.parse(r.startedAt)) },
    ],
    runs,
  );
}
