/** What a call is staged with: small, without holes in its memory, and from anywhere in the sequence. */

import { expect, test } from 'vitest';
import { suites } from '../../suites/index.ts';
import { type Case, cellDtype } from '../case/case.ts';
import { drawCase } from './generate.ts';
import { otherCase } from './stage.ts';

const others = (suite: (typeof suites)[number], base: Case) =>
  Array.from({ length: 400 }, (_, i) => {
    let draws = 0;
    const seeds = [i * 7919, i * 104_729];
    return otherCase(suite, base, n => seeds[draws++ % 2] % n, cellDtype(base));
  });

test.each(suites)('of $op', suite => {
  const base = drawCase(suite, 3, 1).case;
  const drawn = others(suite, base);
  for (const c of drawn) {
    expect(cellDtype(c)).toBe(cellDtype(base));
    expect(Object.values(c.buffers).filter(({ sparse }) => sparse)).toEqual([]);
    if (c !== base) expect(suite.cost(c)).toBeLessThanOrEqual(Math.max(1 << 16, suite.cost(base)));
  }
  // Cases that nothing but their turn in the sequence deals are among them.
  const edges = new Set(
    drawn.flatMap(c => suite.dimensions.flatMap(({ name, of }) => of(c).map(e => `${name}: ${e}`))),
  );
  const all = suite.dimensions.reduce((sum, dimension) => sum + dimension.edges.length, 0);
  expect(edges.size / all).toBeGreaterThan(0.9);
});
