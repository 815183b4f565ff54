import { expect, test } from 'vitest';
import type { CaseOf } from '../src/case/case.ts';
import { recipeSchema } from '../src/case/recipe.ts';
import { isGeneric } from './generic.ts';
import { gqaCase } from './testing/gqa_cases.ts';
import { rmsNormCase } from './testing/rms_norm_cases.ts';

const n = 64;
const normal = { kind: 'normal' } as const;

test('normal and uniform data are generic', () => {
  expect(isGeneric(rmsNormCase({ n, x: normal }))).toBe(true);
  expect(isGeneric(rmsNormCase({ n, x: { kind: 'uniform' }, weight: null, residual: normal }))).toBe(true);
});

test.each(['constant', 'powers', 'magnitudes', 'zeros', 'outlier', 'ramp', 'list', 'fixture'] as const)(
  '%s is not, in any input',
  kind => {
    expect(isGeneric(rmsNormCase({ n, x: { kind } }))).toBe(false);
    expect(isGeneric(rmsNormCase({ n, x: normal, weight: { kind } }))).toBe(false);
    expect(isGeneric(rmsNormCase({ n, x: normal, residual: { kind } }))).toBe(false);
  },
);

test('of GQA q, k and v decide, not the mask: a row is what its live keys make of it', () => {
  expect(isGeneric(gqaCase({}))).toBe(true);
  const { patches } = recipeSchema.parse({
    kind: 'zeros',
    patches: [{ start: 0, count: 2, value: '-inf' }],
  });
  expect(isGeneric(gqaCase({ mask: { kind: 'zeros', patches } }))).toBe(true);
  for (const role of ['q', 'k', 'v']) {
    expect(isGeneric(gqaCase({ [role]: { kind: 'constant' } }))).toBe(false);
    expect(isGeneric(gqaCase({ [role]: { ...normal, patches } }))).toBe(false);
  }
});

test('a patched special value ends it', () => {
  const { patches } = recipeSchema.parse({ kind: 'normal', patches: [{ start: 3, count: 1, value: 'nan' }] });
  expect(isGeneric(rmsNormCase({ n, x: { ...normal, patches } }))).toBe(false);
});

test('so does data near the subnormals of its type, which are small multiples of one number', () => {
  const x = { ...normal, scale: 2 ** -16 };
  expect(isGeneric(rmsNormCase({ n, dtype: 'f16', x }))).toBe(false);
  expect(isGeneric(rmsNormCase({ n, dtype: 'bf16', x }))).toBe(true);
});

test('the least scale of generic data is four times the least normal number', () => {
  const scaled = (scale: number) => isGeneric(rmsNormCase({ n, dtype: 'f16', x: { ...normal, scale } }));
  expect(scaled(2 ** -12)).toBe(true);
  expect(scaled(-(2 ** -12))).toBe(true);
  expect(scaled(2 ** -12 * (1 - 2 ** -20))).toBe(false);
});

test('so does a stride of 0 within a row, but not one between rows', () => {
  const c = rmsNormCase({ rows: 2, n, x: normal });
  const withStrides = (strides: number[]): CaseOf<'rms_norm'> => ({
    ...c,
    tensors: { ...c.tensors, x: { ...c.tensors.x, strides } },
  });
  expect(isGeneric(withStrides([n, 0]))).toBe(false);
  expect(isGeneric(withStrides([0, 1]))).toBe(true);
});

test('a stride of 0 along one element repeats nothing', () => {
  const c = rmsNormCase({ rows: 2, n: 1, x: normal });
  const x = { ...c.tensors.x, strides: [1, 0] };
  expect(isGeneric({ ...c, tensors: { ...c.tensors, x } })).toBe(true);
});

test('so does one between keys, or a block that stands twice: the same term is added again and again', () => {
  const c = gqaCase({ keys: 5, batch: 2, headDim: 8 });
  const withStrides = (role: string, strides: number[]): CaseOf<'gqa'> => ({
    ...c,
    tensors: { ...c.tensors, [role]: { ...c.tensors[role], strides } },
  });
  expect(isGeneric(withStrides('k', [40, 0, 8, 1]))).toBe(false);
  expect(isGeneric(withStrides('v', [40, 0, 8, 1]))).toBe(false);
  expect(isGeneric(withStrides('q', [0, 8, 8, 1]))).toBe(true);
  const paged = (...blockTable: number[][]) =>
    isGeneric(gqaCase({ batch: 2, keys: 2, blocks: 4, blockTable }));
  expect(paged([0, 1], [1, 0])).toBe(true);
  expect(paged([0, 0], [1, 2])).toBe(false);
  expect(paged([0, -1], [1, -1])).toBe(true);
  // Of the second batch, of blocks that nobody has, and by a stride.
  expect(paged([0, 1], [3, 3])).toBe(false);
  expect(paged([0, 4, 4], [1, 9, 9])).toBe(true);
  const table = gqaCase({
    batch: 2,
    keys: 2,
    blocks: 4,
    blockTable: [
      [0, 1],
      [1, 0],
    ],
  });
  const strided = (shape: number[]) => ({
    ...table,
    tensors: { ...table.tensors, blockTable: { ...table.tensors.blockTable!, shape, strides: [2, 0] } },
  });
  expect(isGeneric(strided([2, 2]))).toBe(false);
  expect(isGeneric(strided([2, 1]))).toBe(true);
});
