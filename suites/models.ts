/**
 * Real models, as far as their kernels see them.
 *
 * Every figure is from the `config.json` that the model's repository on the Hugging Face hub publishes under
 * `source`; what a file leaves out is its architecture's default in transformers.
 */

import type { CaseOf } from '../src/case/case.ts';

export interface Model {
  readonly name: string;
  /** Repository whose `config.json` this is. */
  readonly source: string;
  /** Elements of a hidden state. */
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Base of the rotary frequencies; all of headDim turns, in pairs of halves. */
  readonly theta: number;
  readonly scaling: CaseOf<'rope'>['params']['scaling'];
  /** What the norms add to the mean square. */
  readonly eps: number;
  /** Keys that a query sees at most, in all or every other layer; 0: all of them. */
  readonly window: number;
  /** Scores are bent to below this; 0: they are not. */
  readonly softcap: number;
  /** Positions that the model was trained for. */
  readonly positions: number;
  /** Tokens of a prompt that is taken in at once. */
  readonly prefill: readonly number[];
  /** Tokens in the cache when the next one is made. */
  readonly decode: readonly number[];
}

const none = { type: 'none' } as const;
/** Scaling of Llama 3.1 and 3.2, which differ in the factor. */
const llama3 = (factor: number) =>
  ({
    type: 'llama3',
    factor,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalMaxPositions: 8192,
  }) as const;

/** What most models here have in common. */
const usual = {
  theta: 1e4,
  scaling: none,
  eps: 1e-5,
  window: 0,
  softcap: 0,
  prefill: [512, 2048],
  decode: [512, 4096],
} as const;

export const models = {
  smolLM2: {
    ...usual,
    name: 'SmolLM2-135M',
    source: 'HuggingFaceTB/SmolLM2-135M',
    hidden: 576,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    theta: 1e5,
    positions: 8192,
  },
  llama32: {
    ...usual,
    name: 'Llama-3.2-1B',
    source: 'meta-llama/Llama-3.2-1B',
    hidden: 2048,
    heads: 32,
    kvHeads: 8,
    headDim: 64,
    theta: 5e5,
    scaling: llama3(32),
    positions: 131072,
    decode: [512, 4096, 32768],
  },
  llama31: {
    ...usual,
    name: 'Llama-3.1-8B',
    source: 'meta-llama/Llama-3.1-8B',
    hidden: 4096,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    theta: 5e5,
    scaling: llama3(8),
    positions: 131072,
    decode: [512, 4096, 32768],
  },
  llama31Large: {
    ...usual,
    name: 'Llama-3.1-70B',
    source: 'meta-llama/Llama-3.1-70B',
    hidden: 8192,
    heads: 64,
    kvHeads: 8,
    headDim: 128,
    theta: 5e5,
    scaling: llama3(8),
    positions: 131072,
    decode: [512, 4096, 32768],
  },
  qwen25: {
    ...usual,
    name: 'Qwen2.5-0.5B',
    source: 'Qwen/Qwen2.5-0.5B',
    hidden: 896,
    heads: 14,
    kvHeads: 2,
    headDim: 64,
    theta: 1e6,
    eps: 1e-6,
    positions: 32768,
  },
  qwen25Large: {
    ...usual,
    name: 'Qwen2.5-7B',
    source: 'Qwen/Qwen2.5-7B',
    hidden: 3584,
    heads: 28,
    kvHeads: 4,
    headDim: 128,
    theta: 1e6,
    eps: 1e-6,
    positions: 131072,
    decode: [512, 4096, 32768],
  },
  mistral: {
    ...usual,
    name: 'Mistral-7B',
    source: 'mistralai/Mistral-7B-v0.1',
    hidden: 4096,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    window: 4096,
    positions: 32768,
    decode: [512, 4096, 16384],
  },
  gemma2: {
    ...usual,
    name: 'Gemma-2-2B',
    source: 'google/gemma-2-2b',
    hidden: 2304,
    heads: 8,
    kvHeads: 4,
    headDim: 256,
    eps: 1e-6,
    window: 4096,
    softcap: 50,
    positions: 8192,
  },
  phi3: {
    ...usual,
    name: 'Phi-3-mini',
    source: 'microsoft/Phi-3-mini-4k-instruct',
    hidden: 3072,
    heads: 32,
    kvHeads: 32,
    headDim: 96,
    window: 2047,
    positions: 4096,
    decode: [512, 2048],
  },
  /** Its norms are LayerNorms. */
  falcon: {
    ...usual,
    name: 'Falcon-7B',
    source: 'tiiuae/falcon-7b',
    hidden: 4544,
    heads: 71,
    kvHeads: 1,
    headDim: 64,
    positions: 2048,
    prefill: [512],
    decode: [512, 2047],
  },
} as const satisfies Record<string, Model>;

export const allModels: readonly Model[] = Object.values(models);
