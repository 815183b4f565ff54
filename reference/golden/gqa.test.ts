import { expect, test } from 'vitest';
import { check, goldenVectors } from './gqa.ts';

const vectors = goldenVectors();

test('the reference agrees with every golden vector', () => {
  expect(vectors.length).toBeGreaterThan(60);
  expect(check(vectors)).toEqual([]);
});

test('a disagreement in the thirteenth digit of the largest element is seen', () => {
  const [vector] = vectors;
  const sizes = vector.out.map(text => Math.abs(Number(text)));
  const largest = sizes.indexOf(Math.max(...sizes));
  const out = vector.out.with(largest, String(Number(vector.out[largest]) * (1 + 4e-12)));
  expect(check([{ ...vector, out }])).toHaveLength(1);
});

test('a number where a NaN or a +0 by the contract is due, and the other way round, is seen', () => {
  for (const special of ['nan', '+0']) {
    const vector = vectors.find(({ out }) => out.includes(special))!;
    const at = vector.out.indexOf(special);
    expect(check([{ ...vector, out: vector.out.with(at, '0') }])).toHaveLength(1);
    const plain = vector.out.findIndex(text => Number(text) !== 0 && text !== 'nan');
    expect(check([{ ...vector, out: vector.out.with(plain, special) }])).toHaveLength(1);
  }
});
