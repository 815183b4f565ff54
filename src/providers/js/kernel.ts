/**
 * Kernels in JavaScript: what a module exports to be checked like any other library. `tierwise/js` to its author.
 *
 *     import { defineKernels } from 'tierwise/js';
 *     export const kernels = defineKernels([{ op: 'rms_norm', name: 'mine', run: args => 'unsupported' }]);
 *
 * A module may also export `name` (default: that of the file) and `version`. What an op computes is in
 * docs/contracts.md, how to begin in docs/add-a-kernel.md.
 */

import type { z } from 'zod';
import type { Dtype } from '../../case/dtype.ts';
import type { Numerics } from '../../case/numerics.ts';
import type { Op, opWords } from '../../case/ops.ts';
import type { Promised } from '../../case/promise.ts';

export { decode, encode } from '../../case/dtype.ts';
export { apart, inPlace, nests } from './view.ts';

/** The elements of a tensor, strided: element (i, j) is `data[i * strides[0] + j * strides[1]]`. */
export interface Tensor {
  /**
   * From the first element to the last, on the caller's memory. f16 and bf16 are their bits: `decode` and `encode`
   * turn them into numbers and back, with one rounding.
   */
  readonly data: Float32Array | Uint16Array | Int32Array;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** In elements; at least 0. Those of dimensions of size 1 mean nothing. */
  readonly strides: readonly number[];
}

type Words = typeof opWords;
type Roles<List extends readonly string[]> = List[number];
type First<List extends readonly string[]> = List extends readonly [infer Role extends string, ...unknown[]]
  ? Role
  : never;

/** A call of an op: parameters, and tensors by role, as contracts.md names them. */
export type Args<O extends Op = Op> = {
  [K in O]: Readonly<z.infer<Words[K]['params']>> & {
    /** How many the kernel may use. 0 is invalid. */
    readonly threads: number;
  } & { readonly [Role in Roles<Words[K]['needed']> | First<Words[K]['outputs']>]: Tensor } & {
    readonly [Role in Roles<Words[K]['optional']> | Roles<Words[K]['outputs']>]?: Tensor;
  };
}[O];

/** Done; a legal call that this kernel does not do; a call that breaks the contract. After the last two nothing is written. */
export type Answer = 'ok' | 'unsupported' | 'invalid';

/** One implementation of an op. */
export type JsKernel<O extends Op = Op> = {
  [K in O]: {
    readonly op: K;
    /** Unique together with op and tier. */
    readonly name: string;
    /** Default: `js`. */
    readonly tier?: string;
    /** Whether it can run here. Default: it can. */
    readonly available?: () => boolean;
    /** What it promises of its arithmetic. Default: at least f32. */
    readonly numerics?: Numerics;
    /** What else its bits do not depend on: docs/bits.md. Default: nothing is promised. */
    readonly promises?: readonly Promised[];
    readonly run: (args: Args<K>) => Answer;
  };
}[O];

/** The tier of kernels that name none: whatever the engine makes of them. */
export const jsTier = 'js';

/** Gives kernels their types. */
export function defineKernels(kernels: readonly JsKernel[]): readonly JsKernel[] {
  return kernels;
}
