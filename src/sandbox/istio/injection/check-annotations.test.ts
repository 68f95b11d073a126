import { describe, expect, it, test } from 'vitest';
import { checkAnnotations } from './check-annotations.ts';

/** Words of a real istiod 1.28.2. */
const PROBLEMS: readonly (readonly [name: string, value: string, problem: string])[] = [
  [
    'traffic.sidecar.istio.io/includeInboundPorts',
    'abc',
    `includeInboundPorts invalid: failed parsing port 'abc': failed parsing port 'abc': strconv.ParseUint: parsing "abc": invalid syntax`,
  ],
  [
    'traffic.sidecar.istio.io/includeInboundPorts',
    '80,70000',
    `includeInboundPorts invalid: failed parsing port '70000': failed parsing port '70000': strconv.ParseUint: parsing "70000": value out of range`,
  ],
  [
    'status.sidecar.istio.io/port',
    'x',
    `excludeInboundPorts invalid: failed parsing port 'x': strconv.ParseUint: parsing "x": invalid syntax`,
  ],
  ['readiness.status.sidecar.istio.io/periodSeconds', 'x', 'strconv.ParseUint: parsing "x": invalid syntax'],
  ['sidecar.istio.io/interceptionMode', 'nonsense', 'interceptionMode invalid, use REDIRECT,TPROXY,NONE: nonsense'],
  ['proxy.istio.io/config', '{not yaml', `failed to convert to apply proxy config: yaml: line 1: did not find expected ',' or '}'`],
];

describe('annotations', () => {
  test.each(PROBLEMS)('%s: %s is refused', (name, value, problem) => {
    expect(checkAnnotations({ [name]: value })).toBe(
      `1 error occurred:\n\t* invalid value '${value}' for annotation '${name}': ${problem}\n\n`,
    );
  });

  test.each([
    ['traffic.sidecar.istio.io/includeInboundPorts', '*'],
    ['traffic.sidecar.istio.io/excludeInboundPorts', '80, 90'],
    ['status.sidecar.istio.io/port', '0'],
    ['proxy.istio.io/config', 'nobodyKnowsThis: 1'],
    ['example.com/anything', '{not yaml'],
  ])('%s: %s is taken', (name, value) => {
    expect(checkAnnotations({ [name]: value })).toBeUndefined();
  });

  it('are all looked at', () => {
    const wrong = { 'status.sidecar.istio.io/port': 'x', 'sidecar.istio.io/interceptionMode': 'y' };
    expect(checkAnnotations(wrong)).toMatch(/^2 errors occurred:\n\t\* .*\n\t\* .*\n\n$/);
  });
});
