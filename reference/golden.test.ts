import { expect, test } from 'vitest';
import { checkGolden } from './golden.ts';

test('what starts every run is quick, and finds nothing', () => {
  // Processor time, and the best of some: other tests run beside this one.
  const milliseconds = Array.from({ length: 5 }, () => {
    const start = process.cpuUsage();
    expect(checkGolden()).toEqual([]);
    return process.cpuUsage(start).user / 1000;
  });
  expect(Math.min(...milliseconds)).toBeLessThan(100); // some 15
});
