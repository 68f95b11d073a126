/** What a rendered template is: a piece of a pod to be laid over the real one. */
import type { PodSpec } from '../pod-shape.ts';

export interface TemplatePod {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}
