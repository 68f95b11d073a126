import { servedVersions } from '../../controlplane/crd-changes.ts';
import { parseIstioVersion } from '../../versions/istio-version.ts';
import { assessHop, assessProxySkew } from '../../versions/skew-rules.ts';
import { supportRow } from '../../versions/support-table.ts';
import type { Check } from '../check-context.ts';
import type { CouldNotLook, Finding } from '../finding.ts';

export const versionHop: Check = {
  name: 'step between the two versions',
  codes: ['VERS-001', 'VERS-003'],
  look({ from, to, today }) {
    if (!to) return [];
    const results: (Finding | CouldNotLook)[] = [];
    const hop = from === undefined ? undefined : assessHop(from.version, to.version);
    if (hop?.kind === 'downgrade' || hop?.kind === 'too-far') {
      results.push({
        code: 'VERS-001',
        level: 'error',
        objects: [],
        what:
          hop.kind === 'downgrade'
            ? `${to.version} is older than ${from?.version}`
            : `${from?.version} to ${to.version} is ${hop.minors} minor versions; two are supported`,
        why:
          hop.kind === 'downgrade'
            ? 'Proxies may not be newer than their control plane.'
            : 'Istio does not test steps of more than two minor versions.',
        next: [hop.kind === 'downgrade' ? 'meshlift rollback takes a run back.' : 'Upgrade to a version in between first.'],
      });
    }
    if (hop?.kind === 'unknown')
      results.push({ what: 'step between the versions', why: `"${hop.text}" is not a version that can be compared` });
    const version = parseIstioVersion(to.version);
    const row = version && supportRow(version);
    if (row && row.endOfLife < today) {
      results.push({
        code: 'VERS-003',
        level: 'warning',
        objects: [],
        what: `Istio ${row.istio} has been at its end of life since ${row.endOfLife}`,
        why: 'It gets no security fixes.',
        next: ['Plan the next upgrade soon.'],
      });
    }
    return results;
  },
};

export const proxySkew: Check = {
  name: 'version of every proxy against its control plane',
  codes: ['VERS-002'],
  look({ inventory }) {
    const versionOf = new Map(inventory.revisions.map((r) => [r.name, r.version]));
    const far: string[] = [];
    let unknown = 0;
    for (const pod of inventory.workloads.flatMap((w) => w.pods)) {
      if (!pod.proxy || pod.revision === undefined || pod.terminating || pod.phase === 'Succeeded' || pod.phase === 'Failed') continue;
      const verdict = assessProxySkew(versionOf.get(pod.revision) ?? 'unknown', pod.proxy.version);
      if (verdict === 'behind' || verdict === 'ahead')
        far.push(`${pod.namespace}/${pod.name} (${pod.proxy.version}, ${verdict} of ${pod.revision} ${versionOf.get(pod.revision)})`);
      if (verdict === 'unknown') unknown += 1;
    }
    const results: (Finding | CouldNotLook)[] = [];
    if (unknown > 0)
      results.push({ what: `version skew of ${unknown} proxies`, why: 'their version, or that of their control plane, cannot be told' });
    if (far.length > 0) {
      results.push({
        code: 'VERS-002',
        level: 'error',
        objects: far,
        what: `${far.length} ${far.length === 1 ? 'proxy is' : 'proxies are'} outside the supported skew: ${far.slice(0, 3).join(', ')}${far.length > 3 ? ', …' : ''}`,
        why: 'Such proxies may reject configuration. They would be further away after the upgrade.',
        next: ['Restart these workloads on their present revision first.'],
      });
    }
    return results;
  },
};

/** Kinds that istiod reads as v1 since 1.24. */
const READ_AS_V1 =
  /^(destinationrules|gateways|serviceentries|sidecars|virtualservices|workloadentries|workloadgroups)\.networking\.istio\.io$|\.security\.istio\.io$|^telemetries\.telemetry\.istio\.io$/;

export const crdVersions: Check = {
  name: 'served CRD versions',
  codes: ['VERS-004', 'VERS-005'],
  look({ to, liveCrds, rendered, request }) {
    const version = to && parseIstioVersion(to.version);
    if (!version) return [];
    const willBeApplied = new Map((rendered?.crds ?? []).map((crd) => [crd.metadata.name, crd]));
    const reads = version.minor >= 24;
    const missing = liveCrds
      .map((crd) => willBeApplied.get(crd.metadata.name) ?? crd)
      .filter((crd) => reads && READ_AS_V1.test(crd.metadata.name) && !servedVersions(crd).includes('v1'))
      .map((crd) => crd.metadata.name);
    const lost = liveCrds.flatMap((crd) => {
      const next = willBeApplied.get(crd.metadata.name);
      const gone = next ? servedVersions(crd).filter((v) => !servedVersions(next).includes(v)) : [];
      return gone.map((v) => `${crd.metadata.name} ${v}`);
    });
    const results: Finding[] = [];
    if (missing.length > 0) {
      results.push({
        code: 'VERS-004',
        level: request.action === 'migrate' ? 'warning' : 'error',
        objects: missing,
        what: `${missing.length} CRDs do not serve v1, which istiod ${to?.version} reads`,
        why: 'The new istiod would never become ready.',
        next: ['Include the CRDs of the target version in what is installed.'],
      });
    }
    if (lost.length > 0) {
      results.push({
        code: 'VERS-005',
        level: 'error',
        objects: lost,
        what: `the rendered CRDs no longer serve ${lost.slice(0, 3).join(', ')}`,
        why: 'The control plane that runs now, or stored objects, may need these versions.',
        next: ['Render newer CRDs, or leave the CRDs out of the manifests.'],
      });
    }
    return results;
  },
};
