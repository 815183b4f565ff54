/**
 * Ways for a tensor to lie in memory, for all suites.
 */

import * as fc from 'fast-check';
import { type BufferSpec, countOf, type Poison, type TensorSpec } from '../src/case/case.ts';
import { type Dtype, sizeOf } from '../src/case/dtype.ts';
import { extentOf, mostBytes } from '../src/case/layout.ts';
import type { Recipe } from '../src/case/recipe.ts';

/** How a tensor lies: contiguous in C order (C: last dimension innermost) but for one thing. */
export type Layout =
  | { readonly kind: 'contiguous' }
  /** Gaps of `pad` elements between the steps of a dimension. */
  | { readonly kind: 'padded'; readonly dim: number; readonly pad: number }
  /** One of `of` slices side by side along a dimension of a fused buffer. */
  | { readonly kind: 'slice'; readonly dim: number; readonly of: number; readonly index: number }
  /** `step` - 1 foreign elements between neighbours of the last dimension. */
  | { readonly kind: 'spread'; readonly step: number }
  /** Dimensions in another order, outermost first; gaps of `pad` elements around the innermost. */
  | { readonly kind: 'permuted'; readonly order: readonly number[]; readonly pad: number }
  /** Steps of a dimension further apart than 32 bits count. */
  | { readonly kind: 'huge'; readonly dim: number }
  /** All steps of a dimension are one; inputs only. */
  | { readonly kind: 'repeated'; readonly dim: number };

/** A stride beyond what 32 bits count, signed or not, in elements or bytes; odd, so that wrapping shows. */
const hugeStride = 2 ** 31 + 5;

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Orders of dimensions in memory that are not C's: two neighbours change places, or all do. */
function otherOrders(rank: number): number[][] {
  const swapped = upTo(rank - 1).map(d =>
    upTo(rank)
      .with(d, d + 1)
      .with(d + 1, d),
  );
  return rank > 2 ? [...swapped, upTo(rank).reverse()] : swapped;
}

/** Layouts of tensors of two dimensions and more, simple ones first: what shrinking goes to. */
export function layouts(use: 'input' | 'output', rank: number): fc.Arbitrary<Layout> {
  const outer = fc.constantFrom(...upTo(rank - 1));
  const both: fc.WeightedArbitrary<Layout>[] = [
    { weight: 8, arbitrary: fc.constant({ kind: 'contiguous' }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('padded'),
        dim: outer,
        pad: fc.integer({ min: 1, max: 40 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('slice'),
        dim: fc.constantFrom(...upTo(rank).slice(1)),
        of: fc.constantFrom(2, 3),
        index: fc.integer({ min: 0, max: 1 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('spread'), step: fc.integer({ min: 2, max: 3 }) }),
    },
    {
      weight: rank - 1,
      arbitrary: fc.record({
        kind: fc.constant('permuted'),
        order: fc.constantFrom(...otherOrders(rank)),
        pad: fc.integer({ min: 0, max: 3 }),
      }),
    },
  ];
  const repeats = upTo(rank).map(
    (dim): fc.WeightedArbitrary<Layout> => ({
      weight: 1,
      arbitrary: fc.constant({ kind: 'repeated', dim }),
    }),
  );
  return fc.oneof({ withCrossShrink: true }, ...both, ...(use === 'input' ? repeats : []));
}

/** An output can't repeat elements: such a layout becomes contiguous. */
export function writable(layout: Layout): Layout {
  return layout.kind === 'repeated' ? { kind: 'contiguous' } : layout;
}

/** How a view lies: strides in elements, and the element at which it begins in its buffer. */
export interface Lie {
  readonly strides: readonly number[];
  readonly first: number;
}

/**
 * Strides of a shape whose dimensions lie in `order`, outermost first.
 *
 * @param stride - that of a dimension, given the one at which the inner ones leave no gap.
 */
function nested(
  shape: readonly number[],
  order: readonly number[],
  stride: (dim: number, tight: number) => number = (_, tight) => tight,
): number[] {
  const strides = shape.map(() => 0);
  order.reduceRight((tight, dim) => {
    strides[dim] = stride(dim, tight);
    return strides[dim] * Math.max(shape[dim], 1);
  }, 1);
  return strides;
}

/** How a tensor of this shape lies. */
export function strided(layout: Layout, shape: readonly number[]): Lie {
  const inOrder = upTo(shape.length);
  const but = (
    dim: number | undefined,
    change: (tight: number) => number,
    order: readonly number[] = inOrder,
  ): Lie => ({
    strides: nested(shape, order, (d, tight) => (d === dim ? change(tight) : tight)),
    first: 0,
  });
  switch (layout.kind) {
    case 'contiguous':
      return { strides: nested(shape, inOrder), first: 0 };
    case 'padded':
      return but(layout.dim, tight => tight + layout.pad);
    case 'slice': {
      const { dim, of, index } = layout;
      const slice = nested(shape, inOrder)[dim - 1];
      return { ...but(dim - 1, tight => tight * of), first: slice * index };
    }
    case 'spread':
      return but(inOrder.at(-1), () => layout.step);
    case 'permuted':
      return but(layout.order.at(-2), tight => tight + layout.pad, layout.order);
    case 'huge':
      return but(layout.dim, () => hugeStride, [layout.dim, ...inOrder.filter(d => d !== layout.dim)]);
    case 'repeated':
      return { strides: nested([...shape].with(layout.dim, 1), inOrder).with(layout.dim, 0), first: 0 };
  }
}

/** Where a tensor's own buffer stands and what surrounds the elements. */
export interface Placement {
  readonly edge: 'end' | 'start';
  /** Elements that the first one is shifted by, where the edge leaves room: every misalignment. */
  readonly shift: number;
  readonly poison: Poison;
}

/** A tensor in a buffer of its own, flush against the guard at the placement's edge. */
export function ownBuffer(
  name: string,
  dtype: Dtype,
  shape: readonly number[],
  lie: Lie,
  placement: Placement,
  data?: Recipe,
): { buffer: BufferSpec; tensor: TensorSpec } {
  const size = sizeOf(dtype);
  const shift = placement.edge === 'start' ? placement.shift : 0;
  const offset = (lie.first + shift) * size;
  const view = { offset, shape: [...shape], strides: [...lie.strides], dtype };
  const bytes = offset + extentOf(view);
  const sparse = bytes > mostBytes;
  return {
    buffer: { bytes, edge: placement.edge, sparse, poison: placement.poison },
    tensor: { buffer: name, ...view, ...(data && { data }) },
  };
}

/** Two tensors as the halves along a dimension of one buffer: interleaved, they do not overlap. */
export function halves(
  name: string,
  dtype: Dtype,
  shape: readonly number[],
  dim: number,
  { edge, poison }: Placement,
): { buffer: BufferSpec; first: TensorSpec; second: TensorSpec } {
  const half = (index: number): TensorSpec => {
    const { strides, first } = strided({ kind: 'slice', dim, of: 2, index }, shape);
    return { buffer: name, offset: first * sizeOf(dtype), shape: [...shape], strides: [...strides], dtype };
  };
  const bytes = 2 * countOf(shape) * sizeOf(dtype);
  return { buffer: { bytes, edge, sparse: false, poison }, first: half(0), second: half(1) };
}
