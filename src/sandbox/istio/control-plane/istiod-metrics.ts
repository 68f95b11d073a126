/** Counters of an istiod, and the text in which Prometheus reads them. */

export type MetricLabels = Readonly<Record<string, string>>;

export interface IstiodMetrics {
  readonly count: (name: string, labels: MetricLabels, by?: number) => void;
  /** Value of a counter, 0 when it was never counted. */
  readonly value: (name: string, labels: MetricLabels) => number;
  /** @param gauges what is known only when it is asked */
  readonly text: (gauges: readonly Gauge[]) => string;
}

export interface Gauge {
  readonly name: string;
  readonly labels: MetricLabels;
  readonly value: number;
}

/** Counters that istiod shows from its start. */
const FROM_START = [
  'sidecar_injection_requests_total',
  'sidecar_injection_success_total',
  'sidecar_injection_failure_total',
  'sidecar_injection_skip_total',
];

export function createMetrics(): IstiodMetrics {
  const counters = new Map<string, Gauge>(FROM_START.map((name) => [name, { name, labels: {}, value: 0 }]));
  const keyOf = (name: string, labels: MetricLabels): string => `${name}${labelText(labels)}`;
  return {
    count: (name, labels, by = 1) => {
      const key = keyOf(name, labels);
      counters.set(key, { name, labels, value: (counters.get(key)?.value ?? 0) + by });
    },
    value: (name, labels) => counters.get(keyOf(name, labels))?.value ?? 0,
    text: (gauges) => metricText([...counters.values()], 'counter') + metricText(gauges, 'gauge'),
  };
}

/** Prometheus' text format, sorted by name. */
export function metricText(samples: readonly Gauge[], type: 'counter' | 'gauge' | 'histogram'): string {
  const byName = new Map<string, string[]>();
  for (const { name, labels, value } of samples) {
    const lines = byName.get(name) ?? [];
    lines.push(`${name}${labelText(labels)} ${value}`);
    byName.set(name, lines);
  }
  return [...byName]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, lines]) => `# TYPE ${name} ${type}\n${lines.join('\n')}\n`)
    .join('');
}

function labelText(labels: MetricLabels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
