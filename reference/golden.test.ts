import { expect, test } from 'vitest';
import { checkGolden, goldenVectors } from './golden.ts';

const vectors = goldenVectors();

test('the reference agrees with every golden vector', () => {
  expect(vectors.length).toBeGreaterThan(60);
  expect(checkGolden(vectors)).toEqual([]);
});

test('what starts every run covers each type and both roundings, and is quick', () => {
  checkGolden();
  const start = performance.now();
  expect(checkGolden()).toEqual([]);
  expect(performance.now() - start).toBeLessThan(100); // 5 ms on an idle machine
});

test('a disagreement in the thirteenth digit is seen', () => {
  const [vector] = vectors;
  const [first, ...rest] = vector.y;
  const off = String(Number(first) * (1 + 4e-12));
  expect(checkGolden([{ ...vector, y: [off, ...rest] }])).toHaveLength(1);
});

test('a number where a NaN is due, and one wrong bit of residualOut, are seen', () => {
  const [vector] = vectors;
  expect(checkGolden([{ ...vector, y: ['nan', ...vector.y.slice(1)] }])).toHaveLength(1);
  const summed = vectors.find(v => v.residualOut)!;
  const flipped = summed.residualOut!.replace(/^./, digit => (digit === '0' ? '1' : '0'));
  expect(checkGolden([{ ...summed, residualOut: flipped }])).toHaveLength(1);
});
