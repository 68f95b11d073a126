/** Schedules of cron jobs: five fields or a macro, as robfig/cron v3 reads them for Kubernetes. */

export interface CronSchedule {
  /** The first instant after a time; undefined when none comes within five years. Milliseconds since the epoch. */
  next(afterMs: number): number | undefined;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { name: 'day of week', min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const DAY_MS = 86_400_000;
const YEARS_AHEAD = 5;

interface Times {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** Both days are given: either of them is enough. */
  readonly eitherDay: boolean;
}

/** @param timeZone such as `Europe/Vienna`; UTC when absent @throws RangeError when the schedule or the zone is not one */
export function parseCronSchedule(text: string, timeZone?: string): CronSchedule {
  const every = /^@every\s+(\S+)$/.exec(text.trim())?.[1];
  if (every !== undefined) return everyInterval(every);
  const parts = (MACROS[text.trim()] ?? text).trim().split(/\s+/);
  if (parts.length !== FIELDS.length) throw new RangeError(`expected exactly 5 fields, found ${parts.length}: [${text}]`);
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = FIELDS.map((field, index) =>
    parseField(parts[index] ?? '', field),
  );
  const isStar = (part: string | undefined): boolean => /^[*?]/.test(part ?? '');
  const times = {
    minutes,
    hours,
    days: new Set(days),
    months: new Set(months),
    weekdays: new Set(weekdays),
    eitherDay: !isStar(parts[2]) && !isStar(parts[4]),
  };
  const offsetMs = zoneOffset(timeZone);
  return { next: (afterMs) => nextTime(times, afterMs, offsetMs) };
}

function everyInterval(text: string): CronSchedule {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000 };
  const parts = [...text.matchAll(/(\d+)([hms])/g)];
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
  if (ms === 0 || parts.map(([part]) => part).join('') !== text) throw new RangeError(`failed to parse duration @every ${text}`);
  return { next: (afterMs) => Math.floor(afterMs / 1000) * 1000 + ms };
}

function parseField(text: string, field: Field): readonly number[] {
  const values = text.split(',').flatMap((part) => parseRange(part, field));
  return [...new Set(values)].toSorted((a, b) => a - b);
}

function parseRange(part: string, field: Field): readonly number[] {
  const match = /^([^/]+)(?:\/(\d+))?$/.exec(part);
  if (match === null) throw new RangeError(`failed to parse ${field.name} ${JSON.stringify(part)}`);
  const [, range = '', stepText] = match;
  const step = Number(stepText ?? 1);
  const [from, to] = bounds(range, field, stepText !== undefined);
  if (step === 0) throw new RangeError(`step of range should be a positive number: ${part}`);
  if (from < field.min || to > field.max || from > to) throw new RangeError(`${field.name} ${JSON.stringify(part)} is out of range`);
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

function bounds(range: string, field: Field, hasStep: boolean): readonly [from: number, to: number] {
  if (range === '*' || range === '?') return [field.min, field.max];
  const [first = '', last] = range.split('-');
  const from = parseValue(first, field);
  if (last !== undefined) return [from, parseValue(last, field)];
  return [from, hasStep ? field.max : from];
}

function parseValue(text: string, field: Field): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return named + field.min;
  if (!/^\d+$/.test(text)) throw new RangeError(`failed to parse ${field.name} ${JSON.stringify(text)}`);
  return Number(text);
}

/** What has to be added to UTC to get the time on the wall. */
function zoneOffset(timeZone: string | undefined): (atMs: number) => number {
  if (timeZone === undefined || timeZone === 'UTC' || timeZone === 'Etc/UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  return (atMs) => {
    const name = format.formatToParts(atMs).find((part) => part.type === 'timeZoneName')?.value ?? '';
    const [, sign = '+', hours = '0', minutes = '0'] = /([+-])(\d\d):(\d\d)/.exec(name) ?? [];
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  };
}

function nextTime(times: Times, afterMs: number, offsetMs: (atMs: number) => number): number | undefined {
  const startWallMs = (Math.floor(afterMs / 60_000) + 1) * 60_000 + offsetMs(afterMs);
  const firstDayMs = Math.floor(startWallMs / DAY_MS) * DAY_MS;
  for (let dayMs = firstDayMs; dayMs < firstDayMs + YEARS_AHEAD * 366 * DAY_MS; dayMs += DAY_MS) {
    if (!isDay(times, new Date(dayMs))) continue;
    for (const hour of times.hours) {
      for (const minute of times.minutes) {
        const wallMs = dayMs + hour * 3_600_000 + minute * 60_000;
        const atMs = wallMs - offsetMs(wallMs - offsetMs(wallMs));
        if (wallMs >= startWallMs && atMs > afterMs) return atMs;
      }
    }
  }
  return undefined;
}

function isDay({ days, months, weekdays, eitherDay }: Times, day: Date): boolean {
  if (!months.has(day.getUTCMonth() + 1)) return false;
  const [ofMonth, ofWeek] = [days.has(day.getUTCDate()), weekdays.has(day.getUTCDay())];
  return eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek;
}
