/** In which band of its scaling a pair of RoPE stands: whether its frequency is kept, blended or divided. */

import type { CaseOf } from '../../src/case/case.ts';

export type Band = 'kept' | 'blended' | 'divided';

type Params = CaseOf<'rope'>['params'];
type Yarn = Extract<Params['scaling'], { type: 'yarn' }>;

/** The pairs between which yarn blends, as contracts.md has them before it takes equal ones apart. */
export interface Range {
  readonly low: number;
  readonly high: number;
  /** Which of its two ends the formula holds: `low` at pair 0, `high` at rotaryDim - 1. */
  readonly held: { readonly low: boolean; readonly high: boolean };
}

export function yarnRange(
  { rotaryDim, theta }: Pick<Params, 'rotaryDim' | 'theta'>,
  { betaFast, betaSlow, originalMaxPositions }: Yarn,
): Range {
  const edge = (beta: number) =>
    (rotaryDim * Math.log(originalMaxPositions / (2 * Math.PI * beta))) / (2 * Math.log(theta));
  const [low, high] = [Math.floor(edge(betaFast)), Math.ceil(edge(betaSlow))];
  return {
    low: Math.max(low, 0),
    high: Math.min(high, rotaryDim - 1),
    held: { low: low < 0, high: high > rotaryDim - 1 },
  };
}

/** The bands in which a case with computed angles has pairs; empty for scalings that treat all pairs alike. */
export function bandsOf({ params, tensors }: CaseOf<'rope'>): ReadonlySet<Band> {
  const { rotaryDim, theta, scaling } = params;
  const pairs = tensors.cos ? [] : Array.from({ length: rotaryDim / 2 }, (_, i) => i);
  const share =
    scaling.type === 'llama3'
      ? (i: number) => {
          const wavelength = 2 * Math.PI * theta ** ((2 * i) / rotaryDim);
          const { lowFreqFactor: low, highFreqFactor: high, originalMaxPositions } = scaling;
          return (high - originalMaxPositions / wavelength) / (high - low || 1e-9);
        }
      : scaling.type === 'yarn'
        ? (i: number) => {
            const { low, high } = yarnRange(params, scaling);
            return (i - low) / (high - low || 1e-3);
          }
        : null;
  if (!share) return new Set();
  return new Set(
    pairs.map(share).map(divided => (divided <= 0 ? 'kept' : divided >= 1 ? 'divided' : 'blended')),
  );
}
