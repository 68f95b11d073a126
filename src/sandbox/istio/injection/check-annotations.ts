/**
 * Annotations that istiod refuses to inject with.
 * Source: istio/istio, pkg/kube/inject/validate.go, tag 1.28.2. The words after the last colon are Go's.
 */

type Check = (value: string) => string | undefined;

const unsigned: Check = (value) =>
  /^\d+$/.test(value) && Number(value) <= 0xffff_ffff ? undefined : `strconv.ParseUint: parsing ${JSON.stringify(value)}: invalid syntax`;

const truth: Check = (value) =>
  /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)
    ? undefined
    : `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;

function ports(name: string): Check {
  return (value) => {
    if (value === '' || (value === '*' && name === 'includeInboundPorts')) return undefined;
    const wrong = value.split(',').find((port) => !/^\d+$/.test(port.trim()) || Number(port) > 65_535);
    return wrong === undefined
      ? undefined
      : `${name} invalid: failed parsing port '${wrong.trim()}': strconv.ParseUint: parsing ${JSON.stringify(wrong.trim())}: invalid syntax`;
  };
}

function ranges(name: string): Check {
  return (value) => {
    if (value === '' || (value === '*' && name === 'includeIPRanges')) return undefined;
    const wrong = value.split(',').find((range) => !/^[0-9a-fA-F.:]+\/\d{1,3}$/.test(range));
    return wrong === undefined
      ? undefined
      : `${name} invalid: failed parsing cidr '${wrong}': netip.ParsePrefix(${JSON.stringify(wrong)}): no '/'`;
  };
}

const CHECKS: Readonly<Record<string, Check>> = {
  'sidecar.istio.io/interceptionMode': (value) =>
    ['REDIRECT', 'TPROXY', 'NONE'].includes(value) ? undefined : `interceptionMode invalid, use REDIRECT,TPROXY,NONE: ${value}`,
  'status.sidecar.istio.io/port': (value) =>
    /^\d+$/.test(value) ? undefined : `excludeInboundPorts invalid: failed parsing port '${value}'`,
  'readiness.status.sidecar.istio.io/initialDelaySeconds': unsigned,
  'readiness.status.sidecar.istio.io/periodSeconds': unsigned,
  'readiness.status.sidecar.istio.io/failureThreshold': unsigned,
  'traffic.sidecar.istio.io/includeOutboundIPRanges': ranges('includeIPRanges'),
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': ranges('excludeIPRanges'),
  'traffic.sidecar.istio.io/includeInboundPorts': ports('includeInboundPorts'),
  'traffic.sidecar.istio.io/excludeInboundPorts': ports('excludeInboundPorts'),
  'traffic.sidecar.istio.io/excludeOutboundPorts': ports('excludeOutboundPorts'),
  'prometheus.istio.io/merge-metrics': truth,
};

/** @returns what istiod says of the first wrong annotation */
export function checkAnnotations(annotations: Readonly<Record<string, string>>): string | undefined {
  const problems = Object.entries(annotations).flatMap(([name, value]) => {
    const problem = CHECKS[name]?.(value);
    return problem === undefined ? [] : [`invalid value '${value}' for annotation '${name}': ${problem}`];
  });
  if (problems.length === 0) return undefined;
  return `${problems.length} error${problems.length === 1 ? '' : 's'} occurred:\n${problems.map((problem) => `\t* ${problem}\n`).join('')}\n`;
}
