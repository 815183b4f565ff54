/**
 * The case: a small frozen JSON value that says everything about one call of a kernel.
 *
 * Named *buffers* are pieces of memory; *tensors* are strided views of them. In place, slices of a fused
 * buffer, broadcasting, paging and strides beyond 32 bits are all ways for views to lie on buffers.
 * What elements hold is said per tensor, in logical order, so that a change of layout changes no value.
 */

import { z } from 'zod';
import { dtypes } from './dtype.ts';
import { type Op, opWords } from './ops.ts';
import { recipeSchema } from './recipe.ts';

export { type Op, ops } from './ops.ts';

export const caseVersion = 1;

/** What fills every byte that no input tensor names: gaps, slack, and outputs before the call. */
export const poisons = ['nan', 'infinity', 'finite', 'zero', 'negative'] as const;
export type Poison = (typeof poisons)[number];

const bufferSchema = z.strictObject({
  bytes: z.int().nonnegative(),
  /** Which end lies flush against an inaccessible page. */
  edge: z.enum(['end', 'start']),
  /** Only pages that hold elements exist; the rest of the range is inaccessible. For strides that would not fit memory. */
  sparse: z.boolean().default(false),
  poison: z.enum(poisons),
});
export type BufferSpec = z.infer<typeof bufferSchema>;

const tensorSchema = z.strictObject({
  /** Name of the buffer; null: a NULL pointer, legal for a tensor without elements. */
  buffer: z.string().nullable(),
  /** Bytes from the buffer's start to the first element. */
  offset: z.int().nonnegative(),
  shape: z.array(z.int()),
  /** In elements. */
  strides: z.array(z.int()),
  dtype: z.enum(dtypes),
  /** What an input holds; absent on outputs. */
  data: recipeSchema.optional(),
});
export type TensorSpec = z.infer<typeof tensorSchema>;

const common = {
  version: z.literal(caseVersion),
  buffers: z.record(z.string(), bufferSchema),
  tensors: z.record(z.string(), tensorSchema),
  threads: z.int().nonnegative(),
  /** Deliberate lies, for what must be refused: bytes added to the true sizes, a parameter passed as NaN. */
  lie: z
    .strictObject({
      structSize: z.int().optional(),
      scratchBytes: z.int().optional(),
      nan: z.enum(['eps', 'theta', 'scale']).optional(),
    })
    .optional(),
};

/** The schema of an op's cases. */
function casesOf<O extends Op>(op: O) {
  return z.strictObject({ op: z.literal(op), params: opWords[op].params as Params<O>, ...common });
}
type Params<O extends Op> = (typeof opWords)[O]['params'];

export const caseSchema = z.discriminatedUnion('op', [casesOf('rms_norm'), casesOf('rope'), casesOf('gqa')]);

/** A case of any op. */
export type Case = z.infer<typeof caseSchema>;
/** A case of one op. */
export type CaseOf<O extends Op> = Extract<Case, { op: O }>;

/** The tensors of an op that a kernel writes; all others are inputs. */
export function outputRoles(op: Op): readonly string[] {
  return opWords[op].outputs;
}

/** The roles of a case's outputs that are present. */
export function outputsOf(c: Case): string[] {
  return outputRoles(c.op).filter(role => role in c.tensors);
}

/** The roles of a case's inputs. */
export function inputsOf(c: Case): string[] {
  return Object.keys(c.tensors).filter(role => !outputRoles(c.op).includes(role));
}

/** Whether two shapes are one. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, d) => size === b[d]);
}

/** Number of elements of a shape. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Output elements of a case: what its evidence is counted in. */
export function outputElements(c: Case): number {
  return outputsOf(c).reduce((sum, role) => sum + countOf(c.tensors[role].shape), 0);
}

/** The type that a case's cell is named for: that of its first input. */
export function cellDtype(c: Case): TensorSpec['dtype'] {
  return c.tensors[opWords[c.op].needed[0]].dtype;
}
