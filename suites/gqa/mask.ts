/** Masks: their shape, what they add, and whom they hide. */

import { formats } from '../../src/case/dtype.ts';
import { hash } from '../../src/case/random.ts';
import type { Patch, Recipe } from '../../src/case/recipe.ts';
import type { Mask, Plan } from './plan.ts';
import { visibleTo } from './sight.ts';
import type { Sizes } from './sizes.ts';

/** Rows that are given patches of their own, at most. */
const mostRows = 64;

/** Sizes of a mask. */
export function maskShape({ perBatch, perHead }: Mask, { batch, qHeads, qLen, capacity }: Sizes) {
  return [perBatch ? batch : 1, perHead ? qHeads : 1, qLen, capacity];
}

/** What a mask holds. `unseen`: what stands where no query looks. */
export function maskData(mask: Mask, sizes: Sizes, unseen: Plan['unseen']): Recipe {
  const patches = [...hiding(mask, sizes), ...(unseen === 'data' ? [] : unseenBy(mask, sizes, unseen))];
  return { ...mask.data, patches };
}

const lowest = -formats.f32.maxFinite;

function hiding(mask: Mask, sizes: Sizes): Patch[] {
  const [batches, heads, qLen, capacity] = maskShape(mask, sizes);
  const rows = batches * heads * qLen;
  const count = rows * capacity;
  if (count === 0) return [];
  const value: Patch['value'] = mask.by === '-inf' ? '-inf' : lowest;
  const { seed } = mask.data;
  const part = 1 + (hash(seed, 1) % capacity);
  const inRows = (first: number, length: number): Patch[] =>
    Array.from({ length: Math.min(rows, mostRows) }, (_, row) => ({
      start: row * capacity + first,
      count: length,
      step: 1,
      value,
    })).filter(patch => patch.count > 0);
  switch (mask.hides) {
    case 'nothing':
      return [];
    case 'scattered': {
      const step = [2, 3, 5, 7][hash(seed, 2) % 4];
      return [{ start: 0, count: Math.ceil(count / step), step, value }];
    }
    case 'first keys':
      return inRows(0, part);
    case 'last keys':
      return inRows(capacity - part, part);
    case 'rows': {
      const row = hash(seed, 3) % rows;
      return [{ start: row * capacity, count: capacity, step: 1, value }];
    }
    case 'all but one':
      return [...inRows(0, part - 1), ...inRows(part, capacity - part)];
    case 'all':
      return [{ start: 0, count, step: 1, value }];
  }
}

/** Elements at which no batch and head that shares them looks. */
function unseenBy(mask: Mask, sizes: Sizes, value: Exclude<Plan['unseen'], 'data'>): Patch[] {
  const [batches, heads, qLen, capacity] = maskShape(mask, sizes);
  const rows = batches * heads * qLen;
  if (rows > mostRows || sizes.batch === 0) return [];
  return Array.from({ length: rows }, (_, row) => row).flatMap(row => {
    const b = Math.floor(row / (heads * qLen));
    const lengths = mask.perBatch ? [sizes.lengths[b]] : sizes.lengths;
    const spans = lengths.map(length => visibleTo(sizes, length, row % qLen)).filter(s => s.end > s.first);
    const first = Math.min(capacity, ...spans.map(span => span.first));
    const end = Math.max(first, ...spans.map(span => span.end));
    return [
      { start: row * capacity, count: first, step: 1, value },
      { start: row * capacity + end, count: capacity - end, step: 1, value },
    ].filter(patch => patch.count > 0);
  });
}
