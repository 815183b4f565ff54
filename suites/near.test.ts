/** A near call keeps the contract, and is another call by one thing. */

import { describe, expect, test } from 'vitest';
import { drawCase } from '../src/check/generate.ts';
import { sameView } from './derive.ts';
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

  test('is a valid one that differs in one parameter, or in the data of one view', () => {
    let data = 0;
    cases.forEach((c, k) => {
      const other = near(suite.near, c, n => ((k * 7919) >>> 3) % n);
      expect(brokenBy(other)).toBeUndefined();
      const now = new Map(leaves(other.params));
      const changed = leaves(c.params).filter(([path, value]) => now.get(path) !== value);
      const views = Object.keys(c.tensors).filter(role => other.tensors[role] !== c.tensors[role]);
      for (const role of views) {
        expect(sameView(c.tensors[role], c.tensors[views[0]])).toBe(true);
        expect({ ...other.tensors[role], data: null }).toEqual({ ...c.tensors[role], data: null });
        expect(other.tensors[role].data).not.toEqual(c.tensors[role].data);
      }
      expect(changed.length + Math.min(views.length, 1)).toBe(1);
      if (changed.length > 0) seen.add(changed[0][0]);
      else data++;
    });
    expect(data).toBeGreaterThan(50);
    expect(data).toBeLessThan(250);
  });

  test('every parameter is changed in some', () => {
    const all = new Set(cases.flatMap(c => leaves(c.params).map(([path]) => path)));
    // Of a scaling with two ends one end is moved.
    const other = ['scaling.lowFreqFactor', 'scaling.betaSlow'];
    expect([...all].filter(path => !seen.has(path) && !other.includes(path))).toEqual([]);
  });
});
