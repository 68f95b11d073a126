/** Options of an installation with helm, and what does not go together. */
import { describe, expect, it } from 'vitest';
import { buildRequest, type RequestOptions } from '../../src/cli/arguments/build-request.ts';
import { Problem } from '../../src/core/problems/problem.ts';

const to = { to: '1.29.1' };

function mistakes(options: RequestOptions): string {
  try {
    buildRequest('upgrade', { ...to, ...options }, []);
    return '';
  } catch (error) {
    return error instanceof Problem ? error.details.what : String(error);
  }
}

describe('an installation with helm', () => {
  it.each([
    ['in short', { with: 'helm', charts: 'istio' }, { charts: 'istio', helm: 'helm', values: [], set: [] }],
    ['by its options alone', { charts: 'oci://host/path' }, { charts: 'oci://host/path', helm: 'helm', values: [], set: [] }],
    [
      'with everything',
      {
        with: 'helm',
        helm: './helm',
        charts: 'c',
        chartVersion: '107.1.0',
        values: ['a.yaml'],
        file: ['b.yaml', 'c.yaml'],
        set: ['a=b,c=d'],
      },
      { helm: './helm', charts: 'c', chartVersion: '107.1.0', values: ['a.yaml', 'b.yaml', 'c.yaml'], set: ['a=b,c=d'] },
    ],
  ] as const)('%s', (_name, options, wanted) => {
    expect(buildRequest('upgrade', { ...to, ...options }, []).install).toEqual({ with: 'helm', ...wanted });
  });

  it.each([
    ['no charts', { with: 'helm' }, '--with helm needs --charts'],
    ['an istioctl', { with: 'helm', charts: 'c', istioctl: 'i' }, '--istioctl goes with --with istioctl'],
    ['manifests', { with: 'helm', charts: 'c', manifests: ['m'] }, '--manifests goes with --with manifests'],
    ['a setting without a value', { with: 'helm', charts: 'c', set: ['a'] }, '--set a: it must be KEY=VALUE'],
    ['charts for istioctl', { with: 'istioctl', charts: 'c' }, 'go with --with helm, not with --with istioctl'],
    ['values for manifests', { manifests: ['m'], values: ['v'] }, 'go with --with helm, not with --with manifests'],
    ['two files for istioctl', { with: 'istioctl', file: ['a', 'b'] }, '-f once'],
    ['another way', { with: 'kustomize' }, 'it must be istioctl, helm or manifests'],
  ])('refuses %s', (_name, options, wanted) => {
    expect(mistakes(options)).toContain(wanted);
  });

  it('leaves one file to istioctl, as ever', () => {
    expect(buildRequest('upgrade', { ...to, file: ['operator.yaml'] }, []).install).toEqual({
      with: 'istioctl',
      istioctl: 'istioctl',
      file: 'operator.yaml',
      set: [],
    });
  });
});
