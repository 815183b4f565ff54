/** Edges that chance would reach too seldom: each is dealt in turn, with the rest drawn. */

import * as fc from 'fast-check';
import { aroundPowersOfTwo, dealt, recipes, type Special, sizes } from '../data.ts';
import { type Layout, layouts } from '../layout.ts';
import { blockSizes, endlessWindows, fields, generic, masks, pagings, widths } from './fields.ts';
import type { Mask, Paging, Plan, Scores } from './plan.ts';

type Deal = { readonly [Field in keyof Plan]?: fc.Arbitrary<Plan[Field]> };

const contiguous: Layout = { kind: 'contiguous' };
const size = (drawn: fc.Arbitrary<number>) => sizes(drawn, 1);
const few = (min: number, max: number) => size(fc.integer({ min, max }));
/** Few elements, but two and more along every dimension. */
const several: Deal = {
  batch: few(2, 3),
  qLen: few(2, 3),
  prompt: fc.constant(false),
  kvHeads: few(2, 3),
  group: few(1, 2),
  headDim: few(2, 20),
  keys: few(2, 20),
  fused: fc.constant('none'),
};
const small: Deal = {
  batch: few(1, 2),
  qLen: few(1, 3),
  kvHeads: few(1, 2),
  group: few(1, 2),
  headDim: few(1, 24),
};
/** Scores as they are made, neither bent nor scaled back to where exp holds them. */
const unbent: Deal = { softcap: fc.constant(0), scale: fc.constant(1), special: fc.constant(null) };
/** Many keys, and little else. */
const long: Deal = {
  ...small,
  batch: size(fc.constant(1)),
  qLen: few(1, 2),
  headDim: few(1, 12),
  prompt: fc.constant(false),
};
const layout = (...choices: readonly Layout[]) => dealt(fc.constantFrom(...choices), contiguous);
const huge = (...dims: readonly number[]) => layout(...dims.map((dim): Layout => ({ kind: 'huge', dim })));
const repeated = (...dims: readonly number[]) =>
  layout(...dims.map((dim): Layout => ({ kind: 'repeated', dim })));
const headMajor: Layout = { kind: 'permuted', order: [0, 2, 1, 3], pad: 0 };
const masked = (rest?: Parameters<typeof masks>[0]) => dealt<Mask | null>(masks(rest), null);
const paged = (rest?: Parameters<typeof pagings>[0]) => dealt<Paging | null>(pagings(rest), null);
const unpaged = fc.constant(null);
const scored = (...scores: readonly Scores[]) => dealt<Scores>(fc.constantFrom(...scores), 'as drawn');
const special = (...values: readonly Special['value'][]) =>
  dealt<Special | null>(
    fc.record({ value: fc.constantFrom(...values), at: fc.nat(1 << 20), wholeRow: fc.boolean() }),
    null,
  );
/** Parts of it can be asked for by themselves: no view repeats elements or shares them. */
const apart: Deal = {
  fused: fc.constant('none'),
  qLayout: layouts('output', 4),
  kLayout: layouts('output', 4),
  vLayout: layouts('output', 4),
  maskLayout: layouts('output', 4),
  lengthsLayout: fc.constant(contiguous),
  tableLayout: fc.constant(contiguous),
};
/** Nothing patched, nothing structured: what the statistics ask for. */
const unstructured: Deal = {
  q: generic.products,
  k: generic.products,
  v: generic.values,
  scores: fc.constant('as drawn'),
  special: fc.constant(null),
  unseen: fc.constant('data'),
};
/** More queries than a tile has rows, of a type that shows in which order they are summed. */
const chunk: Deal = {
  ...small,
  ...apart,
  ...unstructured,
  dtype: fc.constantFrom('f32', 'f32', 'f32', 'f16'),
  batch: size(fc.constantFrom(1, 1, 2)),
  qLen: few(16, 40),
  prompt: fc.constant(false),
  kvHeads: size(fc.constant(1)),
  headDim: few(4, 16),
  keys: few(16, 60),
};
/**
 * One query of few heads and many keys, for more threads than a batch has heads, of a type that shows in which order
 * they are summed: who divides keys over threads, and by what, shows. Batches have as many keys each, or far fewer.
 */
const shared: Deal = {
  ...long,
  ...apart,
  ...unstructured,
  dtype: fc.constantFrom('f32', 'f32', 'f32', 'f16'),
  kvDtype: fc.constantFrom('f32', 'f32', 'bf16'),
  batch: few(2, 4),
  qLen: size(fc.constant(1)),
  kvHeads: size(fc.constantFrom(1, 1, 2)),
  group: few(1, 3),
  headDim: few(1, 8),
  lengths: fc.constantFrom('equal', 'falling', 'scattered'),
  spare: sizes(fc.integer({ min: 0, max: 3 }), 0),
  paging: dealt<Paging | null>(fc.oneof({ weight: 3, arbitrary: unpaged }, pagings()), null),
  window: fc.constant(0),
  mask: fc.constant(null),
  softcap: fc.constant(0),
  scale: fc.constant(1),
  threads: dealt(fc.constantFrom(2, 3, 7, 16), 1),
};
/**
 * A few queries whose windows are wider than a block and begin in different ones; of several heads, since few of their
 * sums change with where blocks end.
 */
const fewUnderWindow: Deal = {
  ...chunk,
  batch: size(fc.constant(1)),
  qLen: few(3, 8),
  group: few(4, 8),
  headDim: few(1, 6),
  window: few(33, 100),
  causal: fc.constant(true),
  keys: size(fc.constantFrom(140, 160, 200, 257)),
  mask: fc.constant(null),
  softcap: fc.constant(0),
  scale: fc.constant(1),
};
/** From the least keys that are worth it to the most that a case has room for, one kernel's limit or another's. */
const sharedKeys: Deal = { ...shared, keys: size(aroundPowersOfTwo(6, 10)) };
const manySharedKeys: Deal = { ...shared, keys: size(aroundPowersOfTwo(9, 10)) };
/** Every score below what f16 holds, or what stands for -inf with some; not v of all signs, among which 0 would be right. */
const veryLow: Deal = {
  mask: masked({
    data: recipes({ constant: 1 }, fc.constantFrom(-1e10, -1e5)),
    hides: fc.constantFrom('nothing', 'first keys', 'all but one'),
  }),
  v: recipes({ ramp: 2, constant: 1, normal: 1 }, fc.constantFrom(1, 30)),
  special: fc.constant(null),
};
const zeros = recipes({ zeros: 1 }, fc.constant(1));

/** In turn; what takes several asks to show stands there several times. */
const deals: readonly Deal[] = [
  { batch: fc.constant(0) },
  { qLen: fc.constant(0), prompt: fc.constant(false), lengths: fc.constantFrom('equal', 'scattered') },
  { keys: fc.constant(0), batch: few(1, 3) },
  // Strides beyond 32 bits, of all tensors at once: who wraps one of them need not wait for its turn below.
  {
    ...several,
    qLayout: huge(0, 1, 2),
    kLayout: huge(0, 1, 2),
    vLayout: huge(0, 1, 2),
    outLayout: huge(0, 1, 2),
  },
  { keys: fc.constantFrom(1, 3), lengths: fc.constant('equal') },
  { lengths: fc.constant('last empty'), batch: few(2, 3), lengthsLayout: fc.constant(contiguous) },
  // Longer than a tile, longer than a span.
  { ...long, keys: size(aroundPowersOfTwo(9, 9)), mask: fc.constant(null) },
  { ...long, keys: size(aroundPowersOfTwo(10, 10)), mask: fc.constant(null), kvHeads: size(fc.constant(1)) },
  { ...long, keys: size(aroundPowersOfTwo(8, 9)), causal: fc.constant(true), qLen: few(2, 9) },
  { ...long, keys: few(1500, 3000), kvHeads: size(fc.constant(1)), headDim: few(1, 8), ...unstructured },
  // More scores at once, of all heads of a group, than a stack should hold.
  {
    ...long,
    group: size(fc.constant(32)),
    kvHeads: size(fc.constant(1)),
    qLen: size(fc.constant(1)),
    headDim: size(fc.constant(1)),
    keys: few(2100, 2500),
    lengths: fc.constant('equal'),
    mask: fc.constant(null),
    room: fc.constant('ample'),
  },
  // More keys than 16 bits count, of which the last is what counts.
  {
    ...long,
    ...apart,
    v: generic.values,
    room: fc.constant('ample'),
    group: size(fc.constant(1)),
    kvHeads: size(fc.constant(1)),
    qLen: size(fc.constant(1)),
    headDim: few(1, 2),
    keys: size(fc.constantFrom(65_537, 65_600, 66_000)),
    lengths: fc.constant('equal'),
    mask: fc.constant(null),
    paging: dealt<Paging | null>(
      fc.oneof(fc.constant(null), pagings({ blockSize: fc.constantFrom(16, 100, 128) })),
      null,
    ),
    window: fc.constant(0),
    ...unbent,
    scores: scored('last ahead'),
    spread: fc.constantFrom(20, 300),
  },
  // More queries than a tile has rows: plainly, under a window, from blocks, behind a mask (further below).
  chunk,
  // Split over threads, and not evenly.
  sharedKeys,
  manySharedKeys,
  // A window that begins behind the first tile, and scores far below 0: what a tile without keys leaves shows.
  {
    ...small,
    window: few(1, 60),
    causal: fc.constant(true),
    keys: few(130, 300),
    scores: scored('low'),
    mask: fc.constant(null),
    ...unbent,
  },
  // Queries that see nothing; as many as keys; a chunk behind a prefix that straddles a tile.
  { qLen: few(4, 9), keys: few(1, 3), causal: fc.constant(true), prompt: fc.constant(false) },
  { qLen: few(4, 9), keys: few(1, 3), causal: fc.constant(false), prompt: fc.constant(false) },
  { prompt: fc.constant(true), keys: few(2, 40), causal: fc.constant(true) },
  {
    prompt: fc.constant(true),
    fused: dealt(fc.constant('q, k and v'), 'none'),
    paging: unpaged,
    spare: fc.constant(0),
  },
  {
    keys: fc.constantFrom(65, 66, 130, 257, 258, 260),
    qLen: few(3, 9),
    prompt: fc.constant(false),
    causal: fc.constant(true),
    lengths: fc.constant('equal'),
    window: size(fc.constantFrom(0, ...endlessWindows)),
  },
  // Several batches with one token each.
  {
    batch: few(2, 9),
    qLen: fc.constant(1),
    prompt: fc.constant(false),
    headDim: few(1, 40),
    keys: few(1, 60),
  },
  {
    ...small,
    batch: few(16, 40),
    qLen: fc.constant(1),
    prompt: fc.constant(false),
    keys: few(1, 20),
    headDim: few(1, 16),
  },
  // Heads of some models on few keys; those of all are named cases.
  ...[
    [2, 24],
    [1, 71],
    [8, 4],
    [2, 7],
  ].map(
    ([kvHeads, group]): Deal => ({
      kvHeads: size(fc.constant(kvHeads)),
      group: size(fc.constant(group)),
      batch: size(fc.constant(1)),
      qLen: few(1, 2),
      keys: few(1, 40),
      headDim: few(1, 40),
    }),
  ),
  { headDim: size(fc.constantFrom(...widths)), keys: few(1, 100) },
  { headDim: size(fc.constantFrom(...widths)), ...unstructured },
  {
    headDim: size(fc.oneof(fc.integer({ min: 17, max: 255 }), fc.integer({ min: 257, max: 400 }))),
    ...unstructured,
  },
  { headDim: size(fc.constant(1)) },
  { window: size(fc.constantFrom(1, 2, 3)), causal: fc.constant(true) },
  fewUnderWindow,
  {
    window: few(1, 20),
    causal: fc.constant(true),
    keys: size(fc.constantFrom(64, 65, 128, 320)),
    qLen: few(1, 5),
  },
  fewUnderWindow,
  // Blocks of 512 that a window leaves behind, whole.
  {
    ...long,
    window: few(1, 20),
    causal: fc.constant(true),
    keys: size(fc.constantFrom(575, 640, 700)),
  },
  sharedKeys,
  manySharedKeys,
  { softcap: fc.constantFrom(50, 30, 5), mask: fc.constant(null), keys: size(fc.constantFrom(65, 33, 17)) },
  { ...chunk, window: few(2, 20), causal: fc.constant(true), mask: fc.constant(null) },
  fewUnderWindow,
  { softcap: fc.constantFrom(5, 0.75), scale: fc.constantFrom(20, 1) },
  {
    ...small,
    mask: masked({ hides: fc.constant('first keys'), by: fc.constant('-inf') }),
    keys: few(64, 600),
    scores: scored('low'),
    ...unbent,
  },
  { mask: masked({ hides: fc.constantFrom('rows', 'all') }) },
  { ...chunk, mask: masked(), paging: unpaged },
  { mask: masked({ hides: fc.constant('all but one'), by: fc.constant('-inf') }) },
  { mask: masked({ by: fc.constant('lowest'), hides: fc.constantFrom('rows', 'all', 'first keys') }) },
  { mask: masked({ perBatch: fc.constant(true), perHead: fc.constant(true) }), ...several },
  { mask: masked({ perBatch: fc.constant(true), perHead: fc.constant(false) }), ...several },
  { mask: masked({ perBatch: fc.constant(false), perHead: fc.constant(true) }), ...several },
  { mask: masked(), maskLayout: repeated(2, 0, 1), ...several },
  { mask: masked(), maskLayout: repeated(3), ...several },
  {
    mask: masked({
      data: recipes({ ramp: 1 }, fc.constantFrom(0.5, -0.5, 3, -3)),
      hides: fc.constant('nothing'),
    }),
    keys: few(100, 300),
  },
  veryLow,
  { scores: scored('ascending'), spread: fc.constantFrom(20, 300), keys: few(66, 300), headDim: few(1, 40) },
  { scores: scored('descending'), spread: fc.constantFrom(20, 300), keys: few(66, 300), headDim: few(1, 40) },
  // Further apart than exp reaches.
  {
    scores: scored('ascending', 'descending'),
    spread: fc.constant(300),
    mask: fc.constant(null),
    ...unbent,
    scale: fc.constantFrom(-1, 1, -1),
    window: fc.constant(0),
    keys: few(2, 60),
  },
  sharedKeys,
  { scores: scored('first ahead', 'last ahead'), keys: few(60, 300) },
  { scores: scored('low'), mask: fc.constant(null), ...unbent },
  { scores: scored('low', 'high', 'ties', 'equal') },
  { q: zeros, scores: fc.constant('as drawn') },
  { scale: fc.constant(20), scores: fc.constant('as drawn'), special: fc.constant(null) },
  {
    paging: paged({ blockSize: fc.constantFrom(...blockSizes), garbage: fc.constant(true) }),
    tableLayout: fc.constant(contiguous),
    spare: few(1, 3),
    lengths: fc.constant('falling'),
  },
  { ...chunk, paging: paged({ blockSize: fc.constantFrom(1, 8, 16) }), mask: fc.constant(null) },
  { paging: paged({ shared: fc.constant(true) }), keys: few(10, 60), batch: few(2, 3) },
  { paging: paged({ blockSize: fc.constantFrom(64, 128) }), headDim: few(1, 40) },
  {
    paging: paged({ garbage: fc.constant(true), blockSize: fc.constantFrom(1, 8) }),
    window: few(1, 9),
    causal: fc.constant(true),
    keys: few(30, 60),
    qLen: few(1, 9),
    prompt: fc.constant(false),
    tableLayout: fc.constant(contiguous),
  },
  { spare: few(20, 80), lengths: fc.constant('equal'), unseen: fc.constantFrom('nan', 'inf', 'max') },
  { spare: few(1, 3), lengths: fc.constant('falling'), unseen: fc.constantFrom('nan', 'inf') },
  { special: special('nan', 'nan-payload', '-nan'), specialIn: fc.constantFrom('q', 'k'), keys: few(16, 60) },
  {
    special: special('nan', 'inf', '-inf'),
    specialIn: fc.constant('v'),
    scores: scored('ascending'),
    spread: fc.constant(300),
  },
  { special: special('subnormal', 'max', '-0') },
  veryLow,
  sharedKeys,
  { fused: dealt(fc.constant('k beside v'), 'none') },
  { fused: dealt(fc.constant('q beside out'), 'none') },
  { kLayout: layout(headMajor), vLayout: layout(headMajor), fused: fc.constant('none') },
  { ...several, qLayout: huge(0, 1, 2) },
  { ...several, kLayout: huge(0, 1, 2) },
  { ...several, vLayout: huge(0, 1, 2) },
  { ...several, outLayout: huge(0, 1, 2) },
  {
    ...several,
    mask: masked({ perBatch: fc.constant(true), perHead: fc.constant(true) }),
    maskLayout: huge(0, 1, 2),
  },
  { ...several, lengthsLayout: huge(0), lengths: fc.constant('scattered') },
  { ...several, tableLayout: huge(0, 1), paging: paged({ blockSize: fc.constantFrom(1, 8) }) },
  { ...several, kLayout: repeated(2), vLayout: repeated(2) },
  { ...several, kLayout: repeated(0, 1), vLayout: repeated(0, 1) },
  { ...several, tableLayout: repeated(0, 1), paging: paged() },
  { dtype: fc.constant('f32'), kvDtype: fc.constantFrom('f16', 'bf16'), ...unstructured },
  {
    dtype: fc.constant('f32'),
    kvDtype: fc.constantFrom('f16', 'bf16'),
    group: size(fc.constantFrom(6, 7)),
    keys: few(1, 80),
    ...unstructured,
  },
  { threads: dealt(fc.constant(16), 1), qLen: few(1, 3) },
];

function record(deal: Deal): fc.Arbitrary<Plan> {
  return fc.record({ ...fields, ...deal } as typeof fields) as fc.Arbitrary<Plan>;
}

const drawn = record({});
const withDeal = deals.map(record);

/** The arbitrary of case k: every second case is dealt an edge. */
export function plans(k: number): fc.Arbitrary<Plan> {
  return k % 2 === 1 ? withDeal[Math.floor(k / 2) % withDeal.length] : drawn;
}
