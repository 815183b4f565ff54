import { expect, test } from 'vitest';
import { checkGolden } from './golden.ts';

test('what starts every run is quick, and finds nothing', () => {
  // The best of some: other tests run beside this one.
  const milliseconds = Array.from({ length: 5 }, () => {
    const start = performance.now();
    expect(checkGolden()).toEqual([]);
    return performance.now() - start;
  });
  expect(Math.min(...milliseconds)).toBeLessThan(100); // some 15 ms of processor time
});
