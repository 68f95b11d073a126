const UNIT_SECONDS = { '': 1, s: 1, m: 60, h: 3600 };

/** `90`, `90s`, `5m`, `1h` in seconds; undefined when it is something else. */
export function durationSeconds(text: string): number | undefined {
  const match = /^(\d{1,9})([smh]?)$/.exec(text);
  return match ? Number(match[1]) * UNIT_SECONDS[match[2] as keyof typeof UNIT_SECONDS] : undefined;
}
