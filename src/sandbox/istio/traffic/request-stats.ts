/** Requests that a proxy counted, as Istio's metrics name them. */
import type { Gauge, MetricLabels } from '../control-plane/istiod-metrics.ts';

export interface CountedRequest {
  readonly reporter: 'source' | 'destination';
  readonly sourceWorkload: string;
  readonly destinationWorkload: string;
  /** `reviews.shop.svc.cluster.local` */
  readonly destinationService: string;
  readonly status: number;
  /** `-` when there are none. */
  readonly flags: string;
  readonly mutualTls: boolean;
  readonly durationMs: number;
}

export interface RequestStats {
  readonly record: (request: CountedRequest) => void;
  readonly samples: () => { readonly counters: readonly Gauge[]; readonly histograms: readonly Gauge[] };
  readonly total: () => number;
}

/** Upper ends in milliseconds, as Envoy has them. */
const BUCKETS_MS = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

interface Series {
  readonly labels: MetricLabels;
  count: number;
  sumMs: number;
  readonly buckets: number[];
}

export function createRequestStats(): RequestStats {
  const series = new Map<string, Series>();
  let total = 0;
  return {
    total: () => total,
    record: (request) => {
      total += 1;
      const labels = labelsOf(request);
      const key = Object.values(labels).join('\n');
      const found = series.get(key) ?? { labels, count: 0, sumMs: 0, buckets: BUCKETS_MS.map(() => 0) };
      series.set(key, found);
      found.count += 1;
      found.sumMs += request.durationMs;
      BUCKETS_MS.forEach((le, index) => {
        if (request.durationMs <= le) found.buckets[index] = (found.buckets[index] ?? 0) + 1;
      });
    },
    samples: () => ({
      counters: [...series.values()].map(({ labels, count }) => ({ name: 'istio_requests_total', labels, value: count })),
      histograms: [...series.values()].flatMap(histogramOf),
    }),
  };
}

function labelsOf(request: CountedRequest): MetricLabels {
  const [name = '', namespace = ''] = request.destinationService.split('.');
  return {
    reporter: request.reporter,
    source_workload: request.sourceWorkload,
    destination_workload: request.destinationWorkload,
    destination_service: request.destinationService,
    destination_service_name: name,
    destination_service_namespace: namespace,
    request_protocol: 'http',
    response_code: String(request.status),
    response_flags: request.flags,
    connection_security_policy: request.reporter === 'source' ? 'unknown' : request.mutualTls ? 'mutual_tls' : 'none',
  };
}

function histogramOf({ labels, count, sumMs, buckets }: Series): readonly Gauge[] {
  const name = 'istio_request_duration_milliseconds';
  return [
    ...BUCKETS_MS.map((le, index) => ({ name: `${name}_bucket`, labels: { ...labels, le: String(le) }, value: buckets[index] ?? 0 })),
    { name: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { name: `${name}_sum`, labels, value: sumMs },
    { name: `${name}_count`, labels, value: count },
  ];
}
