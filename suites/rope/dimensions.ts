/**
 * The dimensions of RoPE's cases and their edges (bug-catalogue.md), told from cases as they are.
 */

import { type Case, type CaseOf, countOf, inputsOf } from '../../src/case/case.ts';
import { makeValues } from '../../src/case/recipe.ts';
import { repeats, sameView } from '../derive.ts';
import {
  anyRole,
  cellType,
  dimension,
  each,
  inside,
  isPowerOfTwo,
  specialValues,
  strideIs,
  surroundings,
} from '../dimensions.ts';
import { allModels } from '../models.ts';
import type { Dimension } from '../suite.ts';
import { type Band, bandsOf, type Range, yarnRange } from './bands.ts';
import { widths } from './fields.ts';

type RopeCase = CaseOf<'rope'>;

const extent = (c: Case, d: number) => c.tensors.x.shape[d];
const rotary = (c: RopeCase) => c.params.rotaryDim;
const isPartial = (c: RopeCase) => rotary(c) > 0 && rotary(c) < extent(c, 3);
const computes = (c: RopeCase) => !c.tensors.cos && rotary(c) > 0 && countOf(c.tensors.x.shape) > 0;
const scaled = (c: RopeCase, type: RopeCase['params']['scaling']['type']) =>
  computes(c) && c.params.scaling.type === type;

/** Whether yarn's range of a case is so. */
const ranges = (test: (range: Range) => boolean) => (c: RopeCase) => {
  const { scaling } = c.params;
  return computes(c) && scaling.type === 'yarn' && test(yarnRange(c.params, scaling));
};
/** Positions that a scaling counts as those of training; 0: there are none. */
const originals = (c: RopeCase) => {
  const { scaling } = c.params;
  return computes(c) && 'originalMaxPositions' in scaling ? scaling.originalMaxPositions : 0;
};
const isNoF32 = (value: number) => Math.fround(value) !== value;

const attends = (c: RopeCase) =>
  computes(c) && c.params.scaling.type === 'yarn' && c.params.scaling.attentionFactor !== 1;

const known = new WeakMap<Case, Int32Array>();

/** The positions of a case, as its recipe has them: C order. */
function positionsOf(c: Case): Int32Array {
  const { data, shape } = c.tensors.positions;
  const values = known.get(c) ?? new Int32Array(data ? makeValues(data, shape, 'i32') : []);
  known.set(c, values);
  return values;
}

const anyPosition = (test: (position: number) => boolean) => (c: Case) => positionsOf(c).some(test);
/** Whether two neighbouring tokens of a batch stand so. */
const neighbours = (test: (before: number, after: number) => boolean) => (c: Case) => {
  const tokens = extent(c, 1);
  return positionsOf(c).some((position, i, all) => i % tokens > 0 && test(all[i - 1], position));
};
/** Whether the first tokens of two batches stand apart. */
const batchesApart = (c: Case) => {
  const tokens = extent(c, 1);
  return positionsOf(c).some((position, i, all) => i > 0 && i % tokens === 0 && position !== all[0]);
};
const perBatch = (c: Case) => c.tensors.positions.shape.length === 2;

const rowsUsed = (c: Case) => Math.max(-1, ...positionsOf(c)) + 1;
const counts = (values: readonly number[], d: number) =>
  each(values, String, (c: RopeCase, value) => extent(c, d) === value);

export const dimensions: readonly Dimension[] = [
  dimension<'rope'>('batch', {
    ...counts([0, 1, 2, 3], 0),
    'several, one token each': c => extent(c, 0) > 1 && extent(c, 1) === 1,
  }),
  dimension<'rope'>('tokens', {
    ...counts([0, 1, 2, 3, 8], 1),
    'more than 8': c => extent(c, 1) > 8,
  }),
  dimension<'rope'>('heads', {
    ...counts([1, 2, 3, 8], 2),
    "a model's": c => allModels.some(({ heads }) => heads > 8 && heads === extent(c, 2)),
    'more than 65,536 elements of a token': c => extent(c, 2) * extent(c, 3) > 65_536,
    'more than 65,536 of all tokens': c => extent(c, 0) * extent(c, 1) * extent(c, 2) > 65_536,
  }),
  dimension<'rope'>('head width', {
    ...counts([1, ...widths], 3),
    'below a vector': c => extent(c, 3) > 2 && extent(c, 3) < 16,
    odd: c => extent(c, 3) % 2 === 1,
    'more than 256, no power of two': c => extent(c, 3) > 256 && !isPowerOfTwo(extent(c, 3)),
  }),
  dimension<'rope'>('rotary width', {
    ...each([0, ...widths], String, (c, width) => rotary(c) === width),
    'no power of two': c => rotary(c) > 0 && !isPowerOfTwo(rotary(c)),
    'below the head': isPartial,
    'below the head, several heads': c => isPartial(c) && extent(c, 2) > 1,
  }),
  dimension<'rope'>(
    'pairs mod 16',
    each(
      Array.from({ length: 16 }, (_, r) => r),
      String,
      (c, r) => rotary(c) > 0 && (rotary(c) / 2) % 16 === r,
    ),
  ),
  dimension<'rope'>('pairing', {
    half: c => !c.params.interleaved,
    interleaved: c => c.params.interleaved,
    'interleaved, no multiple of 16': c => c.params.interleaved && rotary(c) % 16 !== 0,
  }),
  cellType,
  dimension<'rope'>('position', {
    ...each([0, 1, 256, 257, 2048, 2049, 131_071, 2 ** 31 - 1], String, (c, position) =>
      positionsOf(c).includes(position),
    ),
    'a power of two - 1': anyPosition(p => p > 2 && isPowerOfTwo(p + 1)),
    'a power of two': anyPosition(p => p > 1 && isPowerOfTwo(p)),
    'a power of two + 1': anyPosition(p => p > 2 && isPowerOfTwo(p - 1)),
    'beyond 24 bits': anyPosition(p => p > 2 ** 24),
  }),
  dimension<'rope'>('positions', {
    'of all batches': c => !perBatch(c),
    'of each batch': perBatch,
    'different per batch': c => perBatch(c) && batchesApart(c),
    ascending: neighbours((before, after) => after === before + 1),
    'with an offset': c => extent(c, 1) > 1 && positionsOf(c)[0] > 1,
    repeated: neighbours((before, after) => after === before),
    descending: neighbours((before, after) => after < before),
    'with gaps': neighbours((before, after) => after > before + 1),
  }),
  dimension<'rope'>('theta', {
    ...each([1e4, 1e5, 5e5, 1e6, 1e7], String, (c, theta) => computes(c) && c.params.theta === theta),
    'below 10': c => computes(c) && c.params.theta < 10,
    'no f32': c => computes(c) && isNoF32(c.params.theta),
    'no f32, far out, in f32': c =>
      computes(c) &&
      c.tensors.x.dtype === 'f32' &&
      isNoF32(c.params.theta) &&
      anyPosition(p => p >= 30_000)(c),
  }),
  dimension<'rope'>('scaling', {
    ...each(['none', 'linear'] as const, String, scaled),
    ...Object.fromEntries(
      (['llama3', 'yarn'] as const).flatMap(type =>
        (['kept', 'blended', 'divided'] satisfies Band[]).map(band => [
          `${type}, ${band}`,
          (c: RopeCase) => scaled(c, type) && bandsOf(c).has(band),
        ]),
      ),
    ),
    'an attention factor': attends,
    "yarn's range from pair 0, held there": ranges(({ held }) => held.low),
    "yarn's range up to the last element, held there": ranges(({ held }) => held.high),
    "yarn's range empty": ranges(({ low, high }) => low === high),
    "yarn's range ends before it begins": ranges(({ low, high }) => high < low),
    ...Object.fromEntries(
      (['llama3', 'yarn'] as const).flatMap(type =>
        [32_767, 65_535].map(most => [
          `${type}, more than ${most} original positions`,
          (c: RopeCase) => scaled(c, type) && originals(c) > most,
        ]),
      ),
    ),
    'beyond more than 32,767 original positions': c =>
      originals(c) > 32_767 && anyPosition(p => p > originals(c))(c),
    'a factor that is no f32': c =>
      computes(c) && 'factor' in c.params.scaling && isNoF32(c.params.scaling.factor),
  }),
  dimension<'rope'>('angles', {
    computed: computes,
    'of tables': c => !!c.tensors.cos,
    'of tables of exact height': c => !!c.tensors.cos && c.tensors.cos.shape[0] === rowsUsed(c),
    'of tables with rows to spare': c => !!c.tensors.cos && c.tensors.cos.shape[0] > rowsUsed(c),
    'of tables in one buffer': c => !!c.tensors.cos && c.tensors.cos.buffer === c.tensors.sin.buffer,
    'of tables far down': c => !!c.tensors.cos && rowsUsed(c) > 257,
    'of tables further down than 65,536 rows': c => !!c.tensors.cos && rowsUsed(c) > 65_536,
    'of tables that are no circle': c => c.tensors.cos?.data?.kind === 'uniform',
  }),
  dimension<'rope'>('magnitude', {
    'below 1e-37': c => inside(c.tensors.x, 0, 1.1e-38),
    '1e-37 to 1e-3': c => inside(c.tensors.x, 1e-37, 1.1e-3),
    'around 1': c => inside(c.tensors.x, 0.1, 100),
    'above 1e3': c => inside(c.tensors.x, 1e3, 1e38),
  }),
  dimension<'rope'>(
    'data',
    each(
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
      ],
      String,
      (c, kind) => c.tensors.x.data?.kind === kind,
    ),
  ),
  dimension<'rope'>('special value', {
    ...specialValues,
    'largest finite, and factors above 1': c =>
      specialValues['largest finite'](c) && ((c.tensors.cos?.data?.scale ?? 1) > 1 || attends(c)),
    'a NaN in the tail': c => {
      const at = c.tensors.x.data?.patches.find(({ value }) => String(value).includes('nan'));
      return !!at && (at.start + at.count - 1) % extent(c, 3) >= rotary(c);
    },
    'in a table': c => (c.tensors.cos?.data?.patches.length ?? 0) > 0,
  }),
  dimension<'rope'>('layout', {
    'gaps between batches': c => hasGap(c, 0),
    'gaps between tokens': c => hasGap(c, 1),
    'gaps between heads': c => hasGap(c, 2),
    'heads before tokens': c =>
      anyRole(c, ['x', 'y'], t => t.shape[1] > 1 && t.shape[2] > 1 && t.strides[2] > t.strides[1]),
    'inner stride': c => anyRole(c, ['x'], t => strideIs(t, 3, stride => stride > 1)),
    'inner stride of y': c => anyRole(c, ['y'], t => strideIs(t, 3, stride => stride > 1)),
    ...Object.fromEntries(
      ['batch', 'tokens', 'heads', 'element'].map((what, d) => [
        `x repeated along ${what}`,
        (c: RopeCase) => strideIs(c.tensors.x, d, stride => stride === 0),
      ]),
    ),
    'positions repeated': c => anyRole(c, ['positions'], repeats),
    'positions strided': c =>
      anyRole(c, ['positions'], t => strideIs(t, t.shape.length - 1, stride => stride > 1)),
    'tables repeated': c => anyRole(c, ['cos', 'sin'], repeats),
    'tables strided': c => anyRole(c, ['cos', 'sin'], t => strideIs(t, 1, stride => stride > 1)),
    'tables strided apart': c =>
      c.tensors.cos?.strides.some((stride, d) => stride !== c.tensors.sin.strides[d]) ?? false,
    'x and y strided apart': c => c.tensors.x.strides.some((stride, d) => stride !== c.tensors.y.strides[d]),
    ...each(
      ['x', 'y', 'positions', 'cos', 'sin'],
      role => `strides of ${role} beyond 32 bits`,
      (c, role) =>
        anyRole(c, [role], t => t.shape.some((_, d) => strideIs(t, d, stride => stride > 2 ** 31))),
    ),
  }),
  dimension<'rope'>('aliasing', {
    'y on x': c => sameView(c.tensors.y, c.tensors.x),
    'y on x, strided': c =>
      sameView(c.tensors.y, c.tensors.x) && (hasGap(c, 0) || hasGap(c, 1) || hasGap(c, 2)),
    'x and y interleaved': c =>
      c.tensors.y.buffer === c.tensors.x.buffer && c.tensors.y.offset !== c.tensors.x.offset,
    'inputs alone in their buffers': c =>
      inputsOf(c).every(role => c.tensors[role].buffer !== c.tensors.y.buffer),
  }),
  ...surroundings,
];

/** Whether the steps of a dimension of x or y leave a gap behind what one of them holds. */
function hasGap(c: Case, d: number): boolean {
  return anyRole(c, ['x', 'y'], t => strideIs(t, d, stride => stride > t.shape[d + 1] * t.strides[d + 1]));
}
