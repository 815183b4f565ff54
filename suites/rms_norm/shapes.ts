/** Named shapes of RMSNorm: real data for the check, real sizes for the clock. */

import { type CaseOf, outputElements } from '../../src/case/case.ts';
import { type FloatDtype, floatDtypes, sizeOf } from '../../src/case/dtype.ts';
import type { Recipe } from '../../src/case/recipe.ts';
import { below } from '../data.ts';
import { ownBuffer, strided } from '../layout.ts';
import { models } from '../models.ts';
import type { NamedCase, TimedShape } from '../suite.ts';

const { smolLM2, llama31 } = models;
/** That of both. */
const eps = Math.fround(llama31.eps);

function recipe(kind: Recipe['kind'], seed: number, fixture?: string): Recipe {
  return { kind, seed, scale: 1, patches: [], ...(fixture && { fixture }) };
}

/** Contiguous x, weight and y, each flush against its end guard. */
function plain(dtype: FloatDtype, rows: number, n: number, x: Recipe, weight: Recipe): CaseOf<'rms_norm'> {
  const placement = { edge: 'end', shift: 0, poison: 'nan' } as const;
  const matrix = strided({ kind: 'contiguous' }, [rows, n]);
  const parts = {
    x: ownBuffer('x', dtype, [rows, n], matrix, placement, x),
    weight: ownBuffer('weight', dtype, [n], { strides: [1], first: 0 }, placement, weight),
    y: ownBuffer('y', dtype, [rows, n], matrix, placement),
  };
  return {
    version: 1,
    op: 'rms_norm',
    params: { eps, weightOffset: 0, roundBeforeWeight: false },
    buffers: { x: parts.x.buffer, weight: parts.weight.buffer, y: parts.y.buffer },
    tensors: { x: parts.x.tensor, weight: parts.weight.tensor, y: parts.y.tensor },
    threads: 1,
  };
}

const embeddings = recipe('fixture', 0, 'smollm2/token_embd');
const normWeights = recipe('fixture', 0, 'smollm2/blk.0.attn_norm.weight');

/** A plain case with a name. It shrinks by rows, then by their length. */
function namedCase(
  name: string,
  dtype: FloatDtype,
  rows: number,
  n: number,
  x: Recipe,
  weight: Recipe,
): NamedCase {
  return {
    name,
    case: plain(dtype, rows, n, x, weight),
    *smaller() {
      for (const fewer of below(rows)) yield namedCase(name, dtype, fewer, n, x, weight);
      for (const shorter of below(n)) yield namedCase(name, dtype, rows, shorter, x, weight);
    },
  };
}

/**
 * Each of the 65,536 values of a type, and so many of its ulps beside it: residualOut is their sum, rounded once.
 * Halfway between two values it is a tie; a hair beyond, none.
 */
function everyValue(dtype: FloatDtype, ulps: number, rows = 256, n = 256): NamedCase {
  const placement = { edge: 'end', shift: 0, poison: 'nan' } as const;
  const x = recipe('patterns', 0);
  const alone = namedCase(`every value, ${dtype}`, dtype, rows, n, x, recipe('constant', 0));
  const { case: c } = alone;
  const matrix = strided({ kind: 'contiguous' }, [rows, n]);
  const residual = ownBuffer('residual', dtype, [rows, n], matrix, placement, { ...x, ulps });
  const residualOut = ownBuffer('residualOut', dtype, [rows, n], matrix, placement);
  return {
    name: `every value and ${ulps} of its ulps, ${dtype}`,
    case: {
      ...c,
      buffers: { ...c.buffers, residual: residual.buffer, residualOut: residualOut.buffer },
      tensors: { ...c.tensors, residual: residual.tensor, residualOut: residualOut.tensor },
    },
    *smaller() {
      yield alone;
      for (const fewer of below(rows)) yield everyValue(dtype, ulps, fewer, n);
      for (const shorter of below(n)) yield everyValue(dtype, ulps, rows, shorter);
    },
  };
}

/** In ulps; half of one, and this more or less, is a value of both 16-bit types. */
const hair = 2 ** -8;

/**
 * Token embeddings of a short text through the first norm of SmolLM2-135M; every value that 16 bits hold; a row that
 * is longer than they count.
 */
export const named: readonly NamedCase[] = [
  ...(['f16', 'bf16'] as const).flatMap(dtype => [
    everyValue(dtype, 0.5),
    // Positive ones alone: signs are told apart by the first.
    everyValue(dtype, 0.5 + hair, 128),
    everyValue(dtype, 0.5 - hair, 128),
  ]),
  ...floatDtypes.map(dtype =>
    namedCase(`${smolLM2.name} first norm, ${dtype}`, dtype, 128, smolLM2.hidden, embeddings, normWeights),
  ),
  ...floatDtypes.map(dtype =>
    namedCase(
      `${llama31.name} prefill of 64, ${dtype}`,
      dtype,
      64,
      llama31.hidden,
      recipe('normal', 1),
      recipe('normal', 2),
    ),
  ),
  namedCase('one row of 65,539, f32', 'f32', 1, 65_539, recipe('normal', 1), recipe('normal', 2)),
];

function timed(
  name: string,
  rows: number,
  n: number,
  rest: Partial<TimedShape> = {},
  x?: Recipe,
  weight?: Recipe,
): TimedShape {
  return {
    name,
    size: `${rows} x ${n}`,
    rows,
    n,
    make: dtype => {
      const c = plain(dtype, rows, n, x ?? recipe('normal', 1), weight ?? recipe('normal', 2));
      const amount = 2 * outputElements(c) * sizeOf(dtype);
      return { case: c, work: { roof: 'memcpy', from: 'x', to: 'y', amount } };
    },
    ...rest,
  };
}

export const shapes: readonly TimedShape[] = [
  timed(`${smolLM2.name}, real rows`, 128, smolLM2.hidden, {}, embeddings, normWeights),
  timed(`${llama31.name} decode`, 1, llama31.hidden),
  timed('512 rows', 512, 256),
  timed('512 rows', 512, 1024),
  timed(`${llama31.name} prefill of 512`, 512, llama31.hidden, { headline: true }),
  timed('512 rows', 512, 16384, { long: true }),
  timed('beyond the caches', 8192, llama31.hidden, { long: true }),
];
