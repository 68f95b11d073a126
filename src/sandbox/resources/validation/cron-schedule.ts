/** Schedules of five fields, with the complaints of the parser that Kubernetes uses. @source robfig/cron v3 (parser.go) */

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];

const DESCRIPTORS = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

/** @returns what is wrong; undefined for a schedule that can be read */
export function cronComplaint(schedule: string): string | undefined {
  if (schedule === '') return 'empty spec string';
  if (schedule.startsWith('@')) {
    if (DESCRIPTORS.has(schedule) || /^@every (\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(schedule)) return undefined;
    return `unrecognized descriptor: ${schedule}`;
  }
  const fields = schedule.trim().split(/\s+/);
  if (fields.length !== 5) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  for (const [index, field] of fields.entries()) {
    const bounds = FIELDS[index];
    const complaint = bounds === undefined ? undefined : fieldComplaint(field, bounds);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

function fieldComplaint(field: string, bounds: Bounds): string | undefined {
  for (const part of field.split(',').filter((piece) => piece !== '')) {
    const complaint = rangeComplaint(part, bounds);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

function rangeComplaint(part: string, bounds: Bounds): string | undefined {
  const [range = '', step, ...moreSteps] = part.split('/');
  const [low = '', high, ...moreRanges] = range.split('-');
  if (moreRanges.length > 0) return `too many hyphens: ${part}`;
  if (moreSteps.length > 0) return `too many slashes: ${part}`;
  if (low === '*' || low === '?') return stepComplaint(part, step);
  const start = readNumber(low, bounds);
  if (start === undefined) return unreadable(low);
  const last = step === undefined ? start : bounds.max;
  const end = high === undefined ? last : readNumber(high, bounds);
  if (end === undefined) return unreadable(high ?? '');
  if (start < bounds.min) return `beginning of range (${start}) below minimum (${bounds.min}): ${part}`;
  if (end > bounds.max) return `end of range (${end}) above maximum (${bounds.max}): ${part}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${part}`;
  return stepComplaint(part, step);
}

function stepComplaint(part: string, step: string | undefined): string | undefined {
  if (step === undefined) return undefined;
  if (!/^\d+$/.test(step)) return unreadable(step);
  return Number(step) === 0 ? `step of range should be a positive number: ${part}` : undefined;
}

function unreadable(text: string): string {
  return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
}

function readNumber(text: string, { names, min }: Bounds): number | undefined {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + min;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
