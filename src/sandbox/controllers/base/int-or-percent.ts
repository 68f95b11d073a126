/** Numbers that may be percentages, such as maxSurge. */
import type { IntOrPercent } from './workload-shapes.ts';

/** @throws RangeError when it is neither a number nor a percentage */
export function scaledValue(value: IntOrPercent, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined) throw new RangeError(`invalid value for IntOrString: ${JSON.stringify(value)}`);
  const exact = (Number(percent) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
