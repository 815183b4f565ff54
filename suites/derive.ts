/**
 * Ways to ask the same of a kernel differently, on cases of any op.
 */

import {
  type BufferSpec,
  type Case,
  inputsOf,
  outputsOf,
  type Poison,
  type TensorSpec,
} from '../src/case/case.ts';
import { sizeOf } from '../src/case/dtype.ts';
import { extentOf } from '../src/case/layout.ts';

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
    const strides = spec.shape.map((_, d) => spec.shape.slice(d + 1).reduce((a, b) => a * b, 1));
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
