/** By what each position is rotated: a row of cosines and sines, from tables or from angles. */

import type { CaseOf } from '../../src/case/case.ts';
import { type Bits, decodeAll } from '../../src/case/dtype.ts';
import { cosineAndSine } from '../real/cosine.ts';
import { frequenciesOf } from './frequencies.ts';

const u = 2 ** -24;

/** One element a pair. */
export interface Rotation {
  /** In f32, the attention factor in it. */
  readonly cosine: Float64Array;
  readonly sine: Float64Array;
  /** How far a correct kernel's cosine or sine may be from these, at most; NaN: anything goes. */
  readonly error: Float64Array;
  /** How far they ordinarily are. */
  readonly usual: Float64Array;
}

/** The rotations of a case, by position. */
export function rotationsOf(
  c: CaseOf<'rope'>,
  inputs: Readonly<Record<string, Bits>>,
): (position: number) => Rotation {
  const make = inputs.cos ? fromTables(c, inputs) : fromAngles(c);
  const known = new Map<number, Rotation>();
  return position => {
    const found = known.get(position);
    if (found) return found;
    const made = make(position);
    known.set(position, made);
    return made;
  };
}

function fromTables({ params }: CaseOf<'rope'>, { cos, sin }: Readonly<Record<string, Bits>>) {
  const pairs = params.rotaryDim / 2;
  const exact = new Float64Array(pairs);
  return (position: number): Rotation => {
    const row = (table: Bits) => decodeAll(table.subarray(position * pairs, (position + 1) * pairs), 'f32');
    return { cosine: row(cos), sine: row(sin), error: exact, usual: exact };
  };
}

/**
 * In u, without the angle: how far a correct f32 cosine may be from this one. 2 of them are a cosine within 2 ulp,
 * 1/2 is the rounding of this one, 1 that of its product with the attention factor; the rest is to spare.
 */
const cosineLoss = 5;

function fromAngles({ params }: CaseOf<'rope'>) {
  const pairs = params.rotaryDim / 2;
  const { invFreq, lost } = frequenciesOf(params);
  const factor = params.scaling.type === 'yarn' ? params.scaling.attentionFactor : 1;
  const size = Math.abs(factor);
  return (position: number): Rotation => {
    const [cosine, sine, error, usual] = Array.from({ length: 4 }, () => new Float64Array(pairs));
    for (let i = 0; i < pairs; i++) {
      const angle = position * invFreq[i];
      if (!Number.isFinite(angle)) {
        error[i] = Number.NaN;
        continue;
      }
      const exact = cosineAndSine(angle);
      cosine[i] = Math.fround(factor * exact.cosine);
      sine[i] = Math.fround(factor * exact.sine);
      // 1 and 0 in any arithmetic.
      if (angle === 0) continue;
      const angleLoss = lost[i] * 2 ** -53 * angle;
      // However wrong an angle is, its cosine is one.
      error[i] = size * (cosineLoss * u + Math.min(angleLoss, 2));
      usual[i] = size * (u / 2 + Math.min(angleLoss, 2) / 4);
    }
    return { cosine, sine, error, usual };
  };
}
