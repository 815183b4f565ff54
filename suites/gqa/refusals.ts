/** Ways to break GQA's own contract, beside what all ops share. */

import { type Case, countOf, type TensorSpec } from '../../src/case/case.ts';
import { sizeOf } from '../../src/case/dtype.ts';
import { repeats, withTensors } from '../derive.ts';
import { commonRefusals, laidOn } from '../refusals.ts';
import type { Refusal } from '../suite.ts';
import { factsOf, forsakenEntry, type GqaCase, seenIn, upTo } from './facts.ts';

type Params = GqaCase['params'];

/** A refusal that changes parameters, where `change` finds something to break. */
function params(what: string, change: (params: Params) => Partial<Params> | null): Refusal {
  return {
    what,
    of: c => {
      const changed = c.op === 'gqa' ? change(c.params) : null;
      return changed && c.op === 'gqa' ? { ...c, params: { ...c.params, ...changed } } : null;
    },
  };
}

/** A size that is `by` more (or less) than it was; null where the view has no memory to be seen in. */
function resized(tensor: TensorSpec, d: number, by: number): TensorSpec | null {
  if (tensor.buffer === null || tensor.shape[d] + by < 0) return null;
  // A block of data more than there are has none to be taken from.
  if (tensor.data?.rows) return null;
  return { ...tensor, shape: tensor.shape.map((extent, i) => (i === d ? extent + by : extent)) };
}

/** A refusal that changes the sizes of tensors that are there. Sparse memory has no room for more. */
function sizes(
  what: string,
  changes: Readonly<Record<string, readonly [number, number]>>,
  applies: (c: GqaCase) => boolean = () => true,
): Refusal {
  return {
    what,
    of: c => {
      if (c.op !== 'gqa' || Object.keys(changes).some(role => !c.tensors[role]) || !applies(c)) return null;
      const sparse = Object.values(c.buffers).some(buffer => buffer.sparse);
      const tensors: Record<string, TensorSpec> = {};
      for (const [role, [d, by]] of Object.entries(changes)) {
        const changed = resized(c.tensors[role], d, by);
        if (!changed || (sparse && by > 0)) return null;
        tensors[role] = changed;
      }
      return withTensors(c, tensors);
    },
  };
}

/** A tensor without a dimension, or with one more. */
function dimensions(what: string, role: string, change: (sizes: readonly number[]) => number[]): Refusal {
  return {
    what,
    of: c => {
      const tensor = c.tensors[role];
      if (!tensor || tensor.buffer === null) return null;
      const shape = change(tensor.shape);
      const strides = change(tensor.strides);
      return countOf(shape) > 0 ? withTensors(c, { [role]: { ...tensor, shape, strides } }) : null;
    },
  };
}

/** Sets an integer of a tensor: where several share an element, none, since what is stored last counts. */
function integer(
  what: string,
  role: 'kvLen' | 'blockTable',
  place: (c: GqaCase) => number | undefined,
  value: (c: GqaCase) => number,
): Refusal {
  return {
    what,
    inMemory: true,
    of: c => {
      if (c.op !== 'gqa' || !c.tensors[role]?.data || repeats(c.tensors[role])) return null;
      const start = place(c);
      if (start === undefined) return null;
      const { data } = c.tensors[role];
      const patch = { start, count: 1, step: 1, value: value(c) };
      return withTensors(c, {
        [role]: { ...c.tensors[role], data: { ...data!, patches: [...data!.patches, patch] } },
      });
    },
  };
}

/** What is possible on an edge of a dimension alone. */
const about = (dimension: string, refusal: Refusal): Refusal => ({ ...refusal, about: dimension });

const lastLength = (c: GqaCase) => (c.tensors.kvLen.shape[0] > 0 ? c.tensors.kvLen.shape[0] - 1 : undefined);

/** The last entry of a block table in whose block a query sees a key. */
function lastSeenEntry(c: GqaCase): number | undefined {
  const facts = factsOf(c);
  const [, perBatch] = c.tensors.blockTable.shape;
  const b = upTo(facts.batch).findLast(candidate => {
    const { first, end } = seenIn(facts, candidate);
    return end > first;
  });
  if (b === undefined) return undefined;
  return b * perBatch + Math.floor((seenIn(facts, b).end - 1) / c.tensors.k.shape[1]);
}

/** out's first element laid on another tensor's, with out's own strides. */
function outOn(role: string): Refusal {
  return {
    what: `out lies on ${role}`,
    of: c => {
      const { out, [role]: other } = c.tensors;
      if (!other || other.buffer === null || out.buffer === other.buffer || out.buffer === null) return null;
      if (countOf(out.shape) === 0 || countOf(other.shape) === 0) return null;
      const sparse = [out, other].some(({ buffer }) => buffer !== null && c.buffers[buffer].sparse);
      return sparse || sizeOf(out.dtype) > sizeOf(other.dtype)
        ? null
        : withTensors(c, { out: { ...out, buffer: other.buffer, offset: other.offset } });
    },
  };
}

const ragged = (c: GqaCase) => factsOf(c).group > 1 || factsOf(c).kvHeads > 1;
const contiguous = (c: Case) => !c.tensors.blockTable;

export const refusals: readonly Refusal[] = [
  ...commonRefusals('gqa', 4),
  sizes(
    'there is a head less of q than a multiple of those of k',
    { q: [2, -1], out: [2, -1] },
    c => factsOf(c).kvHeads > 1,
  ),
  sizes(
    'there is a head of k and v more than divides those of q',
    { k: [2, 1], v: [2, 1] },
    c => ragged(c) && factsOf(c).qHeads % (factsOf(c).kvHeads + 1) !== 0,
  ),
  sizes('k and v have more heads than q', { k: [2, 1], v: [2, 1] }, c => factsOf(c).group === 1),
  {
    what: 'q has no heads',
    of: c => none(c, ['q', 'out'], 2),
  },
  {
    what: 'k and v have no heads',
    of: c => none(c, ['k', 'v'], 2),
  },
  {
    what: 'heads have no elements',
    of: c => none(c, ['q', 'k', 'v', 'out'], 3),
  },
  integer('a length is -1', 'kvLen', lastLength, () => -1),
  integer('a length is -2^31', 'kvLen', lastLength, () => -(2 ** 31)),
  integer('a length is one more than there is room for', 'kvLen', lastLength, c => factsOf(c).capacity + 1),
  integer('a length is far beyond the room', 'kvLen', lastLength, () => 2 ** 31 - 1),
  about(
    'work',
    integer(
      'a length is one more than there is room for, and there are no queries',
      'kvLen',
      c => (factsOf(c).qLen === 0 ? lastLength(c) : undefined),
      c => factsOf(c).capacity + 1,
    ),
  ),
  params('a window without causal', ({ causal, window }) =>
    causal && window === 0 ? null : { causal: false, window: window || 1 },
  ),
  params('the window is -1', () => ({ causal: true, window: -1 })),
  params('the softcap is negative', () => ({ softcap: -50 })),
  integer('a block number is -1 where a key is seen', 'blockTable', lastSeenEntry, () => -1),
  integer(
    'a block number is one too many where a key is seen',
    'blockTable',
    lastSeenEntry,
    c => c.tensors.k.shape[0],
  ),
  about(
    'blocks that a window leaves',
    integer(
      'a block number is one too many where an earlier query alone sees a key',
      'blockTable',
      forsakenEntry,
      c => c.tensors.k.shape[0],
    ),
  ),
  integer('a block number is far out where a key is seen', 'blockTable', lastSeenEntry, () => 2 ** 31 - 1),
  sizes('v has a key less than k', { v: [1, -1] }),
  sizes('v has a key more than k', { v: [1, 1] }),
  sizes('v has a head more than k', { v: [2, 1] }),
  sizes('v is narrower than k', { v: [3, -1] }),
  sizes('k and v are narrower than q', { k: [3, -1], v: [3, -1] }),
  sizes('k and v are wider than q', { k: [3, 1], v: [3, 1] }),
  sizes('k and v have a batch less than q', { k: [0, -1], v: [0, -1] }, contiguous),
  sizes('k and v have a batch more than q', { k: [0, 1], v: [0, 1] }, contiguous),
  sizes('out has a query more than q', { out: [1, 1] }),
  sizes('out has a query less than q', { out: [1, -1] }),
  sizes('out has a head more than q', { out: [2, 1] }),
  sizes('out is narrower than q', { out: [3, -1] }),
  sizes('there is a length more than batches', { kvLen: [0, 1] }),
  sizes('there is a length less than batches', { kvLen: [0, -1] }),
  sizes('the block table has a batch more', { blockTable: [0, 1] }),
  sizes('the block table has a batch less', { blockTable: [0, -1] }),
  sizes(
    'the mask has a batch too many',
    { mask: [0, 1] },
    c => ![1, factsOf(c).batch].includes(c.tensors.mask.shape[0] + 1),
  ),
  sizes(
    'the mask has a head too many',
    { mask: [1, 1] },
    c => ![1, factsOf(c).qHeads].includes(c.tensors.mask.shape[1] + 1),
  ),
  sizes('the mask has a query more', { mask: [2, 1] }),
  sizes('the mask has a query less', { mask: [2, -1] }),
  sizes('the mask has a key more than there is room for', { mask: [3, 1] }),
  sizes('the mask has a key less', { mask: [3, -1] }),
  dimensions('the mask has three dimensions', 'mask', ([, ...rest]) => rest),
  dimensions('lengths have two dimensions', 'kvLen', shape => [...shape, 1]),
  dimensions('the block table has one dimension', 'blockTable', ([, last]) => [last]),
  dimensions('the block table has three dimensions', 'blockTable', shape => [1, ...shape]),
  {
    what: 'out lies on q, element on element',
    of: c => (c.tensors.out.buffer === c.tensors.q.buffer ? null : laidOn(c, 'out', 'q', 0)),
  },
  ...['k', 'v', 'kvLen', 'blockTable', 'mask'].map(outOn),
];

/** The same call with tensors that have none of a dimension. */
function none(c: Case, roles: readonly string[], d: number): Case {
  const emptied = roles.map(role => {
    const tensor = c.tensors[role];
    return [role, { ...tensor, shape: tensor.shape.with(d, 0) }];
  });
  return withTensors(c, Object.fromEntries(emptied));
}
