/**
 * The dimensions of GQA's cases and their edges (bug-catalogue.md), told from cases as they are.
 */

import { type Case, countOf, inputsOf } from '../../src/case/case.ts';
import { repeats } from '../derive.ts';
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
import type { Dimension } from '../suite.ts';
import { type Facts, factsOf, forsakenEntry, type GqaCase, seenBy, upTo } from './facts.ts';
import { blockSizes, endlessWindows, modelHeads, widths } from './fields.ts';

/** A test of what a case says. */
const fact = (test: (facts: Facts, c: GqaCase) => boolean) => (c: GqaCase) => test(factsOf(c), c);
/** Whether anything is computed. */
const works = ({ batch, qLen }: Facts) => batch * qLen > 0;
const isManyScores = ({ lengths, qHeads, kvHeads }: Facts) =>
  lengths.some(length => (length * qHeads) / kvHeads > 65_536);
const anyLength = (test: (length: number, facts: Facts) => boolean) =>
  fact(facts => works(facts) && facts.lengths.some(length => test(length, facts)));

/** Whether sums show in which order they were made: in f32, of numbers without a pattern. */
const shows = ({ tensors: { q, k, v, mask } }: GqaCase) =>
  q.dtype === 'f32' &&
  !mask &&
  [q, k, v].every(
    ({ data }) => ['normal', 'uniform'].includes(data?.kind ?? '') && data?.patches.length === 0,
  );
const summed = (test: (facts: Facts, c: GqaCase) => boolean) =>
  fact((facts, c) => shows(c) && test(facts, c));
const longest = ({ lengths }: Facts) => Math.max(0, ...lengths);

const near = (length: number, power: number) => Math.abs(length - power) <= 1;
const powers = [8, 16, 32, 64, 128, 256, 512, 1024] as const;

/** Tests of queries, by batch and number. */
const anyQuery = (test: (facts: Facts, b: number, i: number) => boolean) =>
  fact(facts => upTo(facts.batch).some(b => upTo(facts.qLen).some(i => test(facts, b, i))));
const isBlind = (facts: Facts, b: number, i: number) => {
  const { first, end } = seenBy(facts, b, i);
  return first === end;
};
/** Keys before the first that a batch's first query sees. */
const startsInTile = (tile: number) =>
  anyQuery((facts, b, i) => {
    const { first, end } = seenBy(facts, b, i);
    return end > first && first % tile !== 0 && end > tile;
  });

const has = (role: string) => (c: Case) => role in c.tensors;
const broadcast = (d: number) => (c: Case) => {
  const { mask, q } = c.tensors;
  return !!mask && mask.shape[d] === 1 && q.shape[d === 1 ? 2 : d] > 1;
};
const maskPatch = (test: (value: unknown) => boolean) => (c: Case) =>
  c.tensors.mask?.data?.patches.some(({ value }) => test(value)) ?? false;
const patchedRow = (c: Case, length: (c: Case) => number) =>
  c.tensors.mask?.data?.patches.some(
    ({ value, count, step, start }) =>
      value === '-inf' && step === 1 && count >= length(c) && start % length(c) === 0,
  ) ?? false;
const keysOfMask = (c: Case) => Math.max(1, c.tensors.mask?.shape[3] ?? 1);

const isStairs = (sign: number) => (c: Case) =>
  c.tensors.k.data?.kind === 'stairs' && Math.sign(c.tensors.k.data.scale) === sign;
const isRamp = (sign: number) => (c: Case) =>
  c.tensors.mask?.data?.kind === 'ramp' && Math.sign(c.tensors.mask.data.scale) === sign;
/** Scores further apart than this have weights that f32 does not hold beside each other. */
const expRange = 104;
const isBeyondExp = (c: GqaCase) =>
  (isStairs(1)(c) || isStairs(-1)(c)) &&
  Math.abs(c.params.scale * c.tensors.k.data!.scale) * countOf(c.tensors.k.shape) > expRange;
/** Whether the first element of every row of k is set, below or above zero. */
const shifted = (sign: number) => (c: Case) =>
  c.tensors.k.data?.patches.some(
    ({ value, step, start }) =>
      start === 0 && step === c.tensors.k.shape[3] && typeof value === 'number' && Math.sign(value) === sign,
  ) ?? false;
const ahead = (last: boolean) =>
  fact((facts, c) => {
    const patch = c.tensors.k.data?.patches.find(
      ({ value, step }) => typeof value === 'number' && step === 1,
    );
    if (!patch || facts.batch === 0 || facts.lengths[0] === 0) return false;
    const slot = patch.start / (facts.kvHeads * facts.headDim);
    const edge = last ? facts.lengths[facts.batch - 1] - 1 : 0;
    return edge >= 0 && facts.slotOf(last ? facts.batch - 1 : 0, edge) === slot && facts.lengths[0] > 16;
  });
/** Whether a special value stands in an element that some query sees, or in none. */
const kvTypes = ['f32', 'f16', 'bf16'] as const;
const unseenHolds = (value: string) => (c: Case) =>
  c.tensors.k.data?.patches.some(patch => patch.value === value && patch.count >= c.tensors.k.shape[3]) ??
  false;

const rolesWithMemory = ['q', 'k', 'v', 'kvLen', 'blockTable', 'mask', 'out'] as const;
const hasGap = (c: Case, d: number) =>
  anyRole(c, ['q', 'k', 'v', 'out'], t =>
    strideIs(t, d, stride => stride > t.shape[d + 1] * t.strides[d + 1]),
  );
const counts = (values: readonly number[], of: (facts: Facts) => number) =>
  each(values, String, (c: GqaCase, value) => of(factsOf(c)) === value);

export const dimensions: readonly Dimension[] = [
  dimension<'gqa'>('batch', {
    ...counts([0, 1, 2, 3], facts => facts.batch),
    'several, one token each': fact(({ batch, qLen }) => batch > 1 && qLen === 1),
    '4 to 15': fact(({ batch }) => batch > 3 && batch < 16),
    '16 and more': fact(({ batch }) => batch >= 16),
  }),
  dimension<'gqa'>('keys', {
    ...each([0, 1, 3], String, (c, length) => anyLength(own => own === length)(c)),
    ...each(
      powers,
      power => `${power} or one beside`,
      (c, power) => anyLength(length => near(length, power))(c),
    ),
    'more than 1100': anyLength(length => length > 1100),
    'more than 65,536': anyLength(length => length > 65_536),
    ragged: fact(({ lengths }) => new Set(lengths).size > 1),
    'none in one batch': fact(({ lengths }) => lengths.includes(0) && lengths.some(length => length > 0)),
    'all that there is room for, unsaid': c => !has('kvLen')(c),
    'room behind them': anyLength((length, { capacity }) => length > 0 && length < capacity),
  }),
  // Where another order of summation may begin, on numbers that show it: by queries, threads and room.
  dimension<'gqa'>('sums by queries', {
    'of 16 queries and more': summed(({ qLen }) => qLen >= 16),
    'of a few queries under a window that begins in different blocks': summed(
      ({ qLen, window, lengths }) =>
        qLen > 1 && qLen < 16 && window > 32 && lengths.some(length => length > window + 32),
    ),
  }),
  dimension<'gqa'>('sums by threads', {
    ...each(
      [64, 512, 1024],
      keys => `of ${keys} keys and more of one query`,
      (c, keys) => summed(facts => facts.qLen === 1 && c.threads > 1 && longest(facts) >= keys)(c),
    ),
    'more than a batch has heads of keys, and not more than all have': summed(
      ({ qLen, batch, kvHeads, lengths }, { threads }) =>
        qLen === 1 && threads > kvHeads && threads <= batch * kvHeads && lengths.some(length => length >= 64),
    ),
  }),
  dimension<'gqa'>(
    'sums by room',
    each(
      [64, 128, 256, 512],
      keys => `for ${keys} keys or up to four more or less`,
      (c, keys) => summed(facts => works(facts) && Math.abs(facts.capacity - keys) <= 4)(c),
    ),
  ),
  // What a kernel may think of keeping on its stack.
  dimension<'gqa'>('scores of a group for one query', {
    'up to 65,536': fact(facts => !isManyScores(facts)),
    more: fact(isManyScores),
  }),
  dimension<'gqa'>('queries', {
    ...counts([0, 1, 2, 3], facts => facts.qLen),
    '16 and more': fact(({ batch, qLen }) => batch > 0 && qLen >= 16),
    'as many as keys': fact(facts => facts.qLen > 1 && facts.lengths.includes(facts.qLen)),
    'behind a prefix': fact(({ qLen, lengths }) => qLen > 1 && lengths.some(length => length > qLen)),
    'straddling a tile of 64, behind a prefix': fact(
      ({ qLen, lengths }) =>
        qLen > 1 &&
        lengths.some(
          length => length > qLen && Math.floor((length - 1) / 64) > Math.floor((length - qLen) / 64),
        ),
    ),
    'more than keys, causal': anyQuery(({ causal, qLen, lengths }, b) => causal && qLen > lengths[b]),
    'more than keys, not causal': anyQuery(
      ({ causal, qLen, lengths }, b) => !causal && qLen > lengths[b] && lengths[b] > 0,
    ),
    'that see nothing': anyQuery(isBlind),
  }),
  dimension<'gqa'>('heads', {
    'as many of each (MHA)': fact(({ kvHeads, group }) => kvHeads > 1 && group === 1),
    'one of keys (MQA)': fact(({ kvHeads, group }) => kvHeads === 1 && group > 1),
    'one of each': fact(({ qHeads }) => qHeads === 1),
    ...counts([2, 3, 4, 6, 7], facts => (facts.kvHeads > 1 ? facts.group : 0)),
    ...each(
      [...new Set(modelHeads.map(([kvHeads, group]) => `${kvHeads * group}/${kvHeads}`))],
      String,
      (c, heads) => heads === `${factsOf(c).qHeads}/${factsOf(c).kvHeads}`,
    ),
  }),
  dimension<'gqa'>('head width', {
    ...counts([1, ...widths], facts => facts.headDim),
    'below a vector': fact(({ headDim }) => headDim > 2 && headDim < 16),
    odd: fact(({ headDim }) => headDim % 2 === 1),
    'more than 256, no multiple of 64': fact(({ headDim }) => headDim > 256 && headDim % 64 > 0),
    'no power of two': fact(({ headDim }) => !isPowerOfTwo(headDim)),
  }),
  dimension<'gqa'>(
    'head width mod 16',
    each(upTo(16), String, (c, r) => factsOf(c).headDim % 16 === r),
  ),
  cellType,
  dimension<'gqa'>('type of k and v', {
    ...each(kvTypes, String, (c, dtype) => c.tensors.k.dtype === dtype),
    'f16 under f32': c => c.tensors.q.dtype === 'f32' && c.tensors.k.dtype === 'f16',
    'bf16 under f32': c => c.tensors.q.dtype === 'f32' && c.tensors.k.dtype === 'bf16',
    'narrower, group of 6 or 7': fact(
      ({ group }, c) => c.tensors.q.dtype !== c.tensors.k.dtype && (group === 6 || group === 7),
    ),
  }),
  dimension<'gqa'>('sight', {
    'all keys': c => !c.params.causal,
    causal: c => c.params.causal,
    'a window': c => c.params.window > 0,
    ...each(
      [1, 2, 3],
      window => `a window of ${window}`,
      (c, window) => c.params.window === window,
    ),
    'a window that hides keys': anyQuery(
      (facts, b, i) => facts.window > 0 && seenBy(facts, b, i).first > 0 && !isBlind(facts, b, i),
    ),
    'a window that starts inside a tile of 16': c => c.params.window > 0 && startsInTile(16)(c),
    'a window that starts inside a tile of 64': c => c.params.window > 0 && startsInTile(64)(c),
    'a window as long as the keys, or one beside': anyLength(
      (length, { window }) => window > 0 && near(length, window),
    ),
    'a window that hides 512 keys and more': anyQuery(
      (facts, b, i) => facts.window > 0 && seenBy(facts, b, i).first >= 512,
    ),
    ...each(
      endlessWindows,
      window => `a window of ${window}`,
      (c, window) => c.params.window === window,
    ),
    'a window longer than the keys': anyLength((length, { window }) => window > length + 1),
  }),
  dimension<'gqa'>('softcap', {
    off: c => c.params.softcap === 0,
    ...each([50, 30, 5, 0.75], String, (c, softcap) => c.params.softcap === softcap),
    'on, no mask, keys no multiple of 64': fact(
      (facts, c) => c.params.softcap > 0 && !has('mask')(c) && facts.lengths.some(length => length % 64 > 0),
    ),
  }),
  dimension<'gqa'>('scale', {
    '1 / sqrt(D)': fact(({ headDim }, c) => c.params.scale === 1 / Math.sqrt(headDim)),
    0: c => c.params.scale === 0,
    negative: c => c.params.scale < 0,
    small: fact(({ headDim }, c) => c.params.scale === 1e-3 / Math.sqrt(headDim)),
    large: fact(({ headDim }, c) => c.params.scale === 20 / Math.sqrt(headDim)),
  }),
  dimension<'gqa'>('scores', {
    'as drawn': c => c.tensors.k.data?.kind === 'normal' && c.tensors.k.data.patches.length === 0,
    ascending: isStairs(1),
    descending: isStairs(-1),
    'ascending by the mask': isRamp(1),
    'descending by the mask': isRamp(-1),
    'first key ahead': ahead(false),
    'last key ahead': ahead(true),
    'all very low': shifted(-1),
    'all very high': shifted(1),
    ties: c => c.tensors.k.data?.kind === 'list',
    equal: c => c.tensors.k.data?.kind === 'constant',
    'all zero': c => c.tensors.q.data?.kind === 'zeros',
    "beyond exp's range": isBeyondExp,
    "beyond exp's range, upside down": c => isBeyondExp(c) && c.params.scale < 0,
  }),
  dimension<'gqa'>('mask', {
    none: c => !has('mask')(c),
    whole: fact(
      (facts, c) =>
        has('mask')(c) && c.tensors.mask.shape[0] > 1 && c.tensors.mask.shape[1] > 1 && works(facts),
    ),
    'of all batches': broadcast(0),
    'of all heads': broadcast(1),
    'per batch, of all heads': c => broadcast(1)(c) && c.tensors.mask.shape[0] > 1,
    'per head, of all batches': c => broadcast(0)(c) && c.tensors.mask.shape[1] > 1,
    ...each(
      [0, 1, 2, 3],
      d => `repeated along ${['batch', 'heads', 'queries', 'keys'][d]} by a stride of 0`,
      (c, d) => has('mask')(c) && strideIs(c.tensors.mask, d, stride => stride === 0),
    ),
    'beside causal': c => has('mask')(c) && c.params.causal,
    'beside a softcap': c => has('mask')(c) && c.params.softcap > 0,
    '-inf': maskPatch(value => value === '-inf'),
    '-inf scattered': c => c.tensors.mask?.data?.patches.some(p => p.value === '-inf' && p.step > 1) ?? false,
    '-inf for the first keys': c =>
      c.tensors.mask?.data?.patches.some(
        p => p.value === '-inf' && p.start === 0 && p.count < keysOfMask(c),
      ) ?? false,
    ...each(
      [64, 256],
      keys => `-inf for the first ${keys} keys`,
      (c, keys) =>
        c.tensors.mask?.data?.patches.some(
          p => p.value === '-inf' && p.start === 0 && p.count >= keys && p.count < keysOfMask(c),
        ) ?? false,
    ),
    '-inf for a row': c => patchedRow(c, keysOfMask),
    ...each(
      [-1e5, -1e10],
      value => `${value} for every key`,
      (c, value) => c.tensors.mask?.data?.kind === 'constant' && c.tensors.mask.data.scale === value,
    ),
    'the lowest number': maskPatch(value => typeof value === 'number' && value < -1e38),
    finite: c => c.tensors.mask?.data?.kind === 'normal',
  }),
  dimension<'gqa'>('magnitude of v', {
    'below 1e-37': c => inside(c.tensors.v, 0, 1.1e-38),
    '1e-37 to 1e-2': c => inside(c.tensors.v, 1e-37, 1e-2),
    'around 1': c => inside(c.tensors.v, 0.1, 100),
    'above 1e3': c => inside(c.tensors.v, 1e3, 1e38),
  }),
  dimension<'gqa'>(
    'data of v',
    each(
      ['constant', 'normal', 'uniform', 'powers', 'magnitudes', 'zeros', 'outlier', 'ramp', 'fixture'],
      String,
      (c, kind) => c.tensors.v.data?.kind === kind,
    ),
  ),
  dimension<'gqa'>('special value', specialValues),
  dimension<'gqa'>('where no query looks', {
    NaN: unseenHolds('nan'),
    infinity: unseenHolds('inf'),
    'largest finite': unseenHolds('max'),
    'NaN in the mask': maskPatch(value => value === 'nan'),
    'infinity in the mask': maskPatch(value => value === 'inf'),
  }),
  dimension<'gqa'>('blocks', {
    none: c => !has('blockTable')(c),
    ...each(
      blockSizes,
      slots => `of ${slots}`,
      (c, slots) => has('blockTable')(c) && c.tensors.k.shape[1] === slots,
    ),
    'no power of two': c => has('blockTable')(c) && !isPowerOfTwo(c.tensors.k.shape[1]),
    'of which the last is not full': fact(
      ({ lengths }, c) => has('blockTable')(c) && lengths.some(length => length % c.tensors.k.shape[1] > 0),
    ),
    'shared by batches or repeated': fact(
      ({ capacity, batch, slots }, c) => has('blockTable')(c) && batch * capacity > slots,
    ),
    'more than are used': fact(
      ({ capacity, batch, slots }, c) => has('blockTable')(c) && batch * capacity < slots,
    ),
    'out of order': c =>
      has('blockTable')(c) &&
      (c.tensors.blockTable.data?.values ?? []).some((b, i, all) => i > 0 && b < all[i - 1]),
    'no number where nobody looks': c =>
      has('blockTable')(c) &&
      (c.tensors.blockTable.data?.values ?? []).some(block => block < 0 || block >= c.tensors.k.shape[0]),
  }),
  dimension<'gqa'>('blocks that a window leaves', {
    none: c => !has('blockTable')(c) || forsakenEntry(c) === undefined,
    some: c => has('blockTable')(c) && forsakenEntry(c) !== undefined,
  }),
  dimension<'gqa'>('layout', {
    'gaps between batches': c => hasGap(c, 0),
    'gaps between tokens': c => hasGap(c, 1),
    'gaps between heads': c => hasGap(c, 2),
    'heads before tokens, q or out': c =>
      anyRole(c, ['q', 'out'], t => t.shape[1] > 1 && t.shape[2] > 1 && t.strides[2] > t.strides[1]),
    'heads before keys': c =>
      anyRole(c, ['k', 'v'], t => t.shape[1] > 1 && t.shape[2] > 1 && t.strides[2] > t.strides[1]),
    ...each(
      ['q', 'k', 'v', 'mask', 'out'],
      role => `inner stride of ${role}`,
      (c, role) => anyRole(c, [role], t => strideIs(t, 3, stride => stride > 1)),
    ),
    'k and v strided apart': c => c.tensors.k.strides.some((stride, d) => stride !== c.tensors.v.strides[d]),
    'q and out strided apart': c =>
      c.tensors.q.strides.some((stride, d) => stride !== c.tensors.out.strides[d]),
    ...Object.fromEntries(
      ['batch', 'keys', 'heads', 'element'].map((what, d) => [
        `k or v repeated along ${what}`,
        (c: GqaCase) => anyRole(c, ['k', 'v'], t => strideIs(t, d, stride => stride === 0)),
      ]),
    ),
    'q repeated': c => repeats(c.tensors.q),
    'lengths repeated': c => anyRole(c, ['kvLen'], repeats),
    'lengths strided': c => anyRole(c, ['kvLen'], t => strideIs(t, 0, stride => stride > 1)),
    'table repeated': c => anyRole(c, ['blockTable'], repeats),
    'table strided': c => anyRole(c, ['blockTable'], t => strideIs(t, 1, stride => stride > 1)),
    ...each(
      rolesWithMemory,
      role => `strides of ${role} beyond 32 bits`,
      (c, role) =>
        anyRole(c, [role], t => t.shape.some((_, d) => strideIs(t, d, stride => stride > 2 ** 31))),
    ),
  }),
  dimension<'gqa'>('sharing memory', {
    nobody: c => new Set(Object.values(c.tensors).map(t => t.buffer)).size === Object.keys(c.tensors).length,
    'k and v interleaved': c => c.tensors.k.buffer !== null && c.tensors.k.buffer === c.tensors.v.buffer,
    'q, k and v interleaved': c => c.tensors.q.buffer !== null && c.tensors.q.buffer === c.tensors.k.buffer,
    'q and out interleaved': c => c.tensors.q.buffer !== null && c.tensors.q.buffer === c.tensors.out.buffer,
    'inputs alone in their buffers': c =>
      inputsOf(c).every(role => c.tensors[role].buffer !== c.tensors.out.buffer),
  }),
  ...surroundings,
];
