/**
 * Ways to break the contract that all ops share ("Must be refused" of contracts.md's Common).
 */

import { type Case, countOf, inputsOf, outputsOf, type TensorSpec } from '../src/case/case.ts';
import { sizeOf } from '../src/case/dtype.ts';
import { sameView, withTensors } from './derive.ts';
import type { Refusal } from './suite.ts';

/** The first output and the input that it is shaped like. */
function pair(c: Case): { output: string; input: string } {
  const [output] = outputsOf(c);
  return { output, input: inputsOf(c)[0] };
}

function isSparse(c: Case): boolean {
  return Object.values(c.buffers).some(buffer => buffer.sparse);
}

function changed(c: Case, role: string, change: (tensor: TensorSpec) => TensorSpec | null): Case | null {
  const tensor = c.tensors[role];
  if (!tensor || tensor.buffer === null || isSparse(c)) return null;
  const broken = change(tensor);
  return broken && withTensors(c, { [role]: broken });
}

/** The same call with one tensor not given. */
export function without(c: Case, role: string): Case {
  const { [role]: _, ...tensors } = c.tensors;
  return { ...c, tensors };
}

/** An output laid on other elements; the data stays with its input. */
export function laidOn(c: Case, output: string, input: string, shift: number): Case | null {
  const source = c.tensors[input];
  if (!source || source.buffer === null || countOf(source.shape) === 0) return null;
  return changed(c, output, tensor =>
    tensor.dtype === source.dtype
      ? {
          ...tensor,
          buffer: source.buffer,
          offset: source.offset + shift * sizeOf(source.dtype),
          strides: source.strides,
        }
      : null,
  );
}

export const commonRefusals: readonly Refusal[] = [
  { what: 'threads is 0', of: c => ({ ...c, threads: 0 }) },
  { what: 'struct_size is a byte short', of: c => ({ ...c, lie: { structSize: -1 } }) },
  { what: 'scratch is a byte short', of: c => ({ ...c, lie: { scratchBytes: -1 } }) },
  {
    what: 'an output lies one element behind an input and overlaps it',
    of: c => {
      const { output, input } = pair(c);
      const { shape, strides } = c.tensors[input];
      const inner = shape.length - 1;
      // One element on is an element of the input again only where neighbours touch.
      return strides[inner] === 1 && shape[inner] > 1 ? laidOn(c, output, input, 1) : null;
    },
  },
  {
    what: "an output's rows overlap each other",
    of: c =>
      changed(c, pair(c).output, tensor => {
        const [outer, inner] = [0, tensor.shape.length - 1];
        if (inner === 0 || tensor.shape[outer] < 2 || tensor.shape[inner] < 2 || tensor.strides[inner] !== 1)
          return null;
        return {
          ...tensor,
          strides: tensor.strides.map((stride, d) => (d === outer ? tensor.shape[inner] - 1 : stride)),
        };
      }),
  },
  {
    what: 'a stride of 0 repeats an element of an output',
    of: c =>
      changed(c, pair(c).output, tensor =>
        tensor.shape[0] > 1 ? { ...tensor, strides: [0, ...tensor.strides.slice(1)] } : null,
      ),
  },
  {
    what: 'an output has one dimension too few',
    of: c =>
      changed(c, pair(c).output, tensor => ({
        ...tensor,
        shape: tensor.shape.slice(1),
        strides: tensor.strides.slice(1),
      })),
  },
  {
    what: 'an input has one dimension too many',
    of: c =>
      changed(c, pair(c).input, tensor => {
        const { output } = pair(c);
        if (sameView(tensor, c.tensors[output])) return null;
        return { ...tensor, shape: [1, ...tensor.shape], strides: [0, ...tensor.strides] };
      }),
  },
  {
    what: 'an output has one more row than its input',
    of: c =>
      changed(c, pair(c).output, tensor => {
        const { input } = pair(c);
        if (tensor.buffer === c.tensors[input].buffer) return null;
        return { ...tensor, shape: [tensor.shape[0] + 1, ...tensor.shape.slice(1)] };
      }),
  },
];
