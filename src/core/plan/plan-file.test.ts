import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { World } from '../../../test/kit/world.ts';
import { Problem } from '../problems/problem.ts';
import { decodePlan, encodePlan, planDigest, runName } from './plan-file.ts';
import type { Plan } from './plan.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const plan: Plan = await new World().withShop().plan();
const text = encodePlan(plan, sha256);

it('comes back as it was', () => {
  expect(decodePlan(text, 'f', sha256)).toEqual(plan);
});

it('is read in any layout: the digest is over what it says, not over how it is written', () => {
  expect(decodePlan(JSON.stringify({ digest: planDigest(plan, sha256), ...plan }), 'f', sha256)).toEqual(plan);
});

it('names its run by its content', () => {
  expect(runName(plan, sha256)).toMatch(/^to-canary-[0-9a-f]{6}$/);
  expect(runName({ ...plan, metadata: { ...plan.metadata, createdAt: 'later' } }, sha256)).not.toBe(runName(plan, sha256));
  expect(runName({ ...plan, metadata: { ...plan.metadata, name: 'x'.repeat(80) } }, sha256).length).toBeLessThanOrEqual(50);
});

describe('what is no plan, or not the one that was made', () => {
  it.each<[string, string, string, RegExp]>([
    ['not YAML', 'a: [', 'PLAN-010', /f, line \d+, column \d+/],
    ['empty', '', 'PLAN-010', /its kind is null/],
    ['another kind', 'kind: Pod', 'PLAN-010', /its kind is "Pod"/],
    ['a newer format', text.replace('formatVersion: 1', 'formatVersion: 2'), 'PLAN-011', /version 2; this Meshlift reads/],
    ['another API version', text.replace('meshlift.io/v1alpha1', 'meshlift.io/v2'), 'PLAN-011', /meshlift\.io\/v2/],
    ['a kind of step that does not exist', text.replace('kind: labelNamespace', 'kind: eatNamespace'), 'PLAN-010', /steps\.2\.kind/],
    ['a field that does not exist', text.replace('request:', 'surprise: 1\nrequest:'), 'PLAN-010', /surprise/],
    ['a number where a text belongs', text.replace('namespace: shop', 'namespace: 7'), 'PLAN-010', /steps\.2\./],
    ['another namespace', text.replace('namespace: shop', 'namespace: kube-system'), 'PLAN-012', /gives another one/],
    [
      'a step left out',
      encodePlan({ ...plan, steps: plan.steps.slice(1) }, sha256).replace(/digest: .*/, `digest: ${planDigest(plan, sha256)}`),
      'PLAN-012',
      /gives another one/,
    ],
    ['no digest', text.replace(/^digest: .*$/m, ''), 'PLAN-012', /digest none/],
  ])('%s', (_name, content, code, words) => {
    const result = decodePlan(content, 'f', sha256);
    expect(result).toBeInstanceOf(Problem);
    expect([(result as Problem).code, (result as Problem).details.what]).toEqual([code, expect.stringMatching(words)]);
  });
});
