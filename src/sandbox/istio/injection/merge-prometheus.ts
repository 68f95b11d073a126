/**
 * Prometheus scrapes an injected pod at its sidecar, which adds the application's own metrics: the annotations move into a variable.
 * Source: istio/istio, pkg/kube/inject/webhook.go (applyPrometheusMerge), tag 1.28.2.
 */
import type { MeshConfig } from '../mesh-config.ts';

type Annotations = Readonly<Record<string, string>>;

const FIELDS = { prometheus_io_port: 'port', prometheus_io_path: 'path', prometheus_io_scrape: 'scrape' } as const;

function fieldOf(annotation: string): 'port' | 'path' | 'scrape' | undefined {
  const sanitized = annotation.replaceAll(/[^a-zA-Z0-9_]/g, '_');
  return (FIELDS as Readonly<Record<string, 'port' | 'path' | 'scrape'>>)[sanitized];
}

function read(annotations: Annotations): { readonly scrape?: string; readonly path?: string; readonly port?: string } {
  const found: { scrape?: string; path?: string; port?: string } = {};
  for (const [key, value] of Object.entries(annotations)) {
    const field = fieldOf(key);
    if (field !== undefined) found[field] = value;
  }
  return found;
}

export interface MergedPrometheus {
  readonly annotations: Annotations;
  readonly env: readonly (readonly [string, string])[];
}

export function mergePrometheus(annotations: Annotations, mesh: MeshConfig, statusPort: number): MergedPrometheus {
  const own = read(annotations);
  const wanted = annotations['prometheus.istio.io/merge-metrics'];
  const merges = wanted === undefined ? mesh.enablePrometheusMerge : /^(?:1|t|true)$/i.test(wanted);
  if (!merges || (own.scrape !== undefined && /^(?:0|f|false)$/i.test(own.scrape)) || own.port === String(statusPort)) {
    return { annotations, env: [] };
  }
  // In the order in which pilot-agent declares the fields; empty ones are written too.
  const described = { scrape: own.scrape ?? '', path: own.path ?? '', port: own.port ?? '' };
  return {
    annotations: {
      ...without(annotations),
      'prometheus.io/path': '/stats/prometheus',
      'prometheus.io/port': String(statusPort),
      'prometheus.io/scrape': 'true',
    },
    env: Object.keys(own).length === 0 ? [] : [['ISTIO_PROMETHEUS_ANNOTATIONS', JSON.stringify(described)]],
  };
}

function without(annotations: Annotations): Annotations {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => fieldOf(key) === undefined));
}

/** Takes away what an earlier injection wrote. */
export function withoutOwnPrometheus(annotations: Annotations, statusPort: string): Annotations {
  const { 'sidecar.istio.io/status': _, ...kept } = annotations;
  return read(kept).port === statusPort ? without(kept) : kept;
}
