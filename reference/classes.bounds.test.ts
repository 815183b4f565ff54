/**
 * Weaker numerics classes: a kernel that keeps what its class says is never failed, whatever it does to subnormals;
 * a kernel one precision lower than its class is, and so is one that flushes and calls itself F32.
 */

import { describe, expect, test } from 'vitest';
import type { Case } from '../src/case/case.ts';
import { type Bits, type FloatDtype, floatDtypes } from '../src/case/dtype.ts';
import { inputBits } from '../src/case/materialise.ts';
import type { Numerics } from '../src/case/numerics.ts';
import { hash } from '../src/case/random.ts';
import { isGeneric } from './generic.ts';
import { expectedOf } from './index.ts';
import { type Finding, judge } from './judge.ts';
import { type Wanted as GqaWanted, gqaCase } from './testing/gqa_cases.ts';
import { combination, kinds } from './testing/gqa_data.ts';
import * as gqa from './testing/gqa_kernels.ts';
import { type Wanted as RmsNormWanted, rmsNormCase } from './testing/rms_norm_cases.ts';
import * as rmsNorm from './testing/rms_norm_kernels.ts';
import { type Wanted as RopeWanted, ropeCase } from './testing/rope_cases.ts';
import * as rope from './testing/rope_kernels.ts';

const weaker = ['bf16 dot', 'f16 dot', 'f16 accumulate'] as const;
/** Combinations of each type; `TIERWISE_SWEEP=1000` for a large sweep. */
const combinations = Number(process.env.TIERWISE_SWEEP ?? 40);

type Outputs = Readonly<Record<string, Bits>>;

/** What is wrong with a kernel's outputs, in the eyes of a class. */
function findingsOf(
  c: Case,
  run: (inputs: Outputs) => Outputs,
  numerics: Numerics,
): { findings: Finding[]; elements: number; flushable: number } {
  const inputs = inputBits(c);
  const outputs = run(inputs);
  const options = { generic: isGeneric(c) };
  const expected = expectedOf(c, inputs, undefined, numerics);
  const judgements = expected.map(each => judge(each, outputs[each.role], options));
  return {
    findings: judgements.flatMap(({ findings }) => findings),
    elements: judgements.reduce((sum, { elements }) => sum + elements, 0),
    flushable: expected.reduce((sum, { rules }) => sum + rules.filter(rules => rules & 4).length, 0),
  };
}

/** One of some choices, the same on every machine. */
function pick<T>(k: number, what: number, choices: readonly T[]): T {
  return choices[hash(k * 16 + what, 5) % choices.length];
}

/** Sizes near the least normal number of the type, and far from it. */
const sizes: Readonly<Record<FloatDtype, readonly number[]>> = {
  f32: [1, 2 ** -124, 2 ** -126, 2 ** -128, 2 ** -140, 2 ** -110],
  bf16: [1, 2 ** -124, 2 ** -126, 2 ** -128, 2 ** -110],
  f16: [1, 2 ** -12, 2 ** -14, 2 ** -16, 2 ** -20],
};
const recipes = ['normal', 'uniform', 'magnitudes', 'powers', 'constant'] as const;

function rmsNormWanted(dtype: FloatDtype, k: number): RmsNormWanted {
  const x = { kind: pick(k, 1, recipes), seed: k, scale: pick(k, 2, sizes[dtype]) };
  const weightDtype = pick(k, 3, [dtype, 'f32'] as const);
  const weight = {
    kind: pick(k, 4, recipes),
    seed: k + 1,
    scale: pick(k, 5, [...sizes[weightDtype], 2, 300]),
  };
  return {
    rows: 8,
    n: pick(k, 6, [1, 7, 64, 200]),
    dtype,
    x,
    weightDtype,
    weight: pick(k, 7, [weight, weight, null]),
    eps: pick(k, 8, [0, Math.fround(1e-5), 2 ** -100, 3]),
    weightOffset: pick(k, 9, [0, 1]),
    roundBeforeWeight: pick(k, 10, [false, true]),
    ...(pick(k, 11, [true, false])
      ? { residual: { ...x, kind: pick(k, 12, recipes), seed: k + 2, scale: pick(k, 13, sizes[dtype]) } }
      : {}),
  };
}

function ropeWanted(dtype: FloatDtype, k: number): RopeWanted {
  const tables = {
    rows: 8,
    cos: { kind: 'cosine', seed: k, scale: pick(k, 1, [1, 2 ** -126]) } as const,
    sin: { kind: 'sine', seed: k } as const,
  };
  return {
    headDim: pick(k, 2, [2, 64, 128]),
    heads: 3,
    interleaved: pick(k, 3, [true, false]),
    dtype,
    positions: [0, 1, 5, 7],
    x: { kind: pick(k, 4, recipes), seed: k, scale: pick(k, 5, sizes[dtype]) },
    ...(pick(k, 6, [true, false]) ? { tables } : {}),
  };
}

/** Kinds of data for attention, and sizes at which operands of a class leave its normal range, on either side. */
function gqaWanted(dtype: FloatDtype, k: number): GqaWanted {
  const kind = pick(k, 1, Object.keys(kinds));
  const wanted = combination(pick(k, 2, ['normal', 'uniform', 'normal', kind]), dtype, k);
  const scaled = (role: 'q' | 'k' | 'v', scale: number) => ({
    [role]: { kind: 'normal', seed: k + 7, ...wanted[role], scale } as const,
  });
  const small = dtype === 'f16' ? [2 ** -10, 2 ** -15, 2 ** -18] : [1e-3, 2e-5, 1e-18, 2 ** -122, 2 ** -126];
  const large = dtype === 'f16' ? [3e4] : [3e4, 7e4, 1e30];
  return {
    ...wanted,
    ...pick(k, 3, [
      scaled('v', pick(k, 4, small)),
      scaled('v', pick(k, 4, large)),
      { ...scaled('q', pick(k, 4, small)), scale: pick(k, 5, [1, 1e3, 1e18]) },
      { ...scaled('k', pick(k, 4, small)), scale: pick(k, 5, [1, 1e3, 1e18]) },
      {},
    ]),
  };
}

const specials = ['nan', 'inf', '-inf', 'max', 'subnormal', '-0'] as const;

/** The case with special values in an input or two, where it is its turn. */
function withSpecials<C extends Case>(c: C, k: number): C {
  const patched = structuredClone(c);
  const inputs = Object.values(patched.tensors).filter(t => t.data && t.dtype !== 'i32');
  for (let turn = 0; turn < pick(k, 13, [0, 0, 1, 2]); turn++) {
    const { data, shape } = pick(hash(k, turn), 14, inputs);
    const start = hash(k, turn + 2) % shape.reduce((a, b) => a * b, 1);
    data!.patches.push({ start, count: 1, step: 1, value: pick(hash(k, turn), 15, specials) });
  }
  return patched;
}

describe.each(weaker)('%s, kernels that are right', numerics => {
  const seen = { elements: 0, flushable: 0 };

  function holds(name: string, k: number, c: Case, run: (inputs: Outputs) => Outputs): void {
    const { findings, elements, flushable } = findingsOf(c, run, numerics);
    expect({ name, k, findings }).toEqual({ name, k, findings: [] });
    seen.elements += elements;
    seen.flushable += flushable;
  }

  test.each(floatDtypes)('rms_norm in %s', dtype => {
    for (let k = 0; k < combinations; k++) {
      const c = withSpecials(rmsNormCase(rmsNormWanted(dtype, k)), k);
      for (const [name, kernel] of Object.entries({ ...rmsNorm.flushingKernels, plain: rmsNorm.plain }))
        holds(name, k, c, inputs => rmsNorm.run(kernel, c, inputs));
    }
  });

  test.each(floatDtypes)('rope in %s', dtype => {
    for (let k = 0; k < combinations; k++) {
      const c = withSpecials(ropeCase(ropeWanted(dtype, k)), k);
      for (const [name, kernel] of Object.entries({ ...rope.flushingKernels, plain: rope.plain }))
        holds(name, k, c, inputs => ({ y: rope.run(kernel, c, inputs) }));
    }
  });

  test.each(floatDtypes)('gqa in %s', dtype => {
    for (let k = 0; k < combinations; k++) {
      const c = withSpecials(gqaCase(gqaWanted(dtype, k)), k);
      for (const [name, kernel] of Object.entries({ ...gqa.classes[numerics], plain: gqa.plain }))
        holds(name, k, c, inputs => ({ out: gqa.run(kernel, c, inputs) }));
    }
  });

  test('were many elements, and many of them near subnormals', () => {
    expect(seen.elements).toBeGreaterThan(100_000);
    expect(seen.flushable).toBeGreaterThan(0.1 * seen.elements);
    expect(seen.flushable).toBeLessThan(0.7 * seen.elements);
  });
});

const generic: GqaWanted = { qLen: 4, qHeads: 6, kvHeads: 2, headDim: 64 };

describe('kernels one precision lower than their class', () => {
  const run = (kernel: gqa.Kernel, wanted: GqaWanted, numerics: Numerics) => {
    const c = gqaCase(wanted);
    return findingsOf(c, inputs => ({ out: gqa.run(kernel, c, inputs) }), numerics).findings;
  };
  const { score } = gqa.broken['score in bf16'];
  const { mac } = gqa.broken['bf16 accumulator in P V'];

  test.each(floatDtypes)('are failed in gqa, %s: on short rows and long ones, flushing or not', dtype => {
    for (const keys of [16, 1000]) {
      const wanted = { ...generic, dtype, keys };
      for (const name of ['kept', 'flushed'] as const) {
        expect(
          run(
            { ...gqa.classes['bf16 dot'][name], score },
            { ...wanted, mask: { kind: 'constant', scale: 1000 } },
            'bf16 dot',
          ),
        ).not.toEqual([]);
        expect(
          run(
            { ...gqa.classes['f16 dot'][name], score },
            { ...wanted, mask: { kind: 'constant', scale: 1000 } },
            'f16 dot',
          ),
        ).not.toEqual([]);
        // Of 1,000 weights, some are no normal f16: what they lose as zeros is more than bf16 rounds. Where k and v
        // are bf16, only the other operands are rounded to it.
        if (keys === 16 && dtype !== 'bf16')
          expect(run(gqa.classes['bf16 dot'][name], wanted, 'f16 dot')).not.toEqual([]);
        expect(run(gqa.classes['f16 dot'][name], wanted, 'f32')).not.toEqual([]);
      }
    }
    expect(
      run({ ...gqa.classes['f16 dot'].kept, mac }, { ...generic, dtype, keys: 1000 }, 'f16 dot'),
    ).not.toEqual([]);
  });

  test.each(weaker)('are failed in rms_norm and rope, where %s is no licence to round', numerics => {
    const normal = { kind: 'normal', seed: 1 } as const;
    for (const dtype of floatDtypes) {
      const norms = rmsNormCase({
        rows: 64,
        n: 128,
        dtype,
        x: normal,
        weight: { kind: 'uniform', scale: 2 },
      });
      for (const name of ['raw 12-bit estimate', 'r rounded to bf16', 'bf16 accumulator']) {
        const { findings } = findingsOf(
          norms,
          inputs => rmsNorm.run(rmsNorm.broken[name], norms, inputs),
          numerics,
        );
        expect({ name, dtype, failed: findings.length > 0 }).toEqual({ name, dtype, failed: true });
      }
      const turns = ropeCase({ headDim: 128, heads: 4, dtype, x: normal, positions: [100_000, 1023] });
      for (const name of ['f32 angle', 'bf16 cosine and sine', 'f16 cosine and sine']) {
        const { findings } = findingsOf(
          turns,
          inputs => ({ y: rope.run(rope.broken[name], turns, inputs) }),
          numerics,
        );
        expect({ name, dtype, failed: findings.length > 0 }).toEqual({ name, dtype, failed: true });
      }
    }
  });
});

describe('class F32 keeps subnormals', () => {
  const x = { kind: 'normal', seed: 1, scale: 2 ** -127 } as const;

  test('in rms_norm: taken or left as zeros, they are failed, in y and in residualOut', () => {
    for (const [name, kernel] of Object.entries(rmsNorm.flushingKernels)) {
      const c = rmsNormCase({ n: 64, x, residual: { ...x, seed: 2 }, eps: 2 ** -100, weight: null });
      const { findings } = findingsOf(c, inputs => rmsNorm.run(kernel, c, inputs), 'f32');
      const roles = new Set(findings.map(({ role }) => role));
      // r is 2^50: what is taken in shows in y, what is left in residualOut.
      expect({ name, failed: roles.size > 0 }).toEqual({ name, failed: true });
      if (name === 'takes and leaves zeros') expect(roles).toEqual(new Set(['y', 'residualOut']));
    }
  });

  test('in rope and gqa', () => {
    const turns = ropeCase({ headDim: 64, x, positions: [3] });
    for (const kernel of Object.values(rope.flushingKernels)) {
      const { findings } = findingsOf(turns, inputs => ({ y: rope.run(kernel, turns, inputs) }), 'f32');
      expect(findings).not.toEqual([]);
    }
    const c = gqaCase({ ...generic, keys: 3, v: x });
    const kept = findingsOf(c, inputs => ({ out: gqa.run(gqa.plain, c, inputs) }), 'f32');
    expect(kept.findings).toEqual([]);
    const zeros = findingsOf(c, () => ({ out: new Uint32Array(kept.elements) }), 'f32');
    expect(zeros.findings).not.toEqual([]);
  });
});
