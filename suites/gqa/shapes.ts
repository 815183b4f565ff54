/** Named shapes of GQA: real data and real heads for the check, real sizes for the clock. */

import { countOf } from '../../src/case/case.ts';
import { type FloatDtype, floatDtypes, sizeOf } from '../../src/case/dtype.ts';
import { below } from '../data.ts';
import type { Layout } from '../layout.ts';
import { allModels, type Model, models } from '../models.ts';
import type { NamedCase, TimedShape, Work } from '../suite.ts';
import { build, whole } from './build.ts';
import { factsOf, type GqaCase, seenBy, upTo } from './facts.ts';
import type { Plan } from './plan.ts';
import { recipe } from './scores.ts';

const contiguous: Layout = { kind: 'contiguous' };
/** How engines keep a cache, and the one way in which ONNX Runtime takes it uncopied. */
const headMajor: Layout = { kind: 'permuted', order: [0, 2, 1, 3], pad: 0 };

/** A call as an engine makes it: causal, one batch, one thread, nothing patched. */
function plain(dtype: FloatDtype, rest: Partial<Plan>): Plan {
  return {
    room: 'ample',
    dtype,
    kvDtype: dtype,
    batch: 1,
    qLen: 1,
    prompt: false,
    kvHeads: 1,
    group: 1,
    headDim: 64,
    keys: 1,
    lengths: 'equal',
    spare: 0,
    causal: true,
    window: 0,
    softcap: 0,
    scale: 1,
    scores: 'as drawn',
    spread: 20,
    paging: null,
    mask: null,
    q: recipe('normal', { seed: 1 }),
    k: recipe('normal', { seed: 2 }),
    v: recipe('normal', { seed: 3 }),
    special: null,
    specialIn: 'v',
    unseen: 'data',
    fused: 'none',
    qLayout: contiguous,
    kLayout: contiguous,
    vLayout: contiguous,
    outLayout: contiguous,
    maskLayout: contiguous,
    lengthsLayout: contiguous,
    tableLayout: contiguous,
    edge: 'end',
    shift: 0,
    poison: 'nan',
    threads: 1,
    ...rest,
  };
}

/** Heads of a model, and how far they look. */
function headsOf({ heads, kvHeads, headDim, window, softcap }: Model): Partial<Plan> {
  return { kvHeads, group: heads / kvHeads, headDim, window, softcap };
}

/** A plan with a name. It shrinks by queries, then by keys, heads and their width. */
function namedPlan(name: string, plan: Plan): NamedCase {
  return {
    name,
    case: build(plan, whole),
    *smaller() {
      for (const size of ['qLen', 'keys', 'kvHeads', 'group', 'headDim'] as const) {
        for (const fewer of below(plan[size])) yield namedPlan(name, { ...plan, [size]: fewer });
      }
    },
  };
}

/** Tokens of the short text of which the first layer's q, k and v are kept. */
const tokens = 24;

/** The first layer of SmolLM2-135M over a short text, as the model attends: after RoPE. */
function real(dtype: FloatDtype, qLen: number): Plan {
  const { heads, headDim } = models.smolLM2;
  // The last queries: a fixture's numbers begin at the seed.
  const first = (tokens - qLen) * heads * headDim;
  return plain(dtype, {
    ...headsOf(models.smolLM2),
    qLen,
    keys: tokens,
    q: recipe('fixture', { seed: first, fixture: 'smollm2/blk.0.attn_q.rope' }),
    k: recipe('fixture', { fixture: 'smollm2/blk.0.attn_k.rope' }),
    v: recipe('fixture', { fixture: 'smollm2/blk.0.attn_v' }),
  });
}

const cached = { kLayout: headMajor, vLayout: headMajor } as const;

/** Small ones first: a check with little time sees the heads of all models on few keys, one with more of it the rest. */
export const named: readonly NamedCase[] = [
  ...floatDtypes.flatMap(dtype => [
    namedPlan(`SmolLM2-135M, first layer's prefill, ${dtype}`, real(dtype, tokens)),
    namedPlan(`SmolLM2-135M, first layer's decode, ${dtype}`, real(dtype, 1)),
  ]),
  ...allModels.flatMap((model, i) => {
    const [dtype, other] = [floatDtypes[i % 3], floatDtypes[(i + 1) % 3]];
    return [
      namedPlan(
        `${model.name}, decode of token 40, ${dtype}`,
        plain(dtype, { ...headsOf(model), ...cached, keys: 40, spare: 10, unseen: 'nan' }),
      ),
      namedPlan(
        `${model.name}, prefill of 3 behind 14, ${other}`,
        plain(other, { ...headsOf(model), keys: 17, qLen: 3 }),
      ),
    ];
  }),
  namedPlan(
    'Llama-3.2-1B, decode from blocks of 16, bf16',
    plain('bf16', {
      ...headsOf(models.llama32),
      keys: 70,
      paging: { blockSize: 16, order: 'scattered', shared: false, spare: 3, garbage: true, seed: 5 },
      spare: 2,
      unseen: 'nan',
      threads: 2,
    }),
  ),
  namedPlan(
    'SmolLM2-135M, prefill of 5 behind 60, bf16',
    plain('bf16', { ...headsOf(models.smolLM2), keys: 65, qLen: 5 }),
  ),
  namedPlan(
    'Llama-3.1-8B, decode of token 300, f16',
    plain('f16', { ...headsOf(models.llama31), ...cached, keys: 300, spare: 40, unseen: 'nan' }),
  ),
  // As many keys as its window and some.
  namedPlan(
    "Phi-3-mini, one head's decode beyond its window, f32",
    plain('f32', { ...headsOf(models.phi3), kvHeads: 1, ...cached, keys: 2100 }),
  ),
];

/** Multiplications and additions of Q K^T and P V over what is seen. */
function operationsOf(c: GqaCase): number {
  const facts = factsOf(c);
  const pairs = upTo(facts.batch * facts.qLen).reduce((sum, i) => {
    const { first, end } = seenBy(facts, Math.floor(i / facts.qLen), i % facts.qLen);
    return sum + end - first;
  }, 0);
  return 4 * pairs * facts.qHeads * facts.headDim;
}

/** What decode reads, each byte once. */
const read = ['q', 'k', 'v'] as const;

function bytesOf({ tensors }: GqaCase): number {
  return read.reduce((sum, role) => sum + countOf(tensors[role].shape) * sizeOf(tensors[role].dtype), 0);
}

type Phase = 'prefill' | 'decode';

const work: Readonly<Record<Phase, (c: GqaCase) => Work>> = {
  prefill: c => ({ roof: 'multiply-add', amount: operationsOf(c) }),
  decode: c => ({ roof: 'read', of: read, amount: bytesOf(c) }),
};

/** So many tokens of a model: all of them at once, or the last alone. */
function timed(model: Model, phase: Phase, keys: number, also: Partial<TimedShape> = {}): TimedShape {
  const { heads, kvHeads, headDim } = model;
  const qLen = phase === 'prefill' ? keys : 1;
  const rest = { ...headsOf(model), ...cached, keys, qLen, lengths: 'absent' as const };
  return {
    name: `${model.name} ${phase} of ${keys}`,
    size: `${qLen} x ${keys}, ${heads}/${kvHeads} x ${headDim}`,
    rows: qLen * heads,
    n: headDim,
    make: dtype => {
      const c = build(plain(dtype, rest), whole);
      return { case: c, work: work[phase](c) };
    },
    ...also,
  };
}

export const shapes: readonly TimedShape[] = [
  timed(models.smolLM2, 'prefill', 256),
  timed(models.smolLM2, 'decode', 512),
  timed(models.llama31, 'prefill', 512, { headline: true }),
  timed(models.llama31, 'decode', 2048),
  timed(models.llama31, 'decode', 16_384, { long: true }),
  timed(models.llama31, 'prefill', 2048, { long: true }),
];
