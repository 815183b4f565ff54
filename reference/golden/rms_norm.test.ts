import { expect, test } from 'vitest';
import { check, goldenVectors } from './rms_norm.ts';

const vectors = goldenVectors();

test('the reference agrees with every golden vector', () => {
  expect(vectors.length).toBeGreaterThan(60);
  expect(check(vectors)).toEqual([]);
});

test('a disagreement in the thirteenth digit is seen', () => {
  const [vector] = vectors;
  const [first, ...rest] = vector.y;
  const off = String(Number(first) * (1 + 4e-12));
  expect(check([{ ...vector, y: [off, ...rest] }])).toHaveLength(1);
});

test('a number where a NaN is due, and one wrong bit of residualOut, are seen', () => {
  const [vector] = vectors;
  expect(check([{ ...vector, y: ['nan', ...vector.y.slice(1)] }])).toHaveLength(1);
  const summed = vectors.find(v => v.residualOut)!;
  const flipped = summed.residualOut!.replace(/^./, digit => (digit === '0' ? '1' : '0'));
  expect(check([{ ...summed, residualOut: flipped }])).toHaveLength(1);
});
