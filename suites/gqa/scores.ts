/** The data of q and k, where scores are to be of a kind: ascending, tied, far below zero. */

import type { Patch, Recipe } from '../../src/case/recipe.ts';
import { heldScale } from '../data.ts';
import type { Cache } from './paging.ts';
import type { Plan } from './plan.ts';
import type { Sizes } from './sizes.ts';

/** Few enough that keys repeat. */
const fewValues = [1, 0.5, -1, 2, -0.5, 0.25, -2];

export function dataOf(plan: Plan, sizes: Sizes, cache: Cache): { q: Recipe; k: Recipe } {
  const { scores, spread, dtype, kvDtype } = plan;
  const { headDim, kvHeads, batch, qLen, qHeads } = sizes;
  const q = { ...plan.q, scale: heldScale(plan.q.scale, dtype) };
  const k = { ...plan.k, scale: heldScale(plan.k.scale, dtype === 'f32' ? kvDtype : dtype) };
  const slots = cache.shape[0] * cache.shape[1];
  const root = Math.sqrt(headDim);
  const ones = recipe('constant', { seed: q.seed });
  const stairs = (sign: number) =>
    recipe('stairs', { seed: k.seed, scale: (sign * spread) / (root * Math.max(1, slots * kvHeads)) });
  /** Of all keys of a batch, the first or the last that there is. */
  const ahead = (places: readonly number[]): Recipe => ({
    ...recipe('normal', { seed: k.seed, scale: 0.25 }),
    patches: places.map(slot => ({
      start: slot * kvHeads * headDim,
      count: kvHeads * headDim,
      step: 1,
      value: spread / root,
    })),
  });
  const seen = [...cache.seen].sort((a, b) => a - b);
  /** The first element of every row adds so much to all scores. */
  const shifted = (by: number) => ({
    q: { ...q, patches: firstOfRows(batch * qLen * qHeads, headDim, 16) },
    k: { ...k, patches: firstOfRows(slots * kvHeads, headDim, (by * root) / 16) },
  });
  switch (scores) {
    case 'as drawn':
      return { q, k };
    case 'ascending':
      return { q: ones, k: stairs(1) };
    case 'descending':
      return { q: ones, k: stairs(-1) };
    case 'first ahead':
      return { q: ones, k: ahead(seen.slice(0, 1)) };
    case 'last ahead':
      return { q: ones, k: ahead(seen.slice(-1)) };
    case 'low':
      return shifted(-300);
    case 'high':
      return shifted(300);
    case 'ties':
      return { q, k: recipe('list', { seed: k.seed % fewValues.length, values: fewValues }) };
    case 'equal':
      return { q, k: recipe('constant', { seed: k.seed, scale: 0.5 }) };
  }
}

function firstOfRows(rows: number, n: number, value: number): Patch[] {
  return rows * n > 0 ? [{ start: 0, count: rows, step: n, value }] : [];
}

export function recipe(kind: Recipe['kind'], rest: Partial<Recipe>): Recipe {
  return { kind, seed: 0, scale: 1, patches: [], ...rest };
}
