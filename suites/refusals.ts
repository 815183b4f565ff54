/**
 * Ways to break the contract that all ops share ("Must be refused" of contracts.md's Common).
 */

import {
  type Case,
  countOf,
  inputsOf,
  type Op,
  outputRoles,
  outputsOf,
  type TensorSpec,
} from '../src/case/case.ts';
import { sizeOf } from '../src/case/dtype.ts';
import { nests, sameView, withTensors } from './derive.ts';
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

/**
 * An output with another stride along a dimension in front of the last; null where its rows have gaps inside, or where it
 * has no elements: its strides may be said to nest or not.
 */
function restrided(
  c: Case,
  role: string,
  d: number,
  stride: (rowLength: number) => number | null,
): Case | null {
  return changed(c, role, tensor => {
    const inner = tensor.shape.length - 1;
    if (tensor.shape[d] < 2 || tensor.strides[inner] !== 1 || countOf(tensor.shape) === 0) return null;
    const other = stride(tensor.shape[inner]);
    return other === null
      ? null
      : { ...tensor, strides: tensor.strides.map((own, i) => (i === d ? other : own)) };
  });
}

/** What no output may be: they are `outputRoles` of the op, each with so many dimensions. */
function ofOutput(role: string, dimensions: number): Refusal[] {
  const outer = Array.from({ length: dimensions - 1 }, (_, d) => d);
  return [
    ...outer.flatMap(d => [
      {
        what: `rows of ${role} overlap along dimension ${d}`,
        of: (c: Case) => restrided(c, role, d, n => (n > 1 ? n - 1 : null)),
      },
      {
        what: `${role} repeats elements along dimension ${d}`,
        of: (c: Case) => restrided(c, role, d, () => 0),
      },
    ]),
    {
      what: `${role} has one dimension too few`,
      of: c =>
        changed(c, role, tensor => ({
          ...tensor,
          shape: tensor.shape.slice(1),
          strides: tensor.strides.slice(1),
        })),
    },
    {
      what: `${role} has one more row than its input`,
      of: c =>
        changed(c, role, tensor => {
          const shares = inputsOf(c).some(input => c.tensors[input].buffer === tensor.buffer);
          return shares ? null : { ...tensor, shape: [tensor.shape[0] + 1, ...tensor.shape.slice(1)] };
        }),
    },
  ];
}

/** The output where its input lies, as in place, but with longer steps along the dimension of the longest. */
function onOtherSteps(c: Case): Case | null {
  const { output, input } = pair(c);
  const { shape, strides } = c.tensors[input];
  const outer = shape.flatMap((size, d) => (size > 1 && d < shape.length - 1 ? [d] : []));
  if (outer.length === 0 || !nests(c.tensors[input])) return null;
  const longest = outer.reduce((a, b) => (strides[b] > strides[a] ? b : a));
  const laid = laidOn(c, output, input, 0);
  return (
    laid &&
    withTensors(laid, {
      [output]: {
        ...laid.tensors[output],
        strides: strides.map((own, d) => (d === longest ? own + 1 : own)),
      },
    })
  );
}

/** Those of an op whose outputs have so many dimensions. */
export function commonRefusals(op: Op, dimensions: number): Refusal[] {
  return [
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
    { what: 'an output lies on its input with another stride', of: onOtherSteps },
    {
      what: 'an input has one dimension too many',
      of: c =>
        changed(c, pair(c).input, tensor => {
          const { output } = pair(c);
          if (sameView(tensor, c.tensors[output])) return null;
          return { ...tensor, shape: [1, ...tensor.shape], strides: [0, ...tensor.strides] };
        }),
    },
    ...outputRoles(op).flatMap(role => ofOutput(role, dimensions)),
  ];
}
