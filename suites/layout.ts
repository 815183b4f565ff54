/**
 * Ways for a tensor to lie in memory, for all suites.
 */

import * as fc from 'fast-check';
import type { BufferSpec, Poison, TensorSpec } from '../src/case/case.ts';
import { type Dtype, sizeOf } from '../src/case/dtype.ts';
import { extentOf } from '../src/case/layout.ts';
import type { Recipe } from '../src/case/recipe.ts';

/** How the rows of a matrix lie. */
export type Layout =
  | { readonly kind: 'contiguous' }
  /** Gaps of `pad` elements between rows. */
  | { readonly kind: 'padded'; readonly pad: number }
  /** One of `of` slices side by side in a fused buffer. */
  | { readonly kind: 'slice'; readonly of: number; readonly index: number }
  /** `step` - 1 foreign elements between neighbours of a row. */
  | { readonly kind: 'spread'; readonly step: number }
  /** Columns before rows. */
  | { readonly kind: 'transposed'; readonly pad: number }
  /** Rows further apart than 32 bits count. */
  | { readonly kind: 'huge' }
  /** All rows are one; inputs only. */
  | { readonly kind: 'one row' }
  /** All elements of a row are one; inputs only. */
  | { readonly kind: 'one element' };

/** Row stride beyond what 32 bits count, signed or not, in elements or bytes; odd, so that wrapping shows. */
const hugeStride = 2 ** 31 + 5;

const inputOnly: ReadonlySet<Layout['kind']> = new Set(['one row', 'one element']);

/** Layouts, simple ones first: what shrinking goes to. */
export function layouts(use: 'input' | 'output'): fc.Arbitrary<Layout> {
  const both: fc.WeightedArbitrary<Layout>[] = [
    { weight: 8, arbitrary: fc.constant({ kind: 'contiguous' }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('padded'), pad: fc.integer({ min: 1, max: 40 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('slice'),
        of: fc.constantFrom(2, 3),
        index: fc.integer({ min: 0, max: 1 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('spread'), step: fc.integer({ min: 2, max: 3 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('transposed'), pad: fc.integer({ min: 0, max: 3 }) }),
    },
  ];
  const repeats: fc.WeightedArbitrary<Layout>[] = [
    { weight: 1, arbitrary: fc.constant({ kind: 'one row' }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'one element' }) },
  ];
  return fc.oneof({ withCrossShrink: true }, ...both, ...(use === 'input' ? repeats : []));
}

/** An output can't repeat elements: such a layout becomes contiguous. */
export function writable(layout: Layout): Layout {
  return inputOnly.has(layout.kind) ? { kind: 'contiguous' } : layout;
}

/** Strides in elements, and the element at which the tensor begins in its buffer. */
export function strided(
  layout: Layout,
  rows: number,
  n: number,
): { strides: [number, number]; first: number } {
  switch (layout.kind) {
    case 'contiguous':
      return { strides: [n, 1], first: 0 };
    case 'padded':
      return { strides: [n + layout.pad, 1], first: 0 };
    case 'slice':
      return { strides: [n * layout.of, 1], first: n * layout.index };
    case 'spread':
      return { strides: [n * layout.step, layout.step], first: 0 };
    case 'transposed':
      return { strides: [1, Math.max(1, rows + layout.pad)], first: 0 };
    case 'huge':
      return { strides: [hugeStride, 1], first: 0 };
    case 'one row':
      return { strides: [0, 1], first: 0 };
    case 'one element':
      return { strides: [1, 0], first: 0 };
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
  lie: { readonly strides: readonly number[]; readonly first: number },
  placement: Placement,
  data?: Recipe,
): { buffer: BufferSpec; tensor: TensorSpec } {
  const size = sizeOf(dtype);
  const shift = placement.edge === 'start' ? placement.shift : 0;
  const offset = (lie.first + shift) * size;
  const view = { offset, shape: [...shape], strides: [...lie.strides], dtype };
  const bytes = offset + extentOf(view);
  const sparse = bytes > 2 ** 30;
  return {
    buffer: { bytes, edge: placement.edge, sparse, poison: placement.poison },
    tensor: { buffer: name, ...view, ...(data && { data }) },
  };
}
