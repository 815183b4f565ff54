/** RMSNorm as contracts.md has it: in float64, row by row, one rounding at the end. */

import type { Answer, Args } from '../kernel.ts';
import { hasShape, indexOf, outputsLieWell, read, rounded, write } from './elements.ts';

type Call = Args<'rms_norm'>;

export function rmsNorm(call: Call): Answer {
  if (!isValid(call)) return 'invalid';
  const { x, weight, residual, residualOut, y, eps, weightOffset, roundBeforeWeight } = call;
  const sameType = [residual, residualOut, y].every(tensor => !tensor || tensor.dtype === x.dtype);
  if (!sameType || (weight && weight.dtype !== x.dtype && weight.dtype !== 'f32')) return 'unsupported';

  const [rows, n] = x.shape;
  const h = new Float64Array(n);
  const added = new Float64Array(n);
  const w = new Float64Array(n).fill(1);
  if (weight) {
    read(weight, 0, weight.strides[0], w);
    for (let j = 0; j < n; j++) w[j] += weightOffset;
  }
  for (let i = 0; i < rows; i++) {
    read(x, indexOf(x, i), x.strides[1], h);
    if (residual) {
      read(residual, indexOf(residual, i), residual.strides[1], added);
      for (let j = 0; j < n; j++) h[j] = Math.fround(h[j] + added[j]);
    }
    if (residualOut) for (let j = 0; j < n; j++) write(residualOut, indexOf(residualOut, i, j), h[j]);
    let squares = 0;
    for (let j = 0; j < n; j++) squares += h[j] * h[j];
    const r = 1 / Math.sqrt(squares / n + eps);
    for (let j = 0; j < n; j++) {
      const normed = h[j] * r;
      write(y, indexOf(y, i, j), (roundBeforeWeight && weight ? rounded(normed, y) : normed) * w[j]);
    }
  }
  return 'ok';
}

function isValid({ threads, x, weight, residual, residualOut, y, eps }: Call): boolean {
  if (threads === 0 || !(eps >= 0) || x.shape.length !== 2 || x.shape[1] === 0) return false;
  if (residualOut && !residual) return false;
  const like = [y, residual, residualOut].every(tensor => !tensor || hasShape(tensor, ...x.shape));
  if (!like || (weight && !hasShape(weight, x.shape[1]))) return false;
  return outputsLieWell(
    [
      { tensor: y, mayBe: x },
      { tensor: residualOut, mayBe: residual },
    ],
    [x, weight, residual],
  );
}
