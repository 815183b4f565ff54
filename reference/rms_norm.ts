/**
 * RMSNorm in float64, and how far from it a correct f32 kernel may be. Contract: contracts.md.
 *
 *     h = x, or fround(x + residual)    w = weight + weightOffset    r = 1 / sqrt(mean(h^2) + eps)
 *     y = round(h r w), or before-weight: z = round(h r), y = round(z w)
 *
 * The bound is what a correct kernel can lose, in units of u = 2^-24:
 *
 * | operation | loses at most |
 * |---|---|
 * | n squares and their sum, in any order, FMA or not | n u of the sum (Jeannerod & Rump 2013: no second order) |
 * | times 1/n, itself rounded | 2 u |
 * | + eps | 1 u; it and the above count half, after the root |
 * | root and division; or a 12-bit estimate and a Newton step | 2 u; or 1.5 (1.5 * 2^-12)^2 = 3.4 u, and 3 u of rounding |
 * | two products of h, r and w, in any order | 2 u |
 * | weight + weightOffset | `Weights.error` |
 * | underflow | 2^-150 in the operation, times what it is multiplied by later: `floor`; 2^-126 where it may flush |
 *
 * Where bounds.md proposes 5 u for all but the sum, 10 u stand here: a kernel with a Newton step can use 8.9 u,
 * and where n is small or eps large the sum leaves no room for it (seen: 1.19 of the bound with 5 u, 0.57 with
 * 10 u). Nothing is lost: the finest estimate that is shipped without a step (14 bits) is up to 1,024 u off.
 *
 * A numerics class other than F32 has the same arithmetic, as there is no matrix product here; but subnormals may be
 * zeros to it (flushing.ts).
 */

import type { CaseOf } from '../src/case/case.ts';
import {
  type Bits,
  bitsOf,
  decode,
  decodeAll,
  encode,
  type FloatDtype,
  formats,
  round,
} from '../src/case/dtype.ts';
import type { Numerics } from '../src/case/numerics.ts';
import { exactly } from './exactly.ts';
import { excess, nextDown, nextUp } from './excess.ts';
import { type Expected, type Reference, rule } from './expected.ts';
import { flushed, flushedBelow, underflowOf } from './flushing.ts';

const u = 2 ** -24;
const leastNormal = 2 ** -126;
const { maxFinite } = formats.f32;

/** In u: the table's fixed part. */
const arithmetic = 10;
/** In u: the part of it that comes after z, and one to spare. */
const afterZ = 2;

/**
 * In u per element of a row: how far a sequential f32 sum of squares may drift on unstructured data, beyond
 * the random walk of 0.25 sqrt(n). Squares of a short significand meet the sum's last bit in ties, and ties
 * to even go one way for a while. Without this term a correct sequential kernel is off by up to 5.4 T on
 * bf16 rows of 5,120, 8.8 T on 65,536, and on f32 rows of 2^20 18 T (the limit is 4); with it, 2.3 T at most
 * over 20,000 rows of 64 to 65,536 elements, and 2.1 at 2^20.
 */
const drift: Readonly<Record<FloatDtype, number>> = { f32: 1 / 512, f16: 1 / 512, bf16: 1 / 128 };

export const rmsNorm: Reference<'rms_norm'> = (c, inputs, rows = allRows(c), numerics = 'f32') => {
  const { x, residualOut } = c.tensors;
  const y = new NormalisedRows(c, inputs.weight, rows, numerics);
  const n = x.shape[1];
  const h = new Float64Array(n);
  const sums = residualOut && bitsOf(residualOut.dtype, rows.length * n);
  const least = flushedBelow(x.dtype as FloatDtype, numerics);
  const otherSums = new Map<number, readonly number[]>();
  for (let k = 0; k < rows.length; k++) {
    readHidden(h, c, inputs, rows[k]);
    const others = othersOf(h, c, inputs, rows[k], least);
    if (sums) for (let j = 0; j < n; j++) sums[k * n + j] = encode(h[j], residualOut.dtype);
    for (const [j, values] of others) otherSums.set(k * n + j, values);
    y.fill(k, h, others);
  }
  if (!sums) return [y];
  const place = { role: 'residualOut', dtype: residualOut.dtype as FloatDtype, rowLength: n, rows };
  return [y, exactly(place, sums, otherSums)];
};

function allRows(c: CaseOf<'rms_norm'>): number[] {
  return Array.from({ length: c.tensors.x.shape[0] }, (_, row) => row);
}

/** Reads a row of h. A float64 sum of two f32, rounded to f32, is their f32 sum: 53 >= 2 * 24 + 2 bits (Figueroa 1995). */
function readHidden(
  h: Float64Array,
  c: CaseOf<'rms_norm'>,
  inputs: Readonly<Record<string, Bits>>,
  row: number,
): void {
  const { x, residual } = c.tensors;
  const start = row * h.length;
  for (let j = 0; j < h.length; j++) h[j] = decode(inputs.x[start + j], x.dtype);
  if (!residual) return;
  for (let j = 0; j < h.length; j++) {
    h[j] = Math.fround(h[j] + decode(inputs.residual[start + j], residual.dtype));
  }
}

/** What else elements of a row of h may be, by column. */
type Others = ReadonlyMap<number, readonly number[]>;

/** Those of a row of h: what is smaller than `least`, of x, residual and their sum, may be a zero. */
function othersOf(
  h: Float64Array,
  c: CaseOf<'rms_norm'>,
  inputs: Readonly<Record<string, Bits>>,
  row: number,
  least: number,
): Others {
  const others = new Map<number, readonly number[]>();
  if (least === 0) return others;
  const { x, residual } = c.tensors;
  const either = (value: number) => (Math.abs(value) < least ? [value, 0] : [value]);
  for (let j = 0, i = row * h.length; j < h.length; j++, i++) {
    const stored = decode(inputs.x[i], x.dtype);
    const added = residual ? decode(inputs.residual[i], residual.dtype) : 0;
    if (Math.abs(stored) >= least && Math.abs(h[j]) >= least && (!residual || Math.abs(added) >= least))
      continue;
    const sums = either(stored).flatMap(a => either(added).flatMap(b => either(Math.fround(a + b))));
    const values = [...new Set(sums)].filter(sum => sum !== h[j] && Number.isFinite(sum));
    if (values.length > 0) others.set(j, values);
  }
  return others;
}

/** The sum of squares, in blocks so that its error hardly grows with n. NaN and infinities show in it. */
function sumOfSquares(h: Float64Array): number {
  const block = 64;
  let sum = 0;
  for (let start = 0; start < h.length; start += block) {
    const end = Math.min(start + block, h.length);
    let part = 0;
    for (let j = start; j < end; j++) part += h[j] * h[j];
    sum += part;
  }
  return sum;
}

/** The columns' factors w, and how far an f32 kernel's may be from them. */
interface Weights {
  readonly w: Float64Array;
  /**
   * fround(weight + offset) is within u |w|. A kernel that adds h r and h r weight instead is off by
   * u |weight|, which is more where weight is near -offset: so much is admitted. 0 without an offset. A weight that
   * may be a zero is off by all of itself.
   */
  readonly error: Float64Array;
  /** Columns whose weight is NaN or infinite. */
  readonly special: readonly number[];
}

function weightsOf(c: CaseOf<'rms_norm'>, bits: Bits | undefined, numerics: Numerics): Weights {
  const { x, weight } = c.tensors;
  const n = x.shape[1];
  const error = new Float64Array(n);
  if (!weight || !bits) return { w: new Float64Array(n).fill(1), error, special: [] };
  const offset = c.params.weightOffset;
  const w = decodeAll(bits, weight.dtype);
  const least = flushedBelow(weight.dtype as FloatDtype, numerics);
  const special: number[] = [];
  for (let j = 0; j < n; j++) {
    const stored = w[j];
    w[j] += offset;
    if (!Number.isFinite(stored)) special.push(j);
    else if (offset !== 0) error[j] = u * Math.max(Math.abs(w[j]), Math.abs(stored));
    if (Math.abs(stored) < least) error[j] += Math.abs(stored);
  }
  return { w, error, special };
}

/** The expectation of y, filled row by row. */
class NormalisedRows implements Expected {
  readonly role = 'y';
  readonly dtype: FloatDtype;
  readonly rowLength: number;
  readonly rows: readonly number[];
  readonly ref: Float64Array;
  readonly hard: Float64Array;
  readonly typical: Float64Array;
  readonly rules: Uint8Array;
  readonly nearest?: (index: number, seen: number) => number;
  readonly ties?: Uint8Array;
  readonly #weights: Weights;
  readonly #eps: number;
  readonly #roundBeforeWeight: boolean;
  /** Twice what underflow takes from an f32 operation. */
  readonly #tiny: number;
  /** What is smaller than this, in the type of y, may be a zero. */
  readonly #least: number;
  /** How far h may be from what it is, by column. */
  readonly #off: Float64Array;
  /** Before-weight in 16 bits: the least and the greatest z that a correct kernel may have. */
  readonly #z: { readonly low: Float64Array; readonly high: Float64Array } | undefined;

  constructor(c: CaseOf<'rms_norm'>, weight: Bits | undefined, rows: readonly number[], numerics: Numerics) {
    this.dtype = c.tensors.y.dtype as FloatDtype;
    this.rowLength = c.tensors.x.shape[1];
    this.rows = rows;
    const count = rows.length * this.rowLength;
    this.ref = new Float64Array(count);
    this.hard = new Float64Array(count);
    this.typical = new Float64Array(count);
    this.rules = new Uint8Array(count);
    this.#weights = weightsOf(c, weight, numerics);
    this.#tiny = underflowOf(numerics);
    this.#least = flushedBelow(this.dtype, numerics);
    this.#off = new Float64Array(this.rowLength);
    this.#eps = c.params.eps;
    this.#roundBeforeWeight = c.params.roundBeforeWeight;
    if (c.params.roundBeforeWeight && this.dtype !== 'f32') {
      const z = { low: new Float64Array(count), high: new Float64Array(count) };
      this.#z = z;
      this.ties = new Uint8Array(count);
      this.nearest = (index, seen) => {
        const w = this.#weights.w[index % this.rowLength];
        return nearestProduct(seen, w, z.low[index], z.high[index], this.dtype) ?? this.ref[index];
      };
    }
  }

  /** Sets what stands in the k-th of the rows. */
  fill(k: number, h: Float64Array, others: Others): void {
    const start = k * this.rowLength;
    const end = start + this.rowLength;
    const squares = sumOfSquares(h);
    const open = this.#measure(h, others);
    const row = rowOf(squares, open, this.rowLength, this.#eps, this.dtype, this.#tiny);
    // Where flushing takes all of the mean, too.
    const flushedOut = this.#least > 0 && row.lost === Infinity;
    const unspecified = flushedOut || (squares - open) / h.length + this.#eps < 2 ** -120;
    if (unspecified) {
      this.#except(rule.any, start, end);
    } else if (Number.isNaN(squares)) {
      this.#except(rule.nan, start, end);
    } else if (squares === Infinity) {
      // r = 0: finite elements stay the zero that they are from the start.
      for (let j = 0; j < h.length; j++) if (!Number.isFinite(h[j])) this.#except(rule.nan, start + j);
    } else if (this.#z) {
      this.#fillBySteps(start, h, row, this.#z);
    } else {
      this.#fillByValue(start, h, row);
    }
    // A zero in h is one in y.
    for (const [j, values] of others) if (values.includes(0)) this.rules[start + j] |= rule.zero;
    for (const j of this.#weights.special) {
      if (!Number.isNaN(this.#weights.w[j])) this.#except(rule.any, start + j);
      else if (!unspecified) this.#except(rule.nan, start + j);
    }
  }

  /** Finds how far the elements of h may be off, and how much of the sum of squares is open by that. */
  #measure(h: Float64Array, others: Others): number {
    this.#off.fill(0);
    let open = 0;
    for (const [j, values] of others) {
      this.#off[j] = Math.max(...values.map(value => Math.abs(value - h[j])));
      open += Math.max(...values.map(value => Math.abs(value * value - h[j] * h[j])));
    }
    return open;
  }

  /** Elements without a value, or a bound. */
  #except(exception: number, start: number, end = start + 1): void {
    this.ref.fill(Number.NaN, start, end);
    this.hard.fill(0, start, end);
    this.typical.fill(0, start, end);
    this.rules.fill(exception, start, end);
  }

  /** Sets what an element may be beside its value. */
  #admit(i: number, exceptions: number): void {
    if (exceptions & rule.any) this.#except(rule.any, i);
    else this.rules[i] = exceptions;
  }

  /** Whether h or w may be a zero in a column. */
  #mayBeZero(h: Float64Array, j: number): boolean {
    const least = this.#least;
    return least > 0 && Math.min(Math.abs(h[j]) - this.#off[j], Math.abs(this.#weights.w[j])) < least;
  }

  /** A row whose bound is around one value. An f32 z is just another f32 rounding, of the value and of the kernel's. */
  #fillByValue(start: number, h: Float64Array, { r, lost, usual, exception }: Row): void {
    const { ref, hard, typical } = this;
    const { w, error } = this.#weights;
    const before = this.#roundBeforeWeight;
    const relative = lost + (before ? arithmetic + 1 : arithmetic) * u;
    const top = maxFinite / (1 + relative);
    for (let j = 0, i = start; j < h.length; j++, i++) {
      const z = before ? Math.fround(h[j] * r) : h[j] * r;
      const value = z * w[j];
      ref[i] = value;
      // A zero is a zero in any arithmetic.
      if (value === 0) continue;
      const size = Math.abs(value);
      // h r, h w, r w, r itself and the result may each be subnormal.
      const floor = this.#tiny * ((1 + Math.abs(h[j])) * (1 + Math.abs(w[j])) + r) + Math.abs(z) * error[j];
      const off = this.#off[j] * r * Math.abs(w[j]);
      hard[i] = (size + off) * relative + off + floor;
      typical[i] = size * usual + off + floor;
      const vanishes = flushed(size - hard[i], this.#least);
      this.#admit(i, exception | rangeException(h[j], r, w[j], top, this.#mayBeZero(h, j)) | vanishes);
    }
  }

  /** A row whose elements follow from one of several z, far apart for an f32 kernel. */
  #fillBySteps(
    start: number,
    h: Float64Array,
    { r, lost, usual, exception }: Row,
    { low, high }: { low: Float64Array; high: Float64Array },
  ): void {
    const { ref, hard, typical, dtype } = this;
    const { w, error } = this.#weights;
    const relative = lost + (arithmetic - afterZ) * u;
    const top = maxFinite / (1 + relative);
    for (let j = 0, i = start; j < h.length; j++, i++) {
      const z = h[j] * r;
      const off = this.#off[j] * r;
      const reach = (Math.abs(z) + off) * relative + off + this.#tiny * (1 + Math.abs(h[j]));
      const least = round(z - reach, dtype);
      const greatest = round(z + reach, dtype);
      low[i] = least;
      high[i] = greatest;
      if (least !== greatest && this.ties) {
        const ordinary = Math.abs(z) * usual + off + this.#tiny;
        if (round(z - ordinary, dtype) !== round(z + ordinary, dtype)) this.ties[i] = 1;
      }
      ref[i] = (least === greatest ? least : round(z, dtype)) * w[j];
      const most = Math.max(Math.abs(least), Math.abs(greatest));
      const size = most * Math.abs(w[j]);
      if (size === 0) continue;
      const floor = this.#tiny + most * error[j];
      hard[i] = size * afterZ * u + floor;
      typical[i] = size * usual + floor;
      const closest = Math.min(Math.abs(least), Math.abs(greatest)) * Math.abs(w[j]);
      const vanishes = flushed(Math.abs(z) - reach, this.#least) | flushed(closest - hard[i], this.#least);
      this.#admit(i, exception | rangeException(h[j], r, w[j], top, this.#mayBeZero(h, j)) | vanishes);
    }
  }
}

/** What the elements of a row with a finite sum of squares have in common. */
interface Row {
  readonly r: number;
  /** Relative error of r that comes from the sum, at most. */
  readonly lost: number;
  /** Relative error of y that is usual on unstructured data. */
  readonly usual: number;
  readonly exception: number;
}

/**
 * @param open - so much of the squares may be there or not.
 * @param tiny - twice what underflow takes from an f32 operation.
 */
function rowOf(squares: number, open: number, n: number, eps: number, dtype: FloatDtype, tiny: number): Row {
  const meanSquare = squares / n;
  const variance = meanSquare + eps;
  const missing = open / n / variance;
  // Worst relative error of the mean square as an addend of the variance. An f32 sum that is low by q makes r
  // high by (1 - q)^(-1/2) - 1, about q / 2; when q reaches 1 a sum in the worst order may stand still at 0.
  const q = ((n + 2) * (u * meanSquare + tiny)) / variance + missing;
  return {
    r: 1 / Math.sqrt(variance),
    lost: raised(q),
    usual: u * (0.25 * Math.sqrt(n) + 2 + n * drift[dtype]) + raised(missing),
    /** An f32 sum may overflow: r is then 0. */
    exception: squares >= 2 ** 127 ? rule.zero : 0,
  };
}

/** How much greater 1 / sqrt(v) is, relative, when v is low by q. */
function raised(q: number): number {
  return q < 1 ? 1 / Math.sqrt(1 - q) - 1 : Infinity;
}

/**
 * An f32 product of two of the three may leave the normal range, when the value does not.
 *
 * @param top - where a kernel's product may overflow: below maxFinite by what r may be off.
 * @param mayBeZero - h or w may be a zero.
 */
function rangeException(h: number, r: number, w: number, top: number, mayBeZero: boolean): number {
  const hr = Math.abs(h * r);
  const hw = Math.abs(h * w);
  const rw = Math.abs(r * w);
  const underflows = hr < leastNormal || hw < leastNormal || rw < leastNormal;
  const overflows = hr > top || hw > top || rw > top;
  if (!underflows && !overflows) return 0;
  // Infinity times zero.
  if (overflows && mayBeZero) return rule.any;
  const value = Math.abs(h * r * w);
  return value >= leastNormal && value <= maxFinite ? rule.shrunk | rule.infinite : 0;
}

/** z w for the z of `dtype` in [low, high] that makes it closest to `seen`; undefined where w = 0 tells none apart. */
function nearestProduct(
  seen: number,
  w: number,
  low: number,
  high: number,
  dtype: FloatDtype,
): number | undefined {
  if (w === 0) return undefined;
  const guess = Math.min(Math.max(round(seen / w, dtype), low), high);
  // The excess falls towards the best z and rises after it, but seen's interval is lopsided at a power of two.
  let best = guess * w;
  for (const z of [nextDown(guess, dtype), nextUp(guess, dtype)]) {
    if (z >= low && z <= high && excess(z * w, seen, dtype) < excess(best, seen, dtype)) best = z * w;
  }
  return best;
}
