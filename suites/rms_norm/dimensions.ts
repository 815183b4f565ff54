/**
 * The dimensions of RMSNorm's cases and their edges (bug-catalogue.md), told from cases as they are.
 */

import { type Case, inputsOf, outputsOf } from '../../src/case/case.ts';
import { floatDtypes } from '../../src/case/dtype.ts';
import { sameView } from '../derive.ts';
import {
  anyRole,
  cellType,
  dimension,
  each,
  inside,
  isPowerOfTwo,
  some,
  specialValues,
  strideIs,
  surroundings,
} from '../dimensions.ts';
import type { Dimension } from '../suite.ts';
import { modelWidths } from './plan.ts';

const rowsOf = (c: Case) => c.tensors.x.shape[0];
const lengthOf = (c: Case) => c.tensors.x.shape[1];

const residues = Array.from({ length: 32 }, (_, r) => r);

export const dimensions: readonly Dimension[] = [
  dimension<'rms_norm'>('row length', {
    '1': c => lengthOf(c) === 1,
    'below a vector': c => lengthOf(c) > 1 && lengthOf(c) < 16,
    'a power of two': c => lengthOf(c) > 1 && isPowerOfTwo(lengthOf(c)),
    'a power of two - 1': c => lengthOf(c) > 2 && isPowerOfTwo(lengthOf(c) + 1),
    'a power of two + 1': c => lengthOf(c) > 2 && isPowerOfTwo(lengthOf(c) - 1),
    "a model's width": c => modelWidths.includes(lengthOf(c)),
    'very long': c => lengthOf(c) >= 16384,
    'more than 65,535': c => lengthOf(c) > 65_535,
  }),
  dimension<'rms_norm'>(
    'row length mod 32',
    each(residues, String, (c, r) => lengthOf(c) % 32 === r),
  ),
  dimension<'rms_norm'>('rows', {
    ...each([0, 1, 2, 3, 8], String, (c, rows) => rowsOf(c) === rows),
    '9 to 32': c => rowsOf(c) > 8 && rowsOf(c) <= 32,
    'more than 32': c => rowsOf(c) > 32,
  }),
  cellType,
  dimension<'rms_norm'>('weight', {
    absent: c => !c.tensors.weight,
    ...each(
      floatDtypes,
      dtype => `in ${dtype}`,
      (c, dtype) => c.tensors.weight?.dtype === dtype,
    ),
    'f32 under 16-bit x': c => c.tensors.weight?.dtype === 'f32' && c.tensors.x.dtype !== 'f32',
    'all equal': c => c.tensors.weight?.data?.kind === 'constant',
    zeros: c => c.tensors.weight?.data?.kind === 'zeros',
    large: c => (c.tensors.weight?.data?.scale ?? 0) > 1,
    'offset 1': c => c.params.weightOffset === 1,
  }),
  dimension<'rms_norm'>('residual', {
    absent: c => !c.tensors.residual,
    'read alone': c => !!c.tensors.residual && !c.tensors.residualOut,
    'and residualOut': c => !!c.tensors.residualOut,
    'cancels x': c => {
      const { x, residual } = c.tensors;
      return residual?.data?.seed === x.data?.seed && residual?.data?.scale === -(x.data?.scale ?? 0);
    },
    'half an ulp of x': c => c.tensors.residual?.data?.ulps === 0.5,
  }),
  dimension<'rms_norm'>('rounding', {
    once: c => !c.params.roundBeforeWeight,
    'before weight': c => c.params.roundBeforeWeight && !!c.tensors.weight,
  }),
  dimension<'rms_norm'>('magnitude', {
    'below 1e-20': c => anyRole(c, ['x', 'residual'], t => Math.abs(t.data?.scale ?? 1) < 1e-20),
    '1e-20 to 1e-4': c => anyRole(c, ['x', 'residual'], t => inside(t, 1e-20, 1.1e-4)),
    'around 1': c => anyRole(c, ['x', 'residual'], t => inside(t, 1e-3, 1e3)),
    '1e4 to 1e18': c => anyRole(c, ['x', 'residual'], t => inside(t, 1e4, 1.1e18)),
    'squares overflow': c => anyRole(c, ['x', 'residual'], t => Math.abs(t.data?.scale ?? 1) >= 1e19),
  }),
  dimension<'rms_norm'>('data', {
    ...each(
      [
        'constant',
        'normal',
        'uniform',
        'powers',
        'magnitudes',
        'zeros',
        'outlier',
        'ramp',
        'patterns',
        'fixture',
      ] as const,
      String,
      (c, kind) => c.tensors.x.data?.kind === kind,
    ),
  }),
  dimension<'rms_norm'>('eps', {
    '0': c => c.params.eps === 0,
    '1e-6': c => c.params.eps === Math.fround(1e-6),
    '1e-5': c => c.params.eps === Math.fround(1e-5),
    'large enough to show': c => c.params.eps >= 0.25,
  }),
  dimension<'rms_norm'>('special value', {
    ...specialValues,
    'in the weight': c => (c.tensors.weight?.data?.patches.length ?? 0) > 0,
    'in the residual': c => (c.tensors.residual?.data?.patches.length ?? 0) > 0,
  }),
  dimension<'rms_norm'>('layout', {
    'gaps between rows': c => anyRole(c, ['x', 'y'], t => strideIs(t, 0, stride => stride > t.shape[1])),
    'inner stride': c => anyRole(c, ['x', 'residual'], t => strideIs(t, 1, stride => stride > 1)),
    'inner stride of an output': c => anyRole(c, outputsOf(c), t => strideIs(t, 1, stride => stride > 1)),
    'inner stride of the weight': c => anyRole(c, ['weight'], t => strideIs(t, 0, stride => stride > 1)),
    'one row repeated': c =>
      anyRole(c, inputsOf(c), t => t.shape.length === 2 && strideIs(t, 0, s => s === 0)),
    'one element repeated': c => anyRole(c, inputsOf(c), t => strideIs(t, t.shape.length - 1, s => s === 0)),
    'columns before rows': c =>
      some(c, t => t.shape.length === 2 && strideIs(t, 0, s => s === 1) && t.strides[1] > 1),
    'x and y strided apart': c => c.tensors.x.strides.some((stride, d) => stride !== c.tensors.y.strides[d]),
    'strides beyond 32 bits, in': c =>
      anyRole(c, inputsOf(c), t => strideIs(t, 0, stride => stride > 2 ** 31)),
    'strides beyond 32 bits, out': c =>
      anyRole(c, outputsOf(c), t => strideIs(t, 0, stride => stride > 2 ** 31)),
  }),
  dimension<'rms_norm'>('aliasing', {
    'y on x': c => sameView(c.tensors.y, c.tensors.x),
    'residualOut on residual': c =>
      !!c.tensors.residualOut && sameView(c.tensors.residualOut, c.tensors.residual),
    both: c =>
      sameView(c.tensors.y, c.tensors.x) &&
      !!c.tensors.residualOut &&
      sameView(c.tensors.residualOut, c.tensors.residual),
    'residual is x': c => !!c.tensors.residual && sameView(c.tensors.residual, c.tensors.x),
    'x and y interleaved': c =>
      c.tensors.y.buffer === c.tensors.x.buffer && c.tensors.y.offset !== c.tensors.x.offset,
  }),
  ...surroundings,
];
