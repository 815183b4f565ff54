/**
 * RMSNorm kernels in f32 arithmetic, for tests of the bounds: every choice that a correct kernel is free to
 * make, and the ways to be one precision lower. One `Math.fround` is one f32 rounding.
 */

import type { CaseOf } from '../../src/case/case.ts';
import { type Bits, bitsOf, decodeAll, encode, type FloatDtype, round } from '../../src/case/dtype.ts';
import { flushing } from './flushing.ts';

const f = Math.fround;

/** What a kernel does at each step, in f32 values. */
export interface Kernel {
  readonly sum: (h: Float64Array) => number;
  /** Mean from the sum. */
  readonly mean: (sum: number, n: number) => number;
  /** r from the mean square and eps. */
  readonly root: (mean: number, eps: number) => number;
  readonly weight: (weight: number, offset: number) => number;
  /** Adds z and z weight where the offset is 1, instead of multiplying by their sum. */
  readonly spread?: boolean;
  /** h r w in some order. */
  readonly scale: (h: number, r: number, w: number, dtype: FloatDtype) => number;
  /** An element of x, residual or weight, as it is taken in. */
  readonly read: (value: number, dtype: FloatDtype) => number;
  /** The sum of x and residual. */
  readonly add: (x: number, residual: number) => number;
  /** What the norm goes on from, after the residual is added. */
  readonly hidden: (h: number, dtype: FloatDtype) => number;
  /** z between its product and the weight, when rounding goes before the weight. */
  readonly between: (z: number, dtype: FloatDtype) => number;
  /** The result, before it is rounded to the output's type. */
  readonly result: (value: number, dtype: FloatDtype) => number;
  /** An element of an output as it is left, once it is rounded. */
  readonly written: (value: number, dtype: FloatDtype) => number;
  readonly eps: (eps: number) => number;
}

/** Plain and correct. */
export const plain: Kernel = {
  sum: sequential,
  mean: (sum, n) => f(sum / n),
  root: (mean, eps) => f(1 / f(Math.sqrt(f(mean + eps)))),
  weight: (weight, offset) => f(weight + offset),
  scale: (h, r, w) => f(f(h * r) * w),
  read: value => value,
  add: (x, residual) => f(x + residual),
  hidden: h => h,
  between: round,
  result: value => value,
  written: value => value,
  eps: eps => eps,
};

/** Runs a kernel on the stored inputs of a case. */
export function run(
  kernel: Kernel,
  c: CaseOf<'rms_norm'>,
  inputs: Readonly<Record<string, Bits>>,
): Record<string, Bits> {
  const [rows, n] = c.tensors.x.shape;
  const dtype = c.tensors.y.dtype as FloatDtype;
  const { weightOffset, roundBeforeWeight } = c.params;
  const read = (role: string) => {
    const type = c.tensors[role].dtype as FloatDtype;
    return decodeAll(inputs[role], type).map(value => kernel.read(value, type));
  };
  const left = (value: number) => encode(kernel.written(round(value, dtype), dtype), dtype);
  const x = read('x');
  const residual = inputs.residual && read('residual');
  const weight = inputs.weight && read('weight');
  const w = Float64Array.from({ length: n }, (_, j) => (weight ? kernel.weight(weight[j], weightOffset) : 1));
  const spread = kernel.spread && weightOffset === 1 ? weight : undefined;
  const weigh = (z: number, j: number) => (spread ? f(z + f(z * spread[j])) : f(z * w[j]));
  const y = bitsOf(dtype, rows * n);
  const residualOut = bitsOf(dtype, rows * n);
  for (let row = 0; row < rows; row++) {
    const start = row * n;
    const h = x.slice(start, start + n);
    if (residual) {
      for (let j = 0; j < n; j++) {
        h[j] = kernel.add(h[j], residual[start + j]);
        residualOut[start + j] = left(h[j]);
        h[j] = kernel.hidden(h[j], dtype);
      }
    }
    const r = kernel.root(kernel.mean(kernel.sum(h), n), kernel.eps(c.params.eps));
    for (let j = 0; j < n; j++) {
      let value: number;
      if (roundBeforeWeight) value = weigh(kernel.between(kernel.scale(h[j], r, 1, dtype), dtype), j);
      else value = spread ? weigh(kernel.scale(h[j], r, 1, dtype), j) : kernel.scale(h[j], r, w[j], dtype);
      y[start + j] = left(kernel.result(value, dtype));
    }
  }
  return c.tensors.residualOut ? { y, residualOut } : { y };
}

export function sequential(h: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < h.length; j++) sum = f(sum + f(h[j] * h[j]));
  return sum;
}

export function reversed(h: Float64Array): number {
  let sum = 0;
  for (let j = h.length - 1; j >= 0; j--) sum = f(sum + f(h[j] * h[j]));
  return sum;
}

/** With FMA, but for a first rounding at 53 bits: the square is not rounded to f32. */
export function fused(h: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < h.length; j++) sum = f(sum + h[j] * h[j]);
  return sum;
}

export function pairwise(h: Float64Array, from = 0, to = h.length): number {
  if (to - from === 1) return f(h[from] * h[from]);
  const middle = (from + to) >> 1;
  return f(pairwise(h, from, middle) + pairwise(h, middle, to));
}

/** Element j goes to lane j mod `lanes`; the lanes are added in a tree. */
export function inLanes(lanes: number): (h: Float64Array) => number {
  return h => {
    const part = new Float64Array(lanes);
    for (let j = 0; j < h.length; j++) part[j % lanes] = f(part[j % lanes] + f(h[j] * h[j]));
    for (let half = lanes / 2; half >= 1; half /= 2) {
      for (let l = 0; l < half; l++) part[l] = f(part[l] + part[l + half]);
    }
    return part[0];
  };
}

export function kahan(h: Float64Array): number {
  let sum = 0;
  let lost = 0;
  for (let j = 0; j < h.length; j++) {
    const term = f(f(h[j] * h[j]) - lost);
    const next = f(sum + term);
    // A sum that has overflowed has nothing to make good.
    lost = Number.isFinite(next) ? f(f(next - sum) - term) : 0;
    sum = next;
  }
  return sum;
}

export function inDouble(h: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < h.length; j++) sum += h[j] * h[j];
  return sum;
}

/** 1/sqrt(v) as `rsqrtps` may return it: off by up to 1.5 * 2^-12, here by what varies with v over all of that. */
export function estimate(v: number): number {
  const phase = Math.abs(v * 2 ** 20) % 1;
  return f((1 / Math.sqrt(v)) * (1 + 1.5 * 2 ** -12 * (2 * phase - 1)));
}

/** The estimate at its worst, low or high. */
export function worstEstimate(sign: 1 | -1): (v: number) => number {
  return v => f((1 / Math.sqrt(v)) * (1 + sign * 1.5 * 2 ** -12 * (1 - 2 ** -20)));
}

/** One Newton step: e (1.5 - 0.5 v e e). */
export function newton(from: (v: number) => number): Kernel['root'] {
  return (mean, eps) => {
    const v = f(mean + eps);
    if (v === 0 || v === Infinity) return f(1 / Math.sqrt(v));
    const e = from(v);
    return f(e * f(1.5 - f(f(0.5 * v) * f(e * e))));
  };
}

/** Kernels that are correct, by what is special about them. */
export const correct: Readonly<Record<string, Kernel>> = {
  sequential: plain,
  reversed: { ...plain, sum: reversed },
  fused: { ...plain, sum: fused, scale: (h, r, w) => f(h * f(r * w)) },
  pairwise: { ...plain, sum: pairwise, scale: (h, r, w) => f(f(h * w) * r) },
  '16 lanes': { ...plain, sum: inLanes(16), mean: (sum, n) => f(sum * f(1 / n)) },
  '32 lanes': { ...plain, sum: inLanes(32) },
  kahan: { ...plain, sum: kahan, spread: true },
  f64: {
    ...plain,
    sum: inDouble,
    mean: (sum, n) => sum / n,
    root: (mean, eps) => 1 / Math.sqrt(mean + eps),
    weight: (weight, offset) => weight + offset,
    scale: (h, r, w) => h * r * w,
  },
  'divides by the root': {
    ...plain,
    sum: inLanes(8),
    // r stands for the root here.
    root: (mean, eps) => f(Math.sqrt(f(mean + eps))),
    scale: (h, root, w) => f(f(h / root) * w),
  },
  'one Newton step': { ...plain, sum: inLanes(16), root: newton(estimate) },
  'one Newton step, worst low': { ...plain, sum: inLanes(16), root: newton(worstEstimate(-1)) },
  'one Newton step, worst high': { ...plain, root: newton(worstEstimate(1)) },
};

const ftz = flushing('f32');

/** Every f32 operation flushes its result; those that are free to choose an order have one of three. */
const flushes: Kernel = {
  ...plain,
  sum: h => h.reduce((sum, value) => ftz(f(sum + ftz(f(value * value)))), 0),
  mean: (sum, n) => ftz(f(sum / n)),
  weight: (weight, offset) => ftz(f(weight + offset)),
  scale: (h, r, w) => ftz(f(ftz(f(h * r)) * w)),
  add: (x, residual) => ftz(f(x + residual)),
  result: ftz,
};

/** Kernels of classes other than F32, by what they do to subnormals. */
export const flushingKernels: Readonly<Record<string, Kernel>> = {
  'leaves zeros': flushes,
  'leaves zeros in y': { ...plain, written: (value, dtype) => flushing(dtype)(value) },
  'takes and leaves zeros': { ...flushes, read: ftz, written: ftz },
  'takes zeros': { ...plain, sum: inLanes(16), read: ftz },
  'takes and leaves zeros of the storage type': {
    ...flushes,
    read: (value, dtype) => flushing(dtype)(value),
    add: (x, residual) => ftz(f(x + residual)),
    between: (z, dtype) => flushing(dtype)(round(z, dtype)),
    written: (value, dtype) => flushing(dtype)(value),
  },
  'h w first': { ...flushes, read: ftz, scale: (h, r, w) => (r === 0 ? h * r : ftz(f(ftz(f(h * w)) * r))) },
  'r w first': { ...flushes, read: ftz, scale: (h, r, w) => ftz(f(h * ftz(f(r * w)))) },
};

const bf16 = (value: number) => round(value, 'bf16');

/** Kernels one precision lower, or wrong in what random data with unit weights would not show. */
export const broken: Readonly<Record<string, Kernel>> = {
  'raw 12-bit estimate': { ...plain, root: (mean, eps) => estimate(f(mean + eps)) },
  'r rounded to bf16': { ...plain, root: (mean, eps) => bf16(plain.root(mean, eps)) },
  'r rounded to f16': { ...plain, root: (mean, eps) => round(plain.root(mean, eps), 'f16') },
  'bf16 accumulator': {
    ...plain,
    sum: h => h.reduce((sum, value) => bf16(sum + f(value * value)), 0),
  },
  'squares in bf16': { ...plain, sum: h => h.reduce((sum, value) => f(sum + bf16(value * value)), 0) },
  'squares in f16': { ...plain, sum: h => h.reduce((sum, value) => f(sum + round(value * value, 'f16')), 0) },
  'mean rounded to bf16': { ...plain, mean: (sum, n) => bf16(sum / n) },
  'eps ignored': { ...plain, eps: () => 0 },
  'eps hard-coded': { ...plain, eps: () => f(1e-6) },
  'eps outside the root': { ...plain, root: (mean, eps) => f(1 / f(f(Math.sqrt(mean)) + eps)) },
  'multiplies by the root': { ...plain, root: (mean, eps) => f(Math.sqrt(f(mean + eps))) },
  'weight applied twice': { ...plain, weight: (weight, offset) => f((weight + offset) * f(weight + offset)) },
  'weight offset forgotten': { ...plain, weight: weight => weight },
  'last element of the sum dropped': { ...plain, sum: h => sequential(h.subarray(0, h.length - 1)) },
  'mean over n - 1': { ...plain, mean: (sum, n) => f(sum / (n - 1)) },
  'result scaled by 1 + 2^-14': { ...plain, result: value => f(value * (1 + 2 ** -14)) },
  'norm of the rounded residual sum': { ...plain, hidden: round },
  'rounds before the weight, unasked': {
    ...plain,
    scale: (h, r, w, dtype) => f(round(f(h * r), dtype) * w),
  },
  'does not round before the weight': { ...plain, between: z => z },
};
