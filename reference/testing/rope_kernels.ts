/**
 * RoPE kernels in f32 arithmetic, for tests of the bounds: every choice that a correct kernel is free to make,
 * and the ways to be one precision lower. One `Math.fround` is one f32 rounding.
 *
 * Powers, cosines and sines are those of `Math`: good to an ulp of float64, and none of the reference's own.
 */

import type { CaseOf } from '../../src/case/case.ts';
import {
  type Bits,
  bitsOf,
  decodeAll,
  encode,
  type FloatDtype,
  formats,
  round,
  ulpOf,
} from '../../src/case/dtype.ts';
import { hash } from '../../src/case/random.ts';
import { flushing } from './flushing.ts';

const f = Math.fround;
type Params = CaseOf<'rope'>['params'];

/** What a kernel does at each step. */
export interface Kernel {
  readonly params: (params: Params) => Params;
  readonly position: (position: number) => number;
  /** f of pair i before scaling. */
  readonly frequency: (i: number, rotaryDim: number, theta: number) => number;
  readonly angle: (position: number, invFreq: number) => number;
  /** Cosine or sine in f32, before the attention factor. */
  readonly cosine: (angle: number) => number;
  readonly sine: (angle: number) => number;
  /** The attention factor's product. */
  readonly attend: (cosine: number, factor: number) => number;
  /** What comes from tables. */
  readonly table: (value: number) => number;
  /** a cos + b sin. */
  readonly rotate: (a: number, cos: number, b: number, sin: number, dtype: FloatDtype) => number;
  /** An element of x that turns, as it is taken in, and one of y as it is left, once it is rounded. */
  readonly read: (value: number, dtype: FloatDtype) => number;
  readonly written: (value: number, dtype: FloatDtype) => number;
  /** Elements beyond rotaryDim. */
  readonly tail: (bits: number, dtype: FloatDtype) => number;
}

/** Plain and correct. */
export const plain: Kernel = {
  params: params => params,
  position: position => position,
  frequency: (i, rotaryDim, theta) => theta ** ((-2 * i) / rotaryDim),
  angle: (position, invFreq) => position * invFreq,
  cosine: angle => f(Math.cos(angle)),
  sine: angle => f(Math.sin(angle)),
  attend: (cosine, factor) => f(cosine * factor),
  table: value => value,
  rotate: (a, cos, b, sin) => f(f(a * cos) + f(b * sin)),
  read: value => value,
  written: value => value,
  tail: bits => bits,
};

/** Runs a kernel on the stored inputs of a case. */
export function run(kernel: Kernel, c: CaseOf<'rope'>, inputs: Readonly<Record<string, Bits>>): Bits {
  const { x, positions, y } = c.tensors;
  const [batch, tokens, heads, headDim] = x.shape;
  const dtype = y.dtype as FloatDtype;
  const { rotaryDim, interleaved } = kernel.params(c.params);
  const pairs = rotaryDim / 2;
  const out = bitsOf(dtype, batch * tokens * heads * headDim);
  const values = decodeAll(inputs.x, x.dtype);
  const places = decodeAll(inputs.positions, 'i32');
  const rowOf = rowsOf(kernel, c, inputs);
  const left = (value: number) => encode(kernel.written(round(value, dtype), dtype), dtype);
  for (let row = 0; row < batch * tokens * heads; row++) {
    const start = row * headDim;
    const token = Math.floor(row / heads);
    const [cos, sin] = rowOf(places[positions.shape.length === 1 ? token % tokens : token]);
    for (let i = 0; i < pairs; i++) {
      const at = start + (interleaved ? 2 * i : i);
      const other = at + (interleaved ? 1 : pairs);
      const [a, b] = [kernel.read(values[at], dtype), kernel.read(values[other], dtype)];
      out[at] = left(kernel.rotate(a, cos[i], -b, sin[i], dtype));
      out[other] = left(kernel.rotate(b, cos[i], a, sin[i], dtype));
    }
    for (let j = start + rotaryDim; j < start + headDim; j++) out[j] = kernel.tail(inputs.x[j], dtype);
  }
  return out;
}

/** Cosines and sines by position. */
function rowsOf(kernel: Kernel, c: CaseOf<'rope'>, inputs: Readonly<Record<string, Bits>>) {
  const params = kernel.params(c.params);
  const pairs = params.rotaryDim / 2;
  const known = new Map<number, [Float64Array, Float64Array]>();
  const make = (position: number): [Float64Array, Float64Array] => {
    if (inputs.cos) {
      const slice = (bits: Bits) =>
        decodeAll(bits.slice(position * pairs, (position + 1) * pairs), 'f32').map(kernel.table);
      return [slice(inputs.cos), slice(inputs.sin)];
    }
    const { scaling } = params;
    const factor = scaling.type === 'yarn' ? scaling.attentionFactor : 1;
    const angles = Float64Array.from({ length: pairs }, (_, i) =>
      kernel.angle(
        kernel.position(position),
        scaled(i, kernel.frequency(i, params.rotaryDim, params.theta), params),
      ),
    );
    return [
      angles.map(angle => kernel.attend(kernel.cosine(angle), factor)),
      angles.map(angle => kernel.attend(kernel.sine(angle), factor)),
    ];
  };
  return (position: number) => {
    const row = known.get(position) ?? make(position);
    known.set(position, row);
    return row;
  };
}

/** Scaling in float64, as modeling_rope_utils.py of Hugging Face's transformers does it. */
function scaled(i: number, frequency: number, { rotaryDim, theta, scaling }: Params): number {
  switch (scaling.type) {
    case 'none':
      return frequency;
    case 'linear':
      return frequency / scaling.factor;
    case 'llama3': {
      const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositions: old } = scaling;
      const wavelength = (2 * Math.PI) / frequency;
      if (wavelength < old / high) return frequency;
      if (wavelength > old / low) return frequency / factor;
      const smooth = (old / wavelength - low) / (high - low);
      return ((1 - smooth) * frequency) / factor + smooth * frequency;
    }
    case 'yarn': {
      const { factor, betaFast, betaSlow, originalMaxPositions: old } = scaling;
      const pair = (beta: number) =>
        (rotaryDim * Math.log(old / (beta * 2 * Math.PI))) / (2 * Math.log(theta));
      const low = Math.max(Math.floor(pair(betaFast)), 0);
      const high = Math.min(Math.ceil(pair(betaSlow)), rotaryDim - 1);
      const ramp = Math.min(Math.max((i - low) / (high === low ? 0.001 : high - low), 0), 1);
      const extrapolated = 1 - ramp;
      return (frequency / factor) * (1 - extrapolated) + frequency * extrapolated;
    }
  }
}

/** An f32 cosine that is off by up to so many ulp, by what varies with the angle; exact at 0. */
function off(ulps: number, of: (angle: number) => number) {
  return (angle: number) => {
    const value = f(of(angle));
    if (angle === 0) return value;
    const steps = (hash(Math.floor(angle * 2 ** 20), 1) % (2 * ulps + 1)) - ulps;
    return f(value + steps * ulpOf(value, formats.f32));
  };
}

/** Kernels that are correct, by what is special about them. */
export const correct: Readonly<Record<string, Kernel>> = {
  plain,
  fused: { ...plain, rotate: (a, cos, b, sin) => f(f(a * cos) + b * sin) },
  'fused the other way': { ...plain, rotate: (a, cos, b, sin) => f(a * cos + f(b * sin)) },
  f64: {
    ...plain,
    cosine: Math.cos,
    sine: Math.sin,
    attend: (cosine, factor) => cosine * factor,
    rotate: (a, cos, b, sin) => a * cos + b * sin,
  },
  'cosine and sine within an ulp': { ...plain, cosine: off(1, Math.cos), sine: off(1, Math.sin) },
  'cosine and sine within 2 ulp': { ...plain, cosine: off(2, Math.cos), sine: off(2, Math.sin) },
  'divides by the power': {
    ...plain,
    frequency: (i, rotaryDim, theta) => 1 / theta ** ((2 * i) / rotaryDim),
  },
  'power by logarithm': {
    ...plain,
    frequency: (i, rotaryDim, theta) => Math.exp(-((2 * i) / rotaryDim) * Math.log(theta)),
  },
  'power of two': {
    ...plain,
    frequency: (i, rotaryDim, theta) => 2 ** (((-2 * i) / rotaryDim) * Math.log2(theta)),
  },
};

const ftz = flushing('f32');
const flushedTurn: Kernel['rotate'] = (a, cos, b, sin) => ftz(f(ftz(f(a * cos)) + ftz(f(b * sin))));

/** Kernels of classes other than F32, by what they do to subnormals. */
export const flushingKernels: Readonly<Record<string, Kernel>> = {
  'leaves zeros': { ...plain, rotate: flushedTurn },
  'leaves zeros in y': { ...plain, written: (value, dtype) => flushing(dtype)(value) },
  'takes zeros': { ...plain, read: ftz, table: ftz },
  'takes and leaves zeros': { ...plain, read: ftz, table: ftz, rotate: flushedTurn, written: ftz },
  'takes and leaves zeros of the storage type': {
    ...plain,
    read: (value, dtype) => flushing(dtype)(value),
    rotate: flushedTurn,
    written: (value, dtype) => flushing(dtype)(value),
  },
};

const bf16 = (value: number) => round(value, 'bf16');
const f16 = (value: number) => round(value, 'f16');
const rounded = (to: (value: number) => number): Partial<Kernel> => ({
  cosine: angle => to(Math.cos(angle)),
  sine: angle => to(Math.sin(angle)),
  table: to,
});

/** Kernels one precision lower, or wrong in what position 0, one theta or one pairing would not show. */
export const broken: Readonly<Record<string, Kernel>> = {
  'f32 recurrence': {
    ...plain,
    frequency: (i, rotaryDim, theta) => {
      const ratio = f(theta ** (-2 / rotaryDim));
      let frequency = 1;
      for (let k = 0; k < i; k++) frequency = f(frequency * ratio);
      return frequency;
    },
    angle: (position, invFreq) => f(position * f(invFreq)),
  },
  'f32 powers': {
    ...plain,
    frequency: (i, rotaryDim, theta) => f(theta ** f((-2 * i) / rotaryDim)),
    angle: (position, invFreq) => f(position * f(invFreq)),
  },
  'f32 angle': { ...plain, angle: (position, invFreq) => f(position * invFreq) },
  'bf16 position': { ...plain, position: bf16 },
  'f16 position': { ...plain, position: f16 },
  'bf16 frequencies': { ...plain, angle: (position, invFreq) => position * bf16(invFreq) },
  'bf16 cosine and sine': { ...plain, ...rounded(bf16) },
  'f16 cosine and sine': { ...plain, ...rounded(f16) },
  'rotated backwards': { ...plain, rotate: (a, cos, b, sin) => f(f(a * cos) - f(b * sin)) },
  'sine of one half only': { ...plain, rotate: (a, cos, b, sin) => f(f(a * cos) + f(Math.abs(b) * sin)) },
  'theta ignored': { ...plain, params: params => ({ ...params, theta: 10000 }) },
  'scaling dropped': { ...plain, params: params => ({ ...params, scaling: { type: 'none' } }) },
  'attention factor dropped': { ...plain, attend: cosine => cosine },
  'other pairing': { ...plain, params: params => ({ ...params, interleaved: !params.interleaved }) },
  'position + 1': { ...plain, position: position => position + 1 },
  'products in 16 bits': {
    ...plain,
    rotate: (a, cos, b, sin, dtype) => {
      const to = (value: number) => round(value, dtype);
      return to(to(a * to(cos)) + to(b * to(sin)));
    },
  },
  'products in 16 bits, exact cosines': {
    ...plain,
    rotate: (a, cos, b, sin, dtype) => round(a * cos, dtype) + round(b * sin, dtype),
  },
  'result scaled by 1 + 2^-15': {
    ...plain,
    rotate: (a, cos, b, sin) => f(plain.rotate(a, cos, b, sin, 'f32') * (1 + 2 ** -15)),
  },
  'tail as zeros': { ...plain, tail: () => 0 },
};
