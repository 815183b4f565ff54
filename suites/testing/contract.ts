/**
 * Whether a call keeps the contract (contracts.md: Common, RMSNorm, RoPE, GQA), told by brute force from the page alone:
 * nothing here is shared with the generator, the refusals or any kernel.
 */

import type { Case, CaseOf, TensorSpec } from '../../src/case/case.ts';
import { makeValues } from '../../src/case/recipe.ts';

const bytesOf = { f32: 4, i32: 4, f16: 2, bf16: 2 } as const;

/** Offsets in its buffer of every element of a view, in bytes. */
export function elementsOf({ offset, shape, strides, dtype }: TensorSpec): number[] {
  let places = [offset];
  for (let d = 0; d < shape.length; d++) {
    const step = (shape[d] === 1 ? 0 : strides[d]) * bytesOf[dtype];
    const next: number[] = [];
    for (const place of places) for (let i = 0; i < shape[d]; i++) next.push(place + i * step);
    places = next;
  }
  return places;
}

/** Whether two tensors name a byte in common. */
export function overlap(a: TensorSpec, b: TensorSpec): boolean {
  if (a.buffer === null || a.buffer !== b.buffer) return false;
  const bytes = new Set<number>();
  for (const place of elementsOf(a)) for (let i = 0; i < bytesOf[a.dtype]; i++) bytes.add(place + i);
  return elementsOf(b).some(place =>
    Array.from({ length: bytesOf[b.dtype] }).some((_, i) => bytes.has(place + i)),
  );
}

/** "In ascending order of stride, each stride exceeds the sum of (size - 1) * stride of the smaller ones." */
export function nests({ shape, strides }: Pick<TensorSpec, 'shape' | 'strides'>): boolean {
  const dimensions = shape
    .map((size, d) => ({ size, stride: strides[d] }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => a.stride - b.stride);
  let reach = 0;
  return dimensions.every(({ size, stride }) => {
    const exceeds = stride > reach;
    reach += (size - 1) * stride;
    return exceeds;
  });
}

/** "Same base, shape, strides and type"; strides of dimensions of size 1 are ignored. */
function same(a: TensorSpec, b: TensorSpec): boolean {
  return (
    a.buffer === b.buffer &&
    a.offset === b.offset &&
    a.dtype === b.dtype &&
    a.shape.join() === b.shape.join() &&
    a.shape.every((size, d) => size <= 1 || a.strides[d] === b.strides[d])
  );
}

const sizes = ({ shape }: TensorSpec) => shape.join(' x ');

/** What stands in the elements of a tensor of integers: where several share one, the last is what counts. */
function integersOf(tensor: TensorSpec): number[] {
  const bits = makeValues(tensor.data!, tensor.shape, 'i32');
  const places = elementsOf(tensor);
  const held = new Map(places.map((place, i) => [place, bits[i] | 0]));
  return places.map(place => held.get(place)!);
}

/** Why a call must be refused; undefined: it keeps the contract. */
export function brokenBy(c: Case): string | undefined {
  if (c.threads === 0) return 'threads is 0';
  if (c.lie?.structSize !== undefined && c.lie.structSize < 0) return 'struct_size is below the struct';
  if (c.lie?.scratchBytes !== undefined && c.lie.scratchBytes < 0) return 'scratch is too small';
  switch (c.op) {
    case 'rms_norm':
      return brokenRmsNorm(c);
    case 'rope':
      return brokenRope(c);
    case 'gqa':
      return brokenGqa(c);
  }
}

/** Tensors by the number of dimensions that the contract gives them. */
function misshapen(c: Case, wanted: (role: string) => readonly number[]): string | undefined {
  const wrong = Object.entries(c.tensors).find(([role, { shape }]) => !wanted(role).includes(shape.length));
  return wrong && `${wrong[0]} has ${wrong[1].shape.length} dimensions`;
}

/** Whether an output's strides do not nest, or it overlaps anything but the input that it may be. */
function misplacedOutput(c: Case, role: string, mayShare: string): string | undefined {
  const output = c.tensors[role];
  if (!output) return undefined;
  if (!nests(output)) return `the strides of ${role} do not nest`;
  for (const [other, tensor] of Object.entries(c.tensors)) {
    if (other === role || !overlap(output, tensor)) continue;
    if (other === mayShare && same(output, tensor)) continue;
    return `${role} overlaps ${other}`;
  }
  return undefined;
}

function brokenRmsNorm(c: CaseOf<'rms_norm'>): string | undefined {
  if (c.lie?.nan === 'eps' || Number.isNaN(c.params.eps)) return 'eps is NaN';
  if (c.params.eps < 0) return 'eps is negative';
  const { x, y, weight, residual, residualOut } = c.tensors;
  const wrong = misshapen(c, role => [role === 'weight' ? 1 : 2]);
  if (wrong) return wrong;
  const [, n] = x.shape;
  if (n === 0) return 'n is 0';
  if (weight && weight.shape[0] !== n) return 'the weight has another length';
  if (residualOut && !residual) return 'residualOut without residual';
  for (const other of [y, residual, residualOut]) {
    if (other && sizes(other) !== sizes(x)) return 'shapes do not agree';
  }
  return misplacedOutput(c, 'y', 'x') ?? misplacedOutput(c, 'residualOut', 'residual');
}

function brokenRope(c: CaseOf<'rope'>): string | undefined {
  const { x, y, positions, cos, sin } = c.tensors;
  const { rotaryDim, theta, scaling } = c.params;
  const wrong = misshapen(c, role => ({ x: [4], y: [4], positions: [1, 2] })[role] ?? [2]);
  if (wrong) return wrong;
  const [batch, tokens, , headDim] = x.shape;
  if (sizes(y) !== sizes(x)) return 'shapes do not agree';
  if (rotaryDim % 2 !== 0) return 'rotaryDim is odd';
  if (rotaryDim < 0 || rotaryDim > headDim) return 'rotaryDim is not inside the head';
  if (![`${tokens}`, `${batch} x ${tokens}`].includes(sizes(positions))) return 'positions of other shape';
  const seen = integersOf(positions);
  if (seen.some(position => position < 0)) return 'a negative position';
  if (!cos !== !sin) return 'one table without the other';
  if (cos) {
    if (sizes(cos) !== sizes(sin)) return 'tables of different shape';
    if (cos.shape[1] !== rotaryDim / 2) return 'tables of another width';
    if (seen.some(position => position >= cos.shape[0])) return 'a position outside the tables';
  } else {
    if (!(theta > 1)) return 'theta is not above 1';
    if ('factor' in scaling && !(scaling.factor > 0)) return 'a factor that is not above 0';
    if ('originalMaxPositions' in scaling && scaling.originalMaxPositions === 0) return 'no original length';
    if (scaling.type === 'llama3' && scaling.highFreqFactor < scaling.lowFreqFactor) return 'bands cross';
  }
  return misplacedOutput(c, 'y', 'x');
}

/** Nothing is in place. */
const nobody = '';

function brokenGqa(c: CaseOf<'gqa'>): string | undefined {
  const { q, k, v, out, kvLen, blockTable, mask } = c.tensors;
  const { window, softcap, causal } = c.params;
  const wrong = misshapen(c, role => [({ kvLen: 1, blockTable: 2 } as Record<string, number>)[role] ?? 4]);
  if (wrong) return wrong;
  const [batch, qLen, qHeads, headDim] = q.shape;
  const [blocks, blockSize, kvHeads] = k.shape;
  if (qHeads === 0 || kvHeads === 0 || headDim === 0) return 'no heads, or nothing in them';
  if (qHeads % kvHeads !== 0) return 'heads of q are no multiple of those of k';
  if (sizes(out) !== sizes(q)) return 'out is not shaped like q';
  if (sizes(k) !== sizes(v)) return 'k and v are not shaped alike';
  if (k.shape[3] !== headDim) return 'k and q have heads of different width';
  if (blockTable ? blockTable.shape[0] !== batch : k.shape[0] !== batch) return 'batches do not agree';
  if (kvLen && kvLen.shape[0] !== batch) return 'lengths of other batches';
  const capacity = blockTable ? blockTable.shape[1] * blockSize : blockSize;
  if (mask) {
    const [batches, heads, queries, keys] = mask.shape;
    const right = [1, batch].includes(batches) && [1, qHeads].includes(heads) && queries === qLen;
    if (!right || keys !== capacity) return 'a mask of another shape';
  }
  const lengths = kvLen ? integersOf(kvLen) : Array.from({ length: batch }, () => capacity);
  if (lengths.some(length => length < 0 || length > capacity)) return 'a length out of range';
  if (window < 0) return 'a negative window';
  if (window > 0 && !causal) return 'a window without causal';
  if (softcap < 0) return 'a negative softcap';
  if (blockTable) {
    const seen = integersOf(blockTable);
    for (let b = 0; b < batch; b++) {
      const length = lengths[b];
      for (let j = 0; j < length; j++) {
        const looks = Array.from({ length: qLen }, (_, i) => length - qLen + i).some(
          position => (!causal || j <= position) && (window === 0 || j > position - window),
        );
        if (!looks) continue;
        const block = seen[b * blockTable.shape[1] + Math.floor(j / blockSize)];
        if (block < 0 || block >= blocks) return `batch ${b} looks into block ${block} of ${blocks}`;
      }
    }
  }
  return misplacedOutput(c, 'out', nobody);
}
