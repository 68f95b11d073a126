import { describe, expect, it } from 'vitest';
import { parseCronSchedule } from './cron-schedule.ts';

describe('a schedule', () => {
  it.each([
    ['*/5 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:05:00Z'],
    ['*/5 * * * *', '2026-01-01T00:04:59Z', '2026-01-01T00:05:00Z'],
    ['0 3 * * *', '2026-01-01T03:00:00Z', '2026-01-02T03:00:00Z'],
    ['30 9-17/4 * * mon-fri', '2026-01-02T17:31:00Z', '2026-01-05T09:30:00Z'],
    ['0 0 31 * *', '2026-01-31T00:00:00Z', '2026-03-31T00:00:00Z'],
    ['0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
    // With both days given, either of them is enough.
    ['0 0 13 * FRI', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
    ['0 0 13 * *', '2026-01-01T00:00:00Z', '2026-01-13T00:00:00Z'],
    ['15,45 1 ? jan,Dec *', '2026-01-31T01:45:00Z', '2026-12-01T01:15:00Z'],
    ['10/20 * * * *', '2026-01-01T00:31:00Z', '2026-01-01T00:50:00Z'],
    ['@hourly', '2026-01-01T00:00:01Z', '2026-01-01T01:00:00Z'],
    ['@weekly', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00Z'],
    ['@yearly', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['@every 1h30m', '2026-01-01T00:00:00.500Z', '2026-01-01T01:30:00Z'],
  ])('%s after %s is %s', (text, after, next) => {
    expect(new Date(parseCronSchedule(text).next(Date.parse(after)) ?? 0).toISOString()).toBe(next.replace('Z', '.000Z'));
  });

  it.each([
    ['Europe/Vienna', '2026-01-01T00:00:00Z', '2026-01-01T02:30:00.000Z'],
    ['Europe/Vienna', '2026-07-01T00:00:00Z', '2026-07-01T01:30:00.000Z'],
    ['America/New_York', '2026-01-01T00:00:00Z', '2026-01-01T08:30:00.000Z'],
  ])('reads hours in %s', (zone, after, next) => {
    expect(new Date(parseCronSchedule('30 3 * * *', zone).next(Date.parse(after)) ?? 0).toISOString()).toBe(next);
  });

  it.each([
    '',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * foo *',
    '5-1 * * * *',
    '*/0 * * * *',
    '@never',
    '@every soon',
    '* * * * 7',
  ])('refuses %j', (text) => expect(() => parseCronSchedule(text)).toThrow(RangeError));

  it('refuses a zone that there is not', () => {
    expect(() => parseCronSchedule('* * * * *', 'Mars/Olympus')).toThrow(RangeError);
  });

  it('gives up on a day that never comes', () => {
    expect(parseCronSchedule('0 0 30 2 *').next(0)).toBeUndefined();
  });
});
