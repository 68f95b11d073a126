/** What an istiod measures of itself and of its proxies when it is asked. */
import type { DiscoveryServer } from '../discovery/discovery-server.ts';
import type { Gauge } from './istiod-metrics.ts';
import type { IstiodIdentity } from './istiod-settings.ts';

const SHORT: Readonly<Record<string, string>> = { cluster: 'cds', listener: 'lds', route: 'rds', endpoint: 'eds' };

export function istiodGauges(server: DiscoveryServer, { version }: IstiodIdentity): readonly Gauge[] {
  const perVersion = new Map<string, number>();
  for (const { proxy } of server.connections()) perVersion.set(proxy.istioVersion, (perVersion.get(proxy.istioVersion) ?? 0) + 1);
  return [
    { name: 'istio_build', labels: { component: 'pilot', tag: version.text }, value: 1 },
    { name: 'pilot_info', labels: { version: version.text }, value: 1 },
    { name: 'pilot_services', labels: {}, value: server.serviceCount() },
    { name: 'pilot_virt_services', labels: {}, value: server.view.config('virtualServices').length },
    ...[...perVersion]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([proxy, value]) => ({ name: 'pilot_xds', labels: { version: proxy }, value })),
    ...Object.entries(server.pushes()).map(([type, value]) => ({ name: 'pilot_xds_pushes', labels: { type: SHORT[type] ?? type }, value })),
  ];
}
