import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../objects/kube-object.ts';
import { matchesFields, parseFieldSelector } from './field-selector.ts';
import { parseLabelSelector } from './label-selector.ts';

describe('label selectors', () => {
  const labels = { app: 'web', tier: 'front', n: '5' };

  it.each([
    ['', true],
    ['app=web', true],
    ['app==web,tier!=back', true],
    ['app in (api, web),!gone', true],
    ['app notin (api)', true],
    ['gone notin (x)', true],
    ['tier', true],
    ['!tier', false],
    ['app=', false],
    ['n>4,n<6', true],
    ['n>5', false],
    ['app>1', false],
    ['in in (in)', false],
  ])('%s', (selector, expected) => {
    expect(parseLabelSelector(selector)?.(labels) ?? true).toBe(expected);
  });

  // Texts of a Kubernetes 1.34.3 server.
  it.each([
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    [',a', "found ',', expected: !, identifier, or 'end of string'"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (b,', "unable to parse requirement: found '', expected: ',', or identifier"],
    ['a in (b c)', "unable to parse requirement: found 'c', expected: ',' or ')'"],
    ['a in ((b))', "unable to parse requirement: found '(', expected: ',', ')' or identifier"],
    ['a===b', "unable to parse requirement: found '=', expected: identifier"],
    ['=b', "found '=', expected: !, identifier, or 'end of string'"],
    ['a>x', "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"],
    ['/a=b', 'unable to parse requirement: <nil>: Invalid value: "/a": prefix part must be non-empty'],
    [
      `a=${'x'.repeat(70)}`,
      `unable to parse requirement: values[0][a]: Invalid value: "${'x'.repeat(70)}": must be no more than 63 characters`,
    ],
  ])('refuses %s', (selector, message) => {
    expect(() => parseLabelSelector(selector)).toThrow(message);
  });
});

describe('field selectors', () => {
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'n' },
    spec: { nodeName: 'node-1' },
    status: { phase: 'Running' },
  };

  it.each([
    ['metadata.name=p', true],
    ['metadata.name==p,spec.nodeName=node-1', true],
    ['status.phase!=Running', false],
    ['spec.nodeName=', false],
    ['spec.hostNetwork=false', true],
  ])('%s', (selector, expected) => {
    expect(matchesFields(parseFieldSelector(selector, { storage: 'pods' }) ?? [], pod)).toBe(expected);
  });

  it('selects events by what they are about', () => {
    const terms = parseFieldSelector('involvedObject.name=p,involvedObject.uid=1', { storage: 'events' }) ?? [];
    const event = { ...pod, involvedObject: { name: 'p', uid: '1' } };
    expect(matchesFields(terms, event)).toBe(true);
    expect(matchesFields(terms, { ...pod, involvedObject: { name: 'p', uid: '2' } })).toBe(false);
  });

  it.each([
    ['pods', 'foo=b', 'field label not supported: foo'],
    ['configmaps', 'foo=b', '"foo" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    ['jobs.batch', 'foo=b', 'field label "foo" not supported for Job'],
    ['pods', 'metadata.name=a,b', "invalid selector: 'metadata.name=a,b'; can't understand 'b'"],
    ['pods', 'metadata.name=a=b', 'invalid field selector: unescaped character in value: 61'],
    ['pods', 'metadata.name=a\\', 'invalid field selector: invalid escape sequence: \\'],
  ])('refuses for %s %s', (storage, selector, message) => {
    expect(() => parseFieldSelector(selector, { storage })).toThrow(message);
  });
});
