import { ruleText } from '../../permissions/access-rules.ts';
import { parseIstioVersion } from '../../versions/istio-version.ts';
import { kubernetesMinor, supportRow } from '../../versions/support-table.ts';
import type { Check } from '../check-context.ts';

export const permissions: Check = {
  name: 'permissions for the whole plan',
  codes: ['PLAT-001'],
  look({ access, inventory }) {
    if (!access) return [];
    const denied = access.filter((answer) => !answer.allowed).map((answer) => ruleText(answer.rule, inventory.istioNamespace));
    if (denied.length === 0) return [];
    return [
      {
        code: 'PLAT-001',
        level: 'error',
        objects: denied,
        what: `${denied.length} of ${access.length} permissions that the plan needs are missing: ${denied.slice(0, 4).join('; ')}${denied.length > 4 ? '; …' : ''}`,
        why: 'The run would stop in the middle, where the permission is first needed.',
        next: ['meshlift rbac --check'],
      },
    ];
  },
};

export const kubernetesRange: Check = {
  name: 'Kubernetes version against the support table',
  codes: ['PLAT-002'],
  look({ inventory, from, to }) {
    const minor = kubernetesMinor(inventory.serverVersion);
    if (minor === undefined) return [{ what: 'Kubernetes version', why: `the server calls itself "${inventory.serverVersion}"` }];
    return [from, to].flatMap((end) => {
      const version = end && parseIstioVersion(end.version);
      if (!end || !version) return [];
      const row = supportRow(version);
      if (!row) return [{ what: `Kubernetes range of Istio ${end.version}`, why: 'the support table does not know this version' }];
      const [lowest, highest] = row.kubernetes;
      if (minor >= lowest && minor <= highest) return [];
      return [
        {
          code: 'PLAT-002' as const,
          level: minor < lowest ? ('error' as const) : ('warning' as const),
          objects: [],
          what: `Istio ${end.version} supports Kubernetes 1.${lowest} to 1.${highest}; this cluster is ${inventory.serverVersion}`,
          why: minor < lowest ? 'The control plane may not start, or may miss APIs.' : 'The pair was not tested by the Istio project.',
          next: ['Look at the support table of Istio for a version that fits.'],
        },
      ];
    });
  },
};
