/**
 * Ways to ask the same of a kernel differently, on cases of any op.
 */

import {
  type BufferSpec,
  type Case,
  countOf,
  inputsOf,
  outputsOf,
  type Poison,
  type TensorSpec,
} from '../src/case/case.ts';
import { sizeOf } from '../src/case/dtype.ts';
import { extentOf } from '../src/case/layout.ts';
import type { Patch, Recipe } from '../src/case/recipe.ts';
import { strided } from './layout.ts';

/** The same case with other tensors. */
export function withTensors<C extends Case>(c: C, tensors: Readonly<Record<string, TensorSpec>>): C {
  return { ...c, tensors: { ...c.tensors, ...tensors } };
}

/** The same case with other poison in every buffer. */
export function withPoison<C extends Case>(c: C, poison: Poison): C {
  const buffers = Object.entries(c.buffers).map(([name, spec]) => [name, { ...spec, poison }]);
  return { ...c, buffers: Object.fromEntries(buffers) };
}

/** Whether two tensors name the same elements in the same order. */
export function sameView(a: TensorSpec, b: TensorSpec): boolean {
  return (
    a.buffer === b.buffer &&
    a.offset === b.offset &&
    a.dtype === b.dtype &&
    a.shape.length === b.shape.length &&
    a.shape.every((extent, d) => extent === b.shape[d] && (extent === 1 || a.strides[d] === b.strides[d]))
  );
}

/** Whether an output may lie so (contracts.md: Memory): no two of its elements share an address. */
export function nests({ shape, strides }: Pick<TensorSpec, 'shape' | 'strides'>): boolean {
  let reach = 0;
  return strides
    .map((stride, d) => ({ stride, extent: shape[d] }))
    .filter(({ extent }) => extent > 1)
    .sort((a, b) => a.stride - b.stride)
    .every(({ stride, extent }) => {
      const exceeds = stride > reach;
      reach += (extent - 1) * stride;
      return exceeds;
    });
}

/** Whether a view repeats elements. */
export function repeats({ shape, strides }: Pick<TensorSpec, 'shape' | 'strides'>): boolean {
  return shape.some((extent, d) => extent > 1 && strides[d] === 0);
}

/**
 * Every tensor contiguous in a buffer of its own, first elements `shift` elements behind a start guard or
 * last ones flush to an end guard: the plainest way to lie.
 */
export function plainly<C extends Case>(c: C, edge: BufferSpec['edge'], shift: number): C {
  const buffers: Record<string, BufferSpec> = {};
  const tensors: Record<string, TensorSpec> = {};
  for (const [role, spec] of Object.entries(c.tensors)) {
    if (spec.buffer === null) {
      tensors[role] = spec;
      continue;
    }
    const strides = [...strided({ kind: 'contiguous' }, spec.shape).strides];
    const offset = edge === 'start' ? shift * sizeOf(spec.dtype) : 0;
    const view = { ...spec, buffer: role, offset, strides };
    tensors[role] = view;
    buffers[role] = {
      bytes: offset + extentOf(view),
      edge,
      sparse: false,
      poison: c.buffers[spec.buffer].poison,
    };
  }
  return { ...c, buffers, tensors };
}

/** Whether each input's values are its own recipe's: no view repeats elements or shares them with another input. */
export function inputsAreIndependent(c: Case): boolean {
  const inputs = inputsOf(c).map(role => c.tensors[role]);
  return inputs.every(
    (a, i) => a.buffer === null || (!repeats(a) && inputs.every((b, j) => i === j || a.buffer !== b.buffer)),
  );
}

/** Whether an output lies on an input. */
export function isInPlace(c: Case): boolean {
  return outputsOf(c).some(output =>
    inputsOf(c).some(input => sameView(c.tensors[output], c.tensors[input])),
  );
}

/** The whole of a dimension, one place in it, or those from one up to another. */
export type Place = number | 'all' | readonly [from: number, to: number];

function rangeOf(place: Place, extent: number): readonly [from: number, to: number] {
  if (place === 'all') return [0, extent];
  return typeof place === 'number' ? [place, place + 1] : place;
}

/**
 * Which blocks of a shape stand at these places of its leading dimensions, in C order. A block is what the
 * dimensions behind them hold.
 */
export function blocksAt(shape: readonly number[], places: readonly Place[]): number[] {
  return places.reduce<number[]>(
    (blocks, place, d) => {
      const [from, to] = rangeOf(place, shape[d]);
      const indices = Array.from({ length: to - from }, (_, i) => from + i);
      return blocks.flatMap(block => indices.map(index => block * shape[d] + index));
    },
    [0],
  );
}

/** A tensor's elements at these places of its leading dimensions, where they lie, with the values that they have. */
export function at(tensor: TensorSpec, places: readonly Place[]): TensorSpec {
  const { shape, strides, offset, dtype, data } = tensor;
  const ranges = places.map((place, d) => rangeOf(place, shape[d]));
  const skipped = ranges.reduce((sum, [from], d) => sum + from * strides[d], 0);
  return {
    ...tensor,
    offset: offset + skipped * sizeOf(dtype),
    shape: shape.map((extent, d) => (d < ranges.length ? ranges[d][1] - ranges[d][0] : extent)),
    ...(data && { data: pick(data, blocksAt(shape, places), countOf(shape.slice(places.length))) }),
  };
}

/** Blocks of data: block i becomes what block blocks[i] was; patches go with their blocks. */
export function pick(data: Recipe, blocks: readonly number[], blockLength: number): Recipe {
  const targets = new Map<number, number[]>();
  for (const [i, block] of blocks.entries()) {
    const own = targets.get(block);
    if (own) own.push(i);
    else targets.set(block, [i]);
  }
  const patches = data.patches.flatMap(patch =>
    partsOf(patch, blockLength).flatMap(({ block, ...part }) =>
      (targets.get(block) ?? []).map(i => ({ ...patch, ...part, start: i * blockLength + part.start })),
    ),
  );
  return { ...data, rows: blocks.map(block => data.rows?.[block] ?? block), patches };
}

/** What of a patch lies in each block: the place within it at which that begins, and how many elements it is. */
function partsOf({ start, count, step }: Patch, blockLength: number) {
  const parts: { block: number; start: number; count: number }[] = [];
  for (let at = start, left = count; left > 0; ) {
    const block = Math.floor(at / blockLength);
    const inside = Math.min(left, Math.ceil(((block + 1) * blockLength - at) / step));
    parts.push({ block, start: at % blockLength, count: inside });
    at += inside * step;
    left -= inside;
  }
  return parts;
}

/** The numbers below `count` in an order that `draw` makes. */
export function permutation(count: number, draw: (n: number) => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = draw(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** An output that lies on an input of its type: the same view, which brings no data. */
export function onInput(c: Case, input: string): TensorSpec {
  const { data: _, ...view } = c.tensors[input];
  return view;
}
