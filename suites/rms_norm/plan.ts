/**
 * RMSNorm's cases: the plan (what varies), how plans are drawn, and the case that a plan becomes.
 *
 * Any combination of fields is a valid plan: what does not go together is settled when the case is built, so
 * that shrinking a field can never leave the contract.
 */

import * as fc from 'fast-check';
import type { BufferSpec, CaseOf, Poison, TensorSpec } from '../../src/case/case.ts';
import { type FloatDtype, floatDtypes } from '../../src/case/dtype.ts';
import { hash } from '../../src/case/random.ts';
import type { Recipe } from '../../src/case/recipe.ts';
import {
  aroundPowersOfTwo,
  dealt,
  heldScale,
  patchOf,
  recipes,
  type Special,
  sizes,
  specials,
} from '../data.ts';
import { halves, type Layout, layouts, ownBuffer, type Placement, strided, writable } from '../layout.ts';
import { allModels } from '../models.ts';

export interface Plan {
  readonly dtype: FloatDtype;
  readonly rows: number;
  readonly n: number;
  readonly x: Recipe;
  readonly weight: Recipe | null;
  readonly weightInF32: boolean;
  readonly weightOffset: number;
  readonly residual: 'none' | 'in' | 'in and out';
  /** What the residual holds: data of its own, what cancels x, or half an ulp of each x, so that their sum is a tie. */
  readonly residualData: Recipe | 'minus x' | 'half ulps of x';
  readonly roundBeforeWeight: boolean;
  readonly eps: number;
  readonly aliasing: 'none' | 'y is x' | 'residualOut is residual' | 'both' | 'residual is x' | 'y beside x';
  readonly xLayout: Layout;
  readonly weightLayout: Layout;
  readonly residualLayout: Layout;
  readonly yLayout: Layout;
  readonly residualOutLayout: Layout;
  readonly special: Special | null;
  readonly specialIn: 'x' | 'weight' | 'residual';
  readonly edge: Placement['edge'];
  /** Elements that every buffer's first one is shifted by; each buffer takes its own from it. */
  readonly shift: number;
  readonly poison: Poison;
  readonly threads: number;
}

/** Hidden sizes of models, ascending. */
export const modelWidths = [...new Set(allModels.map(({ hidden }) => hidden))].sort((a, b) => a - b);
/** Longer than any kernel's unrolled loop or table, and not a multiple of a vector; longer ones: shapes.ts. */
const veryLong = [16384, 16385, 16411] as const;

/** Mostly short: what goes wrong at a length goes wrong at few, and many cases are worth more than long ones. */
const rowLengths = fc.oneof(
  { weight: 240, arbitrary: fc.integer({ min: 1, max: 16 }) },
  { weight: 450, arbitrary: fc.integer({ min: 17, max: 140 }) },
  { weight: 240, arbitrary: aroundPowersOfTwo(3, 8) },
  { weight: 20, arbitrary: aroundPowersOfTwo(9, 11) },
  { weight: 12, arbitrary: fc.constantFrom(...modelWidths.slice(0, 3)) },
  { weight: 3, arbitrary: fc.constantFrom(...modelWidths.slice(3)) },
);

const rowCounts = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 3, arbitrary: fc.integer({ min: 4, max: 9 }) },
  { weight: 1, arbitrary: fc.integer({ min: 10, max: 17 }) },
);

/** Magnitudes from where squares of f16 vanish to where those of f32 overflow; each type takes what it can hold. */
const scales = fc.oneof(
  { withCrossShrink: true },
  { weight: 8, arbitrary: fc.constant(1) },
  { weight: 5, arbitrary: fc.constantFrom(1e-5, 1e-4, 1e-3, 0.01, 30, 300, 1e4) },
  { weight: 2, arbitrary: fc.constantFrom(1e-12, 1e-18, 1e8, 1e15, 1e18) },
  { weight: 1, arbitrary: fc.constantFrom(1e-30, 1e-38, 1e19, 1e25) },
);

const xData = recipes(
  { constant: 2, normal: 12, uniform: 4, powers: 2, magnitudes: 2, zeros: 1, outlier: 2, ramp: 1 },
  scales,
);
const weightData = recipes(
  { constant: 1, normal: 8, uniform: 3, powers: 2, magnitudes: 1, zeros: 1, outlier: 1 },
  fc.constantFrom(1, 0.1, 20),
);

/** How each field is drawn when nothing is dealt. */
export const fields: { readonly [Field in keyof Plan]: fc.Arbitrary<Plan[Field]> } = {
  dtype: fc.constantFrom(...floatDtypes),
  rows: sizes(rowCounts, 1),
  n: sizes(rowLengths, 1),
  x: xData,
  weight: fc.option(weightData, { freq: 5 }),
  weightInF32: fc.boolean(),
  weightOffset: fc.constantFrom(0, 0, 1),
  residual: fc.constantFrom('none', 'none', 'in', 'in and out'),
  residualData: fc.oneof(
    { withCrossShrink: true },
    { weight: 12, arbitrary: xData },
    { weight: 2, arbitrary: fc.constant('minus x' as const) },
    { weight: 1, arbitrary: fc.constant('half ulps of x' as const) },
  ),
  roundBeforeWeight: fc.boolean(),
  eps: fc.constantFrom(...[1e-5, 1e-6, 0, 1e-12, 0.25, 64].map(Math.fround)),
  aliasing: fc.constantFrom(
    ...([
      'none',
      'none',
      'none',
      'none',
      'y is x',
      'residualOut is residual',
      'both',
      'residual is x',
      'y beside x',
    ] as const),
  ),
  xLayout: layouts('input', 2),
  weightLayout: layouts('input', 2),
  residualLayout: layouts('input', 2),
  yLayout: layouts('output', 2),
  residualOutLayout: layouts('output', 2),
  special: specials,
  specialIn: fc.constantFrom('x', 'weight', 'residual'),
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

/** The plainest plan: what a dealt edge gives way to when a case shrinks. */
const plainest: Pick<
  Plan,
  'xLayout' | 'special' | 'aliasing' | 'residual' | 'threads' | 'weightInF32' | 'eps'
> = {
  xLayout: { kind: 'contiguous' },
  special: null,
  aliasing: 'none',
  residual: 'none',
  threads: 1,
  weightInF32: false,
  eps: Math.fround(1e-5),
};
const length = (drawn: fc.Arbitrary<number>) => sizes(drawn, 1);
const huge = dealt(fc.constant<Layout>({ kind: 'huge', dim: 0 }), plainest.xLayout);
const few = length(fc.integer({ min: 1, max: 70 }));
const three = length(fc.constant(3));
const inAndOut = dealt(fc.constant<Plan['residual']>('in and out'), plainest.residual);
const aliased = (aliasing: Plan['aliasing']) => dealt(fc.constant(aliasing), plainest.aliasing);
const separate = fc.constant<Plan['aliasing']>('none');
const special = (value: fc.Arbitrary<Special['value']>) =>
  dealt<Special | null>(
    fc.record({ value, at: fc.nat(1 << 20), wholeRow: fc.constant(false) }),
    plainest.special,
  );

/** Edges that chance would reach too seldom: each is dealt in turn, with the rest drawn. */
const deals: readonly Deal[] = [
  { n: fc.constant(1) },
  { n: length(fc.constantFrom(...veryLong, 257, 300, 400, 500, 700, 1023)), rows: fc.constant(1) },
  { rows: fc.constant(0) },
  // Squares that 16 bits do not hold, and that count beside eps.
  {
    x: recipes({ normal: 1, uniform: 1 }, fc.constantFrom(1e-5, 1e-4, 300, 1e4)),
    dtype: fc.constantFrom('f16', 'f16', 'bf16'),
    n: few,
    residual: fc.constant('none'),
    eps: fc.constantFrom(0, Math.fround(1e-12)),
    special: fc.constant(null),
  },
  { xLayout: huge, rows: three, n: few, aliasing: separate },
  { yLayout: huge, rows: three, n: few, aliasing: separate },
  { residual: inAndOut, residualLayout: huge, residualOutLayout: huge, rows: three, n: few },
  { residual: inAndOut, aliasing: aliased('both') },
  { residual: inAndOut, aliasing: aliased('residualOut is residual') },
  {
    x: recipes({ normal: 1, uniform: 1 }, scales),
    n: length(fc.integer({ min: 64, max: 700 })),
    special: fc.constant(null),
  },
  { eps: dealt(fc.constant(64), plainest.eps), x: recipes({ normal: 1 }, fc.constantFrom(0.01, 1)) },
  {
    x: recipes({ normal: 1, outlier: 1 }, fc.constantFrom(1e-30, 1e-38, 1e18, 1e19, 1e25)),
    dtype: fc.constantFrom('f32', 'bf16'),
  },
  { threads: dealt(fc.constant(16), plainest.threads), rows: length(fc.constantFrom(2, 3, 17)) },
  // A row for each of more threads than a fixed table of them holds.
  { rows: length(fc.integer({ min: 33, max: 80 })), n: length(fc.integer({ min: 4, max: 10 })) },
  { special: special(fc.constantFrom('nan', 'inf', '-inf')), specialIn: fc.constant('x') },
  {
    special: special(fc.constantFrom('nan', 'inf', '-inf', 'subnormal', 'max')),
    residual: inAndOut,
    specialIn: fc.constant('residual'),
  },
  {
    weightInF32: dealt(fc.constant(true), plainest.weightInF32),
    dtype: fc.constantFrom('f16', 'bf16'),
    weight: weightData,
  },
  // What comes from a wider type is narrowed again: with NaNs that a narrowing can lose.
  {
    weightInF32: dealt(fc.constant(true), plainest.weightInF32),
    dtype: fc.constantFrom('f16', 'bf16'),
    weight: weightData,
    special: special(fc.constantFrom('nan-ones', 'nan', 'nan-payload', 'subnormal', 'max')),
    specialIn: fc.constant('weight'),
    n: few,
  },
  // One row, so long that threads could share it: orders of summation show in f32 alone.
  {
    rows: fc.constant(1),
    n: length(fc.integer({ min: 1024, max: 4500 })),
    dtype: fc.constant('f32'),
    x: recipes({ normal: 1, uniform: 1 }, fc.constant(1)),
    weight: fc.constant(null),
    residual: fc.constant('none'),
    special: fc.constant(null),
  },
  {
    weightLayout: dealt(fc.constant<Layout>({ kind: 'repeated', dim: 1 }), plainest.xLayout),
    weight: weightData,
  },
  // Values of the 16-bit types, and what lies halfway to the next: all of them are named cases (shapes.ts).
  {
    x: recipes({ patterns: 1 }, fc.constant(1)),
    residual: dealt(fc.constantFrom<Plan['residual']>('none', 'in and out'), plainest.residual),
    residualData: fc.constant('half ulps of x'),
    dtype: fc.constantFrom('f16', 'bf16'),
    special: fc.constant(null),
    n: length(fc.integer({ min: 64, max: 300 })),
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

function residualOf(data: Plan['residualData'], x: Recipe, held: (recipe: Recipe) => Recipe): Recipe {
  if (data === 'minus x') return { ...x, scale: -x.scale };
  return data === 'half ulps of x' ? { ...x, ulps: 0.5 } : held(data);
}

type Tensors = Record<string, TensorSpec>;
type Buffers = Record<string, BufferSpec>;

/** The case of a plan. */
export function build(plan: Plan): CaseOf<'rms_norm'> {
  const { dtype, rows, n } = plan;
  const buffers: Buffers = {};
  const tensors: Tensors = {};
  const shape = [rows, n];
  const held = (recipe: Recipe): Recipe => ({ ...recipe, scale: heldScale(recipe.scale, dtype) });
  const placed = (index: number): Placement => ({
    edge: plan.edge,
    shift: hash(plan.shift, index) % (plan.shift + 1),
    poison: plan.poison,
  });
  const own = (role: string, layout: Layout, index: number, data?: Recipe): void => {
    const { buffer, tensor } = ownBuffer(role, dtype, shape, strided(layout, shape), placed(index), data);
    buffers[role] = buffer;
    // A tensor without elements may come without memory.
    tensors[role] = rows === 0 && plan.edge === 'start' ? { ...tensor, buffer: null, offset: 0 } : tensor;
  };
  /** An output on an input's elements: the same view, no data. */
  const alias = (output: string, input: string): void => {
    const { data: _, ...view } = tensors[input];
    tensors[output] = view;
  };
  const beside = (): void => {
    const { data } = tensors.x;
    const { buffer, first, second } = halves('x', dtype, shape, 1, placed(0));
    buffers.x = buffer;
    tensors.x = { ...first, ...(data && { data }) };
    tensors.y = second;
  };
  const special = (role: Plan['specialIn'], height: number) =>
    plan.specialIn === role ? patchOf(plan.special, height, n) : [];

  const yIsX = plan.aliasing === 'y is x' || plan.aliasing === 'both';
  const outIsIn = plan.aliasing === 'residualOut is residual' || plan.aliasing === 'both';
  const x = { ...held(plan.x), patches: special('x', rows) };
  own('x', yIsX ? writable(plan.xLayout) : plan.xLayout, 0, x);

  if (plan.weight) {
    const weightDtype = plan.weightInF32 ? 'f32' : dtype;
    const { strides, first } = strided(plan.weightLayout, [1, n]);
    const lie = { strides: [strides[1]], first };
    const data = { ...plan.weight, patches: special('weight', 1) };
    const { buffer, tensor } = ownBuffer('weight', weightDtype, [n], lie, placed(1), data);
    buffers.weight = buffer;
    tensors.weight = tensor;
  }
  if (plan.residual !== 'none') {
    if (plan.aliasing === 'residual is x') {
      tensors.residual = tensors.x;
    } else {
      const data = residualOf(plan.residualData, x, held);
      const layout = outIsIn ? writable(plan.residualLayout) : plan.residualLayout;
      own('residual', layout, 2, { ...data, patches: special('residual', rows) });
    }
    if (plan.residual === 'in and out') {
      if (outIsIn) alias('residualOut', 'residual');
      else own('residualOut', plan.residualOutLayout, 4);
    }
  }
  if (yIsX) alias('y', 'x');
  else if (plan.aliasing === 'y beside x' && plan.xLayout.kind === 'contiguous' && rows > 0) beside();
  else own('y', plan.yLayout, 3);

  const { eps, weightOffset, roundBeforeWeight, threads } = plan;
  return {
    version: 1,
    op: 'rms_norm',
    params: { eps, weightOffset, roundBeforeWeight },
    buffers,
    tensors,
    threads,
  };
}
