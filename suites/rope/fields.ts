/** How RoPE's plans are drawn: every field by itself, and the edges that are dealt in turn. */

import * as fc from 'fast-check';
import { floatDtypes } from '../../src/case/dtype.ts';
import { aroundPowersOfTwo, dealt, recipes, type Special, seeds, sizes, specials } from '../data.ts';
import { type Layout, layouts } from '../layout.ts';
import { allModels } from '../models.ts';
import type { Plan, Positions, Scaling, Tables } from './plan.ts';

/** Rotary and head widths of models, and of others that are no power of two: heads of latent attention come last. */
export const widths = [2, 32, 64, 80, 96, 112, 128, 192, 256, 320, 576] as const;
/** Positions that are told apart only by whoever holds them whole, and the ends of what there is. */
const farPositions = [2 ** 31 - 1, 2 ** 30, 2 ** 24 + 1, 1_000_003, 131_071] as const;
const thetas = [1e4, 5e5, 1e6, 1e7, 1e5] as const;
/** No f32: as NTK-aware scaling makes them (1e4 * 4^(64/62)), and two that are near one. */
const uneven = [41829.36592889948, 500000.0149, 10000.00049] as const;

/** Mostly few: what goes wrong goes wrong at few, and many cases are worth more than large ones. */
const batches = fc.oneof(
  { weight: 7, arbitrary: fc.constant(1) },
  { weight: 3, arbitrary: fc.integer({ min: 2, max: 3 }) },
);
const tokenCounts = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 2, arbitrary: fc.integer({ min: 5, max: 9 }) },
  { weight: 1, arbitrary: fc.integer({ min: 10, max: 17 }) },
);
const headCounts = fc.oneof(
  { weight: 160, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 39, arbitrary: fc.integer({ min: 4, max: 8 }) },
  { weight: 1, arbitrary: fc.constantFrom(...allModels.map(({ heads }) => heads)) },
);
const headDims = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 1, max: 16 }) },
  { weight: 47, arbitrary: fc.integer({ min: 17, max: 80 }) },
  { weight: 20, arbitrary: fc.constantFrom(...widths.slice(1, 7)) },
  { weight: 2, arbitrary: fc.constantFrom(...widths.slice(7)) },
);
/** More than any head has: all of it turns. */
const whole = fc.constant(1024);
const rotaryDims = fc.oneof(
  { weight: 10, arbitrary: whole },
  { weight: 4, arbitrary: fc.integer({ min: 2, max: 80 }) },
  { weight: 3, arbitrary: fc.constantFrom(...widths.slice(0, 6)) },
);

const starts = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(0, 1) },
  { weight: 3, arbitrary: fc.integer({ min: 2, max: 600 }) },
  { weight: 6, arbitrary: aroundPowersOfTwo(1, 17) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 200_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 ** 31 - 1 }) },
  { weight: 1, arbitrary: fc.constantFrom(...farPositions) },
);
const positions = (start: fc.Arbitrary<number>): fc.Arbitrary<Positions> =>
  fc.record({
    order: fc.constantFrom('ascending', 'ascending', 'descending', 'repeated', 'scattered'),
    start: sizes(start, 0),
    stagger: fc.constantFrom(0, 1, 7, 300),
  });

/** Original positions so few that short heads too have pairs in every band, and more than 15 and 16 bits hold. */
const originals = fc.oneof(
  { withCrossShrink: true },
  { weight: 5, arbitrary: fc.constantFrom(8192, 4096, 32768, 64, 1024) },
  { weight: 2, arbitrary: fc.constantFrom(131_072, 40_960, 262_144) },
);
/** 2 pi and a little less, or less: pair 0 does not turn once then, and yarn's range ends where it begins, or before. */
const yarnOriginals = fc.oneof(
  { withCrossShrink: true },
  { weight: 7, arbitrary: originals },
  { weight: 2, arbitrary: fc.constantFrom(6, 5, 12, 1) },
);
const scalings = {
  none: fc.constant<Scaling>({ type: 'none' }),
  linear: fc.record({ type: fc.constant('linear'), factor: fc.constantFrom(2, 4, 8, 0.5, 2.7) }),
  llama3: fc
    .record({
      factor: fc.constantFrom(8, 32, 2, 2.7),
      band: fc.constantFrom([1, 4], [1, 4], [0.5, 16], [2, 2], [1.1, 3.9]),
      originalMaxPositions: originals,
    })
    .map(
      ({ factor, band: [lowFreqFactor, highFreqFactor], originalMaxPositions }): Scaling => ({
        type: 'llama3',
        factor,
        lowFreqFactor,
        highFreqFactor,
        originalMaxPositions,
      }),
    ),
  yarn: fc.record({
    type: fc.constant('yarn'),
    factor: fc.constantFrom(4, 16, 40, 2.7),
    betaFast: fc.constantFrom(32, 32, 8, 31.3),
    betaSlow: fc.constantFrom(1, 1, 2, 1.1),
    // 0.1 ln(factor) + 1 for 4 and 40, to four digits: what is used where a model says nothing.
    attentionFactor: fc.constantFrom(1, 1.1386, 1.3689, 0.5),
    originalMaxPositions: yarnOriginals,
  }),
} satisfies Record<Scaling['type'], fc.Arbitrary<Scaling>>;

const tables = (rest: { readonly [Field in keyof Tables]?: fc.Arbitrary<Tables[Field]> } = {}) =>
  fc.record<Tables>({
    data: fc.constantFrom('circle', 'circle', 'circle', 'uniform'),
    seed: seeds,
    scale: fc.constantFrom(1, 1, 1.1386),
    positions: fc.integer({ min: 1, max: 40 }),
    spare: fc.constantFrom(0, 0, 1, 3),
    fused: fc.constantFrom(false, false, false, true),
    ...rest,
  } as { [Field in keyof Tables]: fc.Arbitrary<Tables[Field]> });

/** Magnitudes that each type holds; where values grow by 2^20, they still do in f32. */
const scales = fc.oneof(
  { withCrossShrink: true },
  { weight: 8, arbitrary: fc.constant(1) },
  { weight: 4, arbitrary: fc.constantFrom(1e-5, 1e-3, 30, 1e4) },
  { weight: 2, arbitrary: fc.constantFrom(1e-18, 1e18, 1e25) },
  { weight: 1, arbitrary: fc.constantFrom(1e-30, 1e-38, 1e-42) },
);
const generic = recipes({ normal: 3, uniform: 1 }, scales);

/** How each field is drawn when nothing is dealt. */
const fields: { readonly [Field in keyof Plan]: fc.Arbitrary<Plan[Field]> } = {
  dtype: fc.constantFrom(...floatDtypes),
  batch: sizes(batches, 1),
  tokens: sizes(tokenCounts, 1),
  heads: sizes(headCounts, 1),
  headDim: sizes(headDims, 1),
  rotaryDim: sizes(rotaryDims, 0),
  interleaved: fc.boolean(),
  positions: positions(starts),
  perBatch: fc.boolean(),
  theta: fc.oneof(
    { withCrossShrink: true },
    { weight: 9, arbitrary: fc.constantFrom(...thetas) },
    { weight: 2, arbitrary: fc.constantFrom(1.5, 2, 100) },
    { weight: 2, arbitrary: fc.constantFrom(...uneven) },
  ),
  scaling: fc.oneof(
    { withCrossShrink: true },
    { weight: 6, arbitrary: scalings.none },
    { weight: 2, arbitrary: scalings.linear as fc.Arbitrary<Scaling> },
    { weight: 3, arbitrary: scalings.llama3 },
    { weight: 3, arbitrary: scalings.yarn as fc.Arbitrary<Scaling> },
  ),
  tables: fc.oneof(
    { withCrossShrink: true },
    { weight: 3, arbitrary: fc.constant(null) },
    { weight: 2, arbitrary: tables() },
  ),
  x: recipes(
    { constant: 2, normal: 12, uniform: 4, powers: 2, magnitudes: 2, zeros: 1, outlier: 2, ramp: 1 },
    scales,
  ),
  special: specials,
  specialIn: fc.constantFrom('x', 'x', 'cos'),
  aliasing: fc.constantFrom('none', 'none', 'none', 'y is x', 'y is x', 'y beside x'),
  xLayout: layouts('input', 4),
  yLayout: layouts('output', 4),
  positionsLayout: layouts('input', 2),
  cosLayout: layouts('input', 2),
  sinLayout: layouts('input', 2),
  edge: fc.constantFrom('end', 'start'),
  shift: fc.integer({ min: 0, max: 15 }),
  poison: fc.constantFrom('nan', 'infinity', 'finite'),
  threads: fc.oneof(
    { withCrossShrink: true },
    { weight: 12, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.constantFrom(2, 3, 5, 7, 16) },
  ),
};

type Deal = { readonly [Field in keyof Plan]?: fc.Arbitrary<Plan[Field]> };

const contiguous: Layout = { kind: 'contiguous' };
const huge = (...dims: readonly number[]) =>
  dealt(fc.constantFrom(...dims.map((dim): Layout => ({ kind: 'huge', dim }))), contiguous);
const plainly = fc.constant(contiguous);
const size = (drawn: fc.Arbitrary<number>) => sizes(drawn, 1);
/** Few elements, but two and more along every dimension. */
const several: Deal = {
  batch: size(fc.integer({ min: 2, max: 3 })),
  tokens: size(fc.integer({ min: 2, max: 3 })),
  heads: size(fc.integer({ min: 2, max: 3 })),
  headDim: size(fc.integer({ min: 1, max: 40 })),
};
const computed = fc.constant(null);
const brought = (rest?: Parameters<typeof tables>[0]) => dealt<Tables | null>(tables(rest), null);
const scaled = (drawn: fc.Arbitrary<unknown>) => dealt(drawn as fc.Arbitrary<Scaling>, { type: 'none' });
const aliased = (aliasing: Plan['aliasing']) => dealt(fc.constant(aliasing), 'none');
const special = (...values: readonly Special['value'][]) =>
  dealt<Special | null>(
    fc.record({
      value: fc.constantFrom(...values),
      at: fc.nat(1 << 20),
      wholeRow: fc.boolean(),
    }),
    null,
  );

/** Edges that chance would reach too seldom: each is dealt in turn, with the rest drawn. */
const deals: readonly Deal[] = [
  { batch: fc.constant(0) },
  { tokens: fc.constant(0) },
  { rotaryDim: fc.constant(0) },
  { headDim: size(fc.constantFrom(...widths)), rotaryDim: sizes(fc.constantFrom(...widths), 0) },
  // More pairs than an array for the widest heads of old has room for.
  {
    headDim: size(fc.constantFrom(320, 576, 258, 333)),
    rotaryDim: sizes(whole, 0),
    heads: size(fc.constantFrom(1, 2)),
    tokens: size(fc.constantFrom(1, 3)),
    batch: size(fc.constant(1)),
  },
  {
    heads: size(fc.constantFrom(9, 14, 28, 32, 64, 71)),
    headDim: size(fc.integer({ min: 1, max: 64 })),
    tokens: size(fc.constantFrom(1, 2)),
    batch: size(fc.constant(1)),
  },
  { positions: positions(fc.constantFrom(...farPositions)), tables: computed },
  { positions: positions(fc.constantFrom(256, 257, 2048, 2049, 131_069)), tables: computed },
  { ...several, perBatch: fc.constant(true), tokens: size(fc.constant(1)) },
  { ...several, xLayout: huge(0, 1, 2), aliasing: aliased('none') },
  { ...several, yLayout: huge(0, 1, 2), aliasing: aliased('none') },
  { ...several, xLayout: huge(0, 1, 2), aliasing: aliased('y is x') },
  { ...several, positionsLayout: huge(0, 1), perBatch: fc.constant(true) },
  { ...several, tables: brought({ fused: fc.constant(false) }), cosLayout: huge(0), sinLayout: huge(0) },
  // Nothing stands behind the last row, which is used, but a guard.
  {
    tables: brought({ spare: fc.constant(0), fused: fc.constant(false) }),
    cosLayout: plainly,
    sinLayout: plainly,
    rotaryDim: sizes(fc.integer({ min: 2, max: 48 }), 0),
    edge: fc.constant('end'),
  },
  { ...several, aliasing: aliased('y is x'), xLayout: layouts('output', 4) },
  { aliasing: aliased('y beside x') },
  { threads: dealt(fc.constant(16), 1), tokens: size(fc.constantFrom(2, 3, 17)) },
  { x: generic, special: fc.constant(null), headDim: size(fc.integer({ min: 64, max: 140 })) },
  { special: special('nan', 'inf', '-inf', 'nan-payload'), specialIn: fc.constant('x') },
  { special: special('nan', 'nan-ones', 'inf', '-inf'), specialIn: fc.constant('cos'), tables: brought() },
  {
    special: special('nan-payload', '-nan'),
    specialIn: fc.constant('x'),
    headDim: size(fc.integer({ min: 9, max: 40 })),
    rotaryDim: sizes(fc.integer({ min: 2, max: 8 }), 0),
  },
  // Products that leave f32 where their sum may not.
  {
    special: special('max'),
    specialIn: fc.constant('x'),
    scaling: scaled(scalings.yarn),
    tables: brought({ scale: fc.constant(1.1386) }),
  },
  { tables: computed, scaling: scaled(scalings.llama3), theta: fc.constantFrom(...thetas, uneven[0]) },
  { tables: computed, scaling: scaled(scalings.yarn) },
  // Far out, where what a parameter loses as f32 shows, and beyond what a model was trained for.
  {
    tables: computed,
    dtype: fc.constantFrom('f32', 'f32', 'f32', 'f16', 'bf16'),
    positions: positions(
      fc.oneof(fc.constantFrom(300_000, 40_961), fc.integer({ min: 30_000, max: 200_000 })),
    ),
    theta: fc.constantFrom(uneven[0], 1e4, ...uneven, 5e5),
    scaling: scaled(fc.oneof(scalings.none, scalings.linear, scalings.llama3, scalings.yarn)),
  },
  // Rows of tables far down, and further than 16 bits count.
  {
    tables: brought({ positions: fc.constant(65_600) }),
    positions: positions(fc.constantFrom(256, 257, 256, 257, 65_535, 65_537)),
    rotaryDim: sizes(fc.integer({ min: 2, max: 8 }), 0),
  },
  // Every value of the 16-bit types, sooner or later: conversions have few, and all of them can be wrong.
  {
    x: recipes({ patterns: 1 }, fc.constant(1)),
    dtype: fc.constantFrom('f16', 'bf16'),
    special: fc.constant(null),
  },
];

function record(deal: Deal): fc.Arbitrary<Plan> {
  return fc.record({ ...fields, ...deal } as typeof fields) as fc.Arbitrary<Plan>;
}

const drawn = record({});
const withDeal = deals.map(record);

/** The arbitrary of case k: every third case is dealt an edge. */
export function plans(k: number): fc.Arbitrary<Plan> {
  return k % 3 === 2 ? withDeal[Math.floor(k / 3) % withDeal.length] : drawn;
}
