/** The weighted sum of the live values of one row, and what its error is made of. */

import type { Arithmetic, Grain } from './arithmetic.ts';
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
  /** sum (usual (v - value))^2, and where operands are rounded sum (p v usual rounding)^2. */
  readonly random: Float64Array;
  /** Where the softmax is open: the hull of the rivals' values. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Where operands are rounded: the largest |v|. */
  largest = 0;
  readonly #headDim: number;
  readonly #arithmetic: Arithmetic;
  readonly #rounded: number;

  /** @param rounded - operands of each product p v that are rounded. */
  constructor(headDim: number, arithmetic: Arithmetic, rounded: number) {
    const column = () => new Float64Array(headDim);
    this.value = column();
    this.size = column();
    this.total = column();
    this.swing = column();
    this.random = column();
    this.low = column();
    this.high = column();
    this.#headDim = headDim;
    this.#arithmetic = arithmetic;
    this.#rounded = rounded;
  }

  /** Computes those of a row. */
  fill({ count, live }: Scores, softmax: Softmax, { v }: KvHead): void {
    const headDim = this.#headDim;
    const { value, size, total, swing, random } = this;
    for (const sums of [value, size, total, swing, random]) sums.fill(0);
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
    if (operand) this.#addRounding(operand, count, live, softmax.weight, v);
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

  /** A rounding is 0.4 units off, ordinarily; a weight that is flushed all of itself. */
  #addRounding(
    { unit, least }: Grain,
    count: number,
    live: Int32Array,
    weight: Float64Array,
    v: Float64Array,
  ): void {
    const usual = 0.4 * unit * Math.sqrt(this.#rounded);
    const headDim = this.#headDim;
    this.largest = 0;
    for (let i = 0; i < count; i++) {
      const p = weight[i] * (weight[i] < least ? 1 : usual);
      for (let d = 0, at = live[i] * headDim; d < headDim; d++, at++) {
        this.random[d] += p * v[at] * (p * v[at]);
        this.largest = Math.max(this.largest, Math.abs(v[at]));
      }
    }
  }
}
