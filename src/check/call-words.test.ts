import { expect, test } from 'vitest';
import { gqaCase } from '../../reference/testing/gqa_cases.ts';
import type { Case } from '../case/case.ts';
import { differenceWords } from './call-words.ts';

const base: Case = gqaCase({ headDim: 8, keys: 4 });

test('the same call of other memory and numbers has no difference to tell', () => {
  const { q } = base.tensors;
  const moved = { ...base.tensors, q: { ...q, offset: q.offset + 8, data: { ...q.data!, seed: 9 } } };
  expect(differenceWords(base, { ...base, tensors: moved })).toBe('');
});

test('threads, parameters, shapes and tensors are told', () => {
  expect(differenceWords(base, { ...base, threads: 7 })).toBe('7 threads');
  const params = { ...base.params, scale: 3 } as Case['params'];
  expect(differenceWords(base, { ...base, params } as Case)).toBe('scale 3');
  const { q, k, v, out } = gqaCase({ headDim: 8, keys: 9 }).tensors;
  const [batch, , heads] = k.shape;
  const longer = `k [${batch}, 9, ${heads}, 8], v [${batch}, 9, ${heads}, 8]`;
  expect(differenceWords(base, { ...base, tensors: { q, k, v, out } })).toMatch(longer);
  const { out: _, ...less } = base.tensors;
  expect(differenceWords(base, { ...base, tensors: less })).toBe('no out');
});

test('of many differences four are told', () => {
  const { q, k, v, out } = gqaCase({ headDim: 9, keys: 9 }).tensors;
  const other = { ...base, threads: 3, tensors: { q, k, v, out } };
  expect(differenceWords(base, other).split(/, (?=[a-z.])/)).toHaveLength(5);
  expect(differenceWords(base, other)).toMatch(/^3 threads, .*, \.\.\.$/);
});
