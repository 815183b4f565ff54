/** Named shapes of RoPE: real data and real heads for the check, real sizes for the clock. */

import { countOf, outputElements } from '../../src/case/case.ts';
import { type FloatDtype, floatDtypes, sizeOf } from '../../src/case/dtype.ts';
import type { Recipe } from '../../src/case/recipe.ts';
import { below } from '../data.ts';
import { allModels, type Model, models } from '../models.ts';
import type { NamedCase, TimedShape } from '../suite.ts';
import { build, type Plan, type Tables } from './plan.ts';

const contiguous = { kind: 'contiguous' } as const;

function recipe(kind: Recipe['kind'], seed: number, fixture?: string): Recipe {
  return { kind, seed, scale: 1, patches: [], ...(fixture && { fixture }) };
}

/** A call as an engine makes it: contiguous, out of place, one thread, tokens in order. */
function plain(dtype: FloatDtype, rest: Partial<Plan>): Plan {
  return {
    dtype,
    batch: 1,
    tokens: 1,
    heads: 1,
    headDim: 64,
    rotaryDim: 1024,
    interleaved: false,
    positions: { order: 'ascending', start: 0, stagger: 0 },
    perBatch: false,
    theta: 1e4,
    scaling: { type: 'none' },
    tables: null,
    x: recipe('normal', 1),
    special: null,
    specialIn: 'x',
    aliasing: 'none',
    xLayout: contiguous,
    yLayout: contiguous,
    positionsLayout: contiguous,
    cosLayout: contiguous,
    sinLayout: contiguous,
    edge: 'end',
    shift: 0,
    poison: 'nan',
    threads: 1,
    ...rest,
  };
}

/** Queries of a model: so many tokens from a position on. */
function queriesOf({ heads, headDim, theta, scaling }: Model, tokens: number, start: number): Partial<Plan> {
  return {
    tokens,
    heads,
    headDim,
    theta,
    scaling,
    positions: { order: 'ascending', start, stagger: 0 },
  };
}

/** A plan with a name. It shrinks by tokens, then by heads, then by their width. */
function namedPlan(name: string, plan: Plan): NamedCase {
  return {
    name,
    case: build(plan),
    *smaller() {
      for (const size of ['tokens', 'heads', 'headDim'] as const) {
        for (const fewer of below(plan[size])) yield namedPlan(name, { ...plan, [size]: fewer });
      }
    },
  };
}

/**
 * The first layer's queries and keys of SmolLM2-135M for a short text, as the model turns them: in its GGUF's
 * order, which pairs neighbours.
 */
const real = (dtype: FloatDtype, what: 'q' | 'k') =>
  plain(dtype, {
    ...queriesOf(models.smolLM2, 24, 0),
    heads: what === 'q' ? models.smolLM2.heads : models.smolLM2.kvHeads,
    interleaved: true,
    x: recipe('fixture', 0, `smollm2/blk.0.attn_${what}`),
  });

export const named: readonly NamedCase[] = [
  ...floatDtypes.flatMap(dtype =>
    (['q', 'k'] as const).map(what =>
      namedPlan(`SmolLM2-135M, first layer's ${what}, ${dtype}`, real(dtype, what)),
    ),
  ),
  // A token of more elements than 16 bits count: the heads of DeepSeek-V3 as its latent attention has them.
  ...floatDtypes.map((dtype, i) =>
    namedPlan(
      `128 heads of 576, ${dtype}`,
      plain(dtype, {
        heads: 128,
        headDim: 576,
        rotaryDim: [1024, 64, 64][i],
        interleaved: i > 0,
        positions: { order: 'ascending', start: 1000, stagger: 0 },
      }),
    ),
  ),
  // More of them, over all tokens.
  namedPlan(
    '66,040 heads of 2 in 520 tokens, 2 threads, f32',
    plain('f32', { tokens: 520, heads: 127, headDim: 2, threads: 2 }),
  ),
  ...allModels.map((model, i) => {
    const dtype = floatDtypes[i % floatDtypes.length];
    const last = model.positions - 2;
    return namedPlan(`${model.name}, its last two tokens, ${dtype}`, plain(dtype, queriesOf(model, 2, last)));
  }),
  // So many that an implementation may give several heads to one work item.
  namedPlan(
    '10,240 heads of which half turns, 3 threads',
    plain('f32', { tokens: 320, heads: 32, headDim: 8, rotaryDim: 4, threads: 3 }),
  ),
];

/** Tables of the height that `tokens` from `start` on need. */
function tablesFor(tokens: number, start: number): Tables {
  return { data: 'circle', seed: 2, scale: 1, positions: start + tokens, spare: 0, fused: false };
}

/** `how`: what tells it from another of the same shape. */
function timed(name: string, rest: Partial<Plan>, how = '', also: Partial<TimedShape> = {}): TimedShape {
  const { shape } = build(plain('f32', rest)).tensors.x;
  return {
    name,
    size: shape.join(' x ') + how,
    rows: countOf(shape.slice(0, -1)),
    n: shape[3],
    make: dtype => {
      const c = build(plain(dtype, rest));
      const amount = 2 * outputElements(c) * sizeOf(dtype);
      return { case: c, work: { roof: 'memcpy', from: 'x', to: 'y', amount } };
    },
    ...also,
  };
}

const prefill = { ...queriesOf(models.llama31, 512, 0), tables: tablesFor(512, 0) };
const decode = { ...queriesOf(models.llama31, 1, 4095), tables: tablesFor(1, 4095) };

export const shapes: readonly TimedShape[] = [
  timed("SmolLM2-135M, first layer's q", real('f32', 'q')),
  timed('Llama-3.1-8B decode', decode),
  timed('Llama-3.1-8B decode, angles computed', { ...decode, tables: null }, ', computed'),
  timed('Llama-3.1-8B prefill of 512', prefill, '', { headline: true }),
  timed('Llama-3.1-8B prefill of 512, angles computed', { ...prefill, tables: null }, ', computed'),
  timed('Llama-3.1-8B prefill of 512, neighbours paired', { ...prefill, interleaved: true }, ', interleaved'),
  timed('beyond the caches', { ...queriesOf(models.llama31, 8192, 0), tables: tablesFor(8192, 0) }, '', {
    long: true,
  }),
];
