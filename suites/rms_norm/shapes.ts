/**
 * Named shapes of RMSNorm: real data for the check, real sizes for the clock.
 *
 * Widths are hidden sizes from the models' published configurations (config.json, `hidden_size`).
 */

import { type CaseOf, outputElements } from '../../src/case/case.ts';
import { type FloatDtype, floatDtypes, sizeOf } from '../../src/case/dtype.ts';
import type { Recipe } from '../../src/case/recipe.ts';
import { ownBuffer, strided } from '../layout.ts';
import type { NamedCase, TimedShape } from '../suite.ts';

/** rms_norm_eps of SmolLM2-135M and of Llama 3. */
const eps = Math.fround(1e-5);

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

/** Smaller sizes, the boldest first: 1, then what halves the way back to `size`. */
function below(size: number): number[] {
  const steps: number[] = [];
  for (let gap = size - 1; gap >= 1; gap = Math.floor(gap / 2)) steps.push(size - gap);
  return steps;
}

/** Token embeddings of a short text through the first norm of SmolLM2-135M. */
export const named: readonly NamedCase[] = [
  ...floatDtypes.map(dtype =>
    namedCase(`SmolLM2-135M first norm, ${dtype}`, dtype, 128, 576, embeddings, normWeights),
  ),
  ...floatDtypes.map(dtype =>
    namedCase(
      `Llama-3.1-8B prefill of 64, ${dtype}`,
      dtype,
      64,
      4096,
      recipe('normal', 1),
      recipe('normal', 2),
    ),
  ),
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
      return { case: c, work: { roof: 'memcpy', amount: 2 * outputElements(c) * sizeOf(dtype) } };
    },
    ...rest,
  };
}

export const shapes: readonly TimedShape[] = [
  timed('SmolLM2-135M, real rows', 128, 576, {}, embeddings, normWeights),
  timed('Llama-3.1-8B decode', 1, 4096),
  timed('512 rows', 512, 256),
  timed('512 rows', 512, 1024),
  timed('Llama-3.1-8B prefill of 512', 512, 4096, { headline: true }),
  timed('512 rows', 512, 16384, { long: true }),
  timed('beyond the caches', 8192, 4096, { long: true }),
];
