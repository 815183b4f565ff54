/** RoPE's frequencies, its cosines and sines, and the rotation, each against rope.json. */

import { z } from 'zod';
import { type CaseOf, caseSchema, countOf } from '../../src/case/case.ts';
import { type Bits, encodeAll, floatDtypes } from '../../src/case/dtype.ts';
import { type Expected, rule } from '../expected.ts';
import { rope } from '../rope.ts';
import { cosineAndSine } from '../real/cosine.ts';
import { frequenciesOf } from '../rope/frequencies.ts';
import { numbersSchema, stored, vectorsOf } from './stored.ts';

/** How far a cosine or sine may be off: 2^-52, where an f32 half ulp is 2^-25. */
const cosineTolerance = 2 ** -52;
/** How far an element of y may be off, relative. The f32 cosines and sines in it are the same in bits. */
const tolerance = 1e-12;

const ropeParams = caseSchema.options[1].shape.params.shape;
const { rotaryDim, theta, scaling, interleaved } = ropeParams;
const named = { name: z.string() };

const vectorSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('frequencies'),
    ...named,
    ...{ rotaryDim, theta, scaling },
    /** Pairs for which values are given. */
    pairs: z.array(z.int()),
    /** The nearest float64. */
    invFreq: z.array(z.number()),
  }),
  z.object({
    kind: z.literal('angles'),
    ...named,
    /** A float64, and decimals of 25 digits of its cosine and sine. */
    angles: z.array(z.tuple([z.number(), z.string(), z.string()])),
  }),
  z.object({
    kind: z.literal('rotation'),
    ...named,
    dtype: z.enum(floatDtypes),
    /** Batch, tokens, heads, headDim. */
    shape: z.array(z.int()).length(4),
    ...{ rotaryDim, interleaved, theta, scaling },
    x: numbersSchema,
    /** One a token, or one a batch and token. */
    positions: z.array(z.int()),
    cos: numbersSchema.optional(),
    sin: numbersSchema.optional(),
    /** Decimals of 25 digits, `inf`, `-inf`, `nan`; `stored`: the bits of x. */
    y: z.array(z.string()),
  }),
]);
export type GoldenVector = z.infer<typeof vectorSchema>;
type Kind<K extends GoldenVector['kind']> = Extract<GoldenVector, { kind: K }>;

/** The committed vectors. */
export function goldenVectors(): GoldenVector[] {
  return vectorsOf('rope', vectorSchema);
}

/** Where the reference disagrees with a vector, one sentence each. */
export function check(vectors: readonly GoldenVector[] = handful()): string[] {
  return vectors.flatMap(vector =>
    disagreements(vector).map(what => `golden vector "${vector.name}" of reference/golden/rope.json: ${what}`),
  );
}

/** Every third of the narrow ones: each kind, scaling and type is among them. */
export function handful(): GoldenVector[] {
  return goldenVectors().filter((v, i) => i % 3 === 0 && !('rotaryDim' in v && v.rotaryDim > 128));
}

function disagreements(vector: GoldenVector): string[] {
  switch (vector.kind) {
    case 'frequencies':
      return wrongFrequencies(vector);
    case 'angles':
      return wrongCosines(vector);
    case 'rotation':
      return wrongElements(vector);
  }
}

function wrongFrequencies({ pairs, invFreq, ...params }: Kind<'frequencies'>): string[] {
  const seen = frequenciesOf(params).invFreq;
  return pairs.flatMap((pair, k) =>
    seen[pair] === invFreq[k] ? [] : [`inv_freq[${pair}] is ${seen[pair]} here and ${invFreq[k]} there`],
  );
}

function wrongCosines({ angles }: Kind<'angles'>): string[] {
  return angles.flatMap(([angle, cosine, sine]) => {
    const seen = cosineAndSine(angle);
    const off = Math.max(Math.abs(seen.cosine - Number(cosine)), Math.abs(seen.sine - Number(sine)));
    return off <= cosineTolerance ? [] : [`cosine and sine of ${angle} are off by ${off}`];
  });
}

function wrongElements(vector: Kind<'rotation'>): string[] {
  const inputs = inputsOf(vector);
  const [y] = rope(caseOf(vector), inputs);
  if (vector.y.length !== y.ref.length) return [`there are ${vector.y.length} elements, not ${y.ref.length}`];
  return vector.y.flatMap((wanted, i) =>
    agrees(y, i, wanted, inputs.x[i])
      ? []
      : [`y[${i}] is ${y.ref[i]} under rules ${y.rules[i]} here and ${wanted} there`],
  );
}

function agrees({ ref, rules, exact }: Expected, i: number, wanted: string, bits: number): boolean {
  if (wanted === 'nan') return rules[i] === rule.nan;
  if (wanted === 'stored') return rules[i] === rule.bits && exact?.[i] === bits;
  if (rules[i] !== 0) return false;
  if (wanted.endsWith('inf')) return ref[i] === (wanted === 'inf' ? Infinity : -Infinity);
  return Math.abs(ref[i] - Number(wanted)) <= tolerance * Math.abs(Number(wanted));
}

function caseOf(vector: Kind<'rotation'>): CaseOf<'rope'> {
  const { shape, dtype, positions, cos, rotaryDim, interleaved, theta, scaling } = vector;
  const [batch, tokens] = shape;
  const tensor = (sizes: number[], type: 'i32' | typeof dtype) => ({
    buffer: null,
    offset: 0,
    shape: sizes,
    strides: sizes.map((_, d) => countOf(sizes.slice(d + 1))),
    dtype: type,
  });
  const tensors: CaseOf<'rope'>['tensors'] = {
    x: tensor(shape, dtype),
    positions: tensor(positions.length === tokens ? [tokens] : [batch, tokens], 'i32'),
    y: tensor(shape, dtype),
  };
  if (cos) {
    const table = tensor([tableRows(vector), rotaryDim / 2], 'f32');
    Object.assign(tensors, { cos: table, sin: table });
  }
  const params = { rotaryDim, interleaved, theta, scaling };
  return { version: 1, op: 'rope', params, buffers: {}, tensors, threads: 1 };
}

function inputsOf(vector: Kind<'rotation'>): Record<string, Bits> {
  const { x, positions, cos, sin, shape, dtype, rotaryDim } = vector;
  const inputs: Record<string, Bits> = {
    x: stored(x, countOf(shape), dtype),
    positions: encodeAll(Float64Array.from(positions), 'i32'),
  };
  const size = (tableRows(vector) * rotaryDim) / 2;
  if (cos && sin) Object.assign(inputs, { cos: stored(cos, size, 'f32'), sin: stored(sin, size, 'f32') });
  return inputs;
}

function tableRows({ positions }: Kind<'rotation'>): number {
  return Math.max(...positions) + 1;
}
