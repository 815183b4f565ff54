import { expect, test } from 'vitest';
import { checkGolden } from './golden.ts';

test('what starts every run is quick, and finds nothing', () => {
  checkGolden();
  const start = performance.now();
  expect(checkGolden()).toEqual([]);
  expect(performance.now() - start).toBeLessThan(100); // 5 ms on an idle machine
});
