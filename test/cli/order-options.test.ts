import { describe, expect, it } from 'vitest';
import { buildRequest, type RequestOptions } from '../../src/cli/arguments/build-request.ts';
import { Problem } from '../../src/core/problems/problem.ts';

const to = { to: '1.29.1' };

function mistake(options: RequestOptions): string {
  try {
    buildRequest('upgrade', { ...to, ...options }, []);
    return 'none';
  } catch (error) {
    if (error instanceof Problem) return error.details.what;
    throw error;
  }
}

describe('options of the order', () => {
  it('without any, a request has none', () => {
    expect(buildRequest('upgrade', to, [])).not.toHaveProperty('order');
  });

  it('become what plan files hold', () => {
    const options = {
      wave: ['checkout, shop/cart', 'tier=web,app=', 'shop/StatefulSet/db', '25 %'],
      edge: ['shop/web:shop/cart'],
      restartsAtOnce: '3',
      pauseBetween: '5m',
    };
    expect(buildRequest('upgrade', { ...to, ...options }, []).order).toEqual({
      waves: [
        { namespaces: ['checkout'], workloads: ['shop/cart'], labels: {} },
        { namespaces: [], workloads: [], labels: { tier: 'web', app: '' } },
        { namespaces: [], workloads: ['shop/StatefulSet/db'], labels: {} },
        { namespaces: [], workloads: [], labels: {}, percent: 25 },
      ],
      edges: [{ from: 'shop/web', to: 'shop/cart' }],
      restartsAtOnce: 3,
      pauseSeconds: 300,
    });
  });

  it.each<[RequestOptions, RegExp]>([
    [{ wave: ['shop,,bank'] }, /a part of it is empty/],
    [{ wave: ['a/b/c/d'] }, /a\/b\/c\/d is no NAMESPACE/],
    [{ wave: ['0%'] }, /order\.waves\.0\.percent/],
    [{ wave: ['101%'] }, /order\.waves\.0\.percent/],
    [{ wave: ['-5%'] }, /-5% is no NAMESPACE/],
    [{ restartsAtOnce: '0' }, /order\.restartsAtOnce/],
    [{ restartsAtOnce: '-1' }, /--restarts-at-once -1: it must be a whole number/],
    [{ restartsAtOnce: '999999' }, /order\.restartsAtOnce/],
    [{ restartsAtOnce: '1e9' }, /whole number/],
    [{ pauseBetween: '20 minutes' }, /--pause-between 20 minutes: it must be a duration/],
    [{ pauseBetween: '9999h' }, /order\.pauseSeconds/],
    [{ edge: ['shop/web'] }, /--edge shop\/web: it must be CALLER:CALLEE/],
    [{ edge: ['shop/web:shop/web'] }, /two different ends/],
    [{ edge: ['web:cart'] }, /must be NAMESPACE\/NAME/],
  ])('%o is refused', (options, text) => {
    expect(mistake(options)).toMatch(text);
  });
});
