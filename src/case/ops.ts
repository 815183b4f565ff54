/**
 * The ops in a case's words: their parameters, and the tensors of a call by role. A new op is an entry here;
 * what a call computes is in contracts.md.
 */

import { z } from 'zod';

/** What a case says of an op. */
interface OpWords {
  readonly params: z.ZodObject;
  /** Inputs that a call can't do without; the first one's type names the cell. */
  readonly needed: readonly string[];
  readonly optional: readonly string[];
  /** What a kernel writes; the first one is always there. */
  readonly outputs: readonly string[];
}

const scalingSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('linear'), factor: z.number() }),
  z.strictObject({
    type: z.literal('llama3'),
    factor: z.number(),
    lowFreqFactor: z.number(),
    highFreqFactor: z.number(),
    originalMaxPositions: z.int(),
  }),
  z.strictObject({
    type: z.literal('yarn'),
    factor: z.number(),
    betaFast: z.number(),
    betaSlow: z.number(),
    attentionFactor: z.number(),
    originalMaxPositions: z.int(),
  }),
]);

export const opWords = {
  rms_norm: {
    params: z.strictObject({
      eps: z.number(),
      weightOffset: z.number(),
      roundBeforeWeight: z.boolean(),
    }),
    needed: ['x'],
    optional: ['weight', 'residual'],
    outputs: ['y', 'residualOut'],
  },
  rope: {
    params: z.strictObject({
      rotaryDim: z.int(),
      interleaved: z.boolean(),
      theta: z.number(),
      scaling: scalingSchema,
    }),
    needed: ['x', 'positions'],
    optional: ['cos', 'sin'],
    outputs: ['y'],
  },
  gqa: {
    params: z.strictObject({
      scale: z.number(),
      softcap: z.number(),
      window: z.int(),
      causal: z.boolean(),
    }),
    needed: ['q', 'k', 'v'],
    optional: ['kvLen', 'blockTable', 'mask'],
    outputs: ['out'],
  },
} as const satisfies Readonly<Record<string, OpWords>>;

export type Op = keyof typeof opWords;
export const ops = Object.keys(opWords) as readonly Op[];
