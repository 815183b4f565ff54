/**
 * What tensors hold, for all suites: recipes as arbitraries, simple ones first.
 */

import * as fc from 'fast-check';
import type { FloatDtype } from '../src/case/dtype.ts';
import type { Patch, Recipe, RecipeKind } from '../src/case/recipe.ts';

/** Draws from one arbitrary, shrinks first to the simplest value there is. */
class Dealt<T> extends fc.Arbitrary<T> {
  readonly #edges: fc.Arbitrary<T>;
  readonly #simplest: T;

  constructor(edges: fc.Arbitrary<T>, simplest: T) {
    super();
    this.#edges = edges;
    this.#simplest = simplest;
  }

  override generate(random: fc.Random, bias: number | undefined): fc.Value<T> {
    return this.#edges.generate(random, bias);
  }

  override canShrinkWithoutContext(_value: unknown): _value is T {
    return false;
  }

  override shrink(value: T, context: unknown): fc.Stream<fc.Value<T>> {
    const simplest = new fc.Value(this.#simplest, simplestContext);
    if (context === simplestContext) return fc.Stream.nil();
    return fc.Stream.of(simplest).join(this.#edges.shrink(value, context));
  }
}

const simplestContext = Symbol('simplest');

/** An edge, dealt on purpose, that gives way to the simplest value when it is not what makes a case fail. */
export function dealt<T>(edges: fc.Arbitrary<T>, simplest: T): fc.Arbitrary<T> {
  return new Dealt(edges, simplest);
}

/** Draws from one arbitrary of integers, shrinks through all integers from `min` up. */
class Sized extends fc.Arbitrary<number> {
  readonly #drawn: fc.Arbitrary<number>;
  readonly #all: fc.Arbitrary<number>;

  constructor(drawn: fc.Arbitrary<number>, min: number) {
    super();
    this.#drawn = drawn;
    this.#all = fc.integer({ min, max: 2 ** 31 - 1 });
  }

  override generate(random: fc.Random, bias: number | undefined): fc.Value<number> {
    return new fc.Value(this.#drawn.generate(random, bias).value, undefined);
  }

  override canShrinkWithoutContext(value: unknown): value is number {
    return this.#all.canShrinkWithoutContext(value);
  }

  override shrink(value: number, context: unknown): fc.Stream<fc.Value<number>> {
    return this.#all.shrink(value, context);
  }
}

/** A size: drawn where edges are, shrunk through every smaller one. */
export function sizes(drawn: fc.Arbitrary<number>, min: number): fc.Arbitrary<number> {
  return new Sized(drawn, min);
}

/** 2^k - 1, 2^k, 2^k + 1. */
export function aroundPowersOfTwo(min: number, max: number): fc.Arbitrary<number> {
  return fc
    .record({ exponent: fc.integer({ min, max }), offset: fc.integer({ min: -1, max: 1 }) })
    .map(({ exponent, offset }) => 2 ** exponent + offset);
}

/** Seeds of data. */
export const seeds = fc.integer({ min: 0, max: 0xffffffff });

/** A recipe of one of these kinds (weighted), at one of these scales. */
export function recipes(kinds: Readonly<Partial<Record<RecipeKind, number>>>, scales: fc.Arbitrary<number>) {
  const kind = fc.oneof(
    { withCrossShrink: true },
    ...Object.entries(kinds).map(([name, weight]) => ({
      weight,
      arbitrary: fc.constant(name as RecipeKind),
    })),
  );
  return fc
    .record({ kind, seed: seeds, scale: scales })
    .map((recipe): Recipe => ({ ...recipe, patches: [] }));
}

/** What a dtype can hold of a scale: beyond it everything would be zero or infinite. */
export function heldScale(scale: number, dtype: FloatDtype): number {
  return dtype === 'f16' ? Math.min(Math.max(scale, 1e-5), 1e4) : scale;
}

/** A special value in one element or a whole row, or none. */
export interface Special {
  readonly value: Exclude<Patch['value'], number>;
  readonly at: number;
  readonly wholeRow: boolean;
}

export const specials: fc.Arbitrary<Special | null> = fc.oneof(
  { withCrossShrink: true },
  { weight: 7, arbitrary: fc.constant(null) },
  {
    weight: 1,
    arbitrary: fc.record({
      value: fc.constantFrom(
        'nan',
        'nan-payload',
        'nan-ones',
        '-nan',
        'inf',
        '-inf',
        '-0',
        'subnormal',
        'max',
      ),
      at: fc.nat(1 << 20),
      wholeRow: fc.boolean(),
    }),
  },
);

/** The patch of a special value on a tensor of `rows` rows of `n`. */
export function patchOf(special: Special | null, rows: number, n: number): Patch[] {
  if (!special || rows * n === 0) return [];
  const at = special.at % (rows * n);
  return special.wholeRow
    ? [{ start: at - (at % n), count: n, step: 1, value: special.value }]
    : [{ start: at, count: 1, step: 1, value: special.value }];
}

/** Smaller sizes, the boldest first: 1, then what halves the way back to `size`. */
export function below(size: number): number[] {
  const steps: number[] = [];
  for (let gap = size - 1; gap >= 1; gap = Math.floor(gap / 2)) steps.push(size - gap);
  return steps;
}
