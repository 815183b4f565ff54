/** Kinds of data on which orders of summation and of rescaling differ, for tests of GQA's bounds. */

import { type FloatDtype, floatDtypes } from '../../src/case/dtype.ts';
import { hash } from '../../src/case/random.ts';
import type { Recipe } from '../../src/case/recipe.ts';
import type { Wanted } from './gqa_cases.ts';

type Data = Partial<Recipe>;

/** Sizes and data of one case; `seed` differs from case to case. */
interface Setting {
  readonly keys: number;
  readonly headDim: number;
  readonly seed: number;
}

/** Rows of k that give key j the score `of(j)`, about, under a q of ones. */
function scored({ keys, headDim }: Setting, of: (j: number) => number): Partial<Wanted> {
  const values = Array.from({ length: keys * headDim }, (_, i) => {
    const key = Math.floor(i / headDim);
    return of(key) * (1 + (i % headDim) / 64);
  });
  return {
    kvHeads: 1,
    batch: 1,
    q: { kind: 'constant', scale: 1 / Math.sqrt(headDim) },
    k: { kind: 'list', values },
  };
}

const normal = (seed: number, scale = 1): Data => ({ kind: 'normal', seed, scale });

/** What a kind of data makes of a case. */
export const kinds: Readonly<Record<string, (setting: Setting) => Partial<Wanted>>> = {
  normal: () => ({}),
  uniform: ({ seed }) => ({
    q: { kind: 'uniform', seed, scale: 2 },
    k: { kind: 'uniform', seed: seed + 1, scale: 2 },
    v: { kind: 'uniform', seed: seed + 2, scale: 2 },
  }),
  'spread of scores': ({ seed }) => ({ q: normal(seed, 8), k: normal(seed + 1, 2) }),
  'large values': ({ seed }) => ({ v: normal(seed, 10_000) }),
  constants: () => ({
    q: { kind: 'constant', scale: 0.7 },
    k: { kind: 'constant', scale: 1.3 },
    v: { kind: 'constant', scale: 1.1 },
  }),
  'equal keys': () => ({ k: { kind: 'constant', scale: 0.3 } }),
  'values of one sign': ({ seed }) => ({ v: { kind: 'list', values: [1 + (seed % 7) / 8, 1.9] } }),
  outlier: ({ seed }) => ({
    k: { kind: 'outlier', seed, scale: 0.01 },
    v: { kind: 'outlier', seed: seed + 1 },
  }),
  ascending: setting => scored(setting, j => (20 * j) / setting.keys),
  descending: setting => scored(setting, j => 20 - (20 * j) / setting.keys),
  'ascending by hairs': setting => scored(setting, j => 1 + j * 2 ** -11),
  'one ahead, the rest ascending': setting =>
    scored(setting, j => (j === 0 ? 0.6 : (j / setting.keys) * 0.5)),
  ties: setting => scored(setting, j => hash(setting.seed, j) % 3),
  powers: ({ seed }) => ({
    q: { kind: 'powers', seed, scale: 2 ** -6 },
    k: { kind: 'powers', seed: seed + 1, scale: 2 ** -4 },
    v: { kind: 'powers', seed: seed + 2 },
  }),
  magnitudes: ({ seed }) => ({
    q: { kind: 'magnitudes', seed, scale: 2 ** -10 },
    k: { kind: 'magnitudes', seed: seed + 1, scale: 2 ** -10 },
    v: { kind: 'magnitudes', seed: seed + 2, scale: 2 ** -10 },
  }),
  'huge scores': ({ seed }) => ({ scale: [30, 1e3, 1e5, 1e7, 1e12][seed % 5] }),
  'scores a hair apart': ({ seed }) => ({ scale: [1e-3, 1e-4, 1e-5, 1e-6, 0][seed % 5] }),
  'a saturated softcap': ({ seed }) => ({ scale: 1e3, softcap: 1 + (seed % 7) }),
  'tiny values': ({ seed }) => ({ v: normal(seed, 2 ** -20), k: normal(seed + 1, 2 ** -14) }),
};

const sizes = [
  [1, 1, 8],
  [2, 3, 16],
  [3, 2, 64],
  [7, 1, 33],
  [16, 4, 32],
  [17, 2, 80],
  [40, 5, 64],
  [100, 2, 20],
  [257, 1, 48],
  [600, 1, 8],
] as const;

/** One of many combinations of sizes, types and parameters with a kind of data, the same on every machine. */
export function combination(kind: string, dtype: FloatDtype, k: number): Wanted {
  const pick = <T>(what: number, choices: readonly T[]) => choices[hash(k * 16 + what, 11) % choices.length];
  const [keys, qLen, headDim] = sizes[k % sizes.length];
  const kvDtype = dtype === 'f32' ? pick(1, floatDtypes) : dtype;
  const seed = 100 * k;
  const kvHeads = pick(2, [1, 2]);
  const causal = pick(3, [true, false]);
  return {
    batch: pick(4, [1, 2]),
    qLen,
    qHeads: kvHeads * pick(5, [1, 3]),
    kvHeads,
    headDim,
    keys,
    dtype,
    kvDtype,
    causal,
    window: causal ? pick(6, [0, 0, 5]) : 0,
    softcap: pick(7, [0, 0, 0, 3, 50]),
    ...(pick(8, [0, 1, 2]) === 0 ? { mask: normal(seed + 9, pick(9, [1, 30])) } : {}),
    q: normal(seed),
    k: normal(seed + 1),
    v: normal(seed + 2),
    ...kinds[kind]({ keys, headDim, seed: k }),
  };
}
