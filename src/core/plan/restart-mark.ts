/** The annotation of a pod template that makes its controller replace the pods. */
export const RESTART_ANNOTATION = 'meshlift.io/restart';

/** Deterministic, so that a restart that is repeated after a crash changes nothing: run and step, never a time. */
export function restartMark(run: string, stepId: string): string {
  return `${run}/${stepId}`;
}
