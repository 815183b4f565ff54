/** What a check says at its end of cells that failed or were not run. */

import { expect, test } from 'vitest';
import { plantedRun } from '../../reports/testing/sample.ts';
import type { Cell, Run } from '../run/document.ts';
import { notRunText, verdictText } from './tables.ts';

const base = plantedRun();
const { reason: _, ...first } = base.cells[0];
const cells = (...changed: Partial<Cell>[]): Run => ({
  ...base,
  cells: changed.map((rest): Cell => ({ ...first, verdict: 'pass' as const, ...rest })),
});

test('kernels are counted beside cells, where there are several', () => {
  const failing = { verdict: 'fail', kernel: 'a' } as const;
  const several = cells(
    { ...failing, dtype: 'f32' },
    { ...failing, dtype: 'f16' },
    { kernel: 'b' },
    { kernel: 'c' },
  );
  expect(verdictText(several)).toContain('2 of 4 cells fail, in 1 of 3 kernels; 2 pass');
  expect(verdictText(cells(failing))).toContain('1 of 1 cells fail; 0 pass');
});

test('what was not run is told with its reason, once', () => {
  const died = { verdict: 'not-run', reason: 'it crashed' } as const;
  const run = cells(...Array.from({ length: 8 }, (_, i) => ({ ...died, kernel: `k${i}` })), {});
  const [line, ...others] = notRunText(run);
  expect(others).toEqual([]);
  expect(line).toMatch(/^not run: k0\/\S+ \S+, k1.* and 2 more: it crashed$/);
  expect(notRunText(cells({}))).toEqual([]);
});
