/** Parts of a GQA call by themselves, and the same call with its keys elsewhere. */

import { type Case, countOf, inputsOf, type TensorSpec } from '../../src/case/case.ts';
import type { Patch, Recipe } from '../../src/case/recipe.ts';
import { at, inputsAreIndependent, pick, withTensors } from '../derive.ts';
import { ownBuffer, strided } from '../layout.ts';
import { factsOf, type GqaCase, upTo } from './facts.ts';
import { recipe } from './scores.ts';

/** More elements of a mask than this are not moved one by one. */
const mostMoved = 1 << 12;

/** The same call with a tensor that lies plainly in memory of its own. */
export function withOwn(
  c: GqaCase,
  role: string,
  dtype: TensorSpec['dtype'],
  shape: readonly number[],
  data: Recipe,
): GqaCase {
  const { edge, poison } = Object.values(c.buffers)[0];
  const { buffer, tensor } = ownBuffer(
    role,
    dtype,
    shape,
    strided({ kind: 'contiguous' }, shape.length > 1 ? shape : [...shape, 1]),
    { edge, shift: 0, poison },
    data,
  );
  const strides = tensor.strides.slice(0, shape.length);
  // The name may be that of a buffer in which others lie.
  const name = `${role} alone`;
  const { out, ...inputs } = c.tensors;
  return {
    ...c,
    buffers: { ...c.buffers, [name]: buffer },
    tensors: { ...inputs, [role]: { ...tensor, strides, buffer: name }, out },
  };
}

/** The same call without buffers that nobody lies on any more. */
export function tidied(c: GqaCase): GqaCase {
  const used = new Set(Object.values(c.tensors).map(tensor => tensor.buffer));
  return { ...c, buffers: Object.fromEntries(Object.entries(c.buffers).filter(([name]) => used.has(name))) };
}

/** The same call, every batch's keys said. */
export function withLengths(c: GqaCase, lengths: readonly number[]): GqaCase {
  const values = recipe('list', { values: lengths.length > 0 ? [...lengths] : [0] });
  return withOwn(c, 'kvLen', 'i32', [lengths.length], values);
}

/** Whether parts of a call can be asked for: every input has values of its own, none of them picked already. */
export function comesApart(c: Case): boolean {
  return inputsAreIndependent(c) && inputsOf(c).every(role => !c.tensors[role].data?.rows);
}

/** A tensor with other numbers. */
export function holding(tensor: TensorSpec, data: Recipe): TensorSpec {
  return { ...tensor, data };
}

/** Some queries of one batch, all heads, by themselves. */
export function queriesAlone(c: GqaCase, b: number, from: number, to: number): GqaCase {
  const { qLen, causal, lengths } = factsOf(c);
  const { q, out, mask } = c.tensors;
  // Causal: the last of them sees its own key last.
  const length = causal ? Math.max(0, lengths[b] - qLen + to) : lengths[b];
  const alone = withLengths(batchAlone(c, b), [length]);
  return withTensors(alone, {
    q: at(q, [b, [from, to]]),
    out: at(out, [b, [from, to]]),
    ...(mask && { mask: at(mask, [mask.shape[0] > 1 ? b : 0, 'all', [from, to]]) }),
  });
}

/** One batch by itself. */
export function batchAlone(c: GqaCase, b: number): GqaCase {
  const { q, k, v, kvLen, blockTable, mask, out } = c.tensors;
  const cache = blockTable ? { k, v, blockTable: at(blockTable, [b]) } : { k: at(k, [b]), v: at(v, [b]) };
  return withTensors(c, {
    q: at(q, [b]),
    ...cache,
    ...(kvLen && { kvLen: at(kvLen, [b]) }),
    ...(mask && { mask: at(mask, [mask.shape[0] > 1 ? b : 0]) }),
    out: at(out, [b]),
  });
}

/** One head of q by itself, with that of k and v which it looks at. */
export function headAlone(c: GqaCase, h: number): GqaCase {
  const { q, k, v, mask, out } = c.tensors;
  const kvHead = Math.floor(h / factsOf(c).group);
  const ofHead = (tensor: TensorSpec, head: number) => at(tensor, ['all', 'all', head]);
  return withTensors(c, {
    q: ofHead(q, h),
    k: ofHead(k, kvHead),
    v: ofHead(v, kvHead),
    ...(mask && { mask: at(mask, ['all', mask.shape[1] > 1 ? h : 0]) }),
    out: ofHead(out, h),
  });
}

/**
 * The same call with k and v of another shape, whose slot s holds what slot slots[s] did (beyond the last: more of
 * the same kind).
 */
export function moved(c: GqaCase, shape: readonly [number, number], slots: readonly number[]): GqaCase {
  const { k, v } = c.tensors;
  const [, , kvHeads, headDim] = k.shape;
  const length = kvHeads * headDim;
  let result = c;
  for (const [role, tensor] of Object.entries({ k, v })) {
    result = withOwn(
      result,
      role,
      tensor.dtype,
      [...shape, kvHeads, headDim],
      pick(tensor.data!, slots, length),
    );
  }
  return tidied(result);
}

/** Whether the keys of a call's mask can be moved one by one: there are few, and they do not tell how long a row is. */
export function canMoveMask({ tensors: { mask } }: GqaCase): boolean {
  if (!mask?.data) return true;
  return countOf(mask.shape) <= mostMoved && !['outlier', 'stairs'].includes(mask.data.kind);
}

/** The same call with a mask whose key j of every row is what key keys[j] was: one that can be moved. */
export function withMaskKeys(c: GqaCase, keys: readonly number[]): GqaCase {
  const { mask } = c.tensors;
  if (!mask) return c;
  const rows = countOf(mask.shape.slice(0, 3));
  const capacity = mask.shape[3];
  const places = upTo(rows).flatMap(row => keys.map(key => row * capacity + key));
  return tidied(
    withOwn(c, 'mask', 'f32', mask.shape.with(3, keys.length), atPlaces(mask.data!, places, capacity)),
  );
}

/** Data by single elements. What depends on its place in a row is written out, for rows change their length. */
function atPlaces(data: Recipe, places: readonly number[], rowLength: number): Recipe {
  if (data.kind !== 'ramp') return pick(data, places, 1);
  const { patches } = pick(data, places, 1);
  const values = places.map(place => (1 + (place % rowLength)) * data.scale);
  return { ...recipe('list', { values: values.length > 0 ? values : [0] }), patches };
}

/** Patches on all elements of some rows. */
export function onRows(rows: readonly number[], n: number, value: Patch['value']): Patch[] {
  const patches: Patch[] = [];
  for (const row of rows) {
    const last = patches.at(-1);
    if (last && last.start + last.count === row * n) {
      patches[patches.length - 1] = { ...last, count: last.count + n };
    } else patches.push({ start: row * n, count: n, step: 1, value });
  }
  return patches;
}
