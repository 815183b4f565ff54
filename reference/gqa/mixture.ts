/** The weighted sum of the live values of one row, and what its error is made of. */

import type { FloatDtype } from '../../src/case/dtype.ts';
import { type Arithmetic, type Grain, leastOperand, roundedOperands } from './arithmetic.ts';
import type { KvHead } from './kv-head.ts';
import type { Scores } from './scores.ts';
import type { Softmax } from './softmax.ts';

/** Sums over the live keys, by column. NaN and infinities among the values show in `total`. */
export class Mixture {
  /** sum p v: the row of the output. */
  readonly value: Float64Array;
  /** sum p |v|, sum |v|. */
  readonly size: Float64Array;
  readonly total: Float64Array;
  /** sum swing |v - value|. */
  readonly swing: Float64Array;
  /** sum (usual (v - value))^2, and where operands are rounded sum (p v usual rounding)^2; usual is 1.5 where p, v or p v may be a zero. */
  readonly random: Float64Array;
  /** sum p |v| over weights that may be zeros when they are made operands. */
  readonly light: Float64Array;
  /** Where the softmax is open: the hull of the rivals' values. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Where operands are rounded: the largest finite |v|. */
  largest = 0;
  readonly #headDim: number;
  readonly #arithmetic: Arithmetic;
  /** Operands of each product p v that are rounded. */
  readonly #rounded: number;
  /** What is smaller than this among values may be a zero. */
  readonly #leastValue: number;

  constructor(headDim: number, arithmetic: Arithmetic, stored: FloatDtype) {
    const column = () => new Float64Array(headDim);
    this.value = column();
    this.size = column();
    this.total = column();
    this.swing = column();
    this.random = column();
    this.light = column();
    this.low = column();
    this.high = column();
    this.#headDim = headDim;
    this.#arithmetic = arithmetic;
    this.#rounded = roundedOperands(arithmetic, stored);
    this.#leastValue = leastOperand(arithmetic, stored);
  }

  /** Computes those of a row. */
  fill({ count, live }: Scores, softmax: Softmax, { v }: KvHead): void {
    const headDim = this.#headDim;
    const { value, size, total, swing, random, light } = this;
    for (const sums of [value, size, total, swing, random, light]) sums.fill(0);
    for (let i = 0; i < count; i++) {
      const p = softmax.weight[i];
      for (let d = 0, at = live[i] * headDim; d < headDim; d++, at++) {
        const x = v[at];
        value[d] += p * x;
        size[d] += p * Math.abs(x);
        total[d] += Math.abs(x);
      }
    }
    for (let i = 0; i < count; i++) {
      const most = softmax.swing[i];
      const usual = softmax.usual[i];
      for (let d = 0, at = live[i] * headDim; d < headDim; d++, at++) {
        const gap = v[at] - value[d];
        swing[d] += most * Math.abs(gap);
        random[d] += usual * gap * (usual * gap);
      }
    }
    if (softmax.open) this.#findHull(count, live, softmax.rival, v);
    const { operand } = this.#arithmetic;
    if (operand) this.#addRounding(operand, count, live, softmax, v);
  }

  #findHull(count: number, live: Int32Array, rival: Uint8Array, v: Float64Array): void {
    const headDim = this.#headDim;
    this.low.fill(Infinity);
    this.high.fill(-Infinity);
    for (let i = 0; i < count; i++) {
      if (!rival[i]) continue;
      for (let d = 0, at = live[i] * headDim; d < headDim; d++, at++) {
        this.low[d] = Math.min(this.low[d], v[at]);
        this.high[d] = Math.max(this.high[d], v[at]);
      }
    }
  }

  /** A rounding is 0.4 units off, ordinarily; what may be a zero all of itself, and half as much. */
  #addRounding(
    { unit, least }: Grain,
    count: number,
    live: Int32Array,
    { weight, swing }: Softmax,
    v: Float64Array,
  ): void {
    const usual = 0.4 * unit * Math.sqrt(this.#rounded);
    const leastProduct = this.#arithmetic.accumulator.least;
    const headDim = this.#headDim;
    this.largest = 0;
    for (let i = 0; i < count; i++) {
      const p = weight[i];
      for (let d = 0, at = live[i] * headDim; d < headDim; d++, at++) {
        const x = Math.abs(v[at]);
        // Weights may add up to 1 already, or be divided later, when they are larger.
        if (p - swing[i] < least) this.light[d] += p * x;
        const vanishes = p < least || x < this.#leastValue || p * x < leastProduct;
        // Rows that share keys share what these lose, which is then one draw for all of them.
        const off = p * x * (vanishes ? 1.5 : usual);
        this.random[d] += off * off;
        if (x > this.largest && x < Infinity) this.largest = x;
      }
    }
  }
}
