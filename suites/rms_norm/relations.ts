/**
 * What RMSNorm's definition says of its results beside their values.
 */

import type { Case, CaseOf, TensorSpec } from '../../src/case/case.ts';
import { type Bits, decodeAll, type FloatDtype, formats, powerOfTwo } from '../../src/case/dtype.ts';
import { inputBits } from '../../src/case/materialise.ts';
import {
  at,
  inputsAreIndependent,
  isInPlace,
  onInput,
  permutation,
  pick,
  sameView,
  withTensors,
} from '../derive.ts';
import type { Relation } from '../suite.ts';

type RmsNormCase = CaseOf<'rms_norm'>;

/** Tensors with one row per row of x. */
const rowed = ['x', 'residual', 'residualOut', 'y'] as const;

function eachRowed(c: Case, change: (tensor: TensorSpec) => TensorSpec): Record<string, TensorSpec> {
  return Object.fromEntries(
    rowed.filter(role => role in c.tensors).map(role => [role, change(c.tensors[role])]),
  );
}

/** The exponent k of x * 2^k that keeps every value and intermediate in the normal range, or null. */
function exactScaling(c: RmsNormCase, draw: (n: number) => number): number | null {
  const inputs = inputBits(c);
  const k = [-6, -2, 2, 6][draw(4)];
  let [least, most] = [Infinity, 0];
  for (const role of ['x', 'residual']) {
    if (!inputs[role]) continue;
    const dtype = c.tensors[role].dtype as FloatDtype;
    const { minExponent, maxFinite } = formats[dtype];
    for (const value of decodeAll(inputs[role], dtype)) {
      const size = Math.abs(value);
      if (!(size < Infinity)) return null;
      if (size === 0) continue;
      const scaled = size * powerOfTwo(k);
      if (Math.min(size, scaled) < powerOfTwo(minExponent) || scaled > maxFinite) return null;
      [least, most] = [Math.min(least, size), Math.max(most, size)];
    }
  }
  // Squares, their sum, and products with r and with the weight must stay normal in f32, on both sides.
  const inRange = least > 1e-12 && most < 1e12 && weightsAreOrdinary(c, inputs.weight);
  const { eps } = c.params;
  const scaledEps = eps * powerOfTwo(2 * k);
  const epsIsExact =
    eps === 0 || (Math.fround(scaledEps) === scaledEps && scaledEps > 1e-30 && scaledEps < 1e30);
  return inRange && epsIsExact ? k : null;
}

/** Whether products of a weight with h or r are as far from both ends of f32 as those are. */
function weightsAreOrdinary({ params, tensors }: RmsNormCase, bits: Bits | undefined): boolean {
  if (!bits) return true;
  return decodeAll(bits, tensors.weight.dtype).every(stored => {
    const size = Math.abs(stored + params.weightOffset);
    return size === 0 || !Number.isFinite(size) || (size > 1e-12 && size < 1e12);
  });
}

export const relations: readonly Relation[] = [
  {
    name: 'scaling',
    says: 'y is the same when x is multiplied by 2^k and eps by 4^k',
    // A kernel that promises one answer everywhere fixes its sequence of IEEE operations, and they commute
    // with powers of two; one that doesn't may choose its path by magnitude.
    owed: ['threads', 'batch', 'placement', 'all tiers'],
    resizes: true,
    about: ['magnitude'],
    derive: (c, draw) => {
      if (c.op !== 'rms_norm') return null;
      const inputs = ['x', 'residual'].filter(role => role in c.tensors);
      if (inputs.some(role => c.tensors[role].data?.patches.length) || !inputsAreIndependent(c)) return null;
      const k = exactScaling(c, draw);
      if (k === null) return null;
      const scaled = inputs.map(role => {
        const tensor = c.tensors[role];
        return [role, { ...tensor, data: { ...tensor.data!, scale: tensor.data!.scale * powerOfTwo(k) } }];
      });
      const derived = withTensors(c, Object.fromEntries(scaled));
      return {
        case: { ...derived, params: { ...c.params, eps: c.params.eps * powerOfTwo(2 * k) } },
        roles: ['y'],
      };
    },
  },
  {
    name: 'row alone',
    says: 'a row does not depend on the rows beside it',
    owed: ['batch'],
    about: ['rows', 'row length'],
    derive: (c, draw) => {
      const [rows] = c.tensors.x.shape;
      if (rows < 2 || c.tensors.x.buffer === null) return null;
      const row = draw(rows);
      const alone = eachRowed(c, tensor => at(tensor, [row]));
      return inputsAreIndependent(c) ? { case: withTensors(c, alone), rows: [row] } : null;
    },
  },
  {
    name: 'row order',
    says: 'permuting rows permutes the outputs',
    owed: ['batch'],
    about: ['rows'],
    derive: (c, draw) => {
      const [rows, n] = c.tensors.x.shape;
      if (rows < 2 || !inputsAreIndependent(c)) return null;
      const order = permutation(rows, draw);
      const permuted = eachRowed(c, tensor => ({
        ...tensor,
        ...(tensor.data && { data: pick(tensor.data, order, n) }),
      }));
      return { case: withTensors(c, permuted), rows: order };
    },
  },
  {
    name: 'in place',
    says: 'y on x and residualOut on residual give what separate memory gives',
    owed: ['placement'],
    about: ['aliasing', 'residual'],
    derive: c => {
      const { x, residual, residualOut } = c.tensors;
      if (isInPlace(c) || !inputsAreIndependent(c) || x.buffer === null) return null;
      if (residual && sameView(residual, x)) return null;
      return {
        case: withTensors(c, {
          y: onInput(c, 'x'),
          ...(residual && residualOut && { residualOut: onInput(c, 'residual') }),
        }),
      };
    },
  },
];
