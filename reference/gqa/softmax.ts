/** The weights of a row's live keys, and how far those of a correct kernel may be from them. */

import { exp, expm1 } from '../real/exp.ts';
import type { Arithmetic } from './arithmetic.ts';
import { rescalings } from './rescalings.ts';
import type { Scores } from './scores.ts';

/** Of exp, of rescaling and of the sum of weights: f32 in every class. */
const u = 2 ** -24;
/** A weight below this may be lost to underflow, or held up by a kernel that bounds the argument of exp. */
const underflow = 2 ** -124;
/** An error of a score up to here is as large in its weight, relative; of larger ones eight times as much is ordinary. */
const linear = 1 / 16;
/** A key whose weight is below e^-40 of another's is not seen beside it. */
const negligible = -40;

/** The weights of one row, in the order of its live keys. The arrays are as long as the longest row. */
export class Softmax {
  /** exp(s - m) / l: their sum is 1. */
  readonly weight: Float64Array;
  /** How far a kernel's exp(s - m) / l may be off, at most, where l is not its own. */
  readonly swing: Float64Array;
  /** How far it ordinarily is. */
  readonly usual: Float64Array;
  /** Where `open`: 1 for a key that may count in a kernel's result. `swing` is then the most that another may weigh. */
  readonly rival: Uint8Array;
  /** The swings' sum is a half or more: a kernel may weigh the rivals as it likes. */
  open = false;
  /** The sum of `swing`. */
  swings = 0;
  /**
   * How far a sequential f32 sum of the weights drifts, relative. Weights of few values (a saturated softcap) or
   * within a hair of each other (tiny scores) are all rounded the same way as the sum grows: without this term the
   * statistic of a correct kernel is 2.4 over 600 keys, and grows with their number.
   */
  drift = 0;
  /** How often a kernel may rescale. */
  rescalings = 0;
  readonly #most: Float64Array;

  constructor(keys: number) {
    this.weight = new Float64Array(keys);
    this.swing = new Float64Array(keys);
    this.usual = new Float64Array(keys);
    this.rival = new Uint8Array(keys);
    this.#most = new Float64Array(keys);
  }

  /** Computes those of a row from its scores, which are finite. */
  fill(scores: Scores, { operand }: Arithmetic): void {
    const { count, value } = scores;
    let max = -Infinity;
    for (let i = 0; i < count; i++) if (value[i] > max) max = value[i];
    this.rescalings = rescalings(value, count);
    const steps = 4 + 6 * this.rescalings;
    // The same of a weight as an operand.
    const uncertain = Math.max(underflow, operand ? 4 * operand.least : 0);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const below = max - value[i];
      const most = scores.slack[i] + u * (3 * below + steps);
      const ordinary = scores.usual[i] + u * (below + 2);
      const e = exp(-below);
      const rise = most <= 1 ? e * expm1(most) : exp(most - below);
      sum += e;
      this.#most[i] = most;
      this.weight[i] = e;
      this.swing[i] = e < uncertain ? Math.max(rise, uncertain) : rise;
      const sway = ordinary <= linear ? e * ordinary : exp(Math.min(0, 8 * ordinary - below));
      this.usual[i] = e < underflow ? Math.max(sway, underflow) : sway;
    }
    this.drift = Math.max(
      driftOf(this.weight, 0, count, 1, sum),
      driftOf(this.weight, count - 1, count, -1, sum),
    );
    this.swings = 0;
    for (let i = 0; i < count; i++) {
      this.weight[i] /= sum;
      this.swing[i] /= sum;
      this.usual[i] /= sum;
      this.swings += this.swing[i];
    }
    this.open = !(this.swings < 0.5);
    if (this.open) this.#findRivals(value, count, max, uncertain);
  }

  /** A key is no rival where some other one's weight is sure to be e^40 times as large. */
  #findRivals(value: Float64Array, count: number, max: number, uncertain: number): void {
    let sure = -Infinity;
    for (let i = 0; i < count; i++) sure = Math.max(sure, value[i] - max - this.#most[i]);
    for (let i = 0; i < count; i++) {
      const highest = value[i] - max + this.#most[i] - sure;
      this.rival[i] = highest > negligible ? 1 : 0;
      this.swing[i] = this.rival[i] ? 0 : Math.max(exp(highest), uncertain);
    }
  }
}

function driftOf(weights: Float64Array, start: number, count: number, step: 1 | -1, exact: number): number {
  let sum = 0;
  for (let k = 0, i = start; k < count; k++, i += step) sum = Math.fround(sum + Math.fround(weights[i]));
  return Math.abs(sum / exact - 1);
}
