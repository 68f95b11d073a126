/** Puts the adapter behind the port of those who send requests. */
import { HttpTraffic } from '../adapters/http-load/http-traffic.ts';
import type { Traffic } from '../ports/traffic.ts';

export function composeTraffic(): Traffic {
  return new HttpTraffic();
}
