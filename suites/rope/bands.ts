/** In which band of its scaling a pair of RoPE stands: whether its frequency is kept, blended or divided. */

import type { CaseOf } from '../../src/case/case.ts';

export type Band = 'kept' | 'blended' | 'divided';

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
            const { betaFast, betaSlow, originalMaxPositions } = scaling;
            const edge = (beta: number) =>
              (rotaryDim * Math.log(originalMaxPositions / (2 * Math.PI * beta))) / (2 * Math.log(theta));
            const low = Math.max(Math.floor(edge(betaFast)), 0);
            const high = Math.min(Math.ceil(edge(betaSlow)), rotaryDim - 1);
            return (i - low) / (high - low || 1e-3);
          }
        : null;
  if (!share) return new Set();
  return new Set(
    pairs.map(share).map(divided => (divided <= 0 ? 'kept' : divided >= 1 ? 'divided' : 'blended')),
  );
}
