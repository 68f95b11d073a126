/**
 * Annotations that istiod refuses to inject with.
 * Source: istio/istio, pkg/kube/inject/validate.go, tag 1.28.2. The words after the last colon are Go's.
 */

import { parse, type YAMLParseError } from 'yaml';

type Check = (value: string) => string | undefined;

const unsigned: Check = (value) =>
  /^\d+$/.test(value) && Number(value) <= 0xffff_ffff ? undefined : `strconv.ParseUint: parsing ${JSON.stringify(value)}: invalid syntax`;

const truth: Check = (value) =>
  /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)
    ? undefined
    : `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;

const MAX_PORT = 65_535;

/** Why a text is no port, in the words of Go; spaces around it do not count. */
function portProblem(text: string): string | undefined {
  const port = text.trim();
  const because = !/^\d+$/.test(port) ? 'invalid syntax' : Number(port) > MAX_PORT ? 'value out of range' : undefined;
  if (because === undefined) return undefined;
  return `failed parsing port '${port}': strconv.ParseUint: parsing ${JSON.stringify(port)}: ${because}`;
}

function ports(name: string): Check {
  return (value) => {
    if (value === '' || (value === '*' && name === 'includeInboundPorts')) return undefined;
    const wrong = value.split(',').find((port) => portProblem(port) !== undefined);
    return wrong === undefined ? undefined : `${name} invalid: failed parsing port '${wrong}': ${portProblem(wrong) ?? ''}`;
  };
}

function statusPort(value: string): string | undefined {
  const problem = portProblem(value);
  return problem === undefined ? undefined : `excludeInboundPorts invalid: ${problem}`;
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

/** Words of Go's YAML reader for what this one calls by another name. */
const YAML_WORDS: readonly (readonly [here: RegExp, there: string])[] = [
  [/^Flow map/, "did not find expected ',' or '}'"],
  [/^Flow sequence/, "did not find expected ',' or ']'"],
];

function proxyConfig(text: string): string | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    const { message, linePos } = error as YAMLParseError;
    const why = YAML_WORDS.find(([here]) => here.test(message))?.[1] ?? "could not find expected ':'";
    return `failed to convert to apply proxy config: yaml: line ${linePos?.[0].line ?? 1}: ${why}`;
  }
}

const CHECKS: Readonly<Record<string, Check>> = {
  'sidecar.istio.io/interceptionMode': (value) =>
    ['REDIRECT', 'TPROXY', 'NONE'].includes(value) ? undefined : `interceptionMode invalid, use REDIRECT,TPROXY,NONE: ${value}`,
  'status.sidecar.istio.io/port': statusPort,
  'readiness.status.sidecar.istio.io/initialDelaySeconds': unsigned,
  'readiness.status.sidecar.istio.io/periodSeconds': unsigned,
  'readiness.status.sidecar.istio.io/failureThreshold': unsigned,
  'traffic.sidecar.istio.io/includeOutboundIPRanges': ranges('includeIPRanges'),
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': ranges('excludeIPRanges'),
  'traffic.sidecar.istio.io/includeInboundPorts': ports('includeInboundPorts'),
  'traffic.sidecar.istio.io/excludeInboundPorts': ports('excludeInboundPorts'),
  'traffic.sidecar.istio.io/excludeOutboundPorts': ports('excludeOutboundPorts'),
  'prometheus.istio.io/merge-metrics': truth,
  'proxy.istio.io/config': proxyConfig,
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
