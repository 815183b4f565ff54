/** The frequencies that a rotation's angles are made of, as contracts.md words them. */

import type { CaseOf } from '../../src/case/case.ts';
import { type DoubleDouble, exact, isLess, minus, over, plus, times } from '../real/double-double.ts';
import { exp, ln } from '../real/logarithm.ts';

type Parameters = Pick<CaseOf<'rope'>['params'], 'rotaryDim' | 'theta' | 'scaling'>;

/** One element a pair. */
export interface Frequencies {
  /** The float64 nearest the true value, in radians a position. */
  readonly invFreq: Float64Array;
  /**
   * How far the angle of a kernel that computes in float64 may be from position * invFreq, relative to it, in
   * units of 2^-53: a power within an ulp of that of an exponent with two roundings, the scaling's own
   * roundings, the product's, and one to spare.
   */
  readonly lost: Float64Array;
}

const one = exact(1);
const none = exact(0);
const twoPi: DoubleDouble = { hi: 2 * Math.PI, lo: 2.4492935982947064e-16 };

/** Frequencies of so many parameter sets are kept, the latest. */
const kept = 256;
const known = new Map<string, Frequencies>();

/** The frequencies of all pairs. */
export function frequenciesOf({ rotaryDim, theta, scaling }: Parameters): Frequencies {
  const key = JSON.stringify([rotaryDim, theta, scaling]);
  const found = known.get(key);
  if (found) return found;
  const made = makeFrequencies({ rotaryDim, theta, scaling });
  const [oldest] = known.keys();
  if (known.size >= kept) known.delete(oldest);
  known.set(key, made);
  return made;
}

function makeFrequencies(params: Parameters): Frequencies {
  const { rotaryDim, theta, scaling } = params;
  const pairs = rotaryDim / 2;
  const invFreq = new Float64Array(pairs);
  const lost = new Float64Array(pairs);
  const step = over(times(exact(-2), ln(exact(theta))), exact(rotaryDim));
  const ratio = exp(step);
  const stretched = stretchOf(params);
  const shrinking = over(one, exact('factor' in scaling ? scaling.factor : 1));
  // f = theta^(-2i/rotaryDim), here ratio^i: i products lose i 2^-103, far from what moves a float64.
  let f = one;
  for (let i = 0; i < pairs; i++) {
    const exponentLoss = -2 * i * step.hi;
    const { share, shareLost } = stretched(i, f, exponentLoss);
    const scale = plus(minus(one, share), times(share, shrinking));
    const scaled = times(f, scale);
    const scalingLoss = scaling.type === 'none' ? 0 : 4 + (shareLost * Math.abs(1 - shrinking.hi)) / scale.hi;
    invFreq[i] = scaled.hi;
    lost[i] = 5 + exponentLoss + scalingLoss;
    f = times(f, ratio);
  }
  return { invFreq, lost };
}

/**
 * Scaling takes a share of f / factor and the rest of f: which share, and how far a float64 computation of it
 * may be off in units of 2^-53, when its f is off by `loss` beside two units.
 */
type Stretch = (i: number, f: DoubleDouble, loss: number) => { share: DoubleDouble; shareLost: number };

function stretchOf({ rotaryDim, theta, scaling }: Parameters): Stretch {
  switch (scaling.type) {
    case 'none':
      return () => ({ share: none, shareLost: 0 });
    case 'linear':
      return () => ({ share: one, shareLost: 0 });
    case 'llama3': {
      const original = exact(scaling.originalMaxPositions);
      const low = exact(scaling.lowFreqFactor);
      const high = exact(scaling.highFreqFactor);
      return (_i, f, loss) => {
        const wavelength = over(twoPi, f);
        if (isLess(wavelength, over(original, high))) return { share: none, shareLost: 0 };
        if (isLess(over(original, low), wavelength)) return { share: one, shareLost: 0 };
        const waves = over(original, wavelength);
        const width = minus(high, low);
        const share = over(minus(high, waves), width);
        return { share, shareLost: ((5 + loss) * waves.hi) / width.hi + 2 };
      };
    }
    case 'yarn': {
      const { betaFast, betaSlow, originalMaxPositions } = scaling;
      // The pair that turns `beta` times over the original length.
      const pairOf = (beta: number): DoubleDouble => {
        const turns = over(exact(originalMaxPositions), times(twoPi, exact(beta)));
        return over(times(exact(rotaryDim), ln(turns)), times(exact(2), ln(exact(theta))));
      };
      const first = Math.max(floorOf(pairOf(betaFast)), 0);
      const last = Math.min(-floorOf(minus(none, pairOf(betaSlow))), rotaryDim - 1);
      const width = first === last ? 0.001 : last - first;
      return i => {
        const reached = (i - first) / width;
        if (!(reached > 0)) return { share: none, shareLost: 0 };
        if (reached >= 1) return { share: one, shareLost: 0 };
        return { share: over(exact(i - first), exact(width)), shareLost: 2 };
      };
    }
  }
}

function floorOf({ hi, lo }: DoubleDouble): number {
  const floor = Math.floor(hi);
  return floor === hi && lo < 0 ? floor - 1 : floor;
}
