/**
 * RoPE in float64, and how far from it a correct f32 kernel may be. Contract: contracts.md.
 *
 *     y_a = round(a cos - b sin)    y_b = round(b cos + a sin)    the tail beyond rotaryDim: as stored
 *
 * The bound is what a correct kernel can lose, in units of u = 2^-24:
 *
 * | operation | loses at most |
 * |---|---|
 * | cosine and sine from tables | nothing |
 * | computed, with the attention factor m in them | m times 5 u and what its angle is off: `Rotation.error` |
 * | two products and their sum, FMA or not | 2 u (abs(a cos) + abs(b sin)), and 1 to spare |
 * | underflow of the products, and of m cos | 2^-149, and 2^-149 (abs(a) + abs(b)) |
 *
 * A numerics class other than F32 has the same arithmetic, as there is no matrix product here; but subnormals may be
 * zeros to it (flushing.ts): an a or b as stored, a cosine, a product, their sum, y.
 */

import type { CaseOf } from '../src/case/case.ts';
import { type Bits, bitsOf, decode, decodeAll, type FloatDtype, formats } from '../src/case/dtype.ts';
import type { Numerics } from '../src/case/numerics.ts';
import { type Expected, type Reference, rule } from './expected.ts';
import { flushed, flushedBelow, underflowOf } from './flushing.ts';
import { type Rotation, rotationsOf } from './rope/rotations.ts';

const u = 2 ** -24;
/** In u: the table's third line. */
const arithmetic = 3;
/** Where an f32 product may overflow, its own rounding counted in. */
const top = formats.f32.maxFinite * (1 - 2 * u);

export const rope: Reference<'rope'> = (c, inputs, rows = allRows(c), numerics = 'f32') => {
  const { x } = c.tensors;
  const [, tokens, heads, headDim] = x.shape;
  const rotation = rotationsOf(c, inputs);
  const y = new RotatedRows(c, rows, numerics);
  for (let k = 0; k < rows.length; k++) {
    const token = Math.floor(rows[k] / heads);
    const place = c.tensors.positions.shape.length === 1 ? token % tokens : token;
    const row = inputs.x.subarray(rows[k] * headDim, (rows[k] + 1) * headDim);
    y.fill(k, row, rotation(decode(inputs.positions[place], 'i32')));
  }
  return [y];
};

function allRows(c: CaseOf<'rope'>): number[] {
  const [batch, tokens, heads] = c.tensors.x.shape;
  return Array.from({ length: batch * tokens * heads }, (_, row) => row);
}

/** The expectation of y, filled row by row. */
class RotatedRows implements Expected {
  readonly role = 'y';
  readonly dtype: FloatDtype;
  readonly rowLength: number;
  readonly rows: readonly number[];
  readonly exact: Bits;
  readonly ref: Float64Array;
  readonly hard: Float64Array;
  readonly typical: Float64Array;
  readonly rules: Uint8Array;
  readonly #rotaryDim: number;
  readonly #interleaved: boolean;
  /** What underflow takes from products and sum, at most. */
  readonly #tiny: number;
  /** What is smaller than this, in x and y, may be a zero; and among cosines and sines. */
  readonly #least: number;
  readonly #leastCosine: number;

  constructor(c: CaseOf<'rope'>, rows: readonly number[], numerics: Numerics) {
    this.dtype = c.tensors.y.dtype as FloatDtype;
    this.rowLength = c.tensors.x.shape[3];
    this.rows = rows;
    const count = rows.length * this.rowLength;
    this.exact = bitsOf(this.dtype, count);
    this.ref = new Float64Array(count);
    this.hard = new Float64Array(count);
    this.typical = new Float64Array(count);
    this.rules = new Uint8Array(count);
    this.#rotaryDim = c.params.rotaryDim;
    this.#interleaved = c.params.interleaved;
    // A sum of subnormals is exact where they are kept: two products lose something. Where not, the sum does too.
    this.#tiny = (numerics === 'f32' ? 1 : 1.5) * underflowOf(numerics);
    this.#least = flushedBelow(this.dtype, numerics);
    this.#leastCosine = flushedBelow('f32', numerics);
  }

  /** Sets what becomes of a row of x, the k-th of the rows. */
  fill(k: number, row: Bits, rotation: Rotation): void {
    const start = k * this.rowLength;
    const values = decodeAll(row, this.dtype);
    const pairs = this.#rotaryDim / 2;
    const [step, apart] = this.#interleaved ? [2, 1] : [1, pairs];
    for (let i = 0, at = 0; i < pairs; i++, at += step) {
      const a = values[at];
      const b = values[at + apart];
      this.#set(start + at, a, -b, rotation, i);
      this.#set(start + at + apart, b, a, rotation, i);
    }
    for (let j = this.#rotaryDim; j < this.rowLength; j++) {
      this.exact[start + j] = row[j];
      this.ref[start + j] = values[j];
      this.rules[start + j] = rule.bits;
    }
  }

  /** How far an element of x may be from what is stored: all of itself, where it may be a zero. */
  #openness(value: number): number {
    const size = Math.abs(value);
    return size < this.#least ? size : 0;
  }

  /** Element `index` is a cos + b sin, of pair i. */
  #set(index: number, a: number, b: number, { cosine, sine, error, usual }: Rotation, i: number): void {
    // Exact: 24 bits times 24 bits. Their sum is rounded once, to float64.
    const p = a * cosine[i];
    const q = b * sine[i];
    const value = p + q;
    const size = Math.abs(a) + Math.abs(b);
    // Nothing but zeros: a zero in any arithmetic.
    if (size === 0 && value === 0) return;
    const products = Math.abs(p) + Math.abs(q);
    if (!(products + size * error[i] <= top)) {
      const [first, second] = [
        { factor: a, by: cosine[i] },
        { factor: b, by: sine[i] },
      ];
      const exception = exceptionOf(first, second, error[i], {
        factor: this.#least,
        by: this.#leastCosine,
      });
      this.rules[index] = exception;
      if (exception & (rule.any | rule.nan)) {
        this.ref[index] = Number.NaN;
        return;
      }
    }
    this.ref[index] = value;
    // An infinity is that infinity, and nothing is near it.
    if (!Number.isFinite(value)) return;
    const lost =
      this.#openness(a) * (Math.abs(cosine[i]) + error[i]) +
      this.#openness(b) * (Math.abs(sine[i]) + error[i]);
    const floor = this.#tiny * (1 + size) + lost;
    this.hard[index] = size * error[i] + products * arithmetic * u + floor;
    this.typical[index] = size * usual[i] + products * u + floor;
    this.rules[index] |= flushed(Math.abs(value) - this.hard[index], this.#least);
  }
}

/** A product of an element of x and a cosine or sine. */
interface Product {
  readonly factor: number;
  readonly by: number;
}

/**
 * What the sum of two products may be beside its value, where one of them is large, infinite or NaN.
 *
 * @param error - of both cosine and sine; NaN: unspecified.
 * @param least - what is smaller may be a zero.
 */
function exceptionOf(p: Product, q: Product, error: number, least: Product): number {
  if (Number.isNaN(p.factor) || Number.isNaN(q.factor)) return rule.nan;
  if (Number.isNaN(error) || isOpen(p, error, least) || isOpen(q, error, least)) return rule.any;
  const [first, second] = [p.factor * p.by, q.factor * q.by];
  const value = first + second;
  if (Number.isNaN(value)) return rule.nan;
  const overflowing = [p, q].filter(product => mayOverflow(product, error)).length;
  // Infinity less infinity, where the value may be anything.
  if (overflowing === 2 && first * second < 0) return rule.any;
  return overflowing > 0 && Number.isFinite(value) ? rule.infinite : 0;
}

/** Infinity times what may have either sign, or be 0. */
function isOpen({ factor, by }: Product, error: number, least: Product): boolean {
  const [size, of] = [Math.abs(by), Math.abs(factor)];
  if (of === Infinity) return (error > 0 && size <= error) || (size > 0 && size < least.by);
  return size === Infinity && of > 0 && of < least.factor;
}

function mayOverflow({ factor, by }: Product, error: number): boolean {
  return Math.abs(factor) * (Math.abs(by) + error) > top;
}
