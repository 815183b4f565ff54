/** What the elements of out may be, filled row by row. */

import { type Bits, bitsOf, type FloatDtype } from '../../src/case/dtype.ts';
import { type Expected, rule } from '../expected.ts';
import { flushed } from '../flushing.ts';
import { type Arithmetic, leastOperand, roundedOperands } from './arithmetic.ts';
import type { Call } from './call.ts';
import type { KvHead } from './kv-head.ts';
import { Mixture } from './mixture.ts';
import type { Scores } from './scores.ts';
import { Softmax } from './softmax.ts';

export class AttentionRows implements Expected {
  readonly role = 'out';
  readonly dtype: FloatDtype;
  readonly rowLength: number;
  readonly rows: readonly number[];
  readonly exact: Bits;
  readonly ref: Float64Array;
  readonly hard: Float64Array;
  readonly typical: Float64Array;
  readonly rules: Uint8Array;
  readonly nearest: (index: number, seen: number) => number;
  /** What lies between these is as right: the value alone, but where a softmax is open or values are infinite. */
  readonly #low: Float64Array;
  readonly #high: Float64Array;
  readonly #arithmetic: Arithmetic;
  /** What p, and v where it is stored wider, may lose when they are made operands. */
  readonly #rounding: number;
  /** What a value that may be a zero loses at most when it is made an operand. */
  readonly #leastValue: number;
  /** What is smaller than this in out may be a zero. */
  readonly #least: number;
  readonly #softmax: Softmax;
  readonly #mixture: Mixture;

  /** @param longest - keys of the longest row. */
  constructor(call: Call, arithmetic: Arithmetic, rows: readonly number[], longest: number) {
    const count = rows.length * call.headDim;
    const rounded = roundedOperands(arithmetic, call.dtypes.kv);
    const unit = arithmetic.operand?.unit ?? 0;
    this.dtype = call.dtypes.q;
    this.rowLength = call.headDim;
    this.rows = rows;
    // All +0, as a row without a live key is.
    this.exact = bitsOf(this.dtype, count);
    this.ref = new Float64Array(count);
    this.hard = new Float64Array(count);
    this.typical = new Float64Array(count);
    this.rules = new Uint8Array(count);
    this.#low = new Float64Array(count);
    this.#high = new Float64Array(count);
    this.#arithmetic = arithmetic;
    this.#rounding = rounded * unit * (1 + unit);
    this.#leastValue = leastOperand(arithmetic, call.dtypes.kv);
    this.#least = arithmetic.stored(this.dtype);
    this.#softmax = new Softmax(longest);
    this.#mixture = new Mixture(call.headDim, arithmetic, call.dtypes.kv);
    this.nearest = (index, seen) => within(seen, this.#low[index], this.#high[index]);
  }

  /** Sets what stands in the k-th of the rows. */
  fill(k: number, scores: Scores, head: KvHead): void {
    const start = k * this.rowLength;
    const end = start + this.rowLength;
    switch (scores.standing) {
      case 'none live':
        this.rules.fill(rule.bits, start, end);
        break;
      case 'unspecified':
        this.#except(rule.any, start, end);
        break;
      case 'nan':
        this.#except(rule.nan, start, end);
        break;
      default:
        this.#softmax.fill(scores, this.#arithmetic);
        this.#mixture.fill(scores, this.#softmax, head);
        for (let d = 0, i = start; i < end; d++, i++) this.#fillElement(i, d, scores, head);
    }
  }

  /** Elements without a value, or a bound. */
  #except(exception: number, start: number, end = start + 1): void {
    this.ref.fill(Number.NaN, start, end);
    this.rules.fill(exception, start, end);
  }

  #fillElement(i: number, d: number, scores: Scores, head: KvHead): void {
    const { accumulator, operand } = this.#arithmetic;
    const { total, largest } = this.#mixture;
    const low = scores.standing === 'low';
    const overflows = operand !== undefined && largest >= 4 * operand.limit;
    if (low && !Number.isFinite(total[d])) {
      this.#except(rule.any, i);
    } else if (Number.isNaN(total[d])) {
      this.#except(rule.nan, i);
    } else if (total[d] === Infinity && !overflows) {
      this.#fillInfinite(i, d, scores, head);
    } else if (overflows || total[d] >= 4 * accumulator.limit) {
      this.#except(rule.any, i);
    } else {
      // A zero is a zero in any arithmetic.
      if (total[d] > 0) this.#fillValue(i, d, scores.count);
      if (low) this.rules[i] |= rule.zero;
    }
  }

  /** An infinity is among the live values, and no NaN. */
  #fillInfinite(i: number, d: number, { count, live }: Scores, { v }: KvHead): void {
    let [low, high] = [Infinity, -Infinity];
    for (let key = 0; key < count; key++) {
      const value = v[live[key] * this.rowLength + d];
      if (!Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
    }
    this.ref[i] = high;
    this.#low[i] = low;
    this.#high[i] = high;
    this.rules[i] = rule.maybeNaN;
  }

  #fillValue(i: number, d: number, n: number): void {
    const { accumulator } = this.#arithmetic;
    const { rescalings, open, swings, drift } = this.#softmax;
    const { value, size, total, swing, random, light, low, high } = this.#mixture;
    const u = accumulator.unit;
    const chain = (n + rescalings + 8) * u;
    const loss = (chain < 1 ? chain / (1 - chain) : Infinity) + this.#rounding;
    const roundings = n + 2 + total[d];
    const floor = accumulator.floor * roundings + this.#leastValue + light[d];
    const o = value[d];
    if (open) {
      this.#low[i] = low[d];
      this.#high[i] = high[d];
      this.ref[i] = within(o, low[d], high[d]);
      this.hard[i] = 2 * loss * Math.max(Math.abs(low[d]), Math.abs(high[d])) + swing[d] + floor;
    } else {
      this.#low[i] = o;
      this.#high[i] = o;
      this.ref[i] = o;
      this.hard[i] = (swing[d] + loss * (size[d] + Math.abs(o) + swing[d])) / (1 - swings) + floor;
    }
    this.typical[i] =
      Math.sqrt(random[d]) +
      u * (0.6 * size[d] + (0.25 * Math.sqrt(n) + 2) * Math.abs(o)) +
      drift * Math.abs(o) +
      accumulator.tiny * roundings +
      2 * accumulator.least;
    const closest = Math.abs(within(0, this.#low[i], this.#high[i]));
    this.rules[i] |= flushed(closest - this.hard[i], this.#least);
  }
}

/** What of [low, high] is nearest; of infinities, one of the two. */
function within(seen: number, low: number, high: number): number {
  if (high === Infinity) return seen < 0 ? low : high;
  return Math.min(Math.max(seen, low), high);
}
