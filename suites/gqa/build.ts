/** The case that a plan becomes. */

import type { BufferSpec, CaseOf, TensorSpec } from '../../src/case/case.ts';
import { countOf } from '../../src/case/case.ts';
import { type Dtype, type FloatDtype, sizeOf } from '../../src/case/dtype.ts';
import { hash } from '../../src/case/random.ts';
import type { Patch, Recipe } from '../../src/case/recipe.ts';
import { heldScale, patchOf } from '../data.ts';
import { halves, type Layout, type Lie, ownBuffer, type Placement, strided, writable } from '../layout.ts';
import { maskData, maskShape } from './mask.ts';
import { type Cache, cacheOf } from './paging.ts';
import type { Plan } from './plan.ts';
import { dataOf, recipe } from './scores.ts';
import { type Room, type Sizes, sizesOf } from './sizes.ts';

/** Tensors as they are laid, with the buffers that they bring. */
class Memory {
  readonly buffers: Record<string, BufferSpec> = {};
  readonly tensors: Record<string, TensorSpec> = {};
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** Where the index-th buffer stands. */
  placed(index: number): Placement {
    const { edge, shift, poison } = this.#plan;
    return { edge, shift: hash(shift, index) % (shift + 1), poison };
  }

  /** A tensor in a buffer of its own; one without elements may come without memory. */
  own(role: string, dtype: Dtype, shape: readonly number[], lie: Lie, index: number, data?: Recipe): void {
    const { buffer, tensor } = ownBuffer(role, dtype, shape, lie, this.placed(index), data);
    this.buffers[role] = buffer;
    const empty = shape.includes(0) && this.#plan.edge === 'start';
    this.tensors[role] = empty ? { ...tensor, buffer: null, offset: 0 } : tensor;
  }
}

/** As large as the plan says, whatever it costs. */
export const whole: Room = { work: Number.POSITIVE_INFINITY, elements: Number.POSITIVE_INFINITY };

/** @param room - what the case may have; absent: what the plan says. */
export function build(plan: Plan, room?: Room): CaseOf<'gqa'> {
  const sizes = sizesOf(plan, room);
  const { batch, qLen, qHeads, kvHeads, headDim, causal, window } = sizes;
  const cache = cacheOf(sizes, plan.paging, plan.tableLayout.kind === 'repeated');
  const memory = new Memory(plan);
  const shapes = { q: [batch, qLen, qHeads, headDim], k: [...cache.shape, kvHeads, headDim] };
  const data = inputsOf(plan, sizes, cache);
  // The order of roles is that of the arguments, whoever shares a buffer with whom.
  lay(plan, memory, shapes, data, cache.table !== null);
  if (plan.lengths !== 'absent') {
    const { strides, first } = strided(plan.lengthsLayout, [batch, 1]);
    const values = recipe('list', { values: sizes.lengths.length > 0 ? [...sizes.lengths] : [0] });
    memory.own('kvLen', 'i32', [batch], { strides: strides.slice(0, 1), first }, 4, values);
  }
  if (cache.table) {
    const shape = [batch, sizes.capacity / cache.shape[1]];
    const values = recipe('list', { values: cache.table.length > 0 ? [...cache.table] : [0] });
    memory.own('blockTable', 'i32', shape, strided(plan.tableLayout, shape), 5, values);
  }
  if (plan.mask) {
    const shape = maskShape(plan.mask, sizes);
    const unseen = plan.maskLayout.kind === 'repeated' ? 'data' : plan.unseen;
    memory.own('mask', 'f32', shape, strided(plan.maskLayout, shape), 6, maskData(plan.mask, sizes, unseen));
  }
  const { q, k, v, out, ...others } = memory.tensors;
  return {
    version: 1,
    op: 'gqa',
    params: { scale: plan.scale / Math.sqrt(headDim), softcap: plan.softcap, window, causal },
    buffers: memory.buffers,
    tensors: { q, k, v, ...others, out },
    threads: plan.threads,
  };
}

type Data = Readonly<Record<'q' | 'k' | 'v', Recipe>>;

function inputsOf(plan: Plan, sizes: Sizes, cache: Cache): Data {
  const { q, k } = dataOf(plan, sizes, cache);
  const v = { ...plan.v, scale: heldScale(plan.v.scale, kvDtypeOf(plan)) };
  const rows = { q: sizes.batch * sizes.qLen * sizes.qHeads, k: countOf(cache.shape) * sizes.kvHeads };
  const special = (role: Plan['specialIn']): Patch[] =>
    plan.specialIn === role ? patchOf(plan.special, role === 'q' ? rows.q : rows.k, sizes.headDim) : [];
  const unseen = (layout: Layout): Patch[] =>
    sharesKeys(layout) ? [] : unseenBy(plan, cache, sizes.kvHeads * sizes.headDim);
  return {
    q: { ...q, patches: [...q.patches, ...special('q')] },
    k: { ...k, patches: [...k.patches, ...unseen(plan.kLayout), ...special('k')] },
    v: { ...v, patches: [...v.patches, ...unseen(plan.vLayout), ...special('v')] },
  };
}

/** Whether slots share elements: then nothing of one can be unseen and the other not. */
function sharesKeys(layout: Layout): boolean {
  return layout.kind === 'repeated' && layout.dim < 2;
}

/** The stretches of slots in which no query sees a key. */
function unseenBy({ unseen }: Plan, { shape, seen }: Cache, slotLength: number): Patch[] {
  if (unseen === 'data') return [];
  const patches: Patch[] = [];
  const slots = countOf(shape);
  for (let slot = 0; slot < slots; slot++) {
    if (seen.has(slot)) continue;
    const first = slot;
    while (slot + 1 < slots && !seen.has(slot + 1)) slot++;
    patches.push({
      start: first * slotLength,
      count: (slot + 1 - first) * slotLength,
      step: 1,
      value: unseen,
    });
  }
  return patches;
}

export function kvDtypeOf({ dtype, kvDtype }: Plan): FloatDtype {
  return dtype === 'f32' ? kvDtype : dtype;
}

type Shapes = Readonly<Record<'q' | 'k', readonly number[]>>;

/** Lays q, k, v and out: each by itself, or as slices of one buffer. */
function lay(plan: Plan, memory: Memory, { q, k }: Shapes, data: Data, isPaged: boolean): void {
  const { dtype } = plan;
  const kvDtype = kvDtypeOf(plan);
  const { fused } = plan;
  const empty = [...q, ...k].includes(0);
  const together = (
    role: string,
    other: string,
    type: FloatDtype,
    shape: readonly number[],
    index: number,
  ) => {
    const { buffer, first, second } = halves(role, type, shape, 2, memory.placed(index));
    memory.buffers[role] = buffer;
    return { [role]: first, [other]: second };
  };
  if (fused === 'q, k and v' && q[1] === k[1] && dtype === kvDtype && !isPaged && !empty) {
    layInRows(memory, dtype, { q, k }, data);
  } else {
    if (fused === 'q beside out' && !empty) {
      const { q: first, out } = together('q', 'out', dtype, q, 0);
      memory.tensors.q = { ...first, data: data.q };
      memory.tensors.out = out;
    } else memory.own('q', dtype, q, strided(plan.qLayout, q), 0, data.q);
    if (fused === 'k beside v' && !empty) {
      const { k: first, v } = together('k', 'v', kvDtype, k, 1);
      memory.tensors.k = { ...first, data: data.k };
      memory.tensors.v = { ...v, data: data.v };
    } else {
      memory.own('k', kvDtype, k, strided(plan.kLayout, k), 1, data.k);
      memory.own('v', kvDtype, k, strided(plan.vLayout, k), 2, data.v);
    }
  }
  if (!memory.tensors.out) memory.own('out', dtype, q, strided(writable(plan.outLayout), q), 3);
}

/** q, k and v of each token side by side, as one projection makes them. */
function layInRows(memory: Memory, dtype: FloatDtype, { q, k }: Shapes, data: Data): void {
  const [batch, tokens, qHeads, headDim] = q;
  const kvHeads = k[2];
  const row = (qHeads + 2 * kvHeads) * headDim;
  const { edge, poison } = memory.placed(0);
  memory.buffers.qkv = { bytes: batch * tokens * row * sizeOf(dtype), edge, sparse: false, poison };
  const slice = (shape: readonly number[], firstHead: number, held: Recipe): TensorSpec => ({
    buffer: 'qkv',
    offset: firstHead * headDim * sizeOf(dtype),
    shape: [...shape],
    strides: [tokens * row, row, headDim, 1],
    dtype,
    data: held,
  });
  memory.tensors.q = slice(q, 0, data.q);
  memory.tensors.k = slice(k, qHeads, data.k);
  memory.tensors.v = slice(k, qHeads + kvHeads, data.v);
}
