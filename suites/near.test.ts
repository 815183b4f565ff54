/** A near call keeps the contract, and is another call by one parameter. */

import { describe, expect, test } from 'vitest';
import { drawCase } from '../src/check/generate.ts';
import { suites } from './index.ts';
import { near } from './near.ts';
import { brokenBy } from './testing/contract.ts';

/** Parameters by path, `scaling.factor`. */
function leaves(params: object, path = ''): [string, unknown][] {
  return Object.entries(params).flatMap(([name, value]) =>
    typeof value === 'object' ? leaves(value, `${path}${name}.`) : [[`${path}${name}`, value] as const],
  ) as [string, unknown][];
}

describe.each(suites)('near a call of $op', suite => {
  const seen = new Set<string>();
  const cases = Array.from({ length: 300 }, (_, k) => drawCase(suite, 7, 1000 + k).case);

  test('is a valid one that differs in one parameter', () => {
    cases.forEach((c, k) => {
      const other = near(suite.near, c, n => (k * 7919) % n);
      expect({ ...other, params: null }).toEqual({ ...c, params: null });
      expect(brokenBy(other)).toBeUndefined();
      const now = new Map(leaves(other.params));
      const changed = leaves(c.params).filter(([path, value]) => now.get(path) !== value);
      expect(changed.map(([path]) => path)).toHaveLength(1);
      seen.add(changed[0][0]);
    });
  });

  test('every parameter is changed in some', () => {
    const all = new Set(cases.flatMap(c => leaves(c.params).map(([path]) => path)));
    // Of a scaling with two ends one end is moved.
    const other = ['scaling.lowFreqFactor', 'scaling.betaSlow'];
    expect([...all].filter(path => !seen.has(path) && !other.includes(path))).toEqual([]);
  });
});
