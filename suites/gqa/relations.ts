/**
 * What the result of a query and head must not depend on.
 */

import { countOf } from '../../src/case/case.ts';
import type { Patch, Recipe } from '../../src/case/recipe.ts';
import { blocksAt, permutation, pick, withTensors } from '../derive.ts';
import type { Derived, Relation } from '../suite.ts';
import { type Facts, factsOf, type GqaCase, maskOf, maskRow, seenBy, seenIn, upTo } from './facts.ts';
import {
  batchAlone,
  canMoveMask,
  comesApart,
  headAlone,
  holding,
  moved,
  onRows,
  queriesAlone,
  tidied,
  withLengths,
  withMaskKeys,
  withOwn,
} from './parts.ts';
import { recipe } from './scores.ts';
import { positionOf } from './sight.ts';

type Ask = (c: GqaCase, facts: Facts, draw: (n: number) => number) => Derived | null;

/** A relation of calls that compute something, of inputs whose values are their own. */
function relation(
  name: string,
  says: string,
  owed: Relation['owed'],
  about: readonly string[],
  ask: Ask,
): Relation {
  return {
    name,
    says,
    owed,
    about,
    derive: (c, draw) => {
      if (c.op !== 'gqa' || countOf(c.tensors.q.shape) === 0 || !comesApart(c)) return null;
      return ask(c, factsOf(c), draw);
    },
  };
}

/** The same call with more patches on k and v: on all of these slots, or on those of one kv head. */
function patched(
  c: GqaCase,
  patches: Readonly<Partial<Record<'k' | 'v' | 'mask', readonly Patch[]>>>,
): GqaCase {
  const changed = Object.entries(patches).map(([role, more]) => {
    const { data } = c.tensors[role];
    return [role, holding(c.tensors[role], { ...data!, patches: [...data!.patches, ...more] })];
  });
  return withTensors(c, Object.fromEntries(changed));
}

const others = ['nan', 'inf', '-inf', 'max', 3] as const;

/** The same call with another value in these keys of a batch. */
function withOthers(
  c: GqaCase,
  facts: Facts,
  b: number,
  keys: readonly number[],
  value: Patch['value'],
): GqaCase {
  const { kvHeads, headDim } = facts;
  const slots = keys.map(key => facts.slotOf(b, key)).sort((x, y) => x - y);
  const patches = onRows(slots, kvHeads * headDim, value);
  return patched(c, { k: patches, v: patches });
}

/** Whether a slot holds one key alone. */
function ownSlots(facts: Facts, b: number): (key: number) => boolean {
  const uses = new Map<number, number>();
  for (const batch of upTo(facts.batch)) {
    const { first, end } = seenIn(facts, batch);
    for (let key = first; key < end; key++) {
      const slot = facts.slotOf(batch, key);
      uses.set(slot, (uses.get(slot) ?? 0) + 1);
    }
  }
  return key => uses.get(facts.slotOf(b, key)) === 1;
}

/** The rows of the output, as they answer themselves where `kept` says so. */
function rowsWhere({ batch, qLen }: Facts, kept: (b: number, i: number) => boolean): (number | null)[] {
  return upTo(batch * qLen).map(row => (kept(Math.floor(row / qLen), row % qLen) ? row : null));
}

/** Whether twice the scale makes exactly twice the values, and nothing else. */
function doublesExactly({ kind, scale, patches }: Recipe, dtype: 'f32' | 'f16' | 'bf16'): boolean {
  if (patches.length > 0 || (kind !== 'normal' && kind !== 'powers')) return false;
  // Elements of 16 bits that are subnormal are rounded more coarsely than twice as large ones.
  return dtype === 'f16'
    ? kind === 'normal' && scale >= 4 && scale <= 1000
    : Math.abs(scale) >= 2 ** -10 && Math.abs(scale) <= 2 ** 20;
}

export const relations: readonly Relation[] = [
  relation(
    'batch alone',
    'a batch does not depend on those beside it',
    ['batch'],
    ['batch', 'queries', 'sums by threads'],
    (c, { batch }, draw) => {
      if (batch < 2) return null;
      const b = draw(batch);
      return { case: batchAlone(c, b), rows: [b] };
    },
  ),
  relation(
    'head alone',
    'a head does not depend on those beside it',
    ['batch'],
    ['heads'],
    (c, { qHeads }, draw) => {
      if (qHeads < 2) return null;
      const h = draw(qHeads);
      return { case: headAlone(c, h), rows: blocksAt(c.tensors.q.shape, ['all', 'all', h]) };
    },
  ),
  relation(
    'chunk alone',
    'queries give what they give in a longer call: in chunks, or token by token',
    ['batch'],
    ['queries', 'batch', 'sums by queries'],
    (c, { batch, qLen }, draw) => {
      if (batch * qLen < 2) return null;
      const [b, from] = [draw(batch), draw(qLen)];
      // One in two goes token by token.
      const to = draw(2) ? from + 1 : from + 1 + draw(qLen - from);
      return {
        case: queriesAlone(c, b, from, to),
        rows: upTo(to - from).map(i => b * qLen + from + i),
      };
    },
  ),
  relation(
    'heads repeated',
    'k and v repeated for every head of q give what sharing them gives',
    ['batch', 'placement'],
    ['heads'],
    (c, { group, slots, qHeads, kvHeads }) => {
      if (group < 2 || slots === 0) return null;
      const { k, v } = c.tensors;
      const blocks = upTo(slots).flatMap(slot =>
        upTo(qHeads).map(h => slot * kvHeads + Math.floor(h / group)),
      );
      return { case: withHeads(c, k.shape.with(2, qHeads), blocks, { k, v }) };
    },
  ),
  relation(
    'paging',
    'keys in blocks give what keys in one piece give',
    ['placement'],
    ['blocks'],
    (c, facts, draw) => {
      const { batch, capacity, slotOf, slots } = facts;
      if (capacity === 0) return null;
      if (c.tensors.blockTable) {
        const inOrder = upTo(batch).flatMap(b => {
          const { first, end } = seenIn(facts, b);
          return upTo(capacity).map(key => (key >= first && key < end ? slotOf(b, key) : 0));
        });
        const whole = moved(c, [batch, capacity], inOrder);
        const { blockTable: _, ...tensors } = whole.tensors;
        return { case: tidied({ ...whole, tensors }) };
      }
      const sizes = upTo(capacity)
        .map(i => i + 1)
        .filter(size => capacity % size === 0);
      const blockSize = sizes[draw(sizes.length)];
      const order = permutation(slots / blockSize, draw);
      const places = order.flatMap(block => upTo(blockSize).map(i => block * blockSize + i));
      // Block n holds what stood at order[n].
      const table = Array<number>(order.length);
      for (const [n, piece] of order.entries()) table[piece] = n;
      const paged = moved(c, [slots / blockSize, blockSize], places);
      const values = recipe('list', { values: table });
      return { case: withOwn(paged, 'blockTable', 'i32', [batch, capacity / blockSize], values) };
    },
  ),
  relation(
    'capacity',
    'room behind the keys changes nothing',
    ['placement'],
    ['keys', 'sums by room'],
    (c, { batch, capacity, lengths }, draw) => {
      if (c.tensors.blockTable || capacity === 0 || !canMoveMask(c)) return null;
      const least = lengths.reduce((a, b) => Math.max(a, b), 0);
      const fewer = least < capacity && draw(2) === 1;
      const more = draw(2) ? 1 + draw(70) : 2 ** Math.floor(Math.log2(capacity) + 1) + 1 - capacity;
      const room = fewer ? least + draw(capacity - least) : capacity + more;
      const keys = upTo(room).map(key => Math.min(key, capacity - 1));
      const masked = withMaskKeys(withLengths(c, lengths), keys);
      const places = upTo(batch).flatMap(b => keys.map(key => b * capacity + key));
      return { case: moved(masked, [batch, room], places) };
    },
  ),
  relation(
    'future',
    'what a causal query does not see yet changes no bit of it',
    'everyone',
    ['sight', 'queries'],
    (c, facts, draw) => {
      const { batch, qLen, causal, lengths } = facts;
      if (!causal || qLen < 2) return null;
      const [b, query] = [draw(batch), draw(qLen - 1)];
      const next = Math.max(0, positionOf(facts, lengths[b], query) + 1);
      const own = ownSlots(facts, b);
      const keys = upTo(lengths[b]).filter(key => key >= next && own(key));
      if (keys.length === 0) return null;
      return {
        case: withOthers(c, facts, b, keys, others[draw(others.length)]),
        rows: rowsWhere(facts, (batch, i) => batch !== b || i <= query),
      };
    },
  ),
  relation(
    'past',
    'what a window has left behind changes no bit of a query',
    'everyone',
    ['sight'],
    (c, facts, draw) => {
      const { batch, qLen, window } = facts;
      if (window === 0 || qLen < 2) return null;
      const [b, query] = [draw(batch), 1 + draw(qLen - 1)];
      const own = ownSlots(facts, b);
      const { first } = seenBy(facts, b, query);
      const keys = upTo(first).filter(key => key >= seenIn(facts, b).first && own(key));
      if (keys.length === 0) return null;
      return {
        case: withOthers(c, facts, b, keys, others[draw(others.length)]),
        rows: rowsWhere(facts, (batch, i) => batch !== b || i >= query),
      };
    },
  ),
  relation(
    'what is not live',
    'keys, values and mask that no query may use change no bit',
    'everyone',
    ['where no query looks', 'mask'],
    (c, facts, draw) => {
      const dead = deadRows(c, facts);
      const value = others[draw(others.length)];
      const patches = onRows(dead, facts.headDim, value);
      const unseen = c.tensors.mask ? unseenMask(c, facts, value) : [];
      if (patches.length + unseen.length === 0) return null;
      return { case: patched(c, { k: patches, v: patches, ...(c.tensors.mask && { mask: unseen }) }) };
    },
  ),
  {
    ...relation(
      'doubled values',
      'twice the values give twice the result',
      ['threads', 'batch', 'placement'],
      ['magnitude of v'],
      c => {
        const { data, dtype } = c.tensors.v;
        if (!data || dtype === 'i32' || !doublesExactly(data, dtype)) return null;
        const v = holding(c.tensors.v, { ...data, scale: 2 * data.scale });
        return { case: withTensors(c, { v }), times: 2 };
      },
    ),
    resizes: true,
  },
];

/** The same call with more heads of k and v, block i of each of which is what block blocks[i] was. */
function withHeads(
  c: GqaCase,
  shape: readonly number[],
  blocks: readonly number[],
  tensors: Pick<GqaCase['tensors'], 'k' | 'v'>,
): GqaCase {
  let result = c;
  for (const [role, tensor] of Object.entries(tensors)) {
    result = withOwn(result, role, tensor.dtype, shape, pick(tensor.data!, blocks, shape[3]));
  }
  return tidied(result);
}

/** Rows of k and v in which no query of any head may use the key. */
function deadRows(c: GqaCase, facts: Facts): number[] {
  const { batch, qLen, qHeads, kvHeads, group, slots } = facts;
  const alive = new Uint8Array(slots * kvHeads);
  const mask = maskOf(c);
  const shape = c.tensors.mask?.shape ?? [];
  for (const b of upTo(batch)) {
    for (const i of upTo(qLen)) {
      const { first, end } = seenBy(facts, b, i);
      for (const h of upTo(qHeads)) {
        const row = mask ? maskRow(shape, b, h, i) : 0;
        for (let key = first; key < end; key++) {
          if (mask && mask[row + key] === -Infinity) continue;
          alive[facts.slotOf(b, key) * kvHeads + Math.floor(h / group)] = 1;
        }
      }
    }
  }
  return upTo(alive.length).filter(row => !alive[row]);
}

/** Patches on the elements of a mask that belong to no visible key. */
function unseenMask({ tensors: { mask } }: GqaCase, facts: Facts, value: Patch['value']): Patch[] {
  const { shape } = mask;
  const [batches, heads, queries, capacity] = shape;
  const seen = new Uint8Array(countOf(shape));
  for (const b of upTo(facts.batch)) {
    for (const h of upTo(heads)) {
      for (const i of upTo(queries)) {
        const row = maskRow(shape, b, h, i);
        const { first, end } = seenBy(facts, b, i);
        seen.fill(1, row + first, row + end);
      }
    }
  }
  const places = upTo(seen.length).filter(place => !seen[place]);
  return batches * heads * queries * capacity > 0 ? onRows(places, 1, value) : [];
}
