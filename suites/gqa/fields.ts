/** How GQA's plans are drawn, field by field; the edges that are dealt in turn: deals.ts. */

import * as fc from 'fast-check';
import { floatDtypes } from '../../src/case/dtype.ts';
import { aroundPowersOfTwo, recipes, seeds, sizes, specials } from '../data.ts';
import { type Layout, layouts } from '../layout.ts';
import { allModels } from '../models.ts';
import type { Mask, Paging, Plan } from './plan.ts';

/** Head widths of models, and of others that are no power of two: heads of latent attention come last. */
export const widths = [2, 32, 64, 80, 96, 112, 128, 192, 256, 320, 576] as const;
/** Windows that mean none: a position or a key more, and 32 bits overflow. */
export const endlessWindows = [2 ** 31 - 1, 2 ** 31 - 2, 2 ** 31 - 40, 2 ** 30] as const;
export const blockSizes = [1, 8, 16, 128] as const;

/** Mostly few: what goes wrong goes wrong at few, and many cases are worth more than large ones. */
const batches = fc.oneof(
  { weight: 7, arbitrary: fc.constant(1) },
  { weight: 3, arbitrary: fc.integer({ min: 2, max: 3 }) },
);
const queryCounts = fc.oneof(
  { weight: 10, arbitrary: fc.constant(1) },
  { weight: 10, arbitrary: fc.integer({ min: 2, max: 4 }) },
  { weight: 3, arbitrary: fc.integer({ min: 5, max: 17 }) },
);
const keyCounts = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 16 }) },
  { weight: 6, arbitrary: fc.integer({ min: 17, max: 80 }) },
  { weight: 6, arbitrary: aroundPowersOfTwo(3, 7) },
  { weight: 2, arbitrary: fc.integer({ min: 81, max: 300 }) },
  { weight: 1, arbitrary: aroundPowersOfTwo(8, 8) },
);
const kvHeadCounts = fc.oneof(
  { weight: 5, arbitrary: fc.constant(1) },
  { weight: 5, arbitrary: fc.integer({ min: 2, max: 3 }) },
);
const groups = fc.oneof(
  { weight: 3, arbitrary: fc.constant(1) },
  { weight: 6, arbitrary: fc.integer({ min: 2, max: 4 }) },
  { weight: 1, arbitrary: fc.integer({ min: 5, max: 9 }) },
);
const headDims = fc.oneof(
  { weight: 36, arbitrary: fc.integer({ min: 1, max: 16 }) },
  { weight: 40, arbitrary: fc.integer({ min: 17, max: 80 }) },
  { weight: 20, arbitrary: fc.constantFrom(...widths.slice(1, 7)) },
  { weight: 4, arbitrary: fc.constantFrom(...widths.slice(7)) },
);
const windows = fc.oneof(
  { withCrossShrink: true },
  { weight: 14, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 16 }) },
  { weight: 2, arbitrary: fc.integer({ min: 17, max: 100 }) },
  { weight: 1, arbitrary: fc.constantFrom(...endlessWindows) },
);

/** Magnitudes that leave scores numbers. */
const scoreScales = fc.oneof(
  { withCrossShrink: true },
  { weight: 10, arbitrary: fc.constant(1) },
  { weight: 2, arbitrary: fc.constantFrom(1e-3, 0.3, 3, 10) },
);
const valueScales = fc.oneof(
  { withCrossShrink: true },
  { weight: 10, arbitrary: fc.constant(1) },
  { weight: 3, arbitrary: fc.constantFrom(1e-3, 30, 1e4) },
  { weight: 1, arbitrary: fc.constantFrom(1e-18, 1e18, 1e-38, 1e-42) },
);
const products = recipes(
  { normal: 20, uniform: 6, powers: 1, zeros: 1, outlier: 1, constant: 1 },
  scoreScales,
);
const values = recipes(
  { normal: 20, uniform: 6, constant: 1, powers: 1, magnitudes: 1, zeros: 1, outlier: 1, ramp: 1 },
  valueScales,
);

export const pagings = (rest: Partial<{ [Field in keyof Paging]: fc.Arbitrary<Paging[Field]> }> = {}) =>
  fc.record<Paging>({
    blockSize: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(8, 16, 1) },
      { weight: 2, arbitrary: fc.integer({ min: 2, max: 40 }) },
      { weight: 1, arbitrary: fc.constantFrom(64, 128) },
    ),
    order: fc.constantFrom('ascending', 'scattered', 'descending'),
    shared: fc.constantFrom(false, false, true),
    spare: fc.constantFrom(0, 0, 1, 2),
    garbage: fc.boolean(),
    seed: seeds,
    ...rest,
  } as { [Field in keyof Paging]: fc.Arbitrary<Paging[Field]> });

export const masks = (rest: Partial<{ [Field in keyof Mask]: fc.Arbitrary<Mask[Field]> }> = {}) =>
  fc.record<Mask>({
    perBatch: fc.boolean(),
    perHead: fc.boolean(),
    data: recipes(
      { zeros: 2, normal: 4, ramp: 1, constant: 1 },
      fc.constantFrom(1, 1, 0.05, -0.05, 8, -3, -100),
    ),
    hides: fc.constantFrom(
      'nothing',
      'nothing',
      'scattered',
      'scattered',
      'first keys',
      'last keys',
      'rows',
      'all but one',
    ),
    by: fc.constantFrom('-inf', '-inf', '-inf', 'lowest'),
    ...rest,
  } as { [Field in keyof Mask]: fc.Arbitrary<Mask[Field]> });

export const generic = {
  products: recipes({ normal: 3, uniform: 1 }, fc.constantFrom(1, 1, 2)),
  values: recipes({ normal: 3, uniform: 1 }, fc.constantFrom(1, 1, 30)),
};

/** Where each of a fixed set counts alike, but for the simplest, which comes `weight` times. */
function mostly<T>(simplest: T, weight: number, ...others: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight, arbitrary: fc.constant(simplest) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

/** Of a tensor of one dimension, as the first of two. */
const listLayouts: fc.Arbitrary<Layout> = layouts('input', 2).map(layout =>
  layout.kind === 'repeated' && layout.dim > 0 ? { kind: 'contiguous' } : layout,
);

export const fields: { readonly [Field in keyof Plan]: fc.Arbitrary<Plan[Field]> } = {
  room: mostly('little', 15, 'ample'),
  dtype: fc.constantFrom(...floatDtypes),
  kvDtype: fc.constantFrom('f32', 'f32', 'f16', 'bf16'),
  batch: sizes(batches, 1),
  qLen: sizes(queryCounts, 1),
  prompt: mostly(false, 14, true),
  kvHeads: sizes(kvHeadCounts, 1),
  group: sizes(groups, 1),
  headDim: sizes(headDims, 1),
  keys: sizes(keyCounts, 0),
  lengths: fc.constantFrom('absent', 'equal', 'equal', 'falling', 'scattered'),
  spare: sizes(
    fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: 3 }) },
      { weight: 1, arbitrary: fc.integer({ min: 4, max: 40 }) },
    ),
    0,
  ),
  causal: fc.constantFrom(false, true, true),
  window: sizes(windows, 0),
  softcap: mostly(0, 4, 50, 30, 5, 0.75),
  scale: mostly(1, 12, 0, -1, 1e-3, 20),
  scores: mostly(
    'as drawn',
    5,
    'ascending',
    'descending',
    'first ahead',
    'last ahead',
    'low',
    'high',
    'ties',
    'equal',
  ),
  spread: fc.constantFrom(20, 1, 300),
  paging: fc.oneof(
    { withCrossShrink: true },
    { weight: 7, arbitrary: fc.constant(null) },
    { weight: 3, arbitrary: pagings() },
  ),
  mask: fc.oneof(
    { withCrossShrink: true },
    { weight: 7, arbitrary: fc.constant(null) },
    { weight: 3, arbitrary: masks() },
  ),
  q: products,
  k: products,
  v: values,
  special: specials,
  specialIn: fc.constantFrom('q', 'k', 'v', 'v'),
  unseen: mostly('data', 1, 'nan', 'inf', 'max'),
  fused: mostly('none', 6, 'k beside v', 'q, k and v', 'q beside out'),
  qLayout: layouts('input', 4),
  kLayout: layouts('input', 4),
  vLayout: layouts('input', 4),
  outLayout: layouts('output', 4),
  maskLayout: layouts('input', 4),
  lengthsLayout: listLayouts,
  tableLayout: layouts('input', 2),
  edge: fc.constantFrom('end', 'start'),
  shift: fc.integer({ min: 0, max: 15 }),
  poison: fc.constantFrom('nan', 'infinity', 'finite'),
  threads: mostly(1, 8, 2, 3, 5, 7, 16),
};

/** Heads of models: of k and v, and of q to each. */
export const modelHeads: readonly (readonly [number, number])[] = [
  ...allModels.map(({ heads, kvHeads }) => [kvHeads, heads / kvHeads] as const),
  [2, 24],
];
