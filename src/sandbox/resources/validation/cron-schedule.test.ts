import { expect, test } from 'vitest';
import { cronComplaint } from './cron-schedule.ts';

test.each([
  ['* * * * *', undefined],
  ['*/5 0-6 1,15 jan mon-FRI', undefined],
  ['@daily', undefined],
  ['@every 1h30m', undefined],
  ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['5-2 * * * *', 'beginning of range (5) beyond end of range (2): 5-2'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ['@never', 'unrecognized descriptor: @never'],
])('%s', (schedule, complaint) => {
  expect(cronComplaint(schedule)).toBe(complaint);
});
