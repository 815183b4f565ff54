/**
 * GQA kernels in f32 arithmetic, for tests of the bounds: every choice that a correct kernel is free to make, and
 * the ways to be one precision lower. One `Math.fround` is one f32 rounding.
 */

import type { CaseOf } from '../../src/case/case.ts';
import { type Bits, bitsOf, encode, type FloatDtype, powerOfTwo, round } from '../../src/case/dtype.ts';
import { Call } from '../gqa/call.ts';
import { KvHead } from '../gqa/kv-head.ts';
import { exp } from '../real/exp.ts';
import { tanh } from '../real/tanh.ts';
import { flushing } from './flushing.ts';
import {
  blocked,
  canonical,
  interleaved,
  type Row,
  reversed,
  type Steps,
  type Sweep,
  split,
} from './gqa_sweeps.ts';

const f = Math.fround;
type Mac = Steps['mac'];

/** What a kernel does at each step. */
export interface Kernel extends Steps {
  /** a b + c in Q K^T. */
  readonly dotMac: Mac;
  readonly dot: (q: Float64Array, k: Float64Array, at: number, mac: Mac) => number;
  /** Scales q, instead of the dot product. */
  readonly scalesQuery?: boolean;
  readonly tanh: (x: number) => number;
  /** A score, before it meets the maximum. */
  readonly score: (s: number) => number;
  /** An element of q, k or v as an operand. */
  readonly operand: (x: number) => number;
  readonly sweep: Sweep;
  readonly divide: (a: number, l: number) => number;
  /** An element of q, k or v as it is taken in, and of out as it is left, once it is rounded. */
  readonly read: (x: number, dtype: FloatDtype) => number;
  readonly written: (x: number, dtype: FloatDtype) => number;
}

const plainMac: Mac = (a, b, c) => f(f(a * b) + c);
/** But for a first rounding at 53 bits. */
const fusedMac: Mac = (a, b, c) => f(a * b + c);

/** Plain and correct: two passes over the keys in order. */
export const plain: Kernel = {
  round: f,
  mac: plainMac,
  dotMac: plainMac,
  dot: ascending,
  exp: x => f(exp(x)),
  tanh: x => f(tanh(x)),
  score: s => s,
  weight: p => p,
  operand: x => x,
  sweep: blocked(Infinity),
  divide: (a, l) => f(a / l),
  read: x => x,
  written: x => x,
};

/** Runs a kernel on the stored inputs of a case. */
export function run(kernel: Kernel, c: CaseOf<'gqa'>, inputs: Readonly<Record<string, Bits>>): Bits {
  const call = new Call(c, inputs);
  const dtype = c.tensors.out.dtype as FloatDtype;
  const out = bitsOf(dtype, call.rows * call.headDim);
  const heads = new Map<string, KvHead>();
  for (let row = 0; row < call.rows; row++) {
    const place = call.place(row);
    const name = `${place.batch} ${place.kvHead}`;
    const head = heads.get(name) ?? headOf(kernel, call, row);
    heads.set(name, head);
    const live = liveRow(kernel, call, row, head);
    if (live.score.length === 0) continue;
    const { l, a } = kernel.sweep(kernel, live);
    a.forEach((sum, d) => {
      const value = round(kernel.divide(sum, l), dtype);
      out[row * call.headDim + d] = encode(kernel.written(value, dtype), dtype);
    });
  }
  return out;
}

function headOf(kernel: Kernel, call: Call, row: number): KvHead {
  const head = new KvHead(call, call.place(row), { first: 0, end: call.keys });
  head.k.forEach((x, i) => {
    head.k[i] = kernel.operand(kernel.read(x, call.dtypes.kv));
  });
  head.v.forEach((x, i) => {
    head.v[i] = kernel.operand(kernel.read(x, call.dtypes.kv));
  });
  return head;
}

function liveRow(kernel: Kernel, call: Call, row: number, head: KvHead): Row {
  const { headDim, softcap } = call;
  const place = call.place(row);
  const { first, end } = call.visible(place);
  const scale = kernel.scalesQuery ? 1 : call.scale;
  const q = call.query(row).map(stored => {
    const x = kernel.read(stored, call.dtypes.q);
    return kernel.operand(kernel.scalesQuery ? kernel.round(x * call.scale) : x);
  });
  const live = { headDim, score: [] as number[], key: [] as number[], start: [] as number[], v: head.v };
  for (let j = first; j < end; j++) {
    const mask = call.mask(place, j);
    if (mask === -Infinity) continue;
    let s = kernel.round(kernel.dot(q, head.k, j * headDim, kernel.dotMac) * scale);
    if (softcap > 0) s = kernel.round(softcap * kernel.tanh(kernel.round(s / softcap)));
    live.score.push(kernel.score(kernel.round(s + mask)));
    live.key.push(j);
    live.start.push(j * headDim);
  }
  return live;
}

function ascending(q: Float64Array, k: Float64Array, at: number, mac: Mac): number {
  let sum = 0;
  for (let d = 0; d < q.length; d++) sum = mac(q[d], k[at + d], sum);
  return sum;
}

function descending(q: Float64Array, k: Float64Array, at: number, mac: Mac): number {
  let sum = 0;
  for (let d = q.length - 1; d >= 0; d--) sum = mac(q[d], k[at + d], sum);
  return sum;
}

/** Element d goes to lane d mod 16; the lanes are added in a tree. */
function inLanes(q: Float64Array, k: Float64Array, at: number, mac: Mac): number {
  const lanes = new Float64Array(16);
  for (let d = 0; d < q.length; d++) lanes[d % 16] = mac(q[d], k[at + d], lanes[d % 16]);
  for (let half = 8; half >= 1; half /= 2) {
    for (let lane = 0; lane < half; lane++) lanes[lane] = mac(lanes[lane + half], 1, lanes[lane]);
  }
  return lanes[0];
}

const ln2High = f(355 / 512);
const ln2Low = f(Math.LN2 - ln2High);
const inverseFactorials = [1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720].map(f);

/** exp as kernels do it in f32: reduced in two steps, a polynomial of degree 6, +0 where it would be subnormal. */
function polynomialExp(x: number): number {
  if (x < -87.3) return 0;
  const n = Math.round(f(x * f(Math.LOG2E)));
  const r = f(f(x - f(n * ln2High)) - f(n * ln2Low));
  const p = inverseFactorials.reduceRight((sum, c) => f(f(sum * r) + c), 0);
  return f(p * powerOfTwo(n));
}

/** A number in [-1, 1] that varies with the bits of x. */
function phase(x: number): number {
  return 2 * (Math.abs(x * 2 ** 20 + x * 2 ** 9) % 1) - 1;
}

/** Off by up to two ulps, whichever way; bounded below instead of flushed. */
const roughExp = (x: number) => f(f(exp(Math.max(x, -87))) * (1 + 4 * 2 ** -24 * (x === 0 ? 0 : phase(x))));

/** By exp2: the exponent in f32. */
const exp2 = (x: number) => f(exp(f(x * f(Math.LOG2E)) * Math.LN2));

/** From exp, which loses small arguments. */
const tanhByExp = (x: number) => f(1 - f(2 / f(f(exp(2 * x)) + 1)));

const byReciprocal = (a: number, l: number) => f(a * f(1 / l));

/** Kernels without fault. */
export const correct: Readonly<Record<string, Kernel>> = {
  sequential: plain,
  'sequential, fused': { ...plain, mac: fusedMac, dotMac: fusedMac, divide: byReciprocal },
  reversed: { ...plain, dot: descending, sweep: reversed(blocked(Infinity)), exp: polynomialExp },
  'blocks of 16': { ...plain, sweep: blocked(16), dot: inLanes, scalesQuery: true },
  'blocks of 64, fused': {
    ...plain,
    mac: fusedMac,
    dotMac: fusedMac,
    sweep: blocked(64),
    exp: polynomialExp,
  },
  'blocks of 128, exp2': { ...plain, sweep: blocked(128), exp: exp2, dot: inLanes, tanh: tanhByExp },
  'key by key': { ...plain, sweep: blocked(1), exp: polynomialExp, divide: byReciprocal },
  'key by key, reversed, rough': { ...plain, sweep: reversed(blocked(1)), exp: roughExp, tanh: tanhByExp },
  'key by key in 8 lanes': { ...plain, sweep: interleaved(8, blocked(1)), mac: fusedMac, exp: exp2 },
  'split in 5, blocks of 16': { ...plain, sweep: split(5, blocked(16)), scalesQuery: true, dotMac: fusedMac },
  'split in 16, rough': { ...plain, sweep: split(16, blocked(Infinity)), exp: roughExp },
  canonical: { ...plain, sweep: canonical, exp: polynomialExp, divide: byReciprocal },
  'canonical, fused': {
    ...plain,
    sweep: canonical,
    exp: polynomialExp,
    mac: fusedMac,
    dotMac: fusedMac,
    divide: byReciprocal,
  },
  f64: {
    ...plain,
    round: x => x,
    mac: (a, b, c) => a * b + c,
    dotMac: (a, b, c) => a * b + c,
    exp,
    tanh,
    divide: (a, l) => a / l,
  },
};

const bf16 = (x: number) => round(x, 'bf16');
const f16 = (x: number) => round(x, 'f16');
/** a b + c in f32, held in less. */
const held =
  (hold: (x: number) => number): Mac =>
  (a, b, c) =>
    hold(f(f(a * b) + c));

/** The polynomial of some degree that equals exp in Chebyshev's points of the reduced range: near the best. */
function interpolatedExp(degree: number): (x: number) => number {
  const points = Array.from(
    { length: degree + 1 },
    (_, i) => (Math.LN2 / 2) * Math.cos(((2 * i + 1) * Math.PI) / (2 * degree + 2)),
  );
  const at = (r: number) =>
    points.reduce((sum, point, i) => {
      const factors = points.map((other, j) => (i === j ? 1 : (r - other) / (point - other)));
      return sum + exp(point) * factors.reduce((a, b) => a * b, 1);
    }, 0);
  return x => {
    const n = Math.round(x * Math.LOG2E);
    return n < -126 ? 0 : f(at(x - n * Math.LN2) * powerOfTwo(n));
  };
}

/** 1/l with 12 bits, as `rcpps` may return it. */
const estimate = (l: number) => f((1 / l) * (1 + 1.5 * 2 ** -12 * phase(l)));

/** Kernels one precision lower. */
export const broken: Readonly<Record<string, Kernel>> = {
  'bf16 accumulator in the dot product': { ...plain, dotMac: held(bf16) },
  'f16 accumulator in the dot product': { ...plain, dotMac: held(f16) },
  'f16 accumulator in P V': { ...plain, mac: held(f16) },
  'bf16 accumulator in P V': { ...plain, mac: held(bf16) },
  'p in bf16': { ...plain, weight: bf16 },
  'p in f16': { ...plain, weight: f16 },
  'exp of degree 3': { ...plain, exp: interpolatedExp(3) },
  '12-bit reciprocal': { ...plain, divide: (a, l) => f(a * estimate(l)) },
  'score in bf16': { ...plain, score: bf16 },
  'score in f16': { ...plain, score: f16 },
};

/** Operands rounded, accumulators in f32: what a weaker class may do, and F32 may not. */
export function rounding(hold: (x: number) => number): Kernel {
  return { ...plain, operand: hold, weight: hold };
}

/** Sums held in f16 too. */
export const f16Accumulate: Kernel = { ...rounding(f16), mac: held(f16), dotMac: held(f16) };

/** Weights that add up to 1 before they are made operands; a row of one sum, first key to last. */
const shares: Sweep = ({ round, mac, exp, weight }, { score, start, v, headDim }) => {
  const m = Math.max(...score);
  const p = score.map(s => exp(round(s - m)));
  const l = p.reduce((sum, x) => round(sum + x), 0);
  const a = new Float64Array(headDim);
  p.forEach((x, i) => {
    const share = weight(round(x / l));
    for (let d = 0; d < headDim; d++) a[d] = mac(share, v[start[i] + d], a[d]);
  });
  return { m, l: 1, a };
};

/** A kernel of a weaker class that takes and leaves subnormals as zeros, of f32 and of the type of its operands. */
function flushed(kernel: Kernel, type: FloatDtype, sums: FloatDtype = 'f32'): Kernel {
  const [ftz, held, operand] = [flushing('f32'), flushing(sums), flushing(type)];
  const mac =
    (of: Mac): Mac =>
    (a, b, c) =>
      held(of(held(ftz(f(a * b))), 1, c));
  return {
    ...kernel,
    round: x => ftz(f(x)),
    mac: mac(kernel.mac),
    dotMac: mac(kernel.dotMac),
    exp: x => ftz(kernel.exp(x)),
    operand: x => operand(kernel.operand(ftz(x))),
    weight: p => operand(kernel.weight(p)),
    divide: (a, l) => ftz(kernel.divide(a, l)),
    written: ftz,
  };
}

const ofStorage: Pick<Kernel, 'read' | 'written'> = {
  read: (x, dtype) => flushing(dtype)(x),
  written: (x, dtype) => flushing(dtype)(x),
};

/** The same kernels in several orders, with subnormals and without. */
function variants(kernel: Kernel, type: FloatDtype, sums?: FloatDtype): Readonly<Record<string, Kernel>> {
  const zeros = flushed(kernel, type, sums);
  return {
    kept: kernel,
    'kept, shares': { ...kernel, sweep: shares },
    'kept, key by key, q scaled': { ...kernel, sweep: blocked(1), scalesQuery: true },
    flushed: zeros,
    'flushed, shares': { ...zeros, sweep: shares },
    'flushed, split in 5, q scaled': { ...zeros, sweep: split(5, blocked(16)), scalesQuery: true },
    'flushed, key by key, reversed': { ...zeros, sweep: reversed(blocked(1)) },
    'of the storage type': { ...zeros, ...ofStorage },
  };
}

/** Kernels that are right in each weaker class. */
export const classes = {
  'bf16 dot': variants(rounding(bf16), 'bf16'),
  'f16 dot': variants(rounding(f16), 'f16'),
  'f16 accumulate': variants(f16Accumulate, 'f16', 'f16'),
} as const;
