/** What a GQA case says, read back from it: for dimensions, relations, laws and refusals. */

import type { Case, CaseOf } from '../../src/case/case.ts';
import { type Bits, decodeAll } from '../../src/case/dtype.ts';
import { makeValues } from '../../src/case/recipe.ts';
import { type Sight, type Span, visibleTo, visibleToAny } from './sight.ts';

export type GqaCase = CaseOf<'gqa'>;

export interface Facts extends Sight {
  readonly batch: number;
  readonly qHeads: number;
  readonly kvHeads: number;
  readonly group: number;
  readonly headDim: number;
  /** Keys that each batch has room for. */
  readonly capacity: number;
  /** Keys of each batch. */
  readonly lengths: readonly number[];
  /** Batches or blocks of k and v, times keys of each. */
  readonly slots: number;
  /** Where a key of a batch stands among them. */
  readonly slotOf: (b: number, key: number) => number;
}

const known = new WeakMap<Case, Facts>();

/** The facts of a case that keeps the contract. */
export function factsOf(c: GqaCase): Facts {
  const facts = known.get(c) ?? read(c);
  known.set(c, facts);
  return facts;
}

function read(c: GqaCase): Facts {
  const { q, k, kvLen, blockTable } = c.tensors;
  const [batch, qLen, qHeads, headDim] = q.shape;
  const [outer, inner, kvHeads] = k.shape;
  const capacity = blockTable ? blockTable.shape[1] * inner : inner;
  const table = blockTable && integersOf(c, 'blockTable');
  return {
    batch,
    qLen,
    qHeads,
    kvHeads,
    group: qHeads / kvHeads,
    headDim,
    causal: c.params.causal,
    window: c.params.window,
    capacity,
    lengths: kvLen ? integersOf(c, 'kvLen') : Array<number>(batch).fill(capacity),
    slots: outer * inner,
    slotOf: table
      ? (b, key) => table[b * blockTable.shape[1] + Math.floor(key / inner)] * inner + (key % inner)
      : (b, key) => b * capacity + key,
  };
}

/** The integers of a tensor, C order; where its view repeats elements, the last one that is stored counts. */
function integersOf(c: GqaCase, role: 'kvLen' | 'blockTable'): number[] {
  const { data, shape, strides } = c.tensors[role];
  const stored = decodeAll(makeValues(data!, shape, 'i32') as Bits, 'i32');
  const places = Array.from(stored, (_, i) => {
    const columns = shape.at(-1)!;
    const [row, column] = shape.length === 2 ? [Math.floor(i / columns), i % columns] : [0, i];
    const [outer, inner] = shape.length === 2 ? strides : [0, strides[0]];
    return row * (shape.length === 2 && shape[0] > 1 ? outer : 0) + column * (columns > 1 ? inner : 0);
  });
  const held = new Map(places.map((place, i) => [place, stored[i]]));
  return places.map(place => held.get(place)!);
}

/** The keys that query i of batch b sees. */
export function seenBy(facts: Facts, b: number, i: number): Span {
  return visibleTo(facts, facts.lengths[b], i);
}

/** The keys that any query of batch b sees. */
export function seenIn(facts: Facts, b: number): Span {
  return visibleToAny(facts, facts.lengths[b]);
}

/**
 * The first entry of a block table in whose block only earlier queries than the last of their batch see a key, under
 * a window that has moved on since; undefined: there is none.
 */
export function forsakenEntry(c: GqaCase): number | undefined {
  const facts = factsOf(c);
  const [, blockSize] = c.tensors.k.shape;
  const [, perBatch] = c.tensors.blockTable.shape;
  for (const b of upTo(facts.batch)) {
    const { first, end } = seenIn(facts, b);
    if (end === first) continue;
    const entry = Math.floor(first / blockSize);
    const last = seenBy(facts, b, facts.qLen - 1);
    if (last.first >= (entry + 1) * blockSize) return b * perBatch + entry;
  }
  return undefined;
}

/** Numbers from 0. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** The elements of a mask, C order; null: there is none. */
export function maskOf({ tensors: { mask } }: GqaCase): Float64Array | null {
  return mask ? decodeAll(makeValues(mask.data!, mask.shape, 'f32'), 'f32') : null;
}

/** Where the mask's row of a batch, head and query begins. */
export function maskRow(shape: readonly number[], b: number, h: number, i: number): number {
  const [batches, heads, queries, keys] = shape;
  const plane = (batches === 1 ? 0 : b) * heads + (heads === 1 ? 0 : h);
  return (plane * queries + i) * keys;
}
