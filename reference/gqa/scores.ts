/** The scores of one row, and how far those of a correct kernel may be from them. */

import { tanh } from '../real/tanh.ts';
import { type Arithmetic, leastOperand, roundedOperands } from './arithmetic.ts';
import type { Call, Place } from './call.ts';
import { type KvHead, sizesOf } from './kv-head.ts';

/**
 * What the contract says of a row by its scores alone. `low`: every one is below -2^100, and only +0 or something
 * within the hull of the values is asked. `unspecified` goes before `nan`.
 */
export type Standing = 'ordinary' | 'none live' | 'nan' | 'unspecified' | 'low';

const lowest = -(2 ** 100);
/** From here on a negative number is -Infinity in f32. */
const overflow = -(2 ** 128 - 2 ** 103);

/** The live scores of one row. The arrays are as long as the longest row; `count` elements of them count. */
export class Scores {
  count = 0;
  standing: Standing = 'none live';
  /** Which keys, from the KvHead's first. */
  readonly live: Int32Array;
  readonly value: Float64Array;
  /** How far a kernel's score may be off, at most. */
  readonly slack: Float64Array;
  /** How far it ordinarily is. */
  readonly usual: Float64Array;
  readonly #call: Call;
  readonly #arithmetic: Arithmetic;

  constructor(call: Call, arithmetic: Arithmetic, keys: number) {
    this.#call = call;
    this.#arithmetic = arithmetic;
    this.live = new Int32Array(keys);
    this.value = new Float64Array(keys);
    this.slack = new Float64Array(keys);
    this.usual = new Float64Array(keys);
  }

  /** Computes those of a row. */
  fill(row: number, place: Place, head: KvHead): void {
    const { headDim, scale, softcap } = this.#call;
    const { accumulator, operand } = this.#arithmetic;
    const q = this.#call.query(row);
    const errors = new ProductErrors(this.#call, this.#arithmetic, q);
    const u = accumulator.unit;
    let [unspecified, nan, beyond, low] = [false, false, false, true];
    const { k } = head;
    this.count = 0;
    const { first, end } = this.#call.visible(place);
    for (let j = first; j < end; j++) {
      const mask = this.#call.mask(place, j);
      if (mask === -Infinity) continue;
      const at = j - head.first;
      let dot = 0;
      let size = 0;
      for (let d = 0, i = at * headDim; d < headDim; d++, i++) {
        const term = q[d] * k[i];
        dot += term;
        size += Math.abs(term);
      }
      const scaled = scale * dot;
      const capped = softcap > 0 ? softcap * tanh(scaled / softcap) : scaled;
      const score = capped + mask;
      const reach = errors.most(size, head.size[at]) + 2 * u * Math.abs(scaled);
      const steepest = softcap > 0 ? slope(Math.max(0, Math.abs(scaled) - reach) / softcap) : 1;
      const steep = softcap > 0 ? slope(scaled / softcap) : 1;
      const stage = Math.max(Math.abs(scaled) * steepest, Math.abs(capped), Math.abs(mask), Math.abs(score));
      const i = this.count++;
      this.live[i] = at;
      this.value[i] = score;
      this.slack[i] = reach * steepest + u * (4 * stage + 6 * softcap);
      this.usual[i] = errors.ordinary(head.norm[at], k, at * headDim) * steep + u * (stage + softcap);
      if (Number.isNaN(dot)) nan = true;
      else if (!(Math.max(size, Math.abs(scale) * size) <= accumulator.limit)) unspecified = true;
      if (operand && Math.max(head.norm[at], errors.queryNorm) > operand.limit) unspecified = true;
      if (!(mask < Infinity) || score > accumulator.limit || score - reach <= overflow) unspecified = true;
      beyond ||= score < -accumulator.limit;
      low &&= !(score >= lowest);
    }
    if (this.count === 0) this.standing = 'none live';
    else if (unspecified || (beyond && !low)) this.standing = 'unspecified';
    else if (nan) this.standing = 'nan';
    else this.standing = low ? 'low' : 'ordinary';
  }
}

/** The derivative of tanh. */
function slope(x: number): number {
  const t = tanh(x);
  return 1 - t * t;
}

/** How far a kernel's scale * dot(q, k) may be off, for one q. */
class ProductErrors {
  /** The larger of the norms of q and of scale q. */
  readonly queryNorm: number;
  readonly #q: Float64Array;
  readonly #factor: number;
  /** What is smaller than this may be a zero: an element of q or k, scaled or not, a product of two. 0: nothing may. */
  readonly #least: Readonly<Record<'q' | 'k' | 'product', number>>;
  readonly #perSize: number;
  readonly #perKeySize: number;
  readonly #always: number;
  readonly #perKeyNorm: number;

  constructor({ headDim, scale, dtypes }: Call, arithmetic: Arithmetic, q: Float64Array) {
    const { accumulator, operand } = arithmetic;
    const { norm, size } = sizesOf(q);
    const factor = Math.abs(scale);
    const most = Math.max(1, factor);
    this.queryNorm = most * norm;
    this.#q = q;
    this.#factor = factor;
    this.#least = {
      q: leastOperand(arithmetic, dtypes.q),
      k: leastOperand(arithmetic, dtypes.kv),
      product: accumulator.least,
    };
    const rounded = roundedOperands(arithmetic, dtypes.kv);
    const unit = operand?.unit ?? 0;
    // The scale is an f32, and may be a subnormal one.
    const lost = factor < accumulator.least ? factor : 0;
    this.#perSize = factor * ((headDim + 2) * accumulator.unit + rounded * unit * (1 + unit)) + lost;
    this.#perKeySize = most * (this.#least.q || accumulator.floor);
    this.#always = factor * size * (this.#least.k || accumulator.floor) + most * headDim * accumulator.floor;
    // A sum of D terms in f32 errs by 0.3 u |q| |k| on unstructured data, a rounding by 0.4 units.
    this.#perKeyNorm =
      factor * norm * Math.hypot(0.3 * accumulator.unit, 0.4 * unit * Math.sqrt(rounded / headDim));
  }

  /** At most: from the sum of |q k| over the row, and that of |k|. */
  most(size: number, keySize: number): number {
    return this.#perSize * size + this.#perKeySize * keySize + this.#always;
  }

  /** Ordinarily: from the norm of a row of k, and where it begins. */
  ordinary(keyNorm: number, k: Float64Array, at: number): number {
    const rounded = this.#perKeyNorm * keyNorm;
    return this.#least.product > 0 ? Math.hypot(rounded, this.#flushed(k, at)) : rounded;
  }

  /** What is lost where all that may be zeros are: it has either sign, as rounding errors have. */
  #flushed(k: Float64Array, at: number): number {
    const least = this.#least;
    const q = this.#q;
    // The scale may be in q already, or come later; it may be a zero itself.
    const smaller = Math.min(1, this.#factor);
    let squares = 0;
    for (let d = 0, i = at; d < q.length; d++, i++) {
      const x = Math.abs(q[d]);
      const y = Math.abs(k[i]);
      const vanishes =
        smaller * x < least.q || y < least.k || smaller * x * y < least.product || smaller < least.product;
      if (vanishes) squares += x * y * (x * y);
    }
    return this.#factor * Math.sqrt(squares);
  }
}
