/**
 * Data recipes: what the elements of an input tensor are, as a pure function of the recipe and the place.
 *
 * `+ - * /` and sqrt alone, on integers from `hash`: the same values on every machine.
 */

import { z } from 'zod';
import {
  type Bits,
  bitsOf,
  type Dtype,
  decodeAll,
  encode,
  encodeAll,
  type FloatDtype,
  formats,
  powerOfTwo,
  sizeOf,
  ulpOf,
} from './dtype.ts';
import { fixtureValues } from './fixture.ts';
import { hash } from './random.ts';

/** A few elements that are set to given bits, whatever the recipe says: special values, poison in dead slots. */
export const patchSchema = z.strictObject({
  /** Logical index of the first element, C order. */
  start: z.int().nonnegative(),
  count: z.int().positive(),
  step: z.int().positive().default(1),
  /** A value, rounded to the tensor's type, or a special one by name. */
  value: z.union([
    z.number(),
    z.enum(['nan', 'nan-payload', 'nan-ones', '-nan', 'inf', '-inf', '-0', 'subnormal', 'max']),
  ]),
});
export type Patch = z.infer<typeof patchSchema>;

/** The kinds of data, and whether what they make is `generic`: unstructured, as bounds.md has it. */
export const recipeKinds = {
  constant: { generic: false, says: 'every element is `scale`' },
  normal: { generic: true, says: 'bell-shaped, standard deviation `scale`, at most 3.5 of them' },
  uniform: { generic: true, says: 'uniform over [-scale, scale)' },
  powers: { generic: false, says: 'signed powers of two, scale * 2^-8 to scale * 2^8' },
  magnitudes: { generic: false, says: 'signed, from scale * 2^-20 to scale * 2^20, uniform in the exponent' },
  zeros: { generic: false, says: 'zeros of both signs' },
  outlier: { generic: false, says: 'normal, but for one element a row that is 4096 times as large' },
  ramp: { generic: false, says: 'scale * (1 + index in the row): ascending within a row' },
  stairs: { generic: false, says: 'scale * (1 + number of the row): ascending from row to row' },
  list: { generic: false, says: 'the numbers of `values`, repeated: positions, lengths, block tables' },
  cosine: { generic: true, says: 'cosines of angles drawn from the whole circle' },
  sine: { generic: true, says: 'their sines: those of `cosine` under the same seed, to half an ulp' },
  patterns: {
    generic: false,
    says: 'the bit patterns of the type one after the other, from `seed` on',
  },
  fixture: { generic: false, says: "rows of a real model's tensor, times `scale`" },
} as const satisfies Record<string, { generic: boolean; says: string }>;
export type RecipeKind = keyof typeof recipeKinds;

export const recipeSchema = z.strictObject({
  kind: z.enum(Object.keys(recipeKinds) as [RecipeKind, ...RecipeKind[]]),
  seed: z.int().min(0).max(0xffffffff).default(0),
  /** Multiplies every value before it is rounded to the tensor's type. */
  scale: z.number().default(1),
  /** Not each value itself, but so many of its own ulps, with its sign: half of one, added to it, is a tie. */
  ulps: z.number().optional(),
  /** `list`: the numbers. */
  values: z.array(z.number()).min(1).optional(),
  /** `fixture`: which tensor, as `set/name`. */
  fixture: z.string().optional(),
  /** The elements in rows.length equal blocks: block r takes the values of block rows[r]. Absent: as they come. */
  rows: z.array(z.int().nonnegative()).optional(),
  patches: z.array(patchSchema).default([]),
});
export type Recipe = z.infer<typeof recipeSchema>;

const U32 = 0x1_0000_0000;

/** Sum of four 16-bit uniforms (Irwin-Hall), centred, with variance 1. */
function normal(seed: number, i: number): number {
  const a = hash(seed, 2 * i);
  const b = hash(seed, 2 * i + 1);
  const sum = (a >>> 16) + (a & 0xffff) + (b >>> 16) + (b & 0xffff);
  return ((sum - 131070) / 65536) * Math.sqrt(3);
}

function sign(word: number): number {
  return word & 1 ? -1 : 1;
}

/**
 * The i-th point of a stream on the unit circle: ((1 - t^2) / (1 + t^2), 2t / (1 + t^2)) for t in [-1, 1) is its
 * right half; a bit of the hash mirrors it. Cosines and sines without a trigonometric function.
 */
function onCircle(seed: number, i: number): { cosine: number; sine: number } {
  const word = hash(seed, i);
  const t = (word >>> 1) / (U32 / 4) - 1;
  const size = 1 + t * t;
  return { cosine: (sign(word) * (1 - t * t)) / size, sine: (2 * t) / size };
}

/** The i-th value (row r = floor(i / rowLength)) of a recipe of unit scale. */
type At = (seed: number, i: number, rowLength: number) => number;

const at: Record<Exclude<RecipeKind, 'list' | 'fixture' | 'patterns'>, At> = {
  constant: () => 1,
  normal,
  uniform: (seed, i) => hash(seed, i) / (U32 / 2) - 1,
  powers: (seed, i) => {
    const word = hash(seed, i);
    return sign(word) * powerOfTwo(((word >>> 1) % 17) - 8);
  },
  magnitudes: (seed, i) => {
    const word = hash(seed, i);
    return sign(word) * powerOfTwo(((word >>> 1) % 40) - 20) * (1 + hash(seed ^ 0x55555555, i) / U32);
  },
  zeros: (seed, i) => (hash(seed, i) & 1 ? -0 : 0),
  outlier: (seed, i, rowLength) => {
    const row = Math.floor(i / rowLength);
    const chosen = hash(seed ^ 0x33333333, row) % rowLength;
    return normal(seed, i) * (i - row * rowLength === chosen ? 4096 : 1);
  },
  ramp: (_seed, i, rowLength) => 1 + (i % rowLength),
  stairs: (_seed, i, rowLength) => 1 + Math.floor(i / rowLength),
  cosine: (seed, i) => onCircle(seed, i).cosine,
  sine: (seed, i) => onCircle(seed, i).sine,
};

/** The values that `list` and `fixture` repeat. */
function sequence(recipe: Recipe): ArrayLike<number> {
  return recipe.kind === 'fixture' ? fixtureValues(recipe.fixture ?? '') : (recipe.values ?? [0]);
}

/**
 * The elements of a tensor in logical (C) order, as stored bits.
 *
 * @param shape - sizes of the dimensions; the last is a row.
 */
export function makeValues(recipe: Recipe, shape: readonly number[], dtype: Dtype): Bits {
  const values =
    recipe.kind === 'patterns' ? patternsOf(recipe, shape, dtype) : encoded(recipe, shape, dtype);
  const { ulps } = recipe;
  const bits = ulps === undefined || dtype === 'i32' ? values : ulpsOf(values, ulps, dtype);
  for (const { start, count, step, value } of recipe.patches) {
    const word = patchBits(value, dtype);
    for (let k = 0, i = start; k < count && i < bits.length; k++, i += step) bits[i] = word;
  }
  return bits;
}

/** Every pattern of 16 bits, NaNs and subnormals among them; the upper half of wider types. */
function patternsOf({ seed, scale, rows = [0] }: Recipe, shape: readonly number[], dtype: Dtype): Bits {
  const bits = bitsOf(dtype, countOf(shape));
  const shift = 8 * sizeOf(dtype) - 16;
  const block = bits.length / rows.length;
  const patterns = bits.map(
    (_, i) => ((seed + rows[Math.floor(i / block)] * block + (i % block)) & 0xffff) << shift,
  );
  // As they are: a NaN's payload would not survive a multiplication.
  if (scale === 1 || dtype === 'i32') return patterns;
  return encodeAll(
    decodeAll(patterns, dtype).map(value => value * scale),
    dtype,
  );
}

/** So many ulps of each value, away from 0; of what is not finite 0. */
function ulpsOf(values: Bits, ulps: number, dtype: FloatDtype): Bits {
  const format = formats[dtype];
  return encodeAll(
    decodeAll(values, dtype).map(value =>
      Number.isFinite(value) ? (value < 0 ? -ulps : ulps) * ulpOf(value, format) : 0,
    ),
    dtype,
  );
}

function encoded(recipe: Recipe, shape: readonly number[], dtype: Dtype): Bits {
  const { kind, scale, seed, rows = [0] } = recipe;
  const count = countOf(shape);
  const block = count / rows.length;
  const rowLength = shape.at(-1) ?? 1;
  const values = new Float64Array(count);
  const repeated = kind === 'list' || kind === 'fixture' ? sequence(recipe) : undefined;
  const value: At = repeated
    ? (start, i) => repeated[(start + i) % repeated.length]
    : at[kind as Exclude<RecipeKind, 'list' | 'fixture' | 'patterns'>];
  rows.forEach((row, r) => {
    const source = row * block;
    const target = r * block;
    for (let i = 0; i < block; i++) values[target + i] = value(seed, source + i, rowLength) * scale;
  });
  return encodeAll(values, dtype);
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

const specialBits: Record<FloatDtype, Record<Extract<Patch['value'], string>, number>> = {
  f32: table(0x7fc00000, 0x7fc12345, 0x7f800000, 0x7f7fffff, 31),
  f16: table(0x7e00, 0x7e5a, 0x7c00, 0x7bff, 15),
  bf16: table(0x7fc0, 0x7fd5, 0x7f80, 0x7f7f, 15),
};

function table(nan: number, payload: number, inf: number, max: number, signShift: number) {
  const negative = (bits: number) => (bits | (1 << signShift)) >>> 0;
  return {
    nan,
    'nan-payload': payload,
    // What a rounding that does not ask for NaN carries over into the sign.
    'nan-ones': negative(0) - 1,
    '-nan': negative(nan),
    inf,
    '-inf': negative(inf),
    '-0': negative(0),
    subnormal: 5,
    max,
  };
}

function patchBits(value: Patch['value'], dtype: Dtype): number {
  if (typeof value === 'number') return encode(value, dtype);
  if (dtype === 'i32') throw new Error(`an i32 tensor cannot hold ${value}`);
  return specialBits[dtype][value];
}
