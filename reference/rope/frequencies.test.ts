/** How far a float64 computation of an angle may be off, by what its frequency is made of. */

import { describe, expect, test } from 'vitest';
import { frequenciesOf } from './frequencies.ts';

const rotaryDim = 64;
const theta = 10_000;
const pairs = rotaryDim / 2;

/** What the power loses: its exponent -2i/rotaryDim ln(theta) is rounded twice. */
const ofPower = (i: number) => 2 * ((2 * i) / rotaryDim) * Math.log(theta);
const lostBy = (scaling: Parameters<typeof frequenciesOf>[0]['scaling']) =>
  frequenciesOf({ rotaryDim, theta, scaling });

test('there is one a pair', () => {
  const { invFreq, lost } = lostBy({ type: 'none' });
  expect([invFreq.length, lost.length]).toEqual([pairs, pairs]);
});

test('without scaling: five units, and the exponent', () => {
  const { lost } = lostBy({ type: 'none' });
  for (let i = 0; i < pairs; i++) expect(lost[i]).toBeCloseTo(5 + ofPower(i), 9);
});

test('linear scaling loses four units more', () => {
  const { lost } = lostBy({ type: 'linear', factor: 8 });
  for (let i = 0; i < pairs; i++) expect(lost[i]).toBeCloseTo(9 + ofPower(i), 9);
});

test('scaling by wavelength loses what its share of the two frequencies does', () => {
  const [factor, lowFreqFactor, highFreqFactor, originalMaxPositions] = [8, 1, 4, 8192];
  const scaling = { type: 'llama3', factor, lowFreqFactor, highFreqFactor, originalMaxPositions } as const;
  const { lost, invFreq } = lostBy(scaling);
  let between = 0;
  for (let i = 0; i < pairs; i++) {
    const waves = (originalMaxPositions * theta ** ((-2 * i) / rotaryDim)) / (2 * Math.PI);
    const inside = waves >= lowFreqFactor && waves <= highFreqFactor;
    if (inside) between++;
    const share = (highFreqFactor - waves) / (highFreqFactor - lowFreqFactor);
    const shareLost = ((5 + ofPower(i)) * waves) / (highFreqFactor - lowFreqFactor) + 2;
    const scale = 1 - share + share / factor;
    const more = inside ? (shareLost * (1 - 1 / factor)) / scale : 0;
    expect(lost[i]).toBeCloseTo(9 + ofPower(i) + more, 6);
    if (inside) expect(invFreq[i]).toBeCloseTo(theta ** ((-2 * i) / rotaryDim) * scale, 12);
  }
  expect(between).toBeGreaterThan(2);
});

describe('yarn', () => {
  const yarn = {
    type: 'yarn',
    factor: 4,
    betaFast: 32,
    betaSlow: 1,
    attentionFactor: 1,
    originalMaxPositions: 4096,
  } as const;
  const turnsAt = (beta: number) =>
    (rotaryDim * Math.log(4096 / (2 * Math.PI * beta))) / (2 * Math.log(theta));
  const [first, last] = [Math.floor(turnsAt(32)), Math.ceil(turnsAt(1))];

  test('takes a growing share from the pair that turns often to the one that turns once', () => {
    const { invFreq, lost } = lostBy(yarn);
    for (let i = 0; i < pairs; i++) {
      const share = Math.min(Math.max((i - first) / (last - first), 0), 1);
      const scale = 1 - share + share / 4;
      expect(invFreq[i] / (theta ** ((-2 * i) / rotaryDim) * scale)).toBeCloseTo(1, 12);
      const shareLost = share > 0 && share < 1 ? 2 : 0;
      expect(lost[i]).toBeCloseTo(9 + ofPower(i) + (shareLost * 0.75) / scale, 9);
    }
  });
});
